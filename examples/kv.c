/* SPDX-License-Identifier: Apache-2.0
 *
 * kv: a replicated key-value store on libdledger. Three of these are a service
 * that goes on when one dies:
 *
 *   kv n0 "n0-127.0.0.1:7000;n1-127.0.0.1:7001;n2-127.0.0.1:7002" 8000 /tmp/kv
 *   kv n1 … 8001 /tmp/kv        kv n2 … 8002 /tmp/kv
 *   printf 'put city Berlin\nget city\nlist\n' | nc 127.0.0.1 8000
 *
 * Answers: "ok VALUE", "none", "leader ID" (ask that one), "unknown" (it may
 * have happened or not), "error TEXT".
 *
 * Every command goes through the log, reads too: a read is answered when its
 * own entry is applied, so it sees everything that was finished before it
 * began. The map is saved to a file now and then, with the index it stands
 * for; a start loads it and applies the log from there.
 */
#include <dledger/dledger.h>

#include <arpa/inet.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { BUCKETS = 4096, LINE_MAX_BYTES = 65536, SNAPSHOT_EVERY = 20000, ID_MAX = 16, HAND_OVER_MS = 500 };

struct pair {
  struct pair *next;
  char *key, *value;
};

/* A client that waits until its own entry is applied. On its thread's stack. */
struct wish {
  struct wish *next;
  uint64_t number;
  pthread_cond_t cond;
  bool done;
  enum dledger_result result;
  char *answer; /* NULL: there is no such key */
};

static struct {
  pthread_mutex_t lock;
  struct pair *buckets[BUCKETS];
  struct wish *wishes;
  uint64_t numbers;
  int64_t applied, saved;
  char id[ID_MAX];
  char path[4096];
  dledger *log;
} kv = {.lock = PTHREAD_MUTEX_INITIALIZER, .applied = -1, .saved = -1};

/* ---- the map ---- */

static struct pair **find(const char *key) {
  uint32_t hash = 2166136261u;
  for (const char *p = key; *p != '\0'; p++) hash = (hash ^ (uint8_t)*p) * 16777619u;
  struct pair **at = &kv.buckets[hash % BUCKETS];
  while (*at != NULL && strcmp((*at)->key, key) != 0) at = &(*at)->next;
  return at;
}

static void put(const char *key, const char *value) {
  struct pair **at = find(key);
  if (*at == NULL) {
    *at = calloc(1, sizeof **at);
    if (*at == NULL || ((*at)->key = strdup(key)) == NULL) abort();
  }
  free((*at)->value);
  if (((*at)->value = strdup(value)) == NULL) abort();
}

static char *list(void) {
  char *text = NULL;
  size_t len;
  FILE *out = open_memstream(&text, &len);
  if (out == NULL) return NULL;
  for (int i = 0; i < BUCKETS; i++)
    for (const struct pair *p = kv.buckets[i]; p != NULL; p = p->next) fprintf(out, "%s=%s ", p->key, p->value);
  fclose(out);
  return text;
}

/* ---- the snapshot: "INDEX\n", then "KEY VALUE\n" for each ---- */

static void save(void) {
  char path[sizeof kv.path + 4];
  snprintf(path, sizeof path, "%s.tmp", kv.path);
  FILE *out = fopen(path, "w");
  if (out == NULL) return;
  fprintf(out, "%" PRId64 "\n", kv.applied);
  for (int i = 0; i < BUCKETS; i++)
    for (const struct pair *p = kv.buckets[i]; p != NULL; p = p->next) fprintf(out, "%s %s\n", p->key, p->value);
  bool good = fflush(out) == 0 && fsync(fileno(out)) == 0;
  if (fclose(out) == 0 && good && rename(path, kv.path) == 0) kv.saved = kv.applied;
}

static void load(void) {
  char *line = NULL;
  size_t cap = 0;
  FILE *in = fopen(kv.path, "r");
  if (in == NULL) return;
  if (getline(&line, &cap, in) > 0) kv.applied = kv.saved = strtoll(line, NULL, 10);
  while (getline(&line, &cap, in) > 0) {
    char *value = strchr(line, ' ');
    if (value == NULL) continue;
    *value++ = '\0';
    value[strcspn(value, "\n")] = '\0';
    put(line, value);
  }
  free(line);
  fclose(in);
}

