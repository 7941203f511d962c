/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/mqstore/tool.h"

#include <stdarg.h>
#include <time.h>

int tool_fail(struct tool *t, const char *format, ...) {
  va_list args;
  fputs("mqstore: ", t->err);
  va_start(args, format);
  vfprintf(t->err, format, args);
  va_end(args);
  fputc('\n', t->err);
  return EXIT_CANNOT;
}

void tool_json_begin(struct tool *t) {
  buf_clear(&t->line);
  json_writer_init(&t->w, &t->line, false);
  json_open_object(&t->w);
}

void tool_json_end(struct tool *t) {
  json_close_object(&t->w);
  if (t->line.failed) {
    tool_fail(t, "out of memory");
    return;
  }
  fwrite(t->line.ptr, 1, t->line.len, t->out);
  fputc('\n', t->out);
}

void json_field_int(struct json_writer *w, const char *name, int64_t v) {
  json_key(w, name);
  json_put_int(w, v);
}

void json_field_text(struct json_writer *w, const char *name, const char *text) {
  json_key(w, name);
  json_put_text(w, text);
}

void json_field_span(struct json_writer *w, const char *name, struct span text) {
  json_key(w, name);
  json_put_span(w, text);
}

void json_field_bool(struct json_writer *w, const char *name, bool v) {
  json_key(w, name);
  json_put_bool(w, v);
}

const char *time_text(int64_t ms, char out[TIME_TEXT_MAX]) {
  int64_t seconds = ms / 1000, rest = ms % 1000;
  if (rest < 0) {
    rest += 1000;
    seconds--;
  }
  time_t at = (time_t)seconds;
  struct tm tm;
  char text[TIME_TEXT_MAX];
  if (gmtime_r(&at, &tm) == NULL || strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &tm) == 0)
    snprintf(out, TIME_TEXT_MAX, "%lld ms", (long long)ms);
  else snprintf(out, TIME_TEXT_MAX, "%.30s.%03dZ", text, (int)rest);
  return out;
}
