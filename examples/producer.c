/* SPDX-License-Identifier: Apache-2.0
 *
 * Sends messages one after the other and prints where each one went.
 */
#include <mqclient/mqclient.h>

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void usage(void) {
  puts("usage: producer [-n NAMESRV] [-t TOPIC] [-g GROUP] [-c COUNT]\n"
       "Sends COUNT messages (default 10) to TOPIC (default TopicTest) by the name\n"
       "server NAMESRV (default 127.0.0.1:9876) and prints where each one went.");
}

static int die(const char *what, const struct mq_error *error) {
  fprintf(stderr, "%s: %s: %s\n", what, mq_error_text(error->result), error->text);
  return 1;
}

static int send_all(mq_producer *producer, const char *topic, int count) {
  struct mq_error error;
  int failed = 0;
  for (int i = 0; i < count; i++) {
    char body[64];
    int length = snprintf(body, sizeof body, "Hello RocketMQ %d", i);
    mq_message *message = mq_message_new(topic, body, (size_t)length);
    if (message == NULL) return 1;
    mq_message_set_tags(message, i % 2 == 0 ? "TagA" : "TagB");

    struct mq_send_result result;
    if (mq_producer_send(producer, message, NULL, &result, &error) == MQ_OK)
      printf("%s to %s queue %d offset %lld\n", result.message_id, result.queue.broker_name, (int)result.queue.id,
             (long long)result.queue_offset);
    else
      failed |= die("send", &error);
    mq_message_free(message);
  }
  return failed;
}

int main(int argc, char **argv) {
  const char *servers = "127.0.0.1:9876", *topic = "TopicTest", *group = "example_producer";
  int count = 10;
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

  int failed = send_all(producer, topic, count);

  mq_producer_stop(producer, 3000, NULL);
  mq_producer_free(producer);
  mq_client_free(client);
  return failed;
}
