/* SPDX-License-Identifier: Apache-2.0
 *
 * mqpeer produce|consume|transact OPTIONS: see README.md.
 */
#include "tests/interop/peer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

bool options_parse(struct option *options, size_t count, int argc, char **argv) {
  for (int at = 0; at < argc; at += 2) {
    size_t i = 0;
    while (i < count && strcmp(options[i].name, argv[at]) != 0) i++;
    if (i == count || at + 1 == argc) {
      fprintf(stderr, "%s: %s\n", argv[at], i == count ? "no such option" : "value missing");
      return false;
    }
    options[i].value = argv[at + 1];
  }
  for (size_t i = 0; i < count; i++) {
    if (!options[i].required || options[i].value != NULL) continue;
    fprintf(stderr, "%s: option missing\n", options[i].name);
    return false;
  }
  return true;
}

int option_number(const struct option *option) {
  char *end;
  long value = strtol(option->value, &end, 10);
  if (end == option->value || *end != '\0' || value < 0 || value > INT32_MAX) {
    fprintf(stderr, "%s: %s is not a number\n", option->name, option->value);
    exit(PEER_USAGE);
  }
  return (int)value;
}

int peer_complain(const char *what, const struct mq_error *error) {
  fprintf(stderr, "%s: %s (code %d): %s\n", what, mq_error_text(error->result), error->broker_code, error->text);
  return PEER_FAILED;
}

int64_t peer_now_ms(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

void peer_sleep_ms(int ms) {
  struct timespec t = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L};
  nanosleep(&t, NULL);
}

int main(int argc, char **argv) {
  if (argc >= 2 && strcmp(argv[1], "produce") == 0) return produce_main(argc - 2, argv + 2);
  if (argc >= 2 && strcmp(argv[1], "consume") == 0) return consume_main(argc - 2, argv + 2);
  if (argc >= 2 && strcmp(argv[1], "transact") == 0) return transact_main(argc - 2, argv + 2);
  fputs("usage: mqpeer produce|consume|transact OPTIONS; see README.md\n", stderr);
  return PEER_USAGE;
}
