/* SPDX-License-Identifier: Apache-2.0 */
#include "libmqclient/uniq_id.h"

#include <arpa/inet.h>
#include <string.h>
#include <time.h>

static char *put_hex(char *p, uint64_t v, int digits) {
  static const char hex[] = "0123456789ABCDEF";
  for (int shift = (digits - 1) * 4; shift >= 0; shift -= 4) *p++ = hex[v >> shift & 15];
  return p;
}

void uniq_ids_init(struct uniq_ids *u, const char *ip, int pid, uint32_t instance) {
  memset(u, 0, sizeof *u);
  uint8_t address[16] = {127, 0, 0, 1};
  size_t len = 4;
  if (inet_pton(AF_INET, ip, address) != 1 && inet_pton(AF_INET6, ip, address) == 1) len = 16;
  char *p = u->prefix;
  for (size_t i = 0; i < len; i++) p = put_hex(p, address[i], 2);
  p = put_hex(p, (uint64_t)pid & 0xFFFF, 4);
  p = put_hex(p, instance, 8);
  u->prefix_len = (size_t)(p - u->prefix);
}

static int64_t month_begin(const struct tm *now, int months_later) {
  struct tm tm = {.tm_year = now->tm_year, .tm_mon = now->tm_mon + months_later, .tm_mday = 1, .tm_isdst = -1};
  return (int64_t)mktime(&tm) * 1000;
}

/* Threads that meet here write the same two numbers. */
static int64_t find_month(struct uniq_ids *u, int64_t wall_ms) {
  time_t seconds = (time_t)(wall_ms / 1000);
  struct tm tm;
  if (localtime_r(&seconds, &tm) == NULL) return 0;
  int64_t month = month_begin(&tm, 0);
  atomic_store_explicit(&u->month_ms, month, memory_order_relaxed);
  atomic_store_explicit(&u->next_month_ms, month_begin(&tm, 1), memory_order_release);
  return month;
}

size_t uniq_id_make(struct uniq_ids *u, int64_t wall_ms, char out[UNIQ_ID_MAX]) {
  int64_t next = atomic_load_explicit(&u->next_month_ms, memory_order_acquire);
  int64_t month = atomic_load_explicit(&u->month_ms, memory_order_relaxed);
  if (wall_ms >= next || wall_ms < month) month = find_month(u, wall_ms);
  memcpy(out, u->prefix, u->prefix_len);
  char *p = put_hex(out + u->prefix_len, (uint32_t)(wall_ms - month), 8);
  p = put_hex(p, atomic_fetch_add_explicit(&u->counter, 1, memory_order_relaxed) & 0xFFFF, 4);
  return (size_t)(p - out);
}
