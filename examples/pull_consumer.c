/* SPDX-License-Identifier: Apache-2.0
 *
 * Reads every queue of a topic from its first message to its last.
 */
#include <mqclient/mqclient.h>

#include <stdio.h>
#include <unistd.h>

static void usage(void) {
  puts("usage: pull_consumer [-n NAMESRV] [-t TOPIC] [-g GROUP]\n"
       "Prints all messages of TOPIC (default TopicTest), found by the name server\n"
       "NAMESRV (default 127.0.0.1:9876).");
}

static int die(const char *what, const struct mq_error *error) {
  fprintf(stderr, "%s: %s: %s\n", what, mq_error_text(error->result), error->text);
  return 1;
}

static void print_messages(const mq_pull_result *result) {
  for (size_t i = 0; i < mq_pull_result_count(result); i++) {
    const mq_message *message = mq_pull_result_message(result, i);
    size_t length;
    const char *body = mq_message_body(message, &length);
    printf("queue %d offset %lld: %.*s\n", (int)mq_message_queue(message).id,
           (long long)mq_message_queue_offset(message), (int)length, body);
  }
}

static int read_queue(mq_pull_consumer *consumer, const char *topic, struct mq_queue queue) {
  struct mq_error error;
  struct mq_pull_request request = {.topic = topic, .queue = queue, .max_messages = 32};
  if (mq_pull_consumer_min_offset(consumer, topic, queue, &request.offset, &error) != MQ_OK)
    return die("min offset", &error);
  for (;;) {
    mq_pull_result *result;
    if (mq_pull_consumer_pull(consumer, &request, &result, &error) != MQ_OK) return die("pull", &error);
    print_messages(result);
    request.offset = mq_pull_result_next_offset(result);
    int at_end = mq_pull_result_status(result) == MQ_PULL_NO_NEW;
    mq_pull_result_free(result);
    if (at_end) return 0;
  }
}

int main(int argc, char **argv) {
  const char *servers = "127.0.0.1:9876", *topic = "TopicTest", *group = "example_pull_consumer";
  for (int option; (option = getopt(argc, argv, "n:t:g:h-:")) != -1;) {
    switch (option) {
    case 'n': servers = optarg; break;
    case 't': topic = optarg; break;
    case 'g': group = optarg; break;
    case 'h':
    case '-': usage(); return 0;
    default: usage(); return 2;
    }
  }
  struct mq_error error;
  mq_config *config = mq_config_new();
  mq_client *client = NULL;
  mq_pull_consumer *consumer = NULL;
  mq_queue_list *queues = NULL;
  if (config == NULL || mq_config_set(config, "namesrvAddr", servers, &error) != MQ_OK ||
      mq_client_start(config, &client, &error) != MQ_OK ||
      mq_pull_consumer_start(client, group, &consumer, &error) != MQ_OK)
    return die("start", &error);
  mq_config_free(config);

  int failed = 0;
  if (mq_pull_consumer_queues(consumer, topic, &queues, &error) == MQ_OK)
    for (size_t i = 0; i < mq_queue_list_count(queues); i++)
      failed |= read_queue(consumer, topic, mq_queue_list_get(queues, i));
  else
    failed = die("queues", &error);

  mq_queue_list_free(queues);
  mq_pull_consumer_stop(consumer, 3000, NULL);
  mq_pull_consumer_free(consumer);
  mq_client_free(client);
  return failed;
}
