/* SPDX-License-Identifier: Apache-2.0
 *
 * UPDATE_NAMESRV_CONFIG, GET_NAMESRV_CONFIG and the settings at start.
 */
#include "tests/unit/namesrv/stage.h"
#include "tests/unit/namesrv/test_namesrv.h"

#include <stdlib.h>

#define CONF "/etc/namesrv.conf"

static int update(struct stage *s, conn_id conn, const char *text) {
  return stage_call(s, conn, REQUEST_UPDATE_NAMESRV_CONFIG, NULL, 0, span_text(text));
}

static bool contains(struct span s, const char *text) {
  return memmem(s.ptr, s.len, text, strlen(text)) != NULL;
}

static void init_with_file(struct stage *s) {
  stage_init_quiet(s);
  memory_disk_put(&s->disk, CONF, "listenPort=9876\n");
  s->settings.base.path = strdup(CONF);
  stage_start(s);
}

void test_config_get_all(void) {
  struct stage s;
  stage_init(&s);
  conn_id conn = stage_connect(&s);
  CU_ASSERT(stage_call(&s, conn, REQUEST_GET_NAMESRV_CONFIG, NULL, 0, SPAN_NONE) == RESPONSE_SUCCESS);
  CU_ASSERT(contains(s.reply.body, "listenPort=9876\n"));
  CU_ASSERT(contains(s.reply.body, "orderMessageEnable=false\n"));
  CU_ASSERT(contains(s.reply.body, "kvConfigPath=" STAGE_KV "\n"));
  stage_fini(&s);
}

void test_config_update_live(void) {
  struct stage s;
  stage_init(&s);
  conn_id conn = stage_connect(&s);
  CU_ASSERT(update(&s, conn, "orderMessageEnable=true\nlogLevel=ERROR\n") == RESPONSE_SUCCESS);
  CU_ASSERT(s.settings.orderMessageEnable);
  CU_ASSERT(s.log.level == LOG_ERROR);
  CU_ASSERT(s.disk.replaced == 0); /* no -c, no file */
  stage_fini(&s);
}

void test_config_update_persists(void) {
  struct stage s;
  init_with_file(&s);
  conn_id conn = stage_connect(&s);
  CU_ASSERT(update(&s, conn, "orderMessageEnable=true\n") == RESPONSE_SUCCESS);
  CU_ASSERT(contains(memory_disk_read(&s.disk, CONF), "orderMessageEnable=true\n"));
  CU_ASSERT(contains(memory_disk_read(&s.disk, CONF), "listenPort=9876\n"));
  ASSERT_SPAN(memory_disk_read(&s.disk, CONF ".bak"), "listenPort=9876\n");
  stage_fini(&s);
}

/* CVE-2023-37582: a remote peer must not choose where files are written. */
void test_config_update_refused(void) {
  static const char *const refused[] = {
      "kvConfigPath=/root/.ssh/authorized_keys\n",
      "configStorePath=/etc/cron.d/x\n",
      "rocketmqHome=/tmp\n",
      "logFile=/etc/passwd\n",
      "listenPort=1\n",
      "orderMessageEnable=true\nkvConfigPath=/x\n", /* all or nothing */
      "orderMessageEnable=true\nkvConfigP\\u0061th=/x\n",
      "orderMessageEnable=true\nx=\\u00g1\n",
  };
  struct stage s;
  init_with_file(&s);
  conn_id conn = stage_connect(&s);
  for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
    CU_ASSERT(update(&s, conn, refused[i]) == RESPONSE_NO_PERMISSION);
    CU_ASSERT(s.reply.remark.len > 0);
    CU_ASSERT_STRING_EQUAL(s.settings.kvConfigPath, STAGE_KV);
    CU_ASSERT(!s.settings.orderMessageEnable && s.settings.listenPort == 9876);
  }
  CU_ASSERT(s.disk.replaced == 0);
  stage_fini(&s);
}

void test_config_update_disk_full(void) {
  struct stage s;
  init_with_file(&s);
  conn_id conn = stage_connect(&s);
  s.disk.full = true;
  CU_ASSERT(update(&s, conn, "orderMessageEnable=true\n") == RESPONSE_SYSTEM_ERROR);
  ASSERT_SPAN(s.reply.remark, CONF " was not written: no space left on device");
  CU_ASSERT(!s.settings.orderMessageEnable);
  stage_fini(&s);
}

void test_config_update_empty(void) {
  struct stage s;
  stage_init(&s);
  conn_id conn = stage_connect(&s);
  CU_ASSERT(update(&s, conn, "") == RESPONSE_SYSTEM_ERROR);
  ASSERT_SPAN(s.reply.remark, "string2Properties error");
  stage_fini(&s);
}

void test_config_ignored_is_said(void) {
  struct stage s;
  stage_init_quiet(&s);
  struct span text = SPAN_LITERAL("serverWorkerThreads=16\nlistenPort=0\n");
  CU_ASSERT(config_apply(&s.settings, text, CONF, &s.log) == STATUS_OK);
  stage_start(&s);
  CU_ASSERT(contains(buf_span(&s.logged), "serverWorkerThreads=16: ignored: one thread does all the work"));
  CU_ASSERT(!contains(buf_span(&s.logged), "serverSelectorThreads"));
  CU_ASSERT(s.ns->port == s.net.port && s.ns->port != 0);
  stage_fini(&s);
}

void test_start_port_taken(void) {
  struct stage s;
  stage_init_quiet(&s);
  s.net.refuse_listen = true;
  s.ns = namesrv_new(&s.settings, &s.net.net, &s.disk.disk, &s.log, 1, s.now);
  CU_ASSERT(s.ns != NULL && namesrv_start(s.ns) != STATUS_OK);
  CU_ASSERT(contains(buf_span(&s.logged), "cannot listen on 0.0.0.0:9876: address already in use"));
  stage_fini(&s);
}
