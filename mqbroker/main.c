/* SPDX-License-Identifier: Apache-2.0
 *
 * mqbroker: arguments, configuration, one broker on a libuv loop.
 */
#include "host/uv/log_uv.h"
#include "host/uv/loop.h"
#include "host/uv/machine_uv.h"
#include "mqbroker/broker.h"
#include "mqbroker/progress.h"
#include "mqbroker/standalone.h"

#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { EXIT_USAGE = 2, TEXT_MAX = 1 << 20, LOG_FILE_BYTES = 128 << 20, LOG_FILES = 10, INPUT_ROOM = 1 << 20, HAND_OVER_MS = 400 };

static const char usage[] =
    "usage: mqbroker [options]\n"
    "  -c, --configFile FILE    configuration, KEY=VALUE lines (all keys of RocketMQ 4.7.0)\n"
    "  -n, --namesrvAddr LIST   name servers, \"host:port;host:port\"; wins over the file\n"
    "  -p, --printConfigItem    print every key with its value, and exit\n"
    "  -m, --printImportantConfig   print the important ones, and exit\n"
    "      --standalone         name server and broker in this process, data below ./mqdata\n"
    "  -h, --help               this text\n"
    "\n"
    "Without -c: listens on 10911 and 10909, stores below $HOME/store, name servers from $NAMESRV_ADDR.\n";

struct options {
  const char *config, *namesrv;
  bool print_all, print_important, standalone;
};

static bool parse_arguments(int argc, char **argv, struct options *o) {
  static const struct option longs[] = {{"configFile", required_argument, NULL, 'c'},
                                        {"namesrvAddr", required_argument, NULL, 'n'},
                                        {"printConfigItem", no_argument, NULL, 'p'},
                                        {"printImportantConfig", no_argument, NULL, 'm'},
                                        {"standalone", no_argument, NULL, 's'},
                                        {"help", no_argument, NULL, 'h'},
                                        {NULL, 0, NULL, 0}};
  int c;
  while ((c = getopt_long(argc, argv, "c:n:pmh", longs, NULL)) != -1) {
    switch (c) {
    case 'c': o->config = optarg; break;
    case 'n': o->namesrv = optarg; break;
    case 'p': o->print_all = true; break;
    case 'm': o->print_important = true; break;
    case 's': o->standalone = true; break;
    case 'h': fputs(usage, stdout); exit(0);
    default: return false;
    }
  }
  if (optind == argc) return true;
  fprintf(stderr, "mqbroker: unexpected argument \"%s\"\n", argv[optind]);
  return false;
}

static enum status load_settings(struct broker_settings *s, const struct options *o, struct disk *disk, struct log *log) {
  enum status status = config_init(s, &broker_settings_table);
  struct buf why;
  buf_init(&why, TEXT_MAX);
  if (status == STATUS_OK && o->config != NULL) {
    struct buf text;
    buf_init(&text, TEXT_MAX);
    status = disk_read_whole(disk, o->config, &text);
    if (status == STATUS_OK)
      status = config_apply(s, buf_span(&text), o->config, log);
    else
      log_error(log, "%s cannot be read: %s; give the configuration file with -c FILE", o->config, status_text(status));
    buf_fini(&text);
    /* BrokerStartup: what is changed remotely goes to the file that was given. */
    if (status == STATUS_OK && (s->base.path = strdup(o->config)) == NULL) status = STATUS_NO_MEMORY;
  }
  if (status == STATUS_OK && o->standalone) status = standalone_defaults(s, &why);
  if (status == STATUS_OK && o->namesrv != NULL) status = config_set(s, SPAN_LITERAL("namesrvAddr"), span_text(o->namesrv), &why);
  char address[MACHINE_ADDRESS_MAX], name[MACHINE_NAME_MAX];
  machine_local_address(address);
  machine_host_name(name);
  const char *home = getenv("HOME"), *installed = getenv("ROCKETMQ_HOME");
  if (status == STATUS_OK && installed != NULL && s->rocketmqHome == NULL)
    status = config_set(s, SPAN_LITERAL("rocketmqHome"), span_text(installed), &why);
  if (status == STATUS_OK)
    status = broker_settings_complete(s, name, address, home == NULL ? "." : home, getenv("NAMESRV_ADDR"));
  if (status == STATUS_OK) status = broker_settings_check(s, &why);
  if (why.len > 0) log_error(log, "%.*s", SPAN_ARG(buf_span(&why)));
  buf_fini(&why);
  return status;
}

static void print_settings(const struct broker_settings *s, bool important_only) {
  struct buf text;
  buf_init(&text, TEXT_MAX);
  config_write(s, important_only, &text);
  fwrite(text.ptr, 1, text.len, stdout);
  buf_fini(&text);
}

struct running {
  struct node node; /* first: the broker's, with a look at whether it may stop */
  struct uv_host *host;
  struct broker *broker;
  struct log *log;
  int64_t give_up_ms; /* a master of a group waits so long for its successor; 0: it is not stopping */
};

/* The farewell to the name servers leaves with the last turn of the loop. */
static void stop(struct running *r, struct moment now) {
  broker_stop(r->broker, now);
  uv_host_stop(r->host);
}

static void on_signal(void *running, int signum) {
  struct running *r = running;
  struct moment now = uv_host_now(r->host);
  log_info(r->log, "stopping on signal %d: no new connections, unregistering", signum);
  if (r->give_up_ms == 0 && broker_hand_over(r->broker)) r->give_up_ms = now.mono_ms + HAND_OVER_MS;
  else stop(r, now);
}

