/* SPDX-License-Identifier: Apache-2.0 */
/* The hash states are values that can be copied: one call of EVP_MAC allocates several times. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "core/sign/sign.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <stdlib.h>

enum { INNER_PAD = 0x36, OUTER_PAD = 0x5c };

/* SHA-1 after the padded secret: from here each signature goes on. */
struct sign_key {
  SHA_CTX inner, outer;
};

static void start_state(SHA_CTX *state, const uint8_t secret[SHA_CBLOCK], uint8_t pad) {
  uint8_t block[SHA_CBLOCK];
  for (size_t i = 0; i < SHA_CBLOCK; i++) block[i] = secret[i] ^ pad;
  SHA1_Init(state);
  SHA1_Update(state, block, sizeof block);
  OPENSSL_cleanse(block, sizeof block);
}

struct sign_key *sign_key_new(struct span secret) {
  struct sign_key *key = calloc(1, sizeof *key);
  if (key == NULL) return NULL;
  uint8_t block[SHA_CBLOCK] = {0};
  if (secret.len > sizeof block) SHA1(secret.ptr, secret.len, block);
  else if (secret.len > 0) memcpy(block, secret.ptr, secret.len);
  start_state(&key->inner, block, INNER_PAD);
  start_state(&key->outer, block, OUTER_PAD);
  OPENSSL_cleanse(block, sizeof block);
  return key;
}

void sign_key_free(struct sign_key *key) {
  if (key == NULL) return;
  OPENSSL_cleanse(key, sizeof *key);
  free(key);
}

static bool is_signed(const struct ext *e) {
  return e->value.ptr != NULL && !span_is(e->key, SIGNATURE_FIELD) && !span_is(e->key, "_UNIQUE_KEY_QUERY");
}

/* Java's TreeMap. Most senders write the fields almost in order, so inserting is quick. */
static size_t put_in_order(const struct signed_content *content, const struct ext *order[SIGN_FIELDS_MAX]) {
  size_t n = 0;
  for (size_t i = 0; i < content->ext_count; i++) {
    const struct ext *e = &content->ext[i];
    if (!is_signed(e)) continue;
    size_t at = n++;
    for (; at > 0 && span_compare(order[at - 1]->key, e->key) > 0; at--) order[at] = order[at - 1];
    order[at] = e;
  }
  return n;
}

enum status sign(const struct sign_key *key, const struct signed_content *content, char out[SIGNATURE_LENGTH + 1]) {
  const struct ext *order[SIGN_FIELDS_MAX];
  if (content->ext_count > SIGN_FIELDS_MAX) return STATUS_LIMIT;
  size_t n = put_in_order(content, order);
  uint8_t digest[SHA_DIGEST_LENGTH];
  SHA_CTX state = key->inner;
  for (size_t i = 0; i < n; i++) SHA1_Update(&state, order[i]->value.ptr, order[i]->value.len);
  for (size_t i = 0; i < content->body_count; i++)
    if (content->body[i].len > 0) SHA1_Update(&state, content->body[i].ptr, content->body[i].len);
  SHA1_Final(digest, &state);
  state = key->outer;
  SHA1_Update(&state, digest, sizeof digest);
  SHA1_Final(digest, &state);
  EVP_EncodeBlock((unsigned char *)out, digest, sizeof digest);
  OPENSSL_cleanse(&state, sizeof state);
  return STATUS_OK;
}

bool sign_matches(const struct sign_key *key, const struct signed_content *content, struct span signature) {
  char expected[SIGNATURE_LENGTH + 1];
  if (sign(key, content, expected) != STATUS_OK || signature.len != SIGNATURE_LENGTH) return false;
  bool same = CRYPTO_memcmp(expected, signature.ptr, SIGNATURE_LENGTH) == 0;
  OPENSSL_cleanse(expected, sizeof expected);
  return same;
}
