/* SPDX-License-Identifier: Apache-2.0
 *
 * Names of topics and groups: org.apache.rocketmq.client.Validators. These two
 * stand at every entrance, because names become folder names.
 */
#include "core/wire/message.h"

enum { GROUP_LENGTH_MAX = 255 };

static bool name_valid(struct span name, size_t length_max, const char *blank, const char *illegal,
                       const char *too_long, const char **why) {
  const char *reason = NULL;
  if (span_trim(name).len == 0) reason = blank;
  for (size_t i = 0; reason == NULL && i < name.len; i++) {
    uint8_t c = name.ptr[i];
    bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (!letter && c != '%' && c != '|' && c != '_' && c != '-') reason = illegal;
  }
  if (reason == NULL && name.len > length_max) reason = too_long;
  if (reason != NULL && why != NULL) *why = reason;
  return reason == NULL;
}

bool topic_name_valid(struct span name, const char **why) {
  return name_valid(name, TOPIC_LENGTH_MAX, "the topic name is blank",
                    "the topic name contains illegal characters, allowing only ^[%|a-zA-Z0-9_-]+$",
                    "the topic name is longer than 127 characters", why);
}

bool group_name_valid(struct span name, const char **why) {
  return name_valid(name, GROUP_LENGTH_MAX, "the group name is blank",
                    "the group name contains illegal characters, allowing only ^[%|a-zA-Z0-9_-]+$",
                    "the group name is longer than 255 characters", why);
}
