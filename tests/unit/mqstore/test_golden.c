/* SPDX-License-Identifier: Apache-2.0
 *
 * Every fact that expected.json tells of a golden store, as the commands show
 * it: those of a DLedger group too, which no broker opens yet. A key that no
 * check knows fails the test.
 */
#include "core/wire/message.h"
#include "tests/golden/expected.h"
#include "tests/unit/mqstore/rig.h"
#include "tests/unit/mqstore/suites.h"

#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

static int64_t number(const struct json *object, const char *name) {
  return json_i64(json_member(object, name), INT64_MIN);
}

static struct span bytes_of(struct expected *e, struct span hex) {
  uint8_t *bytes = arena_alloc(&e->arena, hex.len / 2 + 1);
  CU_ASSERT_FATAL(bytes != NULL);
  for (size_t i = 0; i < hex.len / 2; i++) {
    char pair[3] = {(char)hex.ptr[2 * i], (char)hex.ptr[2 * i + 1], '\0'};
    bytes[i] = (uint8_t)strtol(pair, NULL, 16);
  }
  return span_of(bytes, hex.len / 2);
}

static bool digest_is(struct expected *e, const struct json *shown, const struct json *digest) {
  char hex[SHA256_TEXT + 1];
  sha256_text(bytes_of(e, json_text(shown)), hex);
  return span_is(json_text(digest), hex);
}

/* ---- records ---- */

static bool host_same(const struct json *a, const struct json *b) {
  struct net_peer x, y;
  char s[NET_PEER_TEXT_MAX], t[NET_PEER_TEXT_MAX];
  if (net_peer_parse(json_text(a), &x) != STATUS_OK || net_peer_parse(json_text(b), &y) != STATUS_OK) return false;
  return net_peer_text(&x, s) == net_peer_text(&y, t) && strcmp(s, t) == 0;
}

/* Long texts are told by digest and length. */
static bool properties_same(const struct json *want, const struct json *got) {
  if (want->child_count != got->child_count) return false;
  for (const struct json *w = want->children; w != NULL; w = w->next) {
    char name[256], hex[SHA256_TEXT + 1], told[256];
    if (!span_copy_text(json_text(w->key), name, sizeof name)) return false;
    struct span value = json_text(json_member(got, name));
    sha256_text(value, hex);
    snprintf(told, sizeof told, "sha256:%s length:%zu", hex, value.len);
    if (!span_equal(value, json_text(w)) && !span_is(json_text(w), told)) return false;
  }
  return true;
}

static void message_check(struct expected *e, const struct json *want, const struct json *got) {
  static const char *const numbers[] = {
      "commitLogOffset", "storeSize",     "queueId",        "queueOffset",    "flag",
      "sysFlag",         "bornTimestamp", "storeTimestamp", "reconsumeTimes", "preparedTransactionOffset",
      "bodyCRC",         "bodyLength"};
  CU_ASSERT_FATAL(got != NULL);
  CU_ASSERT(expected_knows(want,
                           "commitLogOffset storeSize topic queueId queueOffset flag sysFlag bornTimestamp bornHost "
                           "storeTimestamp storeHost reconsumeTimes preparedTransactionOffset bodyCRC offsetMsgId "
                           "bodyLength bodySha256 plainBodyLength plainBodySha256 properties body"));
  for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
    CU_ASSERT(number(got, numbers[i]) == expected_number(want, numbers[i]));
  CU_ASSERT(span_equal(json_text(json_member(want, "topic")), json_text(json_member(got, "topic"))));
  CU_ASSERT(span_equal(json_text(json_member(want, "offsetMsgId")), json_text(json_member(got, "offsetMsgId"))));
  CU_ASSERT(host_same(json_member(want, "bornHost"), json_member(got, "bornHost")));
  CU_ASSERT(host_same(json_member(want, "storeHost"), json_member(got, "storeHost")));
  CU_ASSERT(properties_same(json_member(want, "properties"), json_member(got, "properties")));
  const struct json *body = json_member(got, "body"), *text = json_member(want, "body");
  CU_ASSERT(text != NULL ? span_equal(json_text(text), json_text(body))
                         : digest_is(e, body, json_member(want, "bodySha256")));
  const struct json *plain = json_member(want, "plainBodySha256");
  if (plain == NULL) return;
  CU_ASSERT(digest_is(e, json_member(got, "plainBody"), plain));
  CU_ASSERT(json_text(json_member(got, "plainBody")).len == 2 * (size_t)expected_number(want, "plainBodyLength"));
}

