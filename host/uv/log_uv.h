/* SPDX-License-Identifier: Apache-2.0
 *
 * log_uv: sinks for core/base/log.h. Both may be used by any thread. A line is
 * "2024-05-06T07:08:09.123Z INFO  text".
 */
#ifndef MQ_UV_LOG_UV_H
#define MQ_UV_LOG_UV_H

#include "core/base/log.h"
#include "core/base/status.h"

#include <stdint.h>

/* Writes to stderr. No clean-up is needed; log is the caller's. */
void log_stderr_init(struct log *log, enum log_level level);

/* Appends to path; before a line that would pass max_bytes, path becomes path.1, path.1 becomes path.2
 * and so on up to path.<kept>; the oldest goes. kept 0: the file starts over. Missing directories are
 * not made. NULL on failure, *why tells. */
struct log *log_file_open(const char *path, int64_t max_bytes, int kept, enum log_level level, enum status *why);
void log_file_close(struct log *log); /* NULL is allowed */

#endif
