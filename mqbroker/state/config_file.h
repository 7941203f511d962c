/* SPDX-License-Identifier: Apache-2.0
 *
 * config_file: one JSON file under ROOT/config, read with Java's rule: the
 * main file, or its .bak when that is missing, empty or not JSON
 * (org.apache.rocketmq.common.ConfigManager.load).
 */
#ifndef MQBROKER_STATE_CONFIG_FILE_H
#define MQBROKER_STATE_CONFIG_FILE_H

#include "core/base/log.h"
#include "core/port/disk.h"
#include "core/wire/json.h"

#define CONFIG_FILE_MAX ((size_t)1 << 30)

/* The parsed content in the arena (text must live as long). NOT_FOUND: neither file is there. CORRUPT: a
 * file is there and none can be read. */
enum status config_file_read(struct disk *disk, const char *path, struct log *log, struct buf *text,
                             struct arena *arena, struct json **out) MUST_USE;

#endif