static void messages_check(struct rig *r, struct expected *e, const struct json *records) {
  size_t n = 0;
  CU_ASSERT_FATAL(rig_run(r, "messages", "@", "--json", "--body", NULL) == EXIT_FINE);
  for (const struct json *w = records->children; w != NULL; w = w->next) message_check(e, w, rig_json(r, n++));
  CU_ASSERT(n > 0 && rig_json(r, n) == NULL);
}

/* ---- queues and look-ups ---- */

static void unit_check(const struct json *want, const struct json *got) {
  const struct json *ext = json_member(want, "ext"), *shown = json_member(got, "ext");
  CU_ASSERT_FATAL(got != NULL);
  CU_ASSERT(expected_knows(want, "queueOffset commitLogOffset size tagsCode ext"));
  CU_ASSERT(number(got, "queueOffset") == expected_number(want, "queueOffset"));
  CU_ASSERT(number(got, "commitLogOffset") == expected_number(want, "commitLogOffset"));
  CU_ASSERT(number(got, "size") == expected_number(want, "size"));
  CU_ASSERT(number(got, "tagsCode") == expected_number(want, "tagsCode"));
  CU_ASSERT((ext == NULL) == (shown == NULL));
  if (ext == NULL) return;
  CU_ASSERT(expected_knows(ext, "address tagsCode msgStoreTime bitMap"));
  CU_ASSERT(span_equal(json_text(json_member(ext, "address")), json_text(json_member(shown, "address"))));
  CU_ASSERT(number(shown, "tagsCode") == expected_number(ext, "tagsCode"));
  CU_ASSERT(number(shown, "msgStoreTime") == expected_number(ext, "msgStoreTime"));
  CU_ASSERT(span_equal(json_text(json_member(ext, "bitMap")), json_text(json_member(shown, "bitMap"))));
}

static void queue_check(struct rig *r, const struct json *q) {
  char topic[256], id[16];
  size_t n = 1;
  CU_ASSERT(expected_knows(q, "topic queueId minOffset maxOffset maxPhysicOffset units"));
  CU_ASSERT_FATAL(span_copy_text(json_text(json_member(q, "topic")), topic, sizeof topic));
  snprintf(id, sizeof id, "%" PRId64, expected_number(q, "queueId"));
  CU_ASSERT_FATAL(rig_run(r, "queue", "@", topic, id, "--json", NULL) == EXIT_FINE);
  CU_ASSERT(number(rig_json(r, 0), "minOffset") == expected_number(q, "minOffset"));
  CU_ASSERT(number(rig_json(r, 0), "maxOffset") == expected_number(q, "maxOffset"));
  for (const struct json *u = json_member(q, "units")->children; u != NULL; u = u->next)
    unit_check(u, rig_json(r, n++));
  const struct json *last = rig_json(r, n - 1);
  CU_ASSERT(rig_json(r, n) == NULL);
  CU_ASSERT(number(last, "commitLogOffset") + number(last, "size") == expected_number(q, "maxPhysicOffset"));
}

static void lookup_check(struct rig *r, const struct json *x) {
  const struct json *found = json_member(x, "found"), *line;
  char topic[256], key[1024];
  size_t count = 0;
  CU_ASSERT(expected_knows(x, "topic key found"));
  CU_ASSERT_FATAL(span_copy_text(json_text(json_member(x, "topic")), topic, sizeof topic));
  CU_ASSERT_FATAL(span_copy_text(json_text(json_member(x, "key")), key, sizeof key));
  CU_ASSERT_FATAL(rig_run(r, "index", "@", topic, key, "--json", NULL) == EXIT_FINE);
  for (size_t i = 0; (line = rig_json(r, i)) != NULL; i++) {
    bool listed = false;
    if (json_member(line, "readable") == NULL) continue; /* the record itself */
    for (const struct json *f = found->children; f != NULL; f = f->next)
      if (json_i64(f, -1) == number(line, "commitLogOffset")) listed = true;
    CU_ASSERT(listed);
    count++;
  }
  CU_ASSERT(count == found->child_count);
}

