/* SPDX-License-Identifier: Apache-2.0
 *
 * UPDATE_NAMESRV_CONFIG, GET_NAMESRV_CONFIG. Java lets anybody redirect its
 * files with the former (CVE-2023-37582): here only the keys marked live can
 * be changed, and none of them names a file.
 */
#include "mqnamesrv/request.h"

enum { WHY_MAX = 1024 };

/* The live keys as they are, as a text that config_update takes. */
static enum status save_live(const struct namesrv_settings *s, struct buf *out) {
  for (size_t i = 0; i < s->base.table->count; i++) {
    const struct config_key *k = &s->base.table->keys[i];
    if (!(k->flags & CONFIG_LIVE)) continue;
    struct buf value;
    buf_init(&value, WHY_MAX);
    if (config_get(s, k->name, &value) == STATUS_OK) properties_put(out, span_text(k->name), buf_span(&value));
    bool failed = value.failed;
    buf_fini(&value);
    if (failed) return STATUS_NO_MEMORY;
  }
  return out->failed ? STATUS_NO_MEMORY : STATUS_OK;
}

/* Into the file given at start, if one was. Comments are lost, as with Java; the old text stays as .bak. */
static enum status persist(struct namesrv *ns) {
  if (ns->settings->base.path == NULL) return STATUS_OK;
  buf_clear(&ns->body);
  config_write(ns->settings, false, &ns->body);
  if (ns->body.failed) return STATUS_NO_MEMORY;
  return disk_replace_whole(ns->disk, ns->settings->base.path, buf_span(&ns->body), true);
}

static void apply_live(struct namesrv *ns) {
  if (ns->log != NULL) ns->log->level = (enum log_level)ns->settings->logLevel;
}

void namesrv_handle_config_update(struct request *rq) {
  struct namesrv *ns = rq->ns;
  struct buf why, before;
  buf_init(&why, WHY_MAX);
  buf_init(&before, NAMESRV_KEPT_MAX);
  if (rq->cmd->body.len == 0) {
    request_fail(rq, RESPONSE_SYSTEM_ERROR, "string2Properties error");
    goto out;
  }
  enum status status = save_live(ns->settings, &before);
  if (status == STATUS_OK) {
    status = config_update(ns->settings, rq->cmd->body, &why);
    if (status != STATUS_OK) {
      struct span reason = why.len > 0 ? buf_span(&why) : span_text(status_text(status));
      log_warn(ns->log, "UPDATE_NAMESRV_CONFIG refused: %.*s", SPAN_ARG(reason));
      request_fail(rq, RESPONSE_NO_PERMISSION, "%.*s", SPAN_ARG(reason));
      goto out;
    }
    status = persist(ns);
    if (status != STATUS_OK && config_update(ns->settings, buf_span(&before), &why) != STATUS_OK)
      log_error(ns->log, "the settings changed, but the file did not");
  }
  apply_live(ns);
  if (status != STATUS_OK)
    request_fail(rq, RESPONSE_SYSTEM_ERROR, "%s was not written: %s",
                 ns->settings->base.path == NULL ? "the configuration" : ns->settings->base.path, status_text(status));
  else
    request_ok(rq);
out:
  buf_fini(&before);
  buf_fini(&why);
}

void namesrv_handle_config_get(struct request *rq) {
  config_write(rq->ns->settings, false, &rq->ns->body);
  request_ok_body(rq);
}
