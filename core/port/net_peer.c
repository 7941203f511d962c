/* SPDX-License-Identifier: Apache-2.0 */
#include "core/port/net.h"

#include <arpa/inet.h>
#include <stdio.h>

size_t net_peer_text(const struct net_peer *peer, char out[NET_PEER_TEXT_MAX]) {
  char ip[INET6_ADDRSTRLEN] = "?";
  inet_ntop(peer->ip_len == 16 ? AF_INET6 : AF_INET, peer->ip, ip, sizeof ip);
  const char *format = peer->ip_len == 16 ? "[%s]:%u" : "%s:%u";
  return (size_t)snprintf(out, NET_PEER_TEXT_MAX, format, ip, peer->port);
}

enum status net_peer_parse(struct span text, struct net_peer *out) {
  char host[NET_PEER_TEXT_MAX];
  size_t colon = text.len;
  while (colon > 0 && text.ptr[colon - 1] != ':') colon--;
  int32_t port;
  if (colon == 0 || !span_to_i32(span_from(text, colon), &port) || port < 0 || port > 65535)
    return STATUS_INVALID;
  struct span ip = span_of(text.ptr, colon - 1);
  bool v6 = ip.len >= 2 && ip.ptr[0] == '[' && ip.ptr[ip.len - 1] == ']';
  if (v6) ip = span_of(ip.ptr + 1, ip.len - 2);
  if (!span_copy_text(ip, host, sizeof host)) return STATUS_INVALID;
  *out = (struct net_peer){.ip_len = v6 ? 16 : 4, .port = (uint16_t)port};
  if (inet_pton(v6 ? AF_INET6 : AF_INET, host, out->ip) != 1) return STATUS_INVALID;
  return STATUS_OK;
}
