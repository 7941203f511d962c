/* SPDX-License-Identifier: Apache-2.0
 *
 * Offset message ids: MessageDecoder.createMessageId, decodeMessageId.
 */
#include "core/base/utf8.h"
#include "core/wire/message.h"

enum { ID_BYTES_MAX = 28, ID_TAIL = 12 }; /* port and offset follow the IP */

size_t message_id_text(const struct net_peer *store_host, int64_t physical_offset, char out[MESSAGE_ID_MAX]) {
  static const char digits[] = "0123456789ABCDEF";
  uint8_t id[ID_BYTES_MAX];
  size_t ip_len = store_host->ip_len == 16 ? 16 : 4, n = ip_len + ID_TAIL;
  memcpy(id, store_host->ip, ip_len);
  put_u32(id + ip_len, store_host->port);
  put_i64(id + ip_len + 4, physical_offset);
  for (size_t i = 0; i < n; i++) {
    out[2 * i] = digits[id[i] >> 4];
    out[2 * i + 1] = digits[id[i] & 15];
  }
  out[2 * n] = '\0';
  return 2 * n;
}

enum status message_id_parse(struct span text, struct net_peer *store_host, int64_t *physical_offset) {
  uint8_t id[ID_BYTES_MAX];
  if (text.len != 2 * (4 + ID_TAIL) && text.len != 2 * (16 + ID_TAIL)) return STATUS_INVALID;
  size_t n = text.len / 2, ip_len = n - ID_TAIL;
  for (size_t i = 0; i < n; i++) {
    int high = hex_digit(text.ptr[2 * i]), low = hex_digit(text.ptr[2 * i + 1]);
    if (high < 0 || low < 0) return STATUS_INVALID;
    id[i] = (uint8_t)(high << 4 | low);
  }
  uint32_t port = get_u32(id + ip_len);
  if (port > UINT16_MAX) return STATUS_INVALID;
  *store_host = (struct net_peer){.ip_len = (uint8_t)ip_len, .port = (uint16_t)port};
  memcpy(store_host->ip, id, ip_len);
  *physical_offset = get_i64(id + ip_len + 4);
  return STATUS_OK;
}
