/* SPDX-License-Identifier: Apache-2.0
 *
 * mqnamesrv: argv and configuration in, a name server in the real world out.
 * Agrees with org.apache.rocketmq.namesrv.NamesrvStartup in its options.
 */
#include "host/uv/log_uv.h"
#include "host/uv/loop.h"
#include "host/uv/machine_uv.h"
#include "mqnamesrv/namesrv.h"

#include <errno.h>
#include <getopt.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#define CONFIG_FILE_MAX (1u << 20)
#define LOG_FILE_MAX (64 << 20) /* bytes; then the next file */
/* Larger blocks go back to the system at once: reading a big registration must not leave megabytes behind. */
#define BLOCK_KEPT_MAX (128 << 10)
enum { LOG_FILES_KEPT = 10, SPARE_FILES = 64, EXIT_USAGE = 2 };

struct options {
  const char *config_path;
  bool print_all, print_important, help;
};

struct program {
  struct options options;
  struct namesrv_settings settings;
  bool settings_ready;
  struct log stderr_log;
  struct log *file_log; /* NULL: none */
  struct uv_host *host;
  struct namesrv *ns;
};

/* ---------------------------------------------------------------- words */

static void print_help(void) {
  puts("usage: mqnamesrv [-c FILE] [-p | -m] [-n ADDRESSES] [-h]\n"
       "  -c, --configFile FILE          name server configuration (java.util.Properties)\n"
       "  -p, --printConfigItem          print all configuration items and exit\n"
       "  -m, --printImportantConfig     print the important ones and exit\n"
       "  -n, --namesrvAddr ADDRESSES    accepted without effect: name servers do not talk to each other\n"
       "  -h, --help                     print this help\n"
       "\nConfiguration keys:");
  for (size_t i = 0; i < namesrv_config_table.count; i++) {
    const struct config_key *k = &namesrv_config_table.keys[i];
    printf("  %-36s %s%s%s%s\n", k->name, k->doc, k->default_text != NULL && k->default_text[0] != '\0' ? " [" : "",
           k->default_text != NULL ? k->default_text : "",
           k->default_text != NULL && k->default_text[0] != '\0' ? "]" : "");
  }
}

static bool parse_options(struct options *o, int argc, char **argv) {
  static const struct option names[] = {{"configFile", required_argument, NULL, 'c'},
                                        {"printConfigItem", no_argument, NULL, 'p'},
                                        {"printImportantConfig", no_argument, NULL, 'm'},
                                        {"namesrvAddr", required_argument, NULL, 'n'},
                                        {"help", no_argument, NULL, 'h'},
                                        {NULL, 0, NULL, 0}};
  int option;
  while ((option = getopt_long(argc, argv, "c:pmn:h", names, NULL)) != -1) {
    switch (option) {
    case 'c': o->config_path = optarg; break;
    case 'p': o->print_all = true; break;
    case 'm': o->print_important = true; break;
    case 'n': break;
    case 'h': o->help = true; break;
    default: return false; /* getopt_long has said why */
    }
  }
  if (optind == argc) return true;
  fprintf(stderr, "mqnamesrv: what is \"%s\"? Options are listed by mqnamesrv -h\n", argv[optind]);
  return false;
}

/* ---------------------------------------------------------------- configuration */

static const char *home_directory(void) {
  const char *home = getenv("HOME");
  if (home != NULL && home[0] != '\0') return home;
  const struct passwd *user = getpwuid(getuid());
  return user != NULL && user->pw_dir != NULL ? user->pw_dir : "/";
}

static bool read_config_file(const char *path, struct buf *out) {
  FILE *f = fopen(path, "rb");
  if (f == NULL) {
    fprintf(stderr, "mqnamesrv: %s: %s. Give an existing file with -c, or leave -c out to use the defaults\n", path,
            strerror(errno));
    return false;
  }
  uint8_t *p = buf_reserve(out, CONFIG_FILE_MAX);
  if (p != NULL) out->len = fread(p, 1, CONFIG_FILE_MAX, f);
  bool whole = p != NULL && !ferror(f) && out->len < CONFIG_FILE_MAX;
  fclose(f);
  if (!whole) fprintf(stderr, "mqnamesrv: %s: cannot be read, or is larger than 1 MiB\n", path);
  return whole;
}

static bool apply_config_file(struct program *p) {
  struct buf text, why;
  const char *path = p->options.config_path;
  bool ok = false;
  buf_init(&text, CONFIG_FILE_MAX);
  buf_init(&why, LOG_LINE_MAX);
  if (!read_config_file(path, &text)) goto out;
  if (config_apply(&p->settings, buf_span(&text), path, &p->stderr_log) != STATUS_OK) {
    fprintf(stderr, "mqnamesrv: %s has errors: correct the lines named above\n", path);
    goto out;
  }
  /* NamesrvStartup: what is changed remotely goes to the file that was given. */
  if (config_set(&p->settings, SPAN_LITERAL("configStorePath"), span_text(path), &why) != STATUS_OK) goto out;
  free(p->settings.base.path);
  p->settings.base.path = strdup(path);
  ok = p->settings.base.path != NULL;
out:
  buf_fini(&why);
  buf_fini(&text);
  return ok;
}

