/* SPDX-License-Identifier: Apache-2.0
 *
 * json_scan: the inside of JSON strings, shared by the tree reader and the
 * command decoder's direct path. Private to core/wire.
 */
#ifndef MQ_WIRE_JSON_SCAN_H
#define MQ_WIRE_JSON_SCAN_H

#include "core/base/arena.h"
#include "core/base/bytes.h"
#include "core/base/status.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

/* First `quote` or backslash in [p, end), or end. Sixteen bytes at a time where the machine has SSE2, else and at
 * the end of a header eight (Mycroft's zero-byte test): strings are most of a header. */
static inline const uint8_t *json_scan_plain(const uint8_t *p, const uint8_t *end, uint8_t quote) {
#ifdef __SSE2__
  const __m128i quotes = _mm_set1_epi8((char)quote), bars = _mm_set1_epi8('\\');
  while (end - p >= 16) {
    __m128i block = _mm_loadu_si128((const __m128i *)(const void *)p);
    int hits = _mm_movemask_epi8(_mm_or_si128(_mm_cmpeq_epi8(block, quotes), _mm_cmpeq_epi8(block, bars)));
    if (hits != 0) return p + __builtin_ctz((unsigned)hits);
    p += 16;
  }
#endif
  const uint64_t ones = UINT64_C(0x0101010101010101), highs = UINT64_C(0x8080808080808080);
  while (end - p >= 8) {
    uint64_t word;
    memcpy(&word, p, sizeof word);
    uint64_t q = word ^ (ones * quote), b = word ^ (ones * '\\');
    uint64_t hit = (((q - ones) & ~q) | ((b - ones) & ~b)) & highs;
    if (hit != 0) return p + (__builtin_ctzll(hit) >> 3);
    p += 8;
  }
  while (p < end && *p != quote && *p != '\\') p++;
  return p;
}

/* *p stands behind the opening quote; moves it behind the closing one. *out borrows the input, or the arena
 * where an escape had to be undone. INVALID (with *why) or NO_MEMORY. */
enum status json_read_string(const uint8_t **p, const uint8_t *end, uint8_t quote, struct arena *arena,
                             struct span *out, const char **why) MUST_USE;

#endif
