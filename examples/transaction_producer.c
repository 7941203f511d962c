/* SPDX-License-Identifier: Apache-2.0
 *
 * Sends messages that are delivered if, and only if, the program's own
 * transaction succeeded. The "database" is a file per order: what is decided
 * must outlive the program, because the broker may ask a later one.
 */
#include <mqclient/mqclient.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int usage(int status) {
  puts("usage: transaction_producer [-n NAMESRV] [-t TOPIC] [-g GROUP] [-c COUNT] [-d DIR] [-w SECONDS]\n"
       "Sends COUNT messages (default 6) to TOPIC (default TopicTest) by the name server\n"
       "NAMESRV (default 127.0.0.1:9876). Of three, one is committed, one is rolled back\n"
       "and one is left open: the broker asks for it. What was decided is noted in DIR\n"
       "(default .). Then answers questions for SECONDS (default 30).");
  return status;
}

static int die(const char *what, const struct mq_error *error) {
  fprintf(stderr, "%s: %s: %s\n", what, mq_error_text(error->result), error->text);
  return 1;
}

static const char *const outcomes[] = {"committed", "rolled back", "open"};

/* The local transaction. */
static enum mq_transaction_state execute(void *context, const mq_message *message, const char *message_id,
                                         void *argument) {
  int kind = *(const int *)argument % 3;
  char path[4096];
  printf("%s %s: %s\n", mq_message_keys(message), message_id, outcomes[kind]);
  if (kind == 1) return MQ_TRANSACTION_ROLLBACK;
  snprintf(path, sizeof path, "%s/%s.order", (const char *)context, mq_message_keys(message));
  FILE *file = fopen(path, "w");
  if (file == NULL || fputs("paid\n", file) < 0 || fclose(file) != 0) return MQ_TRANSACTION_ROLLBACK;
  /* Whoever dies here has paid, and has not said so. */
  return kind == 2 ? MQ_TRANSACTION_UNKNOWN : MQ_TRANSACTION_COMMIT;
}

/* What became of it? On another thread, perhaps in another process. */
static enum mq_transaction_state check(void *context, const mq_message *message) {
  char path[4096];
  const char *key = mq_message_keys(message);
  if (key == NULL || strchr(key, '/') != NULL) return MQ_TRANSACTION_ROLLBACK;
  snprintf(path, sizeof path, "%s/%s.order", (const char *)context, key);
  bool paid = access(path, F_OK) == 0;
  printf("%s: asked, %s\n", key, paid ? "committed" : "rolled back");
  fflush(stdout);
  return paid ? MQ_TRANSACTION_COMMIT : MQ_TRANSACTION_ROLLBACK;
}

static int send_all(mq_transaction_producer *producer, const char *topic, int count) {
  struct mq_error error;
  int failed = 0;
  for (int i = 0; i < count; i++) {
    char text[64];
    int length = snprintf(text, sizeof text, "order%d", i);
    mq_message *message = mq_message_new(topic, text, (size_t)length);
    mq_message_set_keys(message, text);
    if (mq_transaction_producer_send(producer, message, &i, NULL, NULL, &error) != MQ_OK) failed += die("send", &error);
    mq_message_free(message);
  }
  fflush(stdout);
  return failed;
}

int main(int argc, char **argv) {
  const char *servers = "127.0.0.1:9876", *topic = "TopicTest", *group = "example_transactions", *dir = ".";
  int count = 6, seconds = 30;
  for (int option; (option = getopt(argc, argv, "n:t:g:c:d:w:h-:")) != -1;) {
    if (option == 'n') servers = optarg;
    else if (option == 't') topic = optarg;
    else if (option == 'g') group = optarg;
    else if (option == 'c') count = atoi(optarg);
    else if (option == 'd') dir = optarg;
    else if (option == 'w') seconds = atoi(optarg);
    else return usage(option == 'h' || option == '-' ? 0 : 2);
  }
  struct mq_error error;
  struct mq_transaction_listener listener = {execute, check, (void *)dir};
  mq_config *config = mq_config_new();
  mq_client *client = NULL;
  mq_transaction_producer *producer = NULL;
  if (config == NULL || mq_config_set(config, "namesrvAddr", servers, &error) != MQ_OK ||
      mq_client_start(config, &client, &error) != MQ_OK ||
      mq_transaction_producer_start(client, group, &listener, &producer, &error) != MQ_OK)
    return die("start", &error);
  mq_config_free(config);
  int failed = send_all(producer, topic, count);
  sleep((unsigned)seconds);
  mq_transaction_producer_stop(producer, 10000, NULL);
  mq_transaction_producer_free(producer);
  mq_client_free(client);
  return failed > 0;
}
