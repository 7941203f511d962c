/* SPDX-License-Identifier: Apache-2.0
 *
 * kv_check: three examples/kv, killed at random, and clients that look whether
 * what they see is linearizable.
 *
 * Each key has one writer that writes 1, 2, 3, … and readers. Such a register
 * is linearizable when a read finds nothing older than what was acknowledged,
 * or seen by anybody, before it began, and nothing newer than what was asked
 * for when it ended.
 *
 *   kv_check [KV_PROGRAM [SECONDS [SEED]]]
 */
#include <arpa/inet.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

enum { NODES = 3, KEYS = 4, READERS = 4, ANSWER_S = 6, LEAST = 20 };

static struct {
  const char *program;
  char dir[64], peers[256];
  int raft_ports[NODES], ports[NODES];
  pid_t pids[NODES];
  atomic_int leader; /* a guess */
  atomic_bool stop;
  atomic_long asked[KEYS], acked[KEYS], seen[KEYS];
  atomic_long writes, reads, unknown, violations, kills;
} t;

static int free_port(void) {
  struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t len = sizeof a;
  int fd = socket(AF_INET, SOCK_STREAM, 0), on = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (bind(fd, (struct sockaddr *)&a, sizeof a) != 0 || getsockname(fd, (struct sockaddr *)&a, &len) != 0) exit(2);
  close(fd);
  return ntohs(a.sin_port);
}

static void start(int i) {
  char id[8], port[16];
  snprintf(id, sizeof id, "n%d", i);
  snprintf(port, sizeof port, "%d", t.ports[i]);
  t.pids[i] = fork();
  if (t.pids[i] != 0) return;
  if (freopen("/dev/null", "w", stderr) == NULL) _exit(2);
  execl(t.program, t.program, id, t.peers, port, t.dir, (char *)NULL);
  _exit(127);
}

static void nap(int ms) { usleep((useconds_t)ms * 1000); }

/* ---- a client ---- */

struct client {
  FILE *in, *out;
  int node;
};

static void hang_up(struct client *c) {
  if (c->in != NULL) fclose(c->in);
  if (c->out != NULL) fclose(c->out);
  c->in = c->out = NULL;
}

static bool dial(struct client *c) {
  struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  struct timeval patience = {.tv_sec = ANSWER_S};
  c->node = atomic_load(&t.leader);
  a.sin_port = htons((uint16_t)t.ports[c->node]);
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  if (connect(fd, (struct sockaddr *)&a, sizeof a) == 0) {
    c->in = fdopen(fd, "r");
    c->out = fdopen(dup(fd), "w");
    if (c->in != NULL && c->out != NULL) return true;
    hang_up(c);
  } else {
    close(fd);
  }
  atomic_store(&t.leader, (c->node + 1) % NODES);
  return false;
}

enum outcome { NOTHING, MAYBE, DONE };

/* One command to whom we take for the leader. NOTHING: it certainly did not happen. */
static enum outcome ask(struct client *c, const char *command, char *answer, size_t cap) {
  if (c->in != NULL && c->node != atomic_load(&t.leader)) hang_up(c);
  if (c->in == NULL && !dial(c)) {
    nap(20);
    return NOTHING;
  }
  fprintf(c->out, "%s\n", command);
  if (fflush(c->out) != 0 || fgets(answer, (int)cap, c->in) == NULL) {
    hang_up(c);
    atomic_store(&t.leader, (c->node + 1) % NODES);
    return MAYBE;
  }
  answer[strcspn(answer, "\n")] = '\0';
  if (strncmp(answer, "leader", 6) == 0) {
    int leader = answer[7] == 'n' ? answer[8] - '0' : (c->node + 1) % NODES;
    atomic_store(&t.leader, leader >= 0 && leader < NODES ? leader : 0);
    nap(10);
    return NOTHING;
  }
  if (strcmp(answer, "unknown") == 0) return MAYBE;
  return strncmp(answer, "error", 5) == 0 ? NOTHING : DONE;
}

static void *write_all(void *argument) {
  int key = (int)(intptr_t)argument;
  struct client c = {0};
  char command[64], answer[256];
  for (long n = 1; !atomic_load(&t.stop); n++) {
    atomic_store(&t.asked[key], n);
    snprintf(command, sizeof command, "put k%d %ld", key, n);
    enum outcome o = ask(&c, command, answer, sizeof answer);
    if (o == DONE) {
      atomic_store(&t.acked[key], n);
      atomic_fetch_add(&t.writes, 1);
    } else if (o == MAYBE) {
      atomic_fetch_add(&t.unknown, 1);
    }
  }
  hang_up(&c);
  return NULL;
}

