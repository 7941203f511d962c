/* SPDX-License-Identifier: Apache-2.0
 *
 * settings: every key of namesrv.conf, in one table: 6 of Java's NamesrvConfig,
 * 11 of its NettyServerConfig, and the limits of our own (Java has none). The
 * members have the keys' Java names. Agrees with
 * org.apache.rocketmq.common.namesrv.NamesrvConfig and
 * org.apache.rocketmq.remoting.netty.NettyServerConfig.
 */
#ifndef MQ_NAMESRV_SETTINGS_H
#define MQ_NAMESRV_SETTINGS_H

#include "core/config/config.h"

struct namesrv_settings {
  struct config_base base;
  /* NamesrvConfig */
  char *rocketmqHome;
  char *kvConfigPath;
  char *configStorePath;
  char *productEnvName;
  bool clusterTest;
  bool orderMessageEnable;
  /* NettyServerConfig */
  int32_t listenPort;
  int32_t serverWorkerThreads;
  int32_t serverCallbackExecutorThreads;
  int32_t serverSelectorThreads;
  int32_t serverOnewaySemaphoreValue;
  int32_t serverAsyncSemaphoreValue;
  int32_t serverChannelMaxIdleTimeSeconds;
  int32_t serverSocketSndBufSize;
  int32_t serverSocketRcvBufSize;
  bool serverPooledByteBufAllocatorEnable;
  bool useEpollNativeSelector;
  /* our own */
  char *bindAddress;
  int32_t connectionsMax;
  int32_t frameLengthMax;
  int32_t requestMemoryMax;
  int32_t backlogMax;
  int32_t topicsMax;
  int32_t brokersMax;
  int32_t kvConfigBytesMax;
  char *logFile;
  int32_t logLevel; /* enum log_level */
};

/* Defaults; home is the user's home directory, rocketmq_home may be NULL (both borrowed). */
enum status namesrv_settings_init(struct namesrv_settings *s, const char *home, const char *rocketmq_home) MUST_USE;
static inline void namesrv_settings_fini(struct namesrv_settings *s) { config_fini(s); }

extern const struct config_table namesrv_config_table;

#endif