/* ---- the log applies ---- */

/* An entry is "ID NUMBER COMMAND": who asked, so that it can be answered. */
static void on_entry(void *context, int64_t index, int64_t term, const void *body, size_t len) {
  char text[LINE_MAX_BYTES + 64], id[ID_MAX], *answer = NULL;
  uint64_t number;
  int skip = 0;
  (void)context, (void)term;
  if (len >= sizeof text) return;
  memcpy(text, body, len);
  text[len] = '\0';
  if (sscanf(text, "%15s %" SCNu64 " %n", id, &number, &skip) < 2 || skip == 0) return;
  char *command = text + skip, *key = command + strcspn(command, " ");
  if (*key != '\0') *key++ = '\0';
  pthread_mutex_lock(&kv.lock);
  if (strcmp(command, "put") == 0) {
    char *value = key + strcspn(key, " ");
    if (*value != '\0') *value++ = '\0';
    put(key, value);
    answer = strdup(value);
  } else if (strcmp(command, "get") == 0) {
    struct pair *p = *find(key);
    answer = p == NULL ? NULL : strdup(p->value);
  } else if (strcmp(id, kv.id) == 0) {
    answer = list();
  }
  kv.applied = index;
  struct wish *w = strcmp(id, kv.id) == 0 ? kv.wishes : NULL;
  while (w != NULL && w->number != number) w = w->next;
  if (w != NULL) {
    w->done = true;
    w->answer = answer;
    pthread_cond_signal(&w->cond);
  } else {
    free(answer);
  }
  if (kv.applied - kv.saved >= SNAPSHOT_EVERY) save();
  pthread_mutex_unlock(&kv.lock);
}

/* A commit is not enough: the answer is there when the entry is applied. */
static void on_done(void *argument, enum dledger_result result, int64_t index, int64_t pos) {
  uint64_t number = (uint64_t)(uintptr_t)argument;
  (void)index, (void)pos;
  if (result == DLEDGER_OK) return;
  pthread_mutex_lock(&kv.lock);
  struct wish *w = kv.wishes;
  while (w != NULL && w->number != number) w = w->next;
  if (w != NULL) {
    w->done = true;
    w->result = result;
    pthread_cond_signal(&w->cond);
  }
  pthread_mutex_unlock(&kv.lock);
}

static void run(const char *command, FILE *out) {
  static const char *const verbs[] = {"put ", "get ", "list"};
  char entry[LINE_MAX_BYTES + 64];
  struct wish w = {.cond = PTHREAD_COND_INITIALIZER, .result = DLEDGER_OK};
  struct dledger_status status;
  bool known = false;
  for (int i = 0; i < 3; i++) known = known || strncmp(command, verbs[i], strlen(verbs[i])) == 0;
  if (!known) {
    fprintf(out, "error put KEY VALUE, get KEY, or list\n");
    return;
  }
  pthread_mutex_lock(&kv.lock);
  w.number = ++kv.numbers;
  w.next = kv.wishes;
  kv.wishes = &w;
  pthread_mutex_unlock(&kv.lock);
  int len = snprintf(entry, sizeof entry, "%s %" PRIu64 " %s", kv.id, w.number, command);
  enum dledger_result r = dledger_append_async(kv.log, entry, (size_t)len, on_done, (void *)(uintptr_t)w.number);
  pthread_mutex_lock(&kv.lock);
  while (r == DLEDGER_OK && !w.done) pthread_cond_wait(&w.cond, &kv.lock);
  struct wish **at = &kv.wishes;
  while (*at != &w) at = &(*at)->next;
  *at = w.next;
  pthread_mutex_unlock(&kv.lock);
  if (r == DLEDGER_OK) r = w.result;
  if (r == DLEDGER_NOT_LEADER) {
    dledger_get_status(kv.log, &status);
    fprintf(out, "leader %s\n", status.leader);
  } else if (r == DLEDGER_UNKNOWN || r == DLEDGER_DISK) {
    fprintf(out, "unknown\n");
  } else if (r != DLEDGER_OK) {
    fprintf(out, "error %s\n", dledger_result_text(r));
  } else if (w.answer == NULL) {
    fprintf(out, "none\n");
  } else {
    fprintf(out, "ok %s\n", w.answer);
  }
  free(w.answer);
}

