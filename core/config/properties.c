/* SPDX-License-Identifier: Apache-2.0
 *
 * The text form of java.util.Properties (load and store). Bytes are taken as
 * UTF-8; Java reads ISO-8859-1, which differs only beyond ASCII, where its own
 * store writes \u escapes.
 */
#include "core/config/config.h"

#include "core/base/utf8.h"

struct scanner {
  struct span text;
  size_t at;
  int line; /* of the natural line that at is on, from 1 */
};

static bool is_blank(uint8_t c) { return c == ' ' || c == '\t' || c == '\f'; }
static bool is_line_end(uint8_t c) { return c == '\n' || c == '\r'; }

static bool at_end(const struct scanner *s) { return s->at >= s->text.len; }

/* Over one line end (LF, CR or CR LF), if there is one. */
static void skip_line_end(struct scanner *s) {
  if (at_end(s) || !is_line_end(s->text.ptr[s->at])) return;
  bool cr = s->text.ptr[s->at++] == '\r';
  if (cr && !at_end(s) && s->text.ptr[s->at] == '\n') s->at++;
  s->line++;
}

static void skip_blanks(struct scanner *s) {
  while (!at_end(s) && is_blank(s->text.ptr[s->at])) s->at++;
}

/* To the first character of the next entry; false at the end of the text. */
static bool find_entry(struct scanner *s) {
  for (;;) {
    skip_blanks(s);
    if (at_end(s)) return false;
    uint8_t c = s->text.ptr[s->at];
    if (c == '#' || c == '!')
      while (!at_end(s) && !is_line_end(s->text.ptr[s->at])) s->at++;
    else if (!is_line_end(c)) return true;
    skip_line_end(s);
  }
}

/* Four hexadecimal digits at s->at; -1 if they are not there. */
static int32_t read_unit(struct scanner *s) {
  int32_t unit = 0;
  if (s->text.len - s->at < 4) return -1;
  for (int i = 0; i < 4; i++) {
    int digit = hex_digit(s->text.ptr[s->at + (size_t)i]);
    if (digit < 0) return -1;
    unit = unit << 4 | digit;
  }
  s->at += 4;
  return unit;
}

/* Behind "\u": one UTF-16 unit, or a pair when the second follows. A lone surrogate becomes '?'. */
static bool read_unicode(struct scanner *s, struct buf *out) {
  int32_t unit = read_unit(s);
  if (unit < 0) return false;
  uint32_t c = (uint32_t)unit;
  if (c >= 0xD800 && c <= 0xDBFF && s->text.len - s->at >= 2 && memcmp(s->text.ptr + s->at, "\\u", 2) == 0) {
    struct scanner ahead = *s;
    ahead.at += 2;
    int32_t low = read_unit(&ahead);
    if (low >= 0xDC00 && low <= 0xDFFF) {
      c = 0x10000u + ((c - 0xD800) << 10) + ((uint32_t)low - 0xDC00);
      *s = ahead;
    }
  }
  uint8_t bytes[4];
  buf_put(out, span_of(bytes, utf8_put(bytes, c)));
  return true;
}

/* Behind a backslash. A line end joins the next line without its leading blanks. */
static bool read_escape(struct scanner *s, struct buf *out) {
  if (at_end(s)) return true;
  uint8_t c = s->text.ptr[s->at];
  if (is_line_end(c)) {
    skip_line_end(s);
    skip_blanks(s);
    return true;
  }
  s->at++;
  switch (c) {
  case 'u':
    return read_unicode(s, out);
  case 't':
    c = '\t';
    break;
  case 'n':
    c = '\n';
    break;
  case 'r':
    c = '\r';
    break;
  case 'f':
    c = '\f';
    break;
  default:
    break;
  }
  buf_put_u8(out, c);
  return true;
}

/* A key (up to a separator) or a value (up to the line end), unescaped behind out. */
static bool read_part(struct scanner *s, bool key, struct buf *out) {
  while (!at_end(s)) {
    uint8_t c = s->text.ptr[s->at];
    if (is_line_end(c) || (key && (is_blank(c) || c == '=' || c == ':'))) return true;
    s->at++;
    if (c != '\\') buf_put_u8(out, c);
    else if (!read_escape(s, out)) return false;
  }
  return true;
}

