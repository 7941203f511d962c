/* SPDX-License-Identifier: Apache-2.0
 *
 * codepeer: sends the requests of a list to a server and writes down every
 * answer leaf by leaf, so that the answers of two servers can be compared by
 * sorting and comparing lines (codes.sh).
 *
 *     codepeer HOST:PORT json|rocketmq CASES
 *
 * A line of CASES is NAME CODE [KEY=VALUE;KEY=VALUE...] [BODY]; "-" stands for no fields. \p in it is the port, \h the
 * port in hexadecimal as message ids have it. Lines that begin with '!' are only sent as they are (they prepare); all
 * others are sent also without fields and body ("NAME.bare") and with numbers, booleans and bodies broken
 * ("NAME.broken"). What the server asks the client meanwhile is answered like a consumer would, and written down too.
 */
#include "tests/system/peer.h"
#include "core/wire/json.h"

#include <ctype.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/socket.h>

enum { FIELDS_MAX = 32, LINE_ROOM = 8192, PATH_ROOM = 1024, SILENCE_MS = 1500 };

struct peer_run {
  struct conn conn;
  const char *port;
  char hex_port[16], own_port[16];
  const char *mode;
};

struct fields {
  struct ext items[FIELDS_MAX];
  size_t count;
};

volatile sig_atomic_t peer_stopped;

int fail(const char *format, ...) {
  va_list args;
  va_start(args, format);
  vfprintf(stderr, format, args);
  va_end(args);
  fputc('\n', stderr);
  return 1;
}

/* ---- writing down ---- */

static size_t digits(struct span s) {
  size_t n = 0;
  while (n < s.len && isdigit(((const unsigned char *)s.ptr)[n])) n++;
  return n;
}

/* Times, ports and what else cannot be equal gets a name. */
static void put_value(const struct peer_run *r, struct span s) {
  size_t port = strlen(r->port), hex = strlen(r->hex_port), own = strlen(r->own_port);
  bool in_number = false;
  while (s.len > 0) {
    const char *c = (const char *)s.ptr;
    size_t n = in_number ? 0 : digits(s), step = 1;
    if (n == 13 && c[0] == '1' && (c[1] == '7' || c[1] == '8')) fputs("<time>", stdout), step = 13;
    else if (s.len >= hex && memcmp(c, r->hex_port, hex) == 0) fputs("<PORT>", stdout), step = hex;
    else if (n == port && memcmp(c, r->port, port) == 0) fputs("<port>", stdout), step = port;
    else if (n == own && memcmp(c, r->own_port, own) == 0) fputs("<me>", stdout), step = own;
    else if (*c < ' ') printf("\\x%02x", (unsigned char)*c);
    else putchar(*c);
    in_number = step == 1 && isdigit((unsigned char)*c);
    s = span_from(s, step);
  }
  putchar('\n');
}

static void put_leaf(const struct peer_run *r, const char *name, const char *path, struct span value) {
  printf("%s/%s/%s=", name, r->mode, path);
  put_value(r, value);
}

static void key_text(const struct json *key, char *out, size_t room) {
  struct buf text;
  buf_init(&text, PATH_ROOM);
  if (key->kind == JSON_OBJECT) json_put_tree(&text, key);
  else buf_put(&text, key->text);
  snprintf(out, room, "%.*s", SPAN_ARG(buf_span(&text)));
  for (char *c = out; *c != '\0'; c++)
    if (*c == '/' || *c == '\n') *c = '_';
  buf_fini(&text);
}

/* Elements of arrays are named by their place only when they are objects: Java's sets have no order. */
static void put_json(const struct peer_run *r, const char *name, const char *path, const struct json *v) {
  char below[PATH_ROOM], key[PATH_ROOM / 2];
  if (v->kind != JSON_OBJECT && v->kind != JSON_ARRAY) {
    put_leaf(r, name, path, v->kind == JSON_NULL ? SPAN_LITERAL("null") : json_text(v));
    return;
  }
  if (v->children == NULL) put_leaf(r, name, path, v->kind == JSON_ARRAY ? SPAN_LITERAL("[]") : SPAN_LITERAL("{}"));
  for (const struct json *c = v->children; c != NULL; c = c->next) {
    if (v->kind == JSON_OBJECT) key_text(c->key, key, sizeof key);
    else snprintf(key, sizeof key, "[]");
    if (snprintf(below, sizeof below, "%s.%s", path, key) >= (int)sizeof below) continue;
    put_json(r, name, below, c);
  }
}

static void put_records(const struct peer_run *r, const char *name, struct span body) {
  struct message m;
  size_t size;
  while (body.len > 0 && message_decode(body, true, &m, &size) == STATUS_OK) {
    put_leaf(r, name, "record.topic", m.topic);
    put_leaf(r, name, "record.body", m.body);
    put_leaf(r, name, "record.properties", m.properties);
    body = span_from(body, size);
  }
  if (body.len > 0) put_leaf(r, name, "body", SPAN_LITERAL("not records"));
}

