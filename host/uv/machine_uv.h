/* SPDX-License-Identifier: Apache-2.0
 *
 * machine_uv: who and where this process is.
 */
#ifndef MQ_UV_MACHINE_UV_H
#define MQ_UV_MACHINE_UV_H

#include <stddef.h>
#include <stdint.h>

#define MACHINE_ADDRESS_MAX 64
#define MACHINE_NAME_MAX 256

/* Chance from the kernel: for a node's seed. */
uint64_t machine_seed(void);
/* The address others reach this machine at, chosen as RemotingUtil.getLocalAddress does. */
void machine_local_address(char out[MACHINE_ADDRESS_MAX]);
void machine_host_name(char out[MACHINE_NAME_MAX]);
int machine_pid(void);

/* The choice itself: texts of all addresses that are not loopback, in the order of the interfaces; IPv6
 * has a colon. Returns one of them, or "127.0.0.1". */
const char *machine_choose_address(const char *const *addresses, size_t count);

#endif
