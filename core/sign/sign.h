/* SPDX-License-Identifier: Apache-2.0
 *
 * sign: what proves that a request was made by somebody who knows a secret.
 * HMAC-SHA1 over the values of the ext fields in the order of their keys, then
 * the body, in Base64. Both sides use it: a broker checks, a client signs.
 * Agrees with org.apache.rocketmq.acl.common.{AclUtils.combineRequestContent,AclSigner}
 * and with what PlainAccessValidator.parse leaves out.
 *
 * A secret is turned into the two hash states of HMAC once and not kept; a
 * signature costs no allocation.
 */
#ifndef MQ_SIGN_SIGN_H
#define MQ_SIGN_SIGN_H

#include "core/wire/command.h"

#define ACCESS_KEY_FIELD "AccessKey"
#define SIGNATURE_FIELD "Signature"
#define SECURITY_TOKEN_FIELD "SecurityToken"

/* More ext fields are not signed: no request has so many, and a decoder allows no more. */
enum { SIGNATURE_LENGTH = 28, SIGN_FIELDS_MAX = 256 };

struct sign_key;

/* NULL: out of memory. */
struct sign_key *sign_key_new(struct span secret);
/* Wipes it; NULL is allowed. */
void sign_key_free(struct sign_key *key);

struct signed_content {
  const struct ext *ext; /* Signature and _UNIQUE_KEY_QUERY are passed over */
  size_t ext_count;
  const struct span *body; /* in pieces */
  size_t body_count;
};

/* LIMIT: too many fields. out gets a NUL. */
enum status sign(const struct sign_key *key, const struct signed_content *content,
                 char out[SIGNATURE_LENGTH + 1]) MUST_USE;
/* How long it takes says nothing about where the two differ. */
bool sign_matches(const struct sign_key *key, const struct signed_content *content, struct span signature);

#endif
