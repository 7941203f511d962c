/* SPDX-License-Identifier: Apache-2.0
 *
 * One list of outcomes for every room. A function that can fail returns
 * `enum status`; the caller must look at it.
 */
#ifndef MQ_BASE_STATUS_H
#define MQ_BASE_STATUS_H

#define STATUS_LIST(X)                                                         \
  X(OK, "success")                                                             \
  X(AGAIN, "not yet: more input or more time is needed")                       \
  X(NO_MEMORY, "out of memory")                                                \
  X(LIMIT, "a configured limit was reached")                                   \
  X(INVALID, "invalid argument or malformed input")                            \
  X(NOT_FOUND, "not found")                                                    \
  X(EXISTS, "already exists")                                                  \
  X(CORRUPT, "stored bytes are damaged")                                       \
  X(IO, "input/output error")                                                  \
  X(NO_SPACE, "no space left on device")                                       \
  X(CLOSED, "connection closed")                                               \
  X(UNREACHABLE, "peer cannot be reached")                                     \
  X(TIMEOUT, "timed out")                                                      \
  X(BUSY, "busy: locked by somebody else or overloaded")                       \
  X(SHUTDOWN, "shutting down")                                                 \
  X(UNSUPPORTED, "not supported")

enum status {
#define X(name, text) STATUS_##name,
  STATUS_LIST(X)
#undef X
};

/* Static text for a status; never NULL. */
const char *status_text(enum status status);

#define MUST_USE __attribute__((warn_unused_result))

#endif
