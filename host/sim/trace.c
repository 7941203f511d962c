/* SPDX-License-Identifier: Apache-2.0 */
#include "host/sim/inside.h"

#include <stdarg.h>
#include <stdio.h>

/* A trace longer than this is of no use to a reader. */
#define TRACE_MAX ((size_t)256 << 20)

void sim_trace_on(struct sim_world *world, enum log_level level) {
  if (!world->tracing) buf_init(&world->trace, TRACE_MAX);
  world->tracing = true;
  world->trace_level = level;
  for (unsigned i = 0; i < world->host_count; i++) world->hosts[i]->log.level = level;
}

struct span sim_trace(const struct sim_world *world) {
  return world->tracing ? buf_span(&world->trace) : SPAN_LITERAL("");
}

void sim_say(struct sim_world *world, const struct sim_host *host, const char *format, ...) {
  if (!world->tracing) return;
  char text[LOG_LINE_MAX];
  va_list args;
  va_start(args, format);
  vsnprintf(text, sizeof text, format, args);
  va_end(args);
  buf_printf(&world->trace, "[%lld] %s > %s\n", (long long)world->now_ms, host == NULL ? "world" : host->name, text);
}

static void log_write(struct log *log, enum log_level level, const char *line) {
  static const char *const names[] = {"debug", "info", "warn", "error"};
  struct sim_host *host = log->context;
  sim_say(host->world, host, "%s: %s", names[level], line);
}

void trace_log_init(struct sim_host *host) {
  /* Above ERROR: dropped before it is formatted. */
  enum log_level level = host->world->tracing ? host->world->trace_level : (enum log_level)(LOG_ERROR + 1);
  host->log = (struct log){.level = level, .write = log_write, .context = host};
}

uint64_t sim_hash(const struct sim_world *world) { return world->hash; }

void world_mix(struct sim_world *world, uint64_t value) {
  uint64_t h = (world->hash ^ value) * 0x9fb21c651e98df25u;
  world->hash = h ^ h >> 29;
}

void world_mix_bytes(struct sim_world *world, struct span bytes) {
  size_t i = 0;
  for (; i + 8 <= bytes.len; i += 8) {
    uint64_t word;
    memcpy(&word, bytes.ptr + i, 8);
    world_mix(world, word);
  }
  uint64_t rest = bytes.len;
  for (; i < bytes.len; i++) rest = rest << 8 | bytes.ptr[i];
  world_mix(world, rest);
}
