/* SPDX-License-Identifier: Apache-2.0
 *
 * stamp: the fields that the owner adds to each request (a signature). It has
 * to see all fields as they will travel, so the header becomes ext fields
 * first. Private to core/remoting.
 */
#ifndef MQ_REMOTING_STAMP_H
#define MQ_REMOTING_STAMP_H

#include "core/remoting/remoting.h"

/* cmd->ext gets everything and lies in the arena, which is reset first: the header is not to be encoded again. */
enum status stamp_request(const struct remoting_config *config, struct arena *arena, const struct request_out *q,
                          struct command *cmd) MUST_USE;

#endif