/* ---- the rest of a store ---- */

static void offsets_check(const struct json *want, const struct json *shown) {
  size_t count = 0;
  if (want == NULL) return;
  for (const struct json *t = json_member(want, "offsetTable")->children; t != NULL; t = t->next)
    for (const struct json *o = t->children; o != NULL; o = o->next, count++) {
      bool listed = false;
      for (const struct json *s = shown->children; s != NULL; s = s->next) {
        struct span topic = json_text(json_member(s, "topic")), key = json_text(t->key);
        if (key.len > topic.len && memcmp(key.ptr, topic.ptr, topic.len) == 0 && key.ptr[topic.len] == '@' &&
            span_equal(span_from(key, topic.len + 1), json_text(json_member(s, "group"))) &&
            number(s, "queueId") == expected_number(o, "key") && number(s, "offset") == expected_number(o, "value"))
          listed = true;
      }
      CU_ASSERT(listed);
    }
  CU_ASSERT(count == shown->child_count);
}

/* Everything the archive says of itself that info shows. */
static void info_check(struct rig *r, const struct json *archived) {
  CU_ASSERT_FATAL(rig_run(r, "info", "@", "--json", NULL) == EXIT_FINE);
  const struct json *info = rig_json(r, 0), *files = json_member(info, "indexFiles");
  const struct json *want = json_member(archived, "checkpoint"), *shown = json_member(info, "checkpoint");
  CU_ASSERT(json_bool(json_member(info, "abort"), false) == json_bool(json_member(archived, "abortFile"), false));
  CU_ASSERT(number(shown, "physicMsgTimestamp") == expected_number(want, "physicMsgTimestamp"));
  CU_ASSERT(number(shown, "logicsMsgTimestamp") == expected_number(want, "logicsMsgTimestamp"));
  CU_ASSERT(number(shown, "indexMsgTimestamp") == expected_number(want, "indexMsgTimestamp"));
  const struct json *g = files->children, *w = json_member(archived, "indexFiles")->children;
  CU_ASSERT(files->child_count == json_member(archived, "indexFiles")->child_count);
  for (; w != NULL && g != NULL; w = w->next, g = g->next)
    for (const struct json *m = w->children; m != NULL; m = m->next) {
      char name[64];
      CU_ASSERT_FATAL(span_copy_text(json_text(m->key), name, sizeof name));
      CU_ASSERT(expected_same(m, json_member(g, name)));
    }
  const struct json *queues = json_member(info, "queues");
  CU_ASSERT(queues->child_count == json_member(archived, "queuesOnDisk")->child_count);
  const struct json *config = json_member(archived, "config"), *states = json_member(info, "config");
  for (const struct json *c = config->children; c != NULL; c = c->next) {
    char name[64];
    CU_ASSERT_FATAL(span_copy_text(json_text(c->key), name, sizeof name));
    const struct json *state = json_member(states, name);
    CU_ASSERT(span_is(json_text(json_member(state, "state")), "good"));
    CU_ASSERT(number(state, "count") == (int64_t)c->children[0].child_count ||
              number(state, "count") == (int64_t)(c->children[0].next == NULL ? 0 : c->children[0].next->child_count));
  }
  offsets_check(json_member(config, "consumerOffset.json"),
                json_member(json_member(states, "consumerOffset.json"), "offsets"));
}

static void log_check(struct rig *r, const struct json *found) {
  CU_ASSERT_FATAL(rig_run(r, "info", "@", "--json", NULL) == EXIT_FINE);
  const struct json *log = json_member(rig_json(r, 0), "commitLog");
  CU_ASSERT(number(log, "minOffset") == expected_number(found, "minPhyOffset"));
  CU_ASSERT(number(log, "maxOffset") == expected_number(found, "maxPhyOffset"));
  CU_ASSERT(number(log, "records") == (int64_t)json_member(found, "records")->child_count);
  CU_ASSERT(number(log, "fillers") == (int64_t)json_member(found, "fillers")->child_count);
}