static void put_lines(const struct peer_run *r, const char *name, struct span body) {
  while (body.len > 0) {
    char path[PATH_ROOM];
    size_t end = span_find(body, '\n', 0);
    struct span line = span_of(body.ptr, end);
    size_t eq = span_find(line, '=', 0);
    snprintf(path, sizeof path, "body.%.*s", (int)eq, (const char *)line.ptr);
    put_leaf(r, name, path, eq < line.len ? span_from(line, eq + 1) : SPAN_LITERAL(""));
    body = span_from(body, end < body.len ? end + 1 : end);
  }
}

static void put_body(struct peer_run *r, const char *name, int code, struct span body) {
  struct json *root;
  struct arena arena;
  if (body.len == 0) return;
  if (code == REQUEST_PULL_MESSAGE || code == REQUEST_QUERY_MESSAGE || code == REQUEST_VIEW_MESSAGE_BY_ID) {
    put_records(r, name, body);
    return;
  }
  if (code == REQUEST_GET_BROKER_CONFIG || code == REQUEST_GET_NAMESRV_CONFIG) {
    put_lines(r, name, body);
    return;
  }
  arena_init(&arena, 64 << 20);
  if (json_parse(body, &JSON_LIMITS_DEFAULT, &arena, &root, NULL, NULL) == STATUS_OK) put_json(r, name, "body", root);
  else put_leaf(r, name, "body", body);
  arena_fini(&arena);
}

static void put_answer(struct peer_run *r, const char *name, int code, const struct command *a) {
  char number[16], path[PATH_ROOM];
  snprintf(number, sizeof number, "%d", a->code);
  put_leaf(r, name, "code", span_text(number));
  if (a->remark.len > 0) put_leaf(r, name, "remark", a->remark);
  for (size_t i = 0; i < a->ext_count; i++) {
    snprintf(path, sizeof path, "ext.%.*s", SPAN_ARG(a->ext[i].key));
    put_leaf(r, name, path, a->ext[i].value);
  }
  put_body(r, name, code, a->body);
}

/* ---- asking ---- */

/* As a consumer answers what a broker asks. */
static void serve(struct peer_run *r, const char *name, const struct command *q) {
  static const char status[] =
      "{\"messageQueueTable\":{{\"brokerName\":\"broker-a\",\"queueId\":0,\"topic\":\"T\"}:1}}";
  static const char info[] = "{\"properties\":{\"PROP_CONSUME_TYPE\":\"CONSUME_PASSIVELY\"}}";
  static const char result[] = "{\"autoCommit\":true,\"consumeResult\":\"CR_SUCCESS\",\"order\":false}";
  char path[PATH_ROOM], key[PATH_ROOM / 2];
  const char *body = q->code == REQUEST_GET_CONSUMER_STATUS_FROM_CLIENT ? status
                     : q->code == REQUEST_GET_CONSUMER_RUNNING_INFO     ? info
                     : q->code == REQUEST_CONSUME_MESSAGE_DIRECTLY      ? result
                                                                        : "";
  if (q->code == REQUEST_NOTIFY_CONSUMER_IDS_CHANGED) return; /* when it comes is the server's affair */
  for (size_t i = 0; i < q->ext_count; i++) {
    snprintf(key, sizeof key, "%.*s", SPAN_ARG(q->ext[i].key));
    snprintf(path, sizeof path, "asked.%d.%s", q->code, key);
    put_leaf(r, name, path, q->ext[i].value);
  }
  snprintf(path, sizeof path, "asked.%d.body", q->code);
  if (q->code == REQUEST_RESET_CONSUMER_CLIENT_OFFSET) {
    struct json *root;
    struct arena arena;
    arena_init(&arena, 1 << 20);
    if (json_parse(q->body, &JSON_LIMITS_DEFAULT, &arena, &root, NULL, NULL) == STATUS_OK)
      put_json(r, name, path, root);
    arena_fini(&arena);
  } else if (q->code == REQUEST_CONSUME_MESSAGE_DIRECTLY) {
    put_records(r, name, q->body);
  } else {
    put_leaf(r, name, path, q->body);
  }
  struct command a = {.code = 0,
                      .flag = COMMAND_RESPONSE,
                      .opaque = q->opaque,
                      .serialize = r->conn.serialize,
                      .language = LANGUAGE_JAVA,
                      .version = MQ_VERSION_4_7_0,
                      .body = span_text(body)};
  command_encode(&r->conn.out, &a, NULL, NULL, false, 0);
  conn_flush(&r->conn);
}