static bool load_settings(struct program *p) {
  if (namesrv_settings_init(&p->settings, home_directory(), getenv("ROCKETMQ_HOME")) != STATUS_OK) {
    fprintf(stderr, "mqnamesrv: out of memory, or the home directory's path is too long\n");
    return false;
  }
  p->settings_ready = true;
  return p->options.config_path == NULL || apply_config_file(p);
}

static int print_settings(const struct program *p) {
  struct buf text;
  buf_init(&text, CONFIG_FILE_MAX);
  config_write(&p->settings, !p->options.print_all, &text);
  bool ok = !text.failed && fwrite(text.ptr, 1, text.len, stdout) == text.len && fflush(stdout) == 0;
  buf_fini(&text);
  return ok ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* ---------------------------------------------------------------- the real world */

/* A socket is a file: the soft limit of many systems (1024) would be the real connectionsMax. */
static void raise_file_limit(const struct namesrv_settings *s, struct log *log) {
  struct rlimit limit;
  rlim_t want = (rlim_t)s->connectionsMax + SPARE_FILES;
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= want) return;
  limit.rlim_cur = limit.rlim_max < want ? limit.rlim_max : want;
  if (setrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur < want)
    log_warn(log, "connectionsMax=%d, but the system allows this process %llu open files (ulimit -n)",
             s->connectionsMax, (unsigned long long)limit.rlim_cur);
}

static struct log *open_log(struct program *p) {
  const struct namesrv_settings *s = &p->settings;
  p->stderr_log.level = (enum log_level)s->logLevel;
  if (s->logFile == NULL || s->logFile[0] == '\0') return &p->stderr_log;
  enum status why = STATUS_OK;
  p->file_log = log_file_open(s->logFile, LOG_FILE_MAX, LOG_FILES_KEPT, (enum log_level)s->logLevel, &why);
  if (p->file_log == NULL)
    fprintf(stderr, "mqnamesrv: logFile=%s: %s. Make its directory, or leave logFile out to log to stderr\n",
            s->logFile, status_text(why));
  return p->file_log;
}

static void on_stop(void *arg, int signum) {
  struct program *p = arg;
  log_info(p->ns->log, "signal %d: stopping", signum);
  uv_host_stop(p->host);
}

static bool set_up(struct program *p, struct log *log) {
  const struct namesrv_settings *s = &p->settings;
  struct uv_host_config config;
  uv_host_config_default(&config);
  config.connections_max = (size_t)s->connectionsMax + SPARE_FILES;
  config.input_max = (size_t)s->frameLengthMax + 8;
  config.outbox_max = (size_t)s->backlogMax + (size_t)s->requestMemoryMax;
  uv_host_ignore_sigpipe();
  raise_file_limit(s, log);
  p->host = uv_host_new(&config, log);
  if (p->host == NULL) {
    log_error(log, "cannot start: out of memory or file descriptors");
    return false;
  }
  p->ns = namesrv_new(&p->settings, uv_host_net(p->host), uv_host_disk(p->host), log, machine_seed(),
                      uv_host_now(p->host));
  if (p->ns == NULL) {
    log_error(log, "cannot start: out of memory");
    return false;
  }
  uv_host_attach(p->host, &p->ns->node);
  return namesrv_start(p->ns) == STATUS_OK && uv_host_on_signal(p->host, SIGTERM, on_stop, p) == STATUS_OK &&
         uv_host_on_signal(p->host, SIGINT, on_stop, p) == STATUS_OK;
}

static int64_t monotonic_us(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/* Scripts written for the Java name server wait for the first half of this line. */
static void say_up(const struct program *p, int64_t started_us) {
  const char *address = p->settings.bindAddress;
  printf("The Name Server boot success. serializeType=JSON, listening on %s:%u, started in %.1f ms\n",
         address == NULL || address[0] == '\0' ? "0.0.0.0" : address, p->ns->port,
         (double)(monotonic_us() - started_us) / 1000);
  fflush(stdout);
}

static int serve(struct program *p, int64_t started_us) {
  struct log *log = open_log(p);
  if (log == NULL) return EXIT_FAILURE;
  if (!set_up(p, log)) {
    if (p->file_log != NULL) fprintf(stderr, "mqnamesrv: not started, see %s\n", p->settings.logFile);
    return EXIT_FAILURE;
  }
  say_up(p, started_us);
  uv_host_run(p->host);
  return EXIT_SUCCESS;
}

static void tear_down(struct program *p) {
  if (p->ns != NULL) namesrv_free(p->ns, uv_host_now(p->host));
  uv_host_free(p->host);
  log_file_close(p->file_log);
  if (p->settings_ready) namesrv_settings_fini(&p->settings);
}

int main(int argc, char **argv) {
  struct program p = {0};
  int64_t started_us = monotonic_us();
#ifdef M_MMAP_THRESHOLD /* glibc */
  mallopt(M_MMAP_THRESHOLD, BLOCK_KEPT_MAX);
#endif
  if (!parse_options(&p.options, argc, argv)) return EXIT_USAGE;
  if (p.options.help) {
    print_help();
    return EXIT_SUCCESS;
  }
  log_stderr_init(&p.stderr_log, LOG_INFO);
  int code = EXIT_FAILURE;
  bool print = p.options.print_all || p.options.print_important;
  if (load_settings(&p)) code = print ? print_settings(&p) : serve(&p, started_us);
  tear_down(&p);
  return code;
}
