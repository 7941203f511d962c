/* SPDX-License-Identifier: Apache-2.0 */
#include "mqbroker/acl/address.h"

#include "core/base/bytes.h"

#include <arpa/inet.h>

enum { ADDRESS_TEXT_MAX = 64, IP4 = 4, IP6 = 16, WORDS = 8 };

static enum status wrong(const char **why, const char *text) {
  *why = text;
  return STATUS_INVALID;
}

static size_t last_of(struct span s, uint8_t byte, size_t end) {
  while (end > 0 && s.ptr[end - 1] != byte) end--;
  return end == 0 ? s.len : end - 1;
}

static bool has(struct span s, uint8_t byte) { return span_find(s, byte, 0) < s.len; }

/* ---- one address ---- */

static bool one_address(struct span text, struct address_range *out) {
  char copy[ADDRESS_TEXT_MAX];
  uint8_t ip[IP6];
  if (text.len == 0 || !span_copy_text(text, copy, sizeof copy)) return false;
  *out = (struct address_range){.ip_len = has(text, ':') ? IP6 : IP4};
  if (inet_pton(out->ip_len == IP6 ? AF_INET6 : AF_INET, copy, ip) != 1) return false;
  out->used = out->ip_len == IP6 ? WORDS : IP4;
  for (size_t i = 0; i < out->used; i++)
    out->first[i] = out->last[i] = out->ip_len == IP6 ? get_u16(ip + 2 * i) : ip[i];
  return true;
}

/* ---- ranges ---- */

static unsigned digit_of(uint8_t c) {
  if (c >= '0' && c <= '9') return c - (unsigned)'0';
  c |= 0x20; /* to lower case */
  return c >= 'a' && c <= 'f' ? c - (unsigned)'a' + 10 : UINT8_MAX;
}

/* Digits of the base, at most `max`. */
static bool to_number(struct span text, unsigned base, unsigned max, uint16_t *out) {
  unsigned value = 0;
  if (text.len == 0 || text.len > 4) return false;
  for (size_t i = 0; i < text.len; i++) {
    if (digit_of(text.ptr[i]) >= base) return false;
    value = value * base + digit_of(text.ptr[i]);
  }
  *out = (uint16_t)value;
  return value <= max;
}

static bool is_range(struct span part) { return span_is(part, "*") || has(part, '-'); }

static enum status add_range(struct address_range *out, struct span part, unsigned base, unsigned max,
                             const char **why) {
  size_t i = out->used++, minus = span_find(part, '-', 0);
  out->first[i] = 0;
  out->last[i] = (uint16_t)max;
  if (span_is(part, "*")) return STATUS_OK;
  if (!to_number(span_of(part.ptr, minus), base, max, &out->first[i]) ||
      !to_number(span_from(part, minus + 1), base, max, &out->last[i]))
    return wrong(why, "a range is two numbers such as 10-20");
  if (out->last[i] == 0) return wrong(why, "the range ends with 0"); /* Java would not see a range there */
  return out->first[i] <= out->last[i] ? STATUS_OK : wrong(why, "the range ends before it begins");
}

/* Four parts; the first that is a range is not the first of all, and ends what is looked at. */
static enum status range4(struct span text, struct address_range *out, const char **why) {
  *out = (struct address_range){.ip_len = IP4};
  size_t parts = 0, at = 0;
  bool ranged = false;
  for (; at <= text.len; parts++) {
    size_t dot = span_find(text, '.', at);
    struct span part = span_trim(span_of(text.ptr + at, dot - at));
    at = dot + 1;
    if (part.len == 0) return wrong(why, "a part of the address is empty");
    if (ranged) continue;
    ranged = is_range(part);
    if (ranged && parts == 0) return wrong(why, "the first part cannot be a range");
    enum status status = STATUS_OK;
    if (ranged) status = add_range(out, part, 10, UINT8_MAX, why);
    else if (parts >= IP4 || !to_number(part, 10, UINT8_MAX, &out->first[parts]))
      status = wrong(why, "not an IP address");
    else out->last[parts] = out->first[out->used++];
    if (status != STATUS_OK) return status;
  }
  return parts == IP4 && ranged ? STATUS_OK : wrong(why, "an IPv4 pattern has four parts");
}

/* The words before the range; "::" stands for as many zeros as make `total`. */
static bool head6(struct span text, size_t total, struct address_range *out) {
  uint16_t words[WORDS];
  size_t n = 0, gap = SIZE_MAX, at = 0;
  while (at < text.len) {
    size_t colon = span_find(text, ':', at);
    if (colon == at) { /* "::" begins before it, or the text begins with one */
      if (at == 0 && (text.len < 2 || text.ptr[1] != ':')) return false;
      if (gap != SIZE_MAX) return false;
      gap = n;
      at = at == 0 ? 2 : at + 1;
      continue;
    }
    if (n == total || !to_number(span_of(text.ptr + at, colon - at), 16, UINT16_MAX, &words[n++])) return false;
    at = colon + 1;
  }
  size_t zeros = gap == SIZE_MAX ? 0 : total - n;
  if (gap == SIZE_MAX) gap = n;
  for (size_t i = 0; i < n + zeros; i++)
    out->first[i] = out->last[i] = i < gap ? words[i] : i < gap + zeros ? 0 : words[i - zeros];
  out->used = (uint8_t)(n + zeros);
  return true;
}

