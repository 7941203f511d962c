/* SPDX-License-Identifier: Apache-2.0
 *
 * Outcomes of the client's functions. A function that can fail returns
 * enum mq_result and, when it was given one, fills a struct mq_error with a
 * sentence for people and the broker's own code.
 */
#ifndef MQCLIENT_ERROR_H
#define MQCLIENT_ERROR_H

#ifdef __cplusplus
extern "C" {
#endif

#define MQ_RESULTS(X)                                                                              \
  X(OK, "success")                                                                                 \
  X(INVALID, "an argument is not valid")                                                           \
  X(NO_MEMORY, "out of memory")                                                                    \
  X(TIMEOUT, "no answer in time")                                                                  \
  X(UNREACHABLE, "the server cannot be reached")                                                   \
  X(CLOSED, "the connection was closed before the answer came")                                    \
  X(NO_NAME_SERVER, "no name server answers")                                                      \
  X(NO_ROUTE, "no route to the topic")                                                             \
  X(NO_BROKER, "the broker is not known or has no master")                                         \
  X(REFUSED, "the broker answered with an error")                                                  \
  X(BUSY, "too many requests are under way")                                                       \
  X(TOO_LARGE, "larger than the configured limit")                                                 \
  X(EXISTS, "the group exists already in this client")                                             \
  X(STOPPED, "stopped or stopping")                                                                \
  X(MALFORMED, "the server's answer makes no sense")                                               \
  X(IO, "a local file could not be read or written")

enum mq_result {
#define X(name, text) MQ_##name,
  MQ_RESULTS(X)
#undef X
};

/* Longest error sentence in bytes, the final NUL included; longer ones are cut. */
#define MQ_ERROR_TEXT_MAX 256

/* Why a call failed. Owned by the caller; written only on failure. */
struct mq_error {
  enum mq_result result;
  int broker_code;                 /* MQ_REFUSED: response code of the broker (ResponseCode in Java), else 0 */
  char text[MQ_ERROR_TEXT_MAX];    /* a sentence; for MQ_REFUSED the broker's remark */
};

/* Static text of a result; never NULL. Thread-safe. */
const char *mq_error_text(enum mq_result result);

#ifdef __cplusplus
}
#endif

#endif
