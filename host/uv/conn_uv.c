/* SPDX-License-Identifier: Apache-2.0
 *
 * One connection's life: its slot, its descriptor, what it is polled for.
 */
#include "host/uv/host.h"

#include <stdlib.h>
#include <unistd.h>

#define SLOT_MASK (((uint64_t)1 << SLOT_BITS) - 1)

bool conn_limit_reached(struct uv_host *h) { return h->stats.connections >= h->config.connections_max; }

static bool slots_grow(struct uv_host *h) {
  size_t cap = h->slot_cap == 0 ? 64 : h->slot_cap * 2;
  struct slot *slots = realloc(h->slots, cap * sizeof *slots);
  if (slots == NULL) return false;
  h->slots = slots;
  h->slot_cap = cap;
  return true;
}

struct conn *conn_new(struct uv_host *h, enum conn_state state) {
  if (conn_limit_reached(h)) return NULL;
  if (h->slot_free == 0) {
    if (h->slot_count == h->slot_cap && !slots_grow(h)) return NULL;
    h->slots[h->slot_count] = (struct slot){.generation = 1};
    h->slot_free = (uint32_t)++h->slot_count;
  }
  struct conn *c = calloc(1, sizeof *c);
  if (c == NULL) return NULL;
  uint32_t index = h->slot_free - 1;
  struct slot *slot = &h->slots[index];
  h->slot_free = slot->next_free;
  slot->conn = c;
  c->id = slot->generation << SLOT_BITS | index;
  c->host = h;
  c->fd = -1;
  c->state = (uint8_t)state;
  h->stats.connections++;
  return c;
}

struct conn *conn_find(struct uv_host *h, conn_id id) {
  uint64_t index = id & SLOT_MASK;
  if (id == 0 || index >= h->slot_count) return NULL;
  struct conn *c = h->slots[index].conn;
  return c != NULL && c->id == id ? c : NULL;
}

static void on_poll(uv_poll_t *poll, int status, int events) {
  struct conn *c = poll->data;
  c->host->dirty = true;
  if (status < 0) c->events = 0; /* libuv stopped it; reading or writing will say why */
  switch (c->state) {
  case CONN_CONNECTING:
    dial_writable(c);
    return;
  case CONN_DRAINING:
    conn_drain(c);
    return;
  case CONN_CLOSING:
    c->blocked = false;
    conn_enqueue_flush(c);
    return;
  case CONN_OPEN:
    if (status < 0 || (events & UV_WRITABLE) != 0) {
      c->blocked = false;
      conn_enqueue_flush(c);
    }
    if (c->paused && status < 0) conn_fail(c, "connection reset while reading was paused");
    else if (status < 0 || (events & UV_READABLE) != 0) conn_read(c);
    return;
  default:
    return;
  }
}

void conn_watch(struct conn *c) {
  int events = 0;
  if (c->state == CONN_CONNECTING || c->blocked) events |= UV_WRITABLE;
  if ((c->state == CONN_OPEN && !c->paused) || c->state == CONN_DRAINING) events |= UV_READABLE;
  if (c->poll == NULL || events == c->events) return;
  c->events = (uint8_t)events;
  if (events == 0) uv_poll_stop(c->poll);
  else uv_poll_start(c->poll, events, on_poll);
}

enum status conn_adopt(struct conn *c, int fd) {
  uv_poll_t *poll = malloc(sizeof *poll);
  if (poll == NULL || uv_poll_init(&c->host->loop, poll, fd) != 0) {
    free(poll);
    close(fd);
    return STATUS_NO_MEMORY;
  }
  poll->data = c;
  c->poll = poll;
  c->fd = fd;
  c->events = 0;
  return STATUS_OK;
}

static void on_poll_closed(uv_handle_t *handle) { free(handle); }

void conn_detach(struct conn *c) {
  if (c->poll == NULL) return;
  uv_close((uv_handle_t *)c->poll, on_poll_closed);
  close(c->fd);
  c->poll = NULL;
  c->fd = -1;
  c->events = 0;
}

void conn_destroy(struct conn *c) {
  struct uv_host *h = c->host;
  uint64_t index = c->id & SLOT_MASK;
  assert(h->slots[index].conn == c);
  h->slots[index] = (struct slot){.generation = h->slots[index].generation + 1, .next_free = h->slot_free};
  h->slot_free = (uint32_t)index + 1;
  h->stats.connections--;
  dial_abandon(c);
  timers_cancel(&h->timers, &c->timer);
  conn_detach(c);
  outbox_fini(&c->out, &h->pool);
  block_give(&h->pool, c->in);
  c->in = (struct block){NULL, 0};
  if (c->in_flush || c->pending) c->dead = true; /* the list frees it */
  else free(c);
}