/* A continuation may also stand between key and value. */
static void skip_joined_blanks(struct scanner *s) {
  for (;;) {
    skip_blanks(s);
    if (s->text.len - s->at < 2 || s->text.ptr[s->at] != '\\' || !is_line_end(s->text.ptr[s->at + 1])) return;
    s->at++;
    skip_line_end(s);
  }
}

static void skip_separator(struct scanner *s) {
  skip_joined_blanks(s);
  if (!at_end(s) && (s->text.ptr[s->at] == '=' || s->text.ptr[s->at] == ':')) s->at++;
  skip_joined_blanks(s);
}

static enum status read_entry(struct scanner *s, struct buf *entry, size_t *key_length) {
  buf_clear(entry);
  if (!read_part(s, true, entry)) return STATUS_INVALID;
  *key_length = entry->len;
  skip_separator(s);
  if (!read_part(s, false, entry)) return STATUS_INVALID;
  return entry->failed ? STATUS_NO_MEMORY : STATUS_OK;
}

enum status properties_parse(struct span text, properties_each each, void *context, int *line) {
  struct scanner s = {text, 0, 1};
  struct buf entry;
  enum status status = STATUS_OK;
  buf_init(&entry, text.len + 1); /* unescaping never lengthens */
  while (status == STATUS_OK && find_entry(&s)) {
    size_t key_length = 0;
    *line = s.line;
    status = read_entry(&s, &entry, &key_length);
    if (status != STATUS_OK) break;
    struct span all = span_of(entry.ptr == NULL ? (const uint8_t *)"" : entry.ptr, entry.len);
    status = each(context, span_of(all.ptr, key_length), span_from(all, key_length), *line);
  }
  buf_fini(&entry);
  return status;
}

static void put_unit(struct buf *out, uint32_t unit) {
  static const char digits[] = "0123456789ABCDEF";
  buf_put_text(out, "\\u");
  for (int shift = 12; shift >= 0; shift -= 4) buf_put_u8(out, (uint8_t)digits[unit >> shift & 15]);
}

/* One character beyond ASCII as Java's store writes it; returns the bytes used. What is no UTF-8 was meant as
 * ISO-8859-1, which Java reads. */
static size_t put_beyond_ascii(struct buf *out, struct span rest) {
  uint32_t c;
  size_t used = utf8_get(rest.ptr, rest.len, &c);
  if (c == UTF8_REPLACEMENT && used < 3) {
    c = rest.ptr[0];
    used = 1;
  }
  if (c >= 0x10000) {
    put_unit(out, 0xD800u + ((c - 0x10000) >> 10));
    put_unit(out, 0xDC00u + ((c - 0x10000) & 0x3FF));
  } else {
    put_unit(out, c);
  }
  return used;
}

/* Escapes only what the reader needs: values keep their ':' and '=', so that a.b:9876 stays legible. */
static void put_escaped(struct buf *out, struct span s, bool key) {
  static const char named[] = "tn?fr"; /* 9..13 */
  for (size_t i = 0; i < s.len;) {
    uint8_t c = s.ptr[i];
    if (c >= 0x7F) {
      i += put_beyond_ascii(out, span_from(s, i));
      continue;
    }
    bool separator = key && (c == ' ' || c == '=' || c == ':' || c == '#' || c == '!');
    if (separator || c == '\\' || (c == ' ' && i == 0)) {
      buf_put_u8(out, '\\');
      buf_put_u8(out, c);
    } else if (c >= '\t' && c <= '\r' && c != '\v') {
      buf_put_u8(out, '\\');
      buf_put_u8(out, (uint8_t)named[c - '\t']);
    } else if (c < ' ') {
      put_unit(out, c);
    } else {
      buf_put_u8(out, c);
    }
    i++;
  }
}

void properties_put(struct buf *out, struct span key, struct span value) {
  put_escaped(out, key, true);
  buf_put_u8(out, '=');
  put_escaped(out, value, false);
  buf_put_u8(out, '\n');
}