/* "HEAD:*", "HEAD:1-5", "HEAD:1-5:*"; nothing else has a range in it. */
static enum status range6(struct span text, struct address_range *out, const char **why) {
  *out = (struct address_range){.ip_len = IP6};
  size_t colon = last_of(text, ':', text.len), end = text.len, star = span_find(text, '*', 0);
  bool both = star < text.len && has(text, '-');
  if (star < text.len && star != text.len - 1) return wrong(why, "* must be the last part");
  if (both) {
    end = colon;
    colon = last_of(text, ':', colon);
  }
  if (colon >= end || span_find(text, '-', 0) < colon)
    return wrong(why, "a range must be the last part, or the one before *");
  struct span head = span_of(text.ptr, colon);
  if (!head6(head, both ? WORDS - 2 : WORDS - 1, out) || out->used == 0) return wrong(why, "not an IPv6 address");
  return add_range(out, span_of(text.ptr + colon + 1, end - colon - 1), 16, UINT16_MAX, why);
}

/* ---- lists ---- */

static enum status add_address(struct address_pattern *out, struct span text, const char **why) {
  if (!one_address(text, &out->ranges[out->count])) return wrong(why, "not an IP address");
  out->count++;
  return STATUS_OK;
}

/* Each of a,b behind `head`. */
static enum status list(struct span head, struct span items, struct arena *arena, struct address_pattern *out,
                        const char **why) {
  size_t most = 1;
  for (size_t i = 0; i < items.len; i++) most += items.ptr[i] == ',';
  out->ranges = arena_zalloc(arena, most, sizeof *out->ranges);
  if (out->ranges == NULL) return STATUS_NO_MEMORY;
  for (size_t at = 0; at < items.len;) {
    size_t comma = span_find(items, ',', at);
    struct span item = span_of(items.ptr + at, comma - at);
    char text[ADDRESS_TEXT_MAX];
    at = comma + 1;
    if (item.len == 0) continue; /* as StringUtils.split */
    if (head.len + item.len > sizeof text) return wrong(why, "not an IP address");
    if (head.len > 0) memcpy(text, head.ptr, head.len);
    memcpy(text + head.len, item.ptr, item.len);
    enum status status = add_address(out, span_of(text, head.len + item.len), why);
    if (status != STATUS_OK) return status;
  }
  return STATUS_OK;
}

/* The braces must be the whole last part. */
static enum status braces(struct span text, struct arena *arena, struct address_pattern *out, const char **why) {
  size_t open = span_find(text, '{', 0);
  uint8_t dot = has(text, ':') ? ':' : '.';
  bool last = open > 0 && open < text.len && text.ptr[open - 1] == dot && !has(span_from(text, open), dot);
  if (!last) return wrong(why, "{ } must be the last part of the address");
  return list(span_of(text.ptr, open), span_of(text.ptr + open + 1, text.len - open - 2), arena, out, why);
}

static bool is_blank(struct span text) { return span_trim(text).len == 0; }

enum status address_parse(struct span text, struct arena *arena, struct address_pattern *out, const char **why) {
  *out = (struct address_pattern){0};
  if (is_blank(text)) return STATUS_OK;
  out->all = span_is(text, "*") || span_is(text, "*.*.*.*") || span_is(text, "*:*:*:*:*:*:*:*");
  if (out->all) return STATUS_OK;
  if (text.ptr[text.len - 1] == '}') return braces(text, arena, out, why);
  if (has(text, ',')) return list(SPAN_NONE, text, arena, out, why);
  out->ranges = arena_zalloc(arena, 1, sizeof *out->ranges);
  if (out->ranges == NULL) return STATUS_NO_MEMORY;
  if (!has(text, '*') && !has(text, '-')) return add_address(out, text, why);
  out->count = 1;
  return has(text, ':') ? range6(text, out->ranges, why) : range4(text, out->ranges, why);
}

/* ---- matching ---- */

static bool in_range(const struct address_range *r, const uint8_t *ip, uint8_t ip_len) {
  if (r->ip_len != ip_len) return false;
  for (size_t i = 0; i < r->used; i++) {
    uint16_t part = ip_len == IP6 ? get_u16(ip + 2 * i) : ip[i];
    if (part < r->first[i] || part > r->last[i]) return false;
  }
  return true;
}

bool address_matches(const struct address_pattern *pattern, const struct net_peer *peer) {
  static const uint8_t mapped[] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};
  if (pattern->all) return true;
  bool v4 = peer->ip_len == IP6 && memcmp(peer->ip, mapped, sizeof mapped) == 0;
  const uint8_t *ip = v4 ? peer->ip + sizeof mapped : peer->ip;
  for (size_t i = 0; i < pattern->count; i++)
    if (in_range(&pattern->ranges[i], ip, v4 ? IP4 : peer->ip_len)) return true;
  return false;
}
