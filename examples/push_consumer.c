/* SPDX-License-Identifier: Apache-2.0
 *
 * Prints messages as they come, until interrupted.
 */
#include <mqclient/mqclient.h>

#include <signal.h>
#include <stdio.h>
#include <unistd.h>

static void usage(void) {
  puts("usage: push_consumer [-n NAMESRV] [-t TOPIC] [-g GROUP] [-s EXPRESSION]\n"
       "Prints the messages of TOPIC (default TopicTest) whose tag is in EXPRESSION\n"
       "(\"TagA || TagB\", default all) as they come. NAMESRV: 127.0.0.1:9876.");
}

static int die(const char *what, const struct mq_error *error) {
  fprintf(stderr, "%s: %s: %s\n", what, mq_error_text(error->result), error->text);
  return 1;
}

/* Runs on several threads at once. */
static enum mq_consume_result on_messages(void *context, const mq_message *const *messages, size_t count) {
  (void)context;
  for (size_t i = 0; i < count; i++) {
    char id[MQ_ID_MAX];
    size_t length;
    const char *body = mq_message_body(messages[i], &length);
    printf("%s: %.*s\n", mq_message_id(messages[i], id), (int)length, body);
  }
  fflush(stdout);
  return MQ_CONSUME_SUCCESS;
}

static void wait_for_interrupt(const sigset_t *signals) {
  int got;
  puts("waiting for messages; Ctrl-C ends");
  fflush(stdout);
  sigwait(signals, &got);
}

int main(int argc, char **argv) {
  const char *servers = "127.0.0.1:9876", *topic = "TopicTest", *group = "example_push_consumer", *expression = "*";
  for (int option; (option = getopt(argc, argv, "n:t:g:s:h-:")) != -1;) {
    switch (option) {
    case 'n': servers = optarg; break;
    case 't': topic = optarg; break;
    case 'g': group = optarg; break;
    case 's': expression = optarg; break;
    case 'h':
    case '-': usage(); return 0;
    default: usage(); return 2;
    }
  }
  /* Before the library makes threads, so that they inherit it and the signals come here. */
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  sigprocmask(SIG_BLOCK, &signals, NULL);

  struct mq_error error;
  mq_config *config = mq_config_new();
  mq_client *client = NULL;
  mq_push_consumer *consumer = NULL;
  if (config == NULL || mq_config_set(config, "namesrvAddr", servers, &error) != MQ_OK ||
      mq_config_set(config, "consumeFromWhere", "CONSUME_FROM_FIRST_OFFSET", &error) != MQ_OK ||
      mq_client_start(config, &client, &error) != MQ_OK ||
      mq_push_consumer_new(client, group, &consumer, &error) != MQ_OK ||
      mq_push_consumer_subscribe(consumer, topic, expression, &error) != MQ_OK)
    return die("start", &error);
  mq_config_free(config);
  mq_push_consumer_listen(consumer, on_messages, NULL);
  if (mq_push_consumer_start(consumer, &error) != MQ_OK) return die("start", &error);

  wait_for_interrupt(&signals);

  mq_push_consumer_stop(consumer, 5000, NULL);
  mq_push_consumer_free(consumer);
  mq_client_free(client);
  return 0;
}
