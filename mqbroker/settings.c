/* SPDX-License-Identifier: Apache-2.0 */
#include "mqbroker/settings.h"
#include "mqbroker/repl/repl.h"
#include "mqbroker/store/derive.h"
#include "mqbroker/store/store.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BLANK_ROOM = 8 /* the filler that ends a file */, SETTING_TEXT_MAX = 4096 };

const char *const broker_role_names[] = {"ASYNC_MASTER", "SYNC_MASTER", "SLAVE", NULL};
const char *const dledger_fsync_names[] = {"none", "leader", "majority", NULL};
const char *const flush_disk_names[] = {"SYNC_FLUSH", "ASYNC_FLUSH", NULL};

static const struct config_key keys[] = {
#define K(type, name, default_text, min, max, enum_names, flags, doc)                                              \
  {#name, CONFIG_##type, offsetof(struct broker_settings, name), default_text, min, max, enum_names, flags, doc},
    BROKER_SETTINGS(K)
#undef K
};

const struct config_table broker_settings_table = {keys, sizeof keys / sizeof keys[0]};

/* Sets a key that the user left open. */
static enum status set_default(char **key, const char *format, ...) {
  if (*key != NULL && **key != '\0') return STATUS_OK;
  char text[SETTING_TEXT_MAX];
  va_list args;
  va_start(args, format);
  int n = vsnprintf(text, sizeof text, format, args);
  va_end(args);
  if (n < 0 || n >= (int)sizeof text) return STATUS_LIMIT;
  char *copy = strdup(text);
  if (copy == NULL) return STATUS_NO_MEMORY;
  free(*key);
  *key = copy;
  return STATUS_OK;
}

enum status broker_settings_complete(struct broker_settings *s, const char *host_name, const char *address,
                                     const char *home, const char *namesrv_addr) {
  enum status status = set_default(&s->brokerName, "%s", host_name);
  if (status == STATUS_OK) status = set_default(&s->brokerIP1, "%s", address);
  if (status == STATUS_OK) status = set_default(&s->brokerIP2, "%s", s->brokerIP1);
  if (status == STATUS_OK) status = set_default(&s->storePathRootDir, "%s/store", home);
  if (status == STATUS_OK) status = set_default(&s->storePathCommitLog, "%s/store/commitlog", home);
  if (status == STATUS_OK && s->rocketmqHome != NULL) status = set_default(&s->aclFile, "%s/conf/plain_acl.yml", s->rocketmqHome);
  if (s->enableDLegerCommitLog) { /* BrokerController.initialize: until the group says more */
    s->brokerRole = ROLE_SLAVE;
    s->brokerId = -1;
  }
  if (s->brokerRole != ROLE_SLAVE) s->brokerId = 0; /* whatever the file says, as BrokerStartup */
  if (status == STATUS_OK && namesrv_addr != NULL) status = set_default(&s->namesrvAddr, "%s", namesrv_addr);
  return status;
}

enum status broker_settings_check(const struct broker_settings *s, struct buf *why) {
  const char *missing = NULL;
  if (s->useTLS) missing = "useTLS=true: TLS is not in this version";
  else if (s->namesrvAddr == NULL && s->fetchNamesrvAddrByAddressServer)
    missing = "fetchNamesrvAddrByAddressServer=true: the address server is not asked in this version, set namesrvAddr";
  if (missing != NULL) {
    buf_printf(why, "%s; starting without it would break what you rely on", missing);
    return STATUS_UNSUPPORTED;
  }
  if (s->aclEnable && s->aclFile == NULL) {
    buf_printf(why, "aclEnable=true: where are the rules? Set aclFile, or ROCKETMQ_HOME to the folder that has conf/plain_acl.yml");
    return STATUS_INVALID;
  }
  if (s->enableDLegerCommitLog && (s->dLegerGroup == NULL || s->dLegerPeers == NULL || s->dLegerSelfId == NULL)) {
    buf_printf(why, "enableDLegerCommitLog=true needs dLegerGroup, dLegerPeers and dLegerSelfId");
    return STATUS_INVALID;
  }
  if (s->enableDLegerCommitLog && dledger_number(s->dLegerSelfId) < 0) {
    buf_printf(why, "dLegerSelfId=%s must be one letter and a number, such as n0", s->dLegerSelfId);
    return STATUS_INVALID;
  }
  /* BrokerStartup.createBrokerController */
  if (!s->enableDLegerCommitLog && s->brokerRole == ROLE_SLAVE && s->brokerId <= 0) {
    buf_printf(why, "brokerRole=SLAVE with brokerId=%lld: a slave needs one above 0", (long long)s->brokerId);
    return STATUS_INVALID;
  }
  uint32_t hours;
  if (retention_hours_parse(span_text(s->deleteWhen), &hours) != STATUS_OK) {
    buf_printf(why, "deleteWhen=%s is no list of hours such as 04 or 04;16", s->deleteWhen);
    return STATUS_INVALID;
  }
  struct delay_levels levels;
  if (delay_levels_parse(span_text(s->messageDelayLevel), &levels) != STATUS_OK || levels.count == 0) {
    buf_printf(why, "messageDelayLevel=%s is no list of at most %d delays such as 1s 5m 2h", s->messageDelayLevel, DELAY_LEVELS_MAX);
    return STATUS_INVALID;
  }
  if (s->maxMessageSize > s->mappedFileSizeCommitLog - BLANK_ROOM) {
    buf_printf(why, "maxMessageSize=%d does not fit a commit log file of mappedFileSizeCommitLog=%d bytes: make the file larger",
               s->maxMessageSize, s->mappedFileSizeCommitLog);
    return STATUS_INVALID;
  }
  return STATUS_OK;
}