/* ---- clients ---- */

static void *serve(void *argument) {
  int fd = (int)(intptr_t)argument;
  FILE *in = fdopen(fd, "r"), *out = fdopen(dup(fd), "w");
  char line[LINE_MAX_BYTES];
  while (in != NULL && out != NULL && fgets(line, sizeof line, in) != NULL) {
    line[strcspn(line, "\r\n")] = '\0';
    run(line, out);
    if (fflush(out) != 0) break;
  }
  if (in != NULL) fclose(in);
  if (out != NULL) fclose(out);
  return NULL;
}

static void *serve_all(void *argument) {
  int listener = (int)(intptr_t)argument;
  for (;;) {
    pthread_t thread;
    int fd = accept(listener, NULL, NULL);
    if (fd < 0) continue;
    if (pthread_create(&thread, NULL, serve, (void *)(intptr_t)fd) == 0) pthread_detach(thread);
    else close(fd);
  }
  return NULL;
}

static int listen_on(int port) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
  int on = 1, fd = socket(AF_INET, SOCK_STREAM, 0);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (fd < 0) return -1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (bind(fd, (struct sockaddr *)&address, sizeof address) == 0 && listen(fd, 64) == 0) return fd;
  close(fd);
  return -1;
}

static void on_role(void *context, enum dledger_role role, int64_t term, const char *leader) {
  static const char *const names[] = {"follower", "candidate", "leader"};
  (void)context;
  fprintf(stderr, "%s is %s in term %" PRId64 ", leader %s\n", kv.id, names[role], term, leader);
}

int main(int argc, char **argv) {
  struct dledger_options options;
  pthread_t thread;
  sigset_t end;
  char error[512] = "";
  int caught;
  bool help = argc == 2 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0);
  if (argc < 5) {
    fputs(
        "usage: kv ID PEERS PORT DIR [none|leader|majority]\n"
        "One member of a replicated key-value store: kv n0 'n0-127.0.0.1:7000;n1-127.0.0.1:7001;n2-127.0.0.1:7002' "
        "8000 n0.data\n"
        "and the like for n1 and n2. Members talk on the ports of PEERS; clients send lines to PORT: put, get, list.\n",
        help ? stdout : stderr);
    return help ? 0 : 2;
  }
  sigemptyset(&end);
  sigaddset(&end, SIGTERM);
  sigaddset(&end, SIGINT);
  pthread_sigmask(SIG_BLOCK, &end, NULL);
  signal(SIGPIPE, SIG_IGN);
  snprintf(kv.id, sizeof kv.id, "%s", argv[1]);
  snprintf(kv.path, sizeof kv.path, "%s/kv-%s.snapshot", argv[4], argv[1]);
  kv.numbers = (uint64_t)time(NULL) << 32; /* not those of an earlier life, whose entries may still come */
  load();
  dledger_options_default(&options);
  options.group = "kv";
  options.self_id = kv.id;
  options.peers = argv[2];
  options.dir = argv[4];
  options.bind = "127.0.0.1";
  options.data_file_length = 64 << 20;
  options.index_file_length = 32 << 17;
  if (argc > 5)
    options.fsync = strcmp(argv[5], "majority") == 0 ? DLEDGER_FSYNC_MAJORITY
                    : strcmp(argv[5], "leader") == 0 ? DLEDGER_FSYNC_LEADER
                                                     : DLEDGER_FSYNC_NONE;
  options.on_entry = on_entry;
  options.on_role = on_role;
  options.apply_from = kv.applied + 1;
  kv.log = dledger_start(&options, error, sizeof error);
  if (kv.log == NULL) {
    fprintf(stderr, "kv: %s\n", error);
    return 1;
  }
  int listener = listen_on(atoi(argv[3]));
  if (listener < 0 || pthread_create(&thread, NULL, serve_all, (void *)(intptr_t)listener) != 0) {
    fprintf(stderr, "kv: cannot listen on port %s\n", argv[3]);
    return 1;
  }
  sigwait(&end, &caught);
  dledger_stop(kv.log, HAND_OVER_MS);
  save();
  _exit(0); /* clients' threads may still wait */
}
