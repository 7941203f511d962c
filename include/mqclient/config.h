/* SPDX-License-Identifier: Apache-2.0
 *
 * Settings of a client, by the names of the Java client's setters without
 * "set", first letter small: "namesrvAddr", "sendMsgTimeout",
 * "consumeThreadMin". mq_config_key() lists all with default and meaning.
 * Agrees with org.apache.rocketmq.client.ClientConfig and the settings of
 * DefaultMQProducer, DefaultMQPullConsumer and DefaultMQPushConsumer.
 */
#ifndef MQCLIENT_CONFIG_H
#define MQCLIENT_CONFIG_H

#include <stddef.h>
#include <stdint.h>

#include "mqclient/error.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Not thread-safe; a client copies what it is given, so a config may be freed or changed afterwards. */
typedef struct mq_config mq_config;

/* All settings at their defaults; namesrvAddr from the environment variable NAMESRV_ADDR when it is set.
 * NULL: out of memory. Free with mq_config_free. */
mq_config *mq_config_new(void);
/* NULL is allowed. */
void mq_config_free(mq_config *config);

/* Sets one key from text: numbers in decimal, booleans "true" or "false". MQ_INVALID: unknown key or a value that is
 * not allowed; error (may be NULL) says what is. Nothing changed then. */
enum mq_result mq_config_set(mq_config *config, const char *key, const char *value, struct mq_error *error);
enum mq_result mq_config_set_int(mq_config *config, const char *key, int64_t value, struct mq_error *error);

/* The value as text in out (cap bytes with the NUL); the length it has or would have had. 0 for an unset text, and
 * SIZE_MAX for an unknown key. */
size_t mq_config_get(const mq_config *config, const char *key, char *out, size_t cap);

enum mq_log_level { MQ_LOG_DEBUG, MQ_LOG_INFO, MQ_LOG_WARN, MQ_LOG_ERROR };
/* Where the lines of a client's log go; without it nothing is logged. write is called by the client's threads, perhaps
 * by several at once; line has no newline and is borrowed. write NULL: off. */
void mq_config_log_to(mq_config *config, enum mq_log_level least,
                      void (*write)(void *context, enum mq_log_level level, const char *line), void *context);

/* Walks the keys: the i-th key's name, default and meaning; false behind the last. Static texts. Thread-safe. */
struct mq_config_key {
  const char *name;
  const char *default_value; /* NULL: none */
  const char *meaning;       /* with the unit */
};
int mq_config_key(size_t i, struct mq_config_key *out);

#ifdef __cplusplus
}
#endif

#endif
