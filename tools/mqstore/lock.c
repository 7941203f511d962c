/* SPDX-License-Identifier: Apache-2.0
 *
 * The store's lock is asked about, not taken: a broker that starts at this
 * moment must not be refused because somebody looks at its store.
 */
#define _GNU_SOURCE
#include "tools/mqstore/tool.h"

#include <fcntl.h>
#include <unistd.h>

bool store_lock_is_held(const char *path) {
  struct flock range = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 0, .l_len = 1};
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return false;
  bool held = fcntl(fd, F_GETLK, &range) == 0 && range.l_type != F_UNLCK;
  close(fd);
  return held;
}
