/* SPDX-License-Identifier: Apache-2.0
 *
 *   storepeer load ADDRESS FROM_PORT             the scripted load, answers on stdout
 *   storepeer places ADDRESS TOPIC QUEUES        a line "QUEUE OFFSET CRC KEYS" per message
 *   storepeer commit ADDRESS TOPIC GROUP QUEUES  sets the group's offsets to the ends of the queues
 *   storepeer committed ADDRESS TOPIC GROUP QUEUES   a line "QUEUE OFFSET" per queue
 */
#include "tests/interop/storediff/storepeer.h"

#include <stdarg.h>
#include <stdio.h>

static const struct {
  const char *name;
  int operands;
  peer_command run;
} commands[] = {{"load", 2, command_script},
                {"places", 3, command_places},
                {"commit", 4, command_commit},
                {"committed", 4, command_committed}};

int fail(const char *format, ...) {
  va_list args;
  va_start(args, format);
  fputs("storepeer: ", stderr);
  vfprintf(stderr, format, args);
  fputc('\n', stderr);
  va_end(args);
  return 1;
}

bool ask(struct conn *c, const struct command *cmd, const struct header *header, const void *fields,
         struct command *reply) {
  /* conn_call knows the letters of code 310 only. */
  if (cmd->code != REQUEST_SEND_BATCH_MESSAGE) return conn_call(c, cmd, header, fields, reply);
  struct command whole = *cmd;
  whole.opaque = ++c->opaque;
  whole.has_opaque = true;
  whole.serialize = c->serialize;
  whole.language = LANGUAGE_CPP;
  whole.version = MQ_VERSION_4_7_0;
  command_encode(&c->out, &whole, header, fields, true, 0);
  return conn_flush(c) && conn_receive(c, reply, ANSWER_MS) == RECEIVED && reply->opaque == c->opaque;
}

int main(int argc, char **argv) {
  for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
    if (argc < 2 || strcmp(argv[1], commands[i].name) != 0 || argc != 2 + commands[i].operands) continue;
    int rc = commands[i].run(argc - 2, argv + 2);
    return fflush(stdout) != 0 ? 1 : rc;
  }
  fail("usage: load ADDRESS FROM_PORT | places ADDRESS TOPIC QUEUES | commit|committed ADDRESS TOPIC GROUP QUEUES");
  return 2;
}
