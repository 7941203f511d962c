/* SPDX-License-Identifier: Apache-2.0 */
#include "libmqclient/credentials.h"

#include <stdlib.h>

enum status credentials_init(struct credentials *c, const char *access_key, const char *secret_key,
                             const char *security_token) {
  bool token = security_token != NULL && *security_token != '\0';
  *c = (struct credentials){.access_key = strdup(access_key),
                            .security_token = token ? strdup(security_token) : NULL,
                            .key = sign_key_new(span_text(secret_key))};
  if (c->access_key != NULL && (!token || c->security_token != NULL) && c->key != NULL) return STATUS_OK;
  credentials_fini(c);
  return STATUS_NO_MEMORY;
}

void credentials_fini(struct credentials *c) {
  free(c->access_key);
  free(c->security_token);
  sign_key_free(c->key);
  *c = (struct credentials){0};
}

enum status credentials_stamp(void *context, struct ext *ext, size_t *count, const struct span *body,
                              size_t body_count) {
  struct credentials *c = context;
  ext[(*count)++] = (struct ext){SPAN_LITERAL(ACCESS_KEY_FIELD), span_text(c->access_key)};
  if (c->security_token != NULL)
    ext[(*count)++] = (struct ext){SPAN_LITERAL(SECURITY_TOKEN_FIELD), span_text(c->security_token)};
  struct signed_content content = {ext, *count, body, body_count};
  enum status status = sign(c->key, &content, c->signature);
  if (status == STATUS_OK) ext[(*count)++] = (struct ext){SPAN_LITERAL(SIGNATURE_FIELD), span_text(c->signature)};
  return status;
}
