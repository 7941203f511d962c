/* SPDX-License-Identifier: Apache-2.0
 *
 * mqstore: looks into a store directory. This file gives it the real world.
 */
#include "host/uv/loop.h"
#include "tools/mqstore/tool.h"

int main(int argc, char **argv) {
  struct uv_host *host = uv_host_new(NULL, NULL);
  if (host == NULL) {
    fputs("mqstore: out of memory\n", stderr);
    return EXIT_CANNOT;
  }
  int code = mqstore_run(argc, argv, uv_host_disk(host), uv_host_now(host).wall_ms, stdout, stderr);
  uv_host_free(host);
  return code;
}
