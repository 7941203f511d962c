/* SPDX-License-Identifier: Apache-2.0
 *
 * Sends many messages without waiting for each answer.
 */
#include <mqclient/mqclient.h>

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void usage(void) {
  puts("usage: async_producer [-n NAMESRV] [-t TOPIC] [-g GROUP] [-c COUNT]\n"
       "Sends COUNT messages (default 10000) to TOPIC (default TopicTest) by the name\n"
       "server NAMESRV (default 127.0.0.1:9876), many at a time.");
}

static int die(const char *what, const struct mq_error *error) {
  fprintf(stderr, "%s: %s: %s\n", what, mq_error_text(error->result), error->text);
  return 1;
}

struct counts {
  atomic_int stored, failed;
};

/* Runs on the client's thread: it only counts. */
static void on_sent(void *context, enum mq_result outcome, const struct mq_send_result *result,
                    const struct mq_error *error) {
  struct counts *counts = context;
  (void)result;
  if (outcome == MQ_OK)
    counts->stored++;
  else if (counts->failed++ == 0)
    die("first failure", error);
}

static void send_all(mq_producer *producer, const char *topic, int count, struct counts *counts) {
  struct mq_error error;
  mq_message *message = mq_message_new(topic, "x", 1);
  for (int i = 0; message != NULL && i < count; i++) {
    char body[64];
    int length = snprintf(body, sizeof body, "Hello RocketMQ %d", i);
    /* The message is copied, so that one is enough. The call waits when too many are under way. */
    mq_message_set_body(message, body, (size_t)length);
    if (mq_producer_send_async(producer, message, NULL, on_sent, counts, &error) != MQ_OK) {
      die("send", &error);
      counts->failed++;
    }
  }
  mq_message_free(message);
}

int main(int argc, char **argv) {
  const char *servers = "127.0.0.1:9876", *topic = "TopicTest", *group = "example_producer";
  int count = 10000;
  for (int option; (option = getopt(argc, argv, "n:t:g:c:h-:")) != -1;) {
    switch (option) {
    case 'n': servers = optarg; break;
    case 't': topic = optarg; break;
    case 'g': group = optarg; break;
    case 'c': count = atoi(optarg); break;
    case 'h':
    case '-': usage(); return 0;
    default: usage(); return 2;
    }
  }
  struct mq_error error;
  mq_config *config = mq_config_new();
  mq_client *client = NULL;
  mq_producer *producer = NULL;
  if (config == NULL || mq_config_set(config, "namesrvAddr", servers, &error) != MQ_OK ||
      mq_client_start(config, &client, &error) != MQ_OK ||
      mq_producer_start(client, group, &producer, &error) != MQ_OK)
    return die("start", &error);
  mq_config_free(config);

  struct counts counts = {0};
  send_all(producer, topic, count, &counts);
  /* Waits for the answers that are still to come. */
  mq_producer_stop(producer, 10000, NULL);
  mq_producer_free(producer);
  mq_client_free(client);
  printf("%d stored, %d failed\n", counts.stored, counts.failed);
  return counts.failed > 0;
}
