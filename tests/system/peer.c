/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/system/peer.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

volatile sig_atomic_t peer_stopped;

static const struct {
  const char *name, *arguments, *what;
  peer_command run;
} commands[] = {
    {"ports", "COUNT", "prints the first of COUNT free neighbouring ports", command_ports},
    {"ready", "ADDR", "waits until ADDR accepts connections", command_ready},
    {"route", "NAMESRV TOPIC yes|no|now", "waits until TOPIC has (has no) route, or asks once, and prints it",
     command_route},
    {"update", "ADDR KEY=VALUE broker|namesrv", "changes the configuration of a running server", command_update},
    {"roundtrip", "ADDR TOPIC COUNT WINDOW json|rocketmq", "sends, pulls everything, compares", command_roundtrip},
    {"poll", "ADDR TOPIC", "long polling: answered by a message, and by its timeout", command_poll},
    {"steady", "ADDR TOPIC [NAMESRV]", "sends, pulls and asks for the route until SIGTERM", command_steady},
    {"watch", "PID KIB", "until SIGTERM: the process lives and its RssAnon stays below", command_watch},
    {"load", "ADDR TOPIC PRODUCERS WINDOW FILE [FIRST]",
     "sends through crashes until SIGTERM, records what was acknowledged (from message FIRST on and without a reader)",
     command_load},
    {"verify", "ADDR TOPIC FILE", "what was recorded is there, in order and dense", command_verify},
    {"attack", "ADDR KIND SEED broker|namesrv", "hostile input (see peer_attack.c)", command_attack},
    {"slow", "ADDR TOPIC SECONDS", "asks and does not read, then reads everything", command_slow},
    {"fill", "ADDR TOPIC FIRST FILE", "sends messages FIRST and up until one is refused, records what was acknowledged",
     command_fill},
    {"resume", "ADDR TOPIC FIRST FILE COUNT", "tries until COUNT more are acknowledged", command_resume},
    {"kept", "ADDR TOPIC FILE", "what was recorded is there from the queue's minimum on", command_kept},
    {"many", "messages|topics|offsets|routes ADDR PREFIX TOPICS QUEUES WINDOW",
     "one request for each queue of each topic (topics, routes: for each topic), prints how long it took", command_many},
    {"counted", "ADDR PREFIX TOPICS QUEUES", "each queue holds the message of `many messages`", command_counted},
    {"answers", "ADDR SECONDS", "asks once a millisecond, prints how long answers took", command_answers},
    {"idle", "COUNT ADDR...", "opens COUNT connections to each address, prints a line, holds them until SIGTERM",
     command_idle},
};
enum { COMMANDS = sizeof commands / sizeof commands[0] };

int fail(const char *format, ...) {
  va_list args;
  va_start(args, format);
  fputs("peer: ", stderr);
  vfprintf(stderr, format, args);
  fputc('\n', stderr);
  va_end(args);
  return 1;
}

static void on_signal(int signum) {
  (void)signum;
  peer_stopped = 1;
}

int main(int argc, char **argv) {
  struct sigaction stop = {.sa_handler = on_signal}; /* no SA_RESTART: blocking calls must end */
  sigaction(SIGTERM, &stop, NULL);
  sigaction(SIGINT, &stop, NULL);
  signal(SIGPIPE, SIG_IGN);
  for (size_t i = 0; argc > 1 && i < COMMANDS; i++)
    if (strcmp(argv[1], commands[i].name) == 0) return commands[i].run(argc - 2, argv + 2);
  for (size_t i = 0; i < COMMANDS; i++)
    fprintf(stderr, "peer %s %s\n    %s\n", commands[i].name, commands[i].arguments, commands[i].what);
  return 2;
}