static void sound_check(struct rig *r) {
  CU_ASSERT(rig_run(r, "verify", "@", NULL) == EXIT_FINE);
  CU_ASSERT_FATAL(r->out_len >= 3);
  CU_ASSERT_STRING_EQUAL(r->out + r->out_len - 3, "OK\n");
}

static void store_check(const char *name, const char *shared, bool clean) {
  struct rig r;
  struct expected e, other;
  char archive[128];
  expected_open(&e, name);
  if (shared != NULL) expected_open(&other, shared);
  const struct json *found = json_member(shared == NULL ? e.root : other.root, "recovered");
  snprintf(archive, sizeof archive, "store/%s.tar.gz", name);
  rig_init(&r, archive, "store");
  sound_check(&r);
  CU_ASSERT(rig_said(&r, "note") == !clean && rig_said(&r, "not stopped cleanly") == !clean);
  CU_ASSERT(rig_said(&r, "recovery adds them") == !clean);
  info_check(&r, json_member(e.root, "archived"));
  if (!clean) /* what a start would put right */
    CU_ASSERT(rig_run(&r, "rebuild", "@", "--yes", "--queue-file", "1280", "--index-slots", "64", "--index-entries",
                      "256", NULL) == EXIT_FINE);
  sound_check(&r);
  CU_ASSERT(!rig_said(&r, "recovery adds them"));
  log_check(&r, found);
  messages_check(&r, &e, json_member(found, "records"));
  for (const struct json *q = json_member(found, "queues")->children; q != NULL; q = q->next) queue_check(&r, q);
  for (const struct json *x = json_member(found, "index")->children; x != NULL; x = x->next) lookup_check(&r, x);
  CU_ASSERT(rig_run(&r, "index", "@", "T", "no such key at all", NULL) == EXIT_PROBLEMS);
  rig_fini(&r);
  if (shared != NULL) expected_close(&other);
  expected_close(&e);
}

void test_golden_normal(void) { store_check("store-a-normal", NULL, true); }
void test_golden_killed(void) { store_check("store-b-killed", NULL, false); }
void test_golden_lag(void) { store_check("store-b-lag", "store-b-killed", false); }
void test_golden_noqueue(void) { store_check("store-b-noqueue", "store-b-killed", false); }
void test_golden_delay(void) { store_check("store-c-delay", NULL, true); }
void test_golden_transactions(void) { store_check("store-d-tx", NULL, true); }
void test_golden_ext(void) { store_check("store-g-ext", NULL, true); }
void test_golden_ipv6(void) { store_check("store-h-ipv6", NULL, true); }

/* ---- DLedger ---- */

static const struct json *entries_of_longest(const struct json *nodes) {
  for (const struct json *n = nodes->children; n != NULL; n = n->next)
    if (json_member(n, "entries")->kind == JSON_ARRAY) return json_member(n, "entries");
  CU_FAIL_FATAL("no node tells its entries");
  return NULL;
}

static void entry_check(struct rig *r, struct expected *e, const struct json *want, size_t n) {
  const struct json *got = rig_json(r, n), *message = json_member(want, "message");
  CU_ASSERT_FATAL(got != NULL);
  CU_ASSERT(expected_knows(want, "index term pos size channel chainCrc bodyCrc bodySha256 body message"));
  CU_ASSERT(number(got, "index") == expected_number(want, "index") &&
            number(got, "term") == expected_number(want, "term"));
  CU_ASSERT(number(got, "pos") == expected_number(want, "pos"));
  CU_ASSERT(number(got, "entrySize") == expected_number(want, "size"));
  /* Fields that DLedger 0.1 leaves at 0. */
  CU_ASSERT(expected_number(want, "channel") == 0 && expected_number(want, "chainCrc") == 0);
  CU_ASSERT(expected_number(want, "bodyCrc") == 0);
  if (message != NULL) {
    message_check(e, message, got);
    return;
  }
  const struct json *body = json_member(got, "body"), *text = json_member(want, "body");
  CU_ASSERT(text != NULL ? expected_same(text, body) : digest_is(e, body, json_member(want, "bodySha256")));
}

