/* SPDX-License-Identifier: Apache-2.0 */
#include "host/uv/machine_uv.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#define ADDRESSES_MAX 256

uint64_t machine_seed(void) {
  uint64_t seed;
  if (getrandom(&seed, sizeof seed, 0) == (ssize_t)sizeof seed) return seed;
  struct timespec ts;
  clock_gettime(CLOCK_REALTIME, &ts);
  return (uint64_t)ts.tv_nsec << 32 ^ (uint64_t)ts.tv_sec ^ (uint64_t)getpid() << 16;
}

const char *machine_choose_address(const char *const *addresses, size_t count) {
  const char *v4 = NULL, *v6 = NULL;
  for (size_t i = 0; i < count; i++) {
    const char *a = addresses[i];
    if (strchr(a, ':') != NULL) {
      if (v6 == NULL) v6 = a;
      continue;
    }
    if (strncmp(a, "127.0", 5) != 0 && strncmp(a, "192.168", 7) != 0) return a;
    v4 = a; /* the last one, unless a better one comes */
  }
  if (v4 != NULL) return v4;
  return v6 != NULL ? v6 : "127.0.0.1";
}

void machine_local_address(char out[MACHINE_ADDRESS_MAX]) {
  char texts[ADDRESSES_MAX][INET6_ADDRSTRLEN];
  const char *addresses[ADDRESSES_MAX];
  size_t count = 0;
  struct ifaddrs *all = NULL;
  if (getifaddrs(&all) != 0) all = NULL;
  for (const struct ifaddrs *i = all; i != NULL && count < ADDRESSES_MAX; i = i->ifa_next) {
    if (i->ifa_addr == NULL || (i->ifa_flags & IFF_LOOPBACK) != 0 || (i->ifa_flags & IFF_UP) == 0) continue;
    int family = i->ifa_addr->sa_family;
    const void *ip = NULL;
    if (family == AF_INET) ip = &((const struct sockaddr_in *)(const void *)i->ifa_addr)->sin_addr;
    if (family == AF_INET6) ip = &((const struct sockaddr_in6 *)(const void *)i->ifa_addr)->sin6_addr;
    if (ip == NULL || inet_ntop(family, ip, texts[count], sizeof texts[count]) == NULL) continue;
    addresses[count] = texts[count];
    count++;
  }
  snprintf(out, MACHINE_ADDRESS_MAX, "%s", machine_choose_address(addresses, count));
  if (all != NULL) freeifaddrs(all);
}

void machine_host_name(char out[MACHINE_NAME_MAX]) {
  if (gethostname(out, MACHINE_NAME_MAX) != 0) snprintf(out, MACHINE_NAME_MAX, "localhost");
  out[MACHINE_NAME_MAX - 1] = '\0';
}

int machine_pid(void) { return getpid(); }
