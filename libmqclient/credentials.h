/* SPDX-License-Identifier: Apache-2.0
 *
 * credentials: who this client is. Every request gets the access key, the
 * security token if there is one, and the signature of all its fields and its
 * body. Agrees with org.apache.rocketmq.acl.common.AclClientRPCHook.
 */
#ifndef MQCLIENT_CREDENTIALS_H
#define MQCLIENT_CREDENTIALS_H

#include "core/remoting/remoting.h"
#include "core/sign/sign.h"

struct credentials {
  char *access_key, *security_token; /* token NULL: none */
  struct sign_key *key;
  char signature[SIGNATURE_LENGTH + 1]; /* of the request that is being sent */
};

/* security_token may be NULL. */
enum status credentials_init(struct credentials *c, const char *access_key, const char *secret_key,
                             const char *security_token) MUST_USE;
void credentials_fini(struct credentials *c); /* a zeroed one is allowed */

/* For remoting_config.stamp; context is the credentials. */
enum status credentials_stamp(void *context, struct ext *ext, size_t *count, const struct span *body,
                              size_t body_count);

#endif
