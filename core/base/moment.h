/* SPDX-License-Identifier: Apache-2.0
 *
 * moment: the time of a turn, handed in by the host. mono_ms never goes back
 * and is for deadlines; wall_ms is the calendar (ms since 1970) and may jump.
 */
#ifndef MQ_BASE_MOMENT_H
#define MQ_BASE_MOMENT_H

#include <stdint.h>

struct moment {
  int64_t mono_ms;
  int64_t wall_ms;
};

#endif
