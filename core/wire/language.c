/* SPDX-License-Identifier: Apache-2.0 */
#include "core/wire/command_forms.h"

static const char *const language_names[] = {
#define X(name) #name,
    LANGUAGES(X)
#undef X
};

const char *language_name(int language) {
  return language >= 0 && language < LANGUAGE_COUNT ? language_names[language] : "OTHER";
}

int language_from_name(struct span name) {
  for (int i = 0; i < LANGUAGE_COUNT; i++)
    if (span_equal_nocase(name, span_text(language_names[i]))) return i;
  return LANGUAGE_NONE;
}