/* An entry's own bytes, behind its header of 48: the digest is of these. */
static void entry_bytes_check(struct rig *r, const struct json *want, const char *dir, int64_t file_length) {
  enum { HEADER = 48 };
  char path[256], hex[SHA256_TEXT + 1];
  int64_t pos = expected_number(want, "pos"), size = expected_number(want, "size");
  uint8_t *bytes = malloc((size_t)size);
  snprintf(path, sizeof path, "%s/data/%020" PRId64, dir, pos - pos % file_length);
  rig_read(r, path, pos % file_length, bytes, (size_t)size);
  sha256_text(span_of(bytes + HEADER, (size_t)size - HEADER), hex);
  if (json_member(want, "bodySha256") != NULL) ASSERT_SPAN(json_text(json_member(want, "bodySha256")), hex);
  free(bytes);
}

static void filler_check(struct rig *r, const struct json *want, const char *dir, int64_t file_length) {
  char path[256];
  uint8_t bytes[8];
  int64_t pos = expected_number(want, "pos");
  CU_ASSERT(expected_knows(want, "pos sizeField") &&
            pos % file_length + expected_number(want, "sizeField") == file_length);
  snprintf(path, sizeof path, "%s/data/%020" PRId64, dir, pos - pos % file_length);
  rig_read(r, path, pos % file_length, bytes, sizeof bytes);
  CU_ASSERT(get_u32(bytes) == UINT32_MAX && get_i32(bytes + 4) == expected_number(want, "sizeField"));
}

/* The files are those that were packed: coreutils may tell. Index files of 160 MiB of holes are left to verify. */
static void files_check(struct rig *r, const struct json *files) {
  enum { LARGE = 1 << 20 };
  for (const struct json *f = files->children; f != NULL; f = f->next) {
    char path[256];
    CU_ASSERT(expected_knows(f, "path length sha256"));
    CU_ASSERT_FATAL(span_copy_text(json_text(json_member(f, "path")), path, sizeof path));
    int64_t length = expected_number(f, "length");
    CU_ASSERT(rig_length(r, path) == length);
    if (length > LARGE) continue;
    char hex[SHA256_TEXT + 1];
    uint8_t *bytes = malloc((size_t)length + 1);
    rig_read(r, path, 0, bytes, (size_t)length);
    sha256_text(span_of(bytes, (size_t)length), hex);
    ASSERT_SPAN(json_text(json_member(f, "sha256")), hex);
    free(bytes);
  }
}

static void node_check(struct rig *r, struct expected *e, const struct json *node, const struct json *entries) {
  int64_t count = expected_number(node, "entryCount"), file_length = expected_number(node, "dataFileSize"), n = 0;
  char dir[64];
  CU_ASSERT(expected_knows(
      node, "currterm checkpoint dataFileSize indexFileSize entryCount fillers entries files prefixOfLongest"));
  sound_check(r);
  CU_ASSERT_FATAL(rig_run(r, "info", "@", "--json", NULL) == EXIT_FINE);
  const struct json *log = json_member(rig_json(r, 0), "ledger"), *own = json_member(rig_json(r, 0), "dledger");
  CU_ASSERT_FATAL(span_copy_text(json_text(json_member(own, "name")), dir, sizeof dir));
  CU_ASSERT(number(log, "entries") == count && number(log, "lastIndex") == count - 1);
  CU_ASSERT(number(log, "fileLength") == file_length);
  CU_ASSERT(number(log, "fillers") == (int64_t)json_member(node, "fillers")->child_count);
  CU_ASSERT(number(own, "currTerm") == json_i64(expected_at(node, "currterm.currTerm"), -1));
  CU_ASSERT(span_equal(json_text(json_member(own, "voteLeader")), json_text(expected_at(node, "currterm.voteLeader"))));
  CU_ASSERT(number(own, "committedIndex") == json_i64(expected_at(node, "checkpoint.committedIndex"), -1));
  CU_ASSERT(number(own, "endIndex") == json_i64(expected_at(node, "checkpoint.endIndex"), -1));
  CU_ASSERT(json_bool(json_member(node, "prefixOfLongest"), false));
  CU_ASSERT_FATAL(rig_run(r, "messages", "@", "--json", "--body", NULL) == EXIT_FINE);
  for (const struct json *x = entries->children; x != NULL && n < count; x = x->next, n++) {
    entry_check(r, e, x, (size_t)n);
    entry_bytes_check(r, x, dir, file_length);
  }
  CU_ASSERT(n == count && rig_json(r, (size_t)count) == NULL);
  for (const struct json *f = json_member(node, "fillers")->children; f != NULL; f = f->next)
    filler_check(r, f, dir, file_length);
  char index[128];
  snprintf(index, sizeof index, "%s/index/%020d", dir, 0);
  CU_ASSERT(rig_length(r, index) == expected_number(node, "indexFileSize"));
  files_check(r, json_member(node, "files"));
}

