/* SPDX-License-Identifier: Apache-2.0
 *
 * unpack: the golden store of an archive onto an imagined disk.
 */
#ifndef TESTS_GOLDEN_UNPACK_H
#define TESTS_GOLDEN_UNPACK_H

#include "core/port/disk.h"

/* archive: below tests/golden, with one directory store/; all that is in it comes to root, synced. */
void golden_unpack(struct disk *disk, const char *archive, const char *root);

#endif
