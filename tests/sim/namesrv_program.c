/* SPDX-License-Identifier: Apache-2.0 */
#include "mqnamesrv/namesrv.h"
#include "tests/sim/site.h"

#include <stdlib.h>

struct namesrv_program {
  struct namesrv_settings settings;
  struct namesrv *names;
};

static struct node *namesrv_begin(struct machine *m, struct moment now) {
  struct namesrv_program *p = calloc(1, sizeof *p);
  if (p == NULL || namesrv_settings_init(&p->settings, "/root", NULL) != STATUS_OK) abort();
  p->settings.listenPort = NAMESRV_PORT;
  p->names = namesrv_new(&p->settings, sim_host_net(m->host), sim_host_disk(m->host), sim_host_log(m->host),
                         machine_seed(m), now);
  m->program = p;
  if (p->names != NULL && namesrv_start(p->names) == STATUS_OK) return &p->names->node;
  m->ops->stop(m, true, now);
  m->program = NULL;
  return NULL;
}

static void namesrv_end(struct machine *m, bool clean, struct moment now) {
  struct namesrv_program *p = m->program;
  (void)clean; /* it writes nothing when it ends */
  namesrv_free(p->names, now);
  namesrv_settings_fini(&p->settings);
  free(p);
}

const struct program_ops namesrv_ops = {.kind = "name server", .start = namesrv_begin, .stop = namesrv_end};
