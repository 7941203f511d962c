/* SPDX-License-Identifier: Apache-2.0
 *
 * config_value: one value on its way into a settings structure. Private to core/config.
 */
#ifndef MQ_CONFIG_CONFIG_VALUE_H
#define MQ_CONFIG_CONFIG_VALUE_H

#include "core/config/config.h"

struct config_unknown {
  struct config_unknown *next;
  char *key;
  char *value;
};

/* Checked and allocated, so that storing it cannot fail. */
struct config_value {
  const struct config_key *key;
  int64_t number; /* all types but CONFIG_TEXT */
  char *text;     /* CONFIG_TEXT; heap */
};

/* The row of a key, or NULL. */
const struct config_key *config_find(const struct config_table *table, struct span name);
/* The known key that looks most like this one, or NULL. */
const char *config_nearest(const struct config_table *table, struct span name);

/* INVALID with a sentence in why (may be NULL), NO_MEMORY. */
enum status config_value_read(struct config_value *out, const struct config_key *key, struct span text,
                              struct buf *why) MUST_USE;
void config_value_drop(struct config_value *v);
/* Moves it into the settings and frees what was there. */
void config_value_store(struct config_value *v, void *settings);
/* False: a text key without value. */
bool config_value_text(const struct config_key *key, const void *settings, struct buf *out);

#endif