static void on_connection(struct node *node, const struct net_event *event, struct moment now) {
  struct node *broker = &((struct running *)node)->broker->node;
  broker->ops->connection(broker, event, now);
}
static size_t on_bytes(struct node *node, conn_id conn, struct span input, struct moment now) {
  struct node *broker = &((struct running *)node)->broker->node;
  return broker->ops->bytes(broker, conn, input, now);
}
static void on_synced(struct node *node, uint64_t token, enum status status, struct moment now) {
  struct node *broker = &((struct running *)node)->broker->node;
  broker->ops->synced(broker, token, status, now);
}
static int64_t on_turn(struct node *node, struct moment now) {
  struct running *r = (struct running *)node;
  int64_t wake = r->broker->node.ops->turn(&r->broker->node, now);
  if (r->give_up_ms == 0) return wake;
  if (broker_hands_over(r->broker) && now.mono_ms < r->give_up_ms) return wake < r->give_up_ms ? wake : r->give_up_ms;
  r->give_up_ms = 0;
  stop(r, now);
  return wake;
}
static const struct node_ops running_ops = {on_connection, on_bytes, on_synced, on_turn};

static bool run(struct running *r) {
  r->node.ops = &running_ops;
  uv_host_attach(r->host, &r->node);
  if (uv_host_on_signal(r->host, SIGINT, on_signal, r) != STATUS_OK ||
      uv_host_on_signal(r->host, SIGTERM, on_signal, r) != STATUS_OK)
    return false;
  uv_host_run(r->host);
  return true;
}

static int32_t utc_offset(void) {
  time_t now = time(NULL);
  struct tm local;
  return localtime_r(&now, &local) == NULL ? 0 : (int32_t)local.tm_gmtoff;
}

static int64_t physical_memory(void) { return (int64_t)sysconf(_SC_PHYS_PAGES) * sysconf(_SC_PAGESIZE); }

/* The loop does not run yet, so its time stands still. */
static void on_recovery(void *progress, const char *what, int64_t done, int64_t total) {
  struct timespec ts;
  clock_gettime(CLOCK_MONOTONIC, &ts);
  progress_step(progress, what, done, total, (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000);
}

static int serve(struct broker_settings *s, struct uv_host *host, struct log *log, struct moment started) {
  struct buf why;
  buf_init(&why, TEXT_MAX);
  struct progress progress = {.log = log};
  struct broker_host ports = {.net = uv_host_net(host),
                              .disk = uv_host_disk(host),
                              .log = log,
                              .seed = machine_seed(),
                              .memory_bytes = physical_memory(),
                              .utc_offset_s = utc_offset(),
                              .watch = {on_recovery, &progress}};
  struct broker *b = broker_new(s, &ports, uv_host_now(host), &why);
  if (b == NULL) {
    log_error(log, "the broker cannot start: %.*s", SPAN_ARG(buf_span(&why)));
    buf_fini(&why);
    return EXIT_FAILURE;
  }
  struct moment now = uv_host_now(host);
  log_info(log, "broker %s is up on port %d (VIP %d) after %lld ms; store %s", s->brokerName, s->listenPort, s->listenPort - 2,
           (long long)(now.mono_ms - started.mono_ms), s->storePathRootDir);
  struct running running = {.host = host, .broker = b, .log = log};
  bool ran = run(&running);
  if (!ran) log_error(log, "signals cannot be caught");
  broker_free(b, uv_host_now(host));
  log_info(log, "broker %s stopped", s->brokerName);
  buf_fini(&why);
  return ran ? EXIT_SUCCESS : EXIT_FAILURE;
}

static struct log *open_log(const struct broker_settings *s, struct log *fallback) {
  if (s->logFile == NULL) return fallback;
  enum status why;
  struct log *log = log_file_open(s->logFile, LOG_FILE_BYTES, LOG_FILES, LOG_INFO, &why);
  if (log == NULL) log_error(fallback, "logFile=%s cannot be opened: %s; logging to standard error", s->logFile, status_text(why));
  return log == NULL ? fallback : log;
}

int main(int argc, char **argv) {
  struct options o = {0};
  if (!parse_arguments(argc, argv, &o)) {
    fputs(usage, stderr);
    return EXIT_USAGE;
  }
  struct log terminal;
  log_stderr_init(&terminal, LOG_INFO);
  uv_host_ignore_sigpipe();
  struct uv_host_config host_config;
  uv_host_config_default(&host_config);
  struct uv_host *host = uv_host_new(&host_config, &terminal);
  struct broker_settings s = {0};
  struct standalone *names = NULL;
  int result = EXIT_FAILURE;
  if (host == NULL) {
    log_error(&terminal, "out of memory or file descriptors");
    return result;
  }
  struct moment started = uv_host_now(host);
  if (load_settings(&s, &o, uv_host_disk(host), &terminal) != STATUS_OK) goto out;
  if (o.print_all || o.print_important) {
    print_settings(&s, !o.print_all);
    result = EXIT_SUCCESS;
    goto out;
  }
  /* Sockets are limited by the settings, so the host is made again with them known. */
  host_config.connections_max = (size_t)s.maxConnections;
  host_config.input_max = (size_t)s.frameMaxLength + INPUT_ROOM;
  uv_host_free(host);
  struct log *log = open_log(&s, &terminal);
  host = uv_host_new(&host_config, log);
  if (host == NULL) {
    log_error(log, "out of memory or file descriptors");
  } else if (!o.standalone || (names = standalone_start(&s, log)) != NULL) {
    result = serve(&s, host, log, started);
  }
  uv_host_free(host);
  host = NULL;
  standalone_stop(names);
  if (log != &terminal) log_file_close(log);
out:
  uv_host_free(host);
  config_fini(&s);
  return result;
}
