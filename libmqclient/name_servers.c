/* SPDX-License-Identifier: Apache-2.0 */
#include "libmqclient/name_servers.h"

#include <stdlib.h>

static struct span next_address(struct span text, size_t *at) {
  size_t end = span_find(text, ';', *at);
  struct span address = span_trim(span_of(text.ptr + *at, end - *at));
  *at = end + 1;
  return address;
}

enum status name_servers_init(struct name_servers *n, const char *text, struct prng *prng) {
  *n = (struct name_servers){0};
  struct span all = span_text(text == NULL ? "" : text);
  size_t count = 1;
  for (size_t i = 0; i < all.len; i++) count += all.ptr[i] == ';';
  n->addresses = calloc(count, sizeof *n->addresses);
  if (n->addresses == NULL) return STATUS_NO_MEMORY;
  for (size_t at = 0; at < all.len;) {
    struct span address = next_address(all, &at);
    if (address.len == 0) continue;
    char *copy = strndup((const char *)address.ptr, address.len);
    if (copy == NULL) {
      name_servers_fini(n);
      return STATUS_NO_MEMORY;
    }
    n->addresses[n->count++] = copy;
  }
  if (n->count == 0) {
    name_servers_fini(n);
    return STATUS_INVALID;
  }
  for (size_t i = n->count - 1; i > 0; i--) {
    size_t j = (size_t)prng_below(prng, i + 1);
    char *swap = n->addresses[i];
    n->addresses[i] = n->addresses[j];
    n->addresses[j] = swap;
  }
  return STATUS_OK;
}

void name_servers_fini(struct name_servers *n) {
  for (size_t i = 0; i < n->count; i++) free(n->addresses[i]);
  free(n->addresses);
  *n = (struct name_servers){0};
}

const char *name_servers_current(const struct name_servers *n) { return n->addresses[n->current]; }

void name_servers_failed(struct name_servers *n, const char *address) {
  if (n->addresses[n->current] == address) n->current = (n->current + 1) % n->count;
}