/* Each put that was answered is the entry it was said to be. */
static void put_check(const struct json *put, const struct json *entry) {
  const struct json *m = json_member(entry, "message");
  CU_ASSERT_FATAL(entry != NULL);
  if (m == NULL) {
    CU_ASSERT(expected_knows(put, "batch code index pos term bodySha256"));
    CU_ASSERT(expected_number(put, "code") == 200 && json_text(json_member(put, "batch")).len > 0);
    CU_ASSERT(expected_number(put, "index") == expected_number(entry, "index"));
    CU_ASSERT(expected_number(put, "pos") == expected_number(entry, "pos"));
    CU_ASSERT(expected_number(put, "term") == expected_number(entry, "term"));
    CU_ASSERT(expected_same(json_member(put, "bodySha256"), json_member(entry, "bodySha256")));
    return;
  }
  CU_ASSERT(expected_knows(put, "topic queueId status key queueOffset commitLogOffset storeSize offsetMsgId"));
  ASSERT_SPAN(json_text(json_member(put, "status")), "PUT_OK");
  CU_ASSERT(expected_same(json_member(put, "key"), expected_at(m, "properties.KEYS")));
  static const char *const same[] = {"topic", "queueId", "queueOffset", "commitLogOffset", "storeSize", "offsetMsgId"};
  for (size_t i = 0; i < sizeof same / sizeof same[0]; i++)
    CU_ASSERT(expected_same(json_member(put, same[i]), json_member(m, same[i])));
}

static void group_check(const char *name, const char *known_facts) {
  struct expected e;
  char archive[128], other[300];
  expected_open(&e, name);
  snprintf(archive, sizeof archive, "store/%s.tar.gz", name);
  const struct json *nodes = json_member(e.root, "nodes"), *entries = entries_of_longest(nodes), *facts;
  const struct json *put = json_member(e.root, "puts")->children, *entry = entries->children;
  CU_ASSERT(expected_knows(e.root, "description facts puts nodes identicalEntriesOnAllNodes"));
  facts = json_member(e.root, "facts");
  CU_ASSERT(expected_knows(facts, known_facts));
  for (; put != NULL; put = put->next, entry = entry == NULL ? NULL : entry->next) put_check(put, entry);
  CU_ASSERT(entry == NULL);
  int64_t least = INT64_MAX;
  for (const struct json *node = nodes->children; node != NULL; node = node->next) {
    struct rig r;
    char id[16];
    CU_ASSERT_FATAL(span_copy_text(json_text(node->key), id, sizeof id));
    rig_init(&r, archive, id);
    node_check(&r, &e, node, entries);
    if (least > expected_number(node, "entryCount")) least = expected_number(node, "entryCount");
    snprintf(other, sizeof other, "%s/%.*s", r.top, SPAN_ARG(json_text(json_member(facts, "laggingFollower"))));
    CU_ASSERT(rig_run(&r, "compare", "@", other, NULL) == EXIT_FINE);
    rig_fini(&r);
  }
  CU_ASSERT(least == expected_number(e.root, "identicalEntriesOnAllNodes"));
  expected_close(&e);
}

/* Roles and terms before the end, peers and group are the generator's word: nothing of them is in the files. */
void test_golden_dledger(void) {
  group_check("store-e-dledger",
              "leader laggingFollower topics stateBeforeShutdown mappedFileSizeCommitLog group peers");
}
void test_golden_dledger_bare(void) {
  group_check("store-e-dledger-bare",
              "leader laggingFollower dirtyNode mappedFileSizeForEntryData mappedFileSizeForEntryIndex group stages");
}
