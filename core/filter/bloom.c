/* SPDX-License-Identifier: Apache-2.0 */
#include "core/filter/bloom.h"

#include <math.h>

/* ---- murmur3, the x64 variant with 128 bits ---- */

enum { BLOCK = 16, HALF = 8 };
static const uint64_t C1 = 0x87c37b91114253d5u, C2 = 0x4cf5ad432745937fu;

static uint64_t rotate(uint64_t v, int by) { return v << by | v >> (64 - by); }

/* Little-endian, of the bytes there are. */
static uint64_t read_le(const uint8_t *p, size_t n) {
  uint64_t v = 0;
  for (size_t i = 0; i < n; i++) v |= (uint64_t)p[i] << (8 * i);
  return v;
}

static uint64_t mix1(uint64_t k) { return rotate(k * C1, 31) * C2; }
static uint64_t mix2(uint64_t k) { return rotate(k * C2, 33) * C1; }

static uint64_t finish(uint64_t k) {
  k = (k ^ k >> 33) * 0xff51afd7ed558ccdu;
  k = (k ^ k >> 33) * 0xc4ceb9fe1a85ec53u;
  return k ^ k >> 33;
}

uint64_t murmur3_128_low(struct span bytes) {
  uint64_t h1 = 0, h2 = 0;
  size_t at = 0;
  for (; bytes.len - at >= BLOCK; at += BLOCK) {
    h1 = (rotate(h1 ^ mix1(read_le(bytes.ptr + at, HALF)), 27) + h2) * 5 + 0x52dce729;
    h2 = (rotate(h2 ^ mix2(read_le(bytes.ptr + at + HALF, HALF)), 31) + h1) * 5 + 0x38495ab5;
  }
  size_t rest = bytes.len - at;
  if (rest > 0) h1 ^= mix1(read_le(bytes.ptr + at, rest < HALF ? rest : HALF));
  if (rest > HALF) h2 ^= mix2(read_le(bytes.ptr + at + HALF, rest - HALF));
  h1 ^= bytes.len;
  h2 ^= bytes.len;
  h1 += h2;
  h2 += h1;
  return finish(h1) + finish(h2);
}

/* ---- the filter ---- */

static double log_base(double base, double v) { return log(v) / log(base); }

enum status bloom_init(struct bloom *b, int32_t error_percent, int32_t expected) {
  if (error_percent < 1 || error_percent >= 100 || expected < 1) return STATUS_INVALID;
  double rate = error_percent / 100.0;
  double bits = ceil(expected * log_base(2.0, 1.0 / rate) * log_base(2.0, 2.718281828459045));
  bits = 8.0 * ceil(bits / 8.0);
  if (bits > INT32_MAX - 7) return STATUS_INVALID;
  *b = (struct bloom){error_percent, expected, (int32_t)ceil(log_base(0.5, rate)), (int32_t)bits};
  return STATUS_OK;
}

void bloom_positions(const struct bloom *b, struct span text, int32_t out[BLOOM_HASHES_MAX]) {
  uint64_t hash = murmur3_128_low(text);
  uint32_t low = (uint32_t)hash, high = (uint32_t)(hash >> 32);
  for (uint32_t i = 1; i <= (uint32_t)b->hashes; i++) {
    int32_t combined = (int32_t)(low + i * high);
    out[i - 1] = (combined < 0 ? ~combined : combined) % b->bits;
  }
}

void bloom_set(const struct bloom *b, const int32_t *positions, uint8_t *bitmap) {
  for (int32_t i = 0; i < b->hashes; i++) bitmap[positions[i] / 8] |= (uint8_t)(1u << positions[i] % 8);
}

bool bloom_hit(const struct bloom *b, const int32_t *positions, const uint8_t *bitmap) {
  for (int32_t i = 0; i < b->hashes; i++)
    if (!(bitmap[positions[i] / 8] >> positions[i] % 8 & 1)) return false;
  return true;
}
