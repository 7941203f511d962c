/* SPDX-License-Identifier: Apache-2.0 */
#include "mqnamesrv/settings.h"

#include "core/port/disk.h"

#include <stddef.h>
#include <stdio.h>

static const char *const log_level_names[] = {"DEBUG", "INFO", "WARN", "ERROR", NULL};

#define AT(member) offsetof(struct namesrv_settings, member)
#define TEXT(member, def, flags, doc) {#member, CONFIG_TEXT, AT(member), def, 0, 0, NULL, flags, doc}
#define BOOL(member, def, flags, doc) {#member, CONFIG_BOOL, AT(member), def, 0, 0, NULL, flags, doc}
#define I32(member, def, min, max, flags, doc) {#member, CONFIG_I32, AT(member), def, min, max, NULL, flags, doc}
#define MANY INT32_MAX
#define ANY INT32_MIN

static const struct config_key keys[] = {
    TEXT(rocketmqHome, NULL, CONFIG_IGNORED, "ignored: nothing is read from the Java distribution's folder"),
    TEXT(kvConfigPath, NULL, CONFIG_IMPORTANT, "file of the configuration items; default ~/namesrv/kvConfig.json"),
    TEXT(configStorePath, NULL, 0, "the file given with -c, which remote changes are written to"),
    TEXT(productEnvName, "center", CONFIG_IGNORED, "ignored: belongs to clusterTest"),
    BOOL(clusterTest, "false", CONFIG_IGNORED, "ignored: asking another environment's name server for routes"),
    BOOL(orderMessageEnable, "false", CONFIG_IMPORTANT | CONFIG_LIVE,
         "routes carry the topic's item of namespace ORDER_TOPIC_CONFIG"),

    I32(listenPort, "9876", 0, 65535, CONFIG_IMPORTANT, "TCP port; 0 lets the system choose one"),
    I32(serverWorkerThreads, "8", ANY, MANY, CONFIG_IGNORED, "ignored: one thread does all the work"),
    I32(serverCallbackExecutorThreads, "0", ANY, MANY, CONFIG_IGNORED, "ignored: one thread does all the work"),
    I32(serverSelectorThreads, "3", ANY, MANY, CONFIG_IGNORED, "ignored: one thread does all the work"),
    I32(serverOnewaySemaphoreValue, "256", ANY, MANY, CONFIG_IGNORED, "ignored: the name server sends no requests"),
    I32(serverAsyncSemaphoreValue, "64", ANY, MANY, CONFIG_IGNORED, "ignored: the name server sends no requests"),
    I32(serverChannelMaxIdleTimeSeconds, "120", 0, 1000000, CONFIG_IMPORTANT,
        "seconds without traffic after which a connection is closed; 0 never"),
    I32(serverSocketSndBufSize, "65535", ANY, MANY, CONFIG_IGNORED, "ignored: the kernel sizes socket buffers better"),
    I32(serverSocketRcvBufSize, "65535", ANY, MANY, CONFIG_IGNORED, "ignored: the kernel sizes socket buffers better"),
    BOOL(serverPooledByteBufAllocatorEnable, "true", CONFIG_IGNORED, "ignored: belongs to netty"),
    BOOL(useEpollNativeSelector, "false", CONFIG_IGNORED, "ignored: epoll is always used"),

    TEXT(bindAddress, "", CONFIG_IMPORTANT, "numeric address to listen on; empty: all"),
    I32(connectionsMax, "10000", 1, MANY, 0, "connections; further ones are closed at once"),
    I32(frameLengthMax, "16777216", 1024, 1 << 30, 0, "bytes of one request (com.rocketmq.remoting.frameMaxLength)"),
    I32(requestMemoryMax, "268435456", 1 << 20, MANY, 0, "bytes that reading one request may take"),
    I32(backlogMax, "67108864", 1 << 16, MANY, 0, "bytes that may wait for a peer that does not read"),
    I32(topicsMax, "1000000", 1, MANY, 0, "topics; further ones are not registered"),
    I32(brokersMax, "10000", 1, MANY, 0, "broker addresses, broker names and clusters; further ones are refused"),
    I32(kvConfigBytesMax, "4194304", 1024, 1 << 30, 0, "bytes of kvConfigPath; larger changes are refused"),
    TEXT(logFile, "", CONFIG_IMPORTANT, "file that gets the log, appended; empty: standard error"),
    {"logLevel", CONFIG_ENUM, AT(logLevel), "INFO", 0, 0, log_level_names, CONFIG_IMPORTANT | CONFIG_LIVE,
     "DEBUG, INFO, WARN or ERROR"},
};

const struct config_table namesrv_config_table = {keys, sizeof keys / sizeof keys[0]};

static enum status set_text(struct namesrv_settings *s, const char *key, const char *value) {
  struct buf why;
  buf_init(&why, 1024);
  enum status status = config_set(s, span_text(key), span_text(value), &why);
  buf_fini(&why);
  return status;
}

enum status namesrv_settings_init(struct namesrv_settings *s, const char *home, const char *rocketmq_home) {
  char path[DISK_PATH_MAX];
  enum status status = config_init(s, &namesrv_config_table);
  if (status != STATUS_OK) return status;
  if (snprintf(path, sizeof path, "%s/namesrv/namesrv.properties", home) >= (int)sizeof path) status = STATUS_LIMIT;
  if (status == STATUS_OK) status = set_text(s, "configStorePath", path);
  if (status == STATUS_OK) {
    snprintf(path, sizeof path, "%s/namesrv/kvConfig.json", home); /* shorter than the one that fitted */
    status = set_text(s, "kvConfigPath", path);
  }
  if (status == STATUS_OK && rocketmq_home != NULL) status = set_text(s, "rocketmqHome", rocketmq_home);
  if (status != STATUS_OK) config_fini(s);
  return status;
}