static int ask(struct peer_run *r, const char *name, int code, const struct fields *f, const char *body) {
  struct conn *c = &r->conn;
  struct command q = {.code = code,
                      .opaque = ++c->opaque,
                      .serialize = c->serialize,
                      .language = LANGUAGE_JAVA,
                      .version = MQ_VERSION_4_7_0,
                      .ext = (struct ext *)f->items,
                      .ext_count = f->count,
                      .body = span_text(body)};
  command_encode(&c->out, &q, NULL, NULL, false, 0);
  if (!conn_flush(c)) return fail("%s: the connection is gone", name);
  int64_t end = monotonic_ms() + SILENCE_MS;
  for (;;) {
    struct command a;
    int64_t left = end - monotonic_ms();
    enum receive got = conn_receive(c, &a, left < 0 ? 0 : (int)left);
    if (got == RECEIVE_TIMEOUT) {
      put_leaf(r, name, "code", SPAN_LITERAL("silence"));
      return 0;
    }
    if (got != RECEIVED) return fail("%s: the server closed the connection", name);
    if (!(a.flag & COMMAND_RESPONSE)) serve(r, name, &a);
    else if (a.opaque == c->opaque) {
      put_answer(r, name, code, &a);
      return 0;
    }
  }
}

static bool is_typed(struct span v) {
  return span_is(v, "true") || span_is(v, "false") ||
         (v.len > 0 && (digits(v) == v.len || *(const char *)v.ptr == '-'));
}

static int ask_variants(struct peer_run *r, const char *name, int code, struct fields *f, const char *body) {
  char variant[PATH_ROOM];
  struct fields none = {.count = 0};
  int result = ask(r, name, code, f, body);
  snprintf(variant, sizeof variant, "%s.bare", name);
  if (result == 0 && (f->count > 0 || *body != '\0')) result = ask(r, variant, code, &none, "");
  bool any = *body != '\0';
  for (size_t i = 0; i < f->count; i++) {
    if (!is_typed(f->items[i].value)) continue;
    f->items[i].value = SPAN_LITERAL("x");
    any = true;
  }
  snprintf(variant, sizeof variant, "%s.broken", name);
  return result == 0 && any ? ask(r, variant, code, f, *body == '\0' ? "" : "{\"") : result;
}

/* ---- the list ---- */

static void expand(const struct peer_run *r, const char *line, char out[LINE_ROOM]) {
  size_t n = 0;
  for (; *line != '\0' && *line != '\n' && n < LINE_ROOM - 16; line++) {
    if (line[0] != '\\') {
      out[n++] = *line;
      continue;
    }
    line++;
    const char *text = *line == 'p'   ? r->port
                       : *line == 'h' ? r->hex_port
                       : *line == '1' ? "\x01"
                       : *line == '2' ? "\x02"
                                      : " ";
    n += (size_t)snprintf(out + n, 16, "%s", text);
  }
  out[n] = '\0';
}

static void split_fields(char *text, struct fields *f) {
  f->count = 0;
  if (strcmp(text, "-") == 0) return;
  for (char *pair; (pair = strsep(&text, ";")) != NULL && f->count < FIELDS_MAX;) {
    char *value = strchr(pair, '=');
    if (value == NULL) continue;
    *value++ = '\0';
    f->items[f->count++] = (struct ext){span_text(pair), span_text(value)};
  }
}

/* Java puts a message into its queue a little after the answer. */
enum { SETTLE_US = 50000 };

static int run_line(struct peer_run *r, const char *line) {
  char text[LINE_ROOM], *rest = text;
  expand(r, line, text);
  if (text[0] == '#' || text[0] == '\0') return 0;
  bool once = text[0] == '!';
  if (once) rest++;
  const char *name = strsep(&rest, " "), *code = strsep(&rest, " ");
  char none[] = "-", *list = rest == NULL ? none : strsep(&rest, " ");
  struct fields f;
  if (code == NULL) return fail("%s has no code", name);
  split_fields(list, &f);
  const char *body = rest == NULL ? "" : rest;
  if (!once) return ask_variants(r, name, atoi(code), &f, body);
  int failed = ask(r, name, atoi(code), &f, body);
  usleep(SETTLE_US);
  return failed;
}

int main(int argc, char **argv) {
  if (argc != 4) return fail("usage: codepeer HOST:PORT json|rocketmq CASES");
  struct peer_run r = {.mode = argv[2], .port = strrchr(argv[1], ':')};
  FILE *cases = fopen(argv[3], "r");
  if (r.port == NULL || cases == NULL) return fail("no port, or no file %s", argv[3]);
  r.port++;
  snprintf(r.hex_port, sizeof r.hex_port, "%08X", (unsigned)atoi(r.port));
  if (!conn_open(&r.conn, argv[1])) return fail("%s does not answer", argv[1]);
  struct sockaddr_in own;
  socklen_t own_len = sizeof own;
  if (getsockname(r.conn.fd, (struct sockaddr *)&own, &own_len) != 0) return fail("a socket without a name");
  snprintf(r.own_port, sizeof r.own_port, "%u", ntohs(own.sin_port));
  r.conn.serialize = strcmp(argv[2], "rocketmq") == 0 ? SERIALIZE_ROCKETMQ : SERIALIZE_JSON;
  char line[LINE_ROOM];
  int result = 0;
  while (result == 0 && fgets(line, sizeof line, cases) != NULL) result = run_line(&r, line);
  fclose(cases);
  conn_close(&r.conn);
  return result;
}