static void raise_to(atomic_long *v, long to) {
  for (long now = atomic_load(v); now < to && !atomic_compare_exchange_weak(v, &now, to);) {
  }
}

static void *read_all(void *argument) {
  unsigned dice = (unsigned)(intptr_t)argument;
  struct client c = {0};
  char command[64], answer[256];
  while (!atomic_load(&t.stop)) {
    int key = rand_r(&dice) % KEYS;
    long acked = atomic_load(&t.acked[key]), seen = atomic_load(&t.seen[key]);
    long least = acked > seen ? acked : seen;
    snprintf(command, sizeof command, "get k%d", key);
    if (ask(&c, command, answer, sizeof answer) != DONE) continue;
    long value = strncmp(answer, "ok ", 3) == 0 ? atol(answer + 3) : 0;
    long most = atomic_load(&t.asked[key]);
    if (value < least || value > most) {
      printf("VIOLATION: k%d is %ld, but %ld was finished and %ld asked for\n", key, value, least, most);
      atomic_fetch_add(&t.violations, 1);
    }
    raise_to(&t.seen[key], value);
    atomic_fetch_add(&t.reads, 1);
  }
  hang_up(&c);
  return NULL;
}

static void kill_some(int seconds, unsigned dice) {
  struct timeval now, end;
  gettimeofday(&end, NULL);
  end.tv_sec += seconds;
  for (gettimeofday(&now, NULL); timercmp(&now, &end, <); gettimeofday(&now, NULL)) {
    nap(500 + rand_r(&dice) % 1000);
    int victim = rand_r(&dice) % 2 == 0 ? atomic_load(&t.leader) : rand_r(&dice) % NODES;
    kill(t.pids[victim], SIGKILL);
    waitpid(t.pids[victim], NULL, 0);
    atomic_fetch_add(&t.kills, 1);
    nap(rand_r(&dice) % 700);
    start(victim);
  }
}

int main(int argc, char **argv) {
  pthread_t threads[KEYS + READERS];
  t.program = argc > 1 ? argv[1] : "examples/kv";
  int seconds = argc > 2 ? atoi(argv[2]) : 10;
  unsigned dice = argc > 3 ? (unsigned)atoi(argv[3]) : 1;
  signal(SIGPIPE, SIG_IGN);
  snprintf(t.dir, sizeof t.dir, "%s/kv_check.XXXXXX", "/tmp");
  if (mkdtemp(t.dir) == NULL) return 2;
  for (int i = 0; i < NODES; i++) {
    t.raft_ports[i] = free_port();
    t.ports[i] = free_port();
  }
  snprintf(t.peers, sizeof t.peers, "n0-127.0.0.1:%d;n1-127.0.0.1:%d;n2-127.0.0.1:%d", t.raft_ports[0], t.raft_ports[1],
           t.raft_ports[2]);
  for (int i = 0; i < NODES; i++) start(i);
  nap(1000); /* a new group forms when all of it is there */
  for (int i = 0; i < KEYS; i++) pthread_create(&threads[i], NULL, write_all, (void *)(intptr_t)i);
  for (int i = 0; i < READERS; i++)
    pthread_create(&threads[KEYS + i], NULL, read_all, (void *)(intptr_t)(dice * 16 + (unsigned)i));
  kill_some(seconds, dice);
  nap(2000);
  atomic_store(&t.stop, true);
  for (int i = 0; i < KEYS + READERS; i++) pthread_join(threads[i], NULL);
  for (int i = 0; i < NODES; i++) {
    kill(t.pids[i], SIGKILL);
    waitpid(t.pids[i], NULL, 0);
  }
  char command[128];
  snprintf(command, sizeof command, "rm -rf '%s'", t.dir);
  bool bad = t.violations > 0 || t.writes < LEAST || t.reads < LEAST || system(command) != 0;
  printf("%ld writes, %ld reads, %ld unknown, %ld kills, %ld violations\n", (long)t.writes, (long)t.reads,
         (long)t.unknown, (long)t.kills, (long)t.violations);
  printf("kv_check: %d passed, %d failed\n", !bad, bad);
  return bad;
}
