/* SPDX-License-Identifier: Apache-2.0 */
#include "libdledger/peers.h"

#define PORT_MAX 65535

static bool id_is_possible(struct span id) {
  if (id.len == 0 || id.len >= PEER_ID_MAX) return false;
  for (size_t i = 0; i < id.len; i++) {
    uint8_t c = id.ptr[i];
    bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
    if (!letter && !(c >= '0' && c <= '9')) return false;
  }
  return true;
}

static bool host_is_possible(struct span host, bool brackets) {
  if (host.len == 0 || host.len >= PEER_HOST_MAX) return false;
  for (size_t i = 0; i < host.len; i++) {
    uint8_t c = host.ptr[i];
    bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (!letter && memchr(brackets ? ":.%" : "-._", c, 3) == NULL) return false;
  }
  return true;
}

/* "host:port" or "[v6]:port" */
static const char *address_parse(struct peer *p, struct span text) {
  struct span host = text;
  bool brackets = text.len > 0 && text.ptr[0] == '[';
  size_t colon = text.len;
  while (colon > 0 && text.ptr[colon - 1] != ':') colon--;
  if (colon == 0) return "has no port";
  int32_t port;
  if (!span_to_i32(span_from(text, colon), &port) || port < 1 || port > PORT_MAX) return "has no port from 1 to 65535";
  host.len = colon - 1;
  if (brackets) {
    if (host.len < 2 || host.ptr[host.len - 1] != ']') return "has a '[' without its ']'";
    host = span_of(host.ptr + 1, host.len - 2);
  }
  if (!host_is_possible(host, brackets)) return "has no possible host (an IPv6 address stands in brackets)";
  p->port = (uint16_t)port;
  return span_copy_text(host, p->host, sizeof p->host) ? NULL : "has too long a host";
}

static const char *peer_parse(struct peer *p, struct span text) {
  size_t dash = span_find(text, '-', 0);
  if (dash == text.len) return "is not id-host:port";
  struct span id = span_of(text.ptr, dash);
  if (!id_is_possible(id)) return "does not begin with an id of letters and digits";
  if (!span_copy_text(id, p->id, sizeof p->id)) return "has too long an id";
  return address_parse(p, span_from(text, dash + 1));
}

static const char *twice(const struct peers *p, const struct peer *next) {
  for (size_t i = 0; i < p->count; i++) {
    const struct peer *other = &p->list[i];
    if (strcmp(other->id, next->id) == 0) return "has the id of another";
    if (strcmp(other->host, next->host) == 0 && other->port == next->port) return "has the address of another";
  }
  return NULL;
}

size_t peers_find(const struct peers *p, struct span id) {
  for (size_t i = 0; i < p->count; i++)
    if (span_is(id, p->list[i].id)) return i;
  return p->count;
}

enum status peers_parse(struct peers *out, struct span text, struct span self_id, struct buf *why) {
  memset(out, 0, sizeof *out);
  text = span_trim(text);
  for (size_t at = 0; at < text.len;) {
    size_t end = span_find(text, ';', at);
    struct span part = span_trim(span_of(text.ptr + at, end - at));
    at = end + 1;
    const char *wrong = out->count == PEERS_MAX ? "is one too many" : NULL;
    struct peer p = {0};
    if (wrong == NULL) wrong = peer_parse(&p, part);
    if (wrong == NULL) wrong = twice(out, &p);
    if (wrong != NULL) {
      buf_printf(why, "dLegerPeers: \"%.*s\" %s", SPAN_ARG(part), wrong);
      return STATUS_INVALID;
    }
    out->list[out->count++] = p;
  }
  if (out->count == 0) {
    buf_printf(why, "dLegerPeers is empty: id-host:port;id-host:port;... is wanted");
    return STATUS_INVALID;
  }
  out->self = peers_find(out, self_id);
  if (out->self < out->count) return STATUS_OK;
  buf_printf(why, "dLegerSelfId \"%.*s\" is not among dLegerPeers \"%.*s\"", SPAN_ARG(self_id), SPAN_ARG(text));
  return STATUS_INVALID;
}

void peer_put_address(struct buf *out, const struct peer *p) {
  bool brackets = strchr(p->host, ':') != NULL;
  buf_printf(out, brackets ? "[%s]:%u" : "%s:%u", p->host, p->port);
}

enum status peer_number(struct span id, int32_t *out) {
  int32_t number;
  bool letter = id.len > 1 && !(id.ptr[0] >= '0' && id.ptr[0] <= '9') && id.ptr[0] != '+' && id.ptr[0] != '-';
  if (!letter || id.ptr[1] < '0' || id.ptr[1] > '9') return STATUS_INVALID;
  if (!span_to_i32(span_from(id, 1), &number) || number == INT32_MAX) return STATUS_INVALID;
  *out = number + 1;
  return STATUS_OK;
}
