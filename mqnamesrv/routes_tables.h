/* SPDX-License-Identifier: Apache-2.0
 *
 * routes_tables: the rows of the route tables: making, finding and dropping
 * them. Only routes*.c use it; what a row means is decided there.
 */
#ifndef MQ_NAMESRV_ROUTES_TABLES_H
#define MQ_NAMESRV_ROUTES_TABLES_H

#include "mqnamesrv/routes.h"

void group_free(struct broker_group *g);
void cluster_free(struct cluster *c);
void live_free(struct broker_live *l);
void topic_free(struct topic *t);

/* The row of that name, made when missing. LIMIT or NO_MEMORY. */
enum status cluster_ensure(struct routes *r, struct span name, struct cluster **out) MUST_USE;
enum status group_ensure(struct routes *r, const struct registration *reg, struct broker_group **out) MUST_USE;
enum status live_ensure(struct routes *r, const struct registration *reg, struct broker_live **out) MUST_USE;
enum status topic_ensure(struct routes *r, struct span name, struct topic **out) MUST_USE;

/* *fresh: the id had no address before. */
enum status group_put(struct routes *r, struct broker_group *g, int64_t id, struct span address, bool *fresh) MUST_USE;
struct span group_address(const struct broker_group *g, int64_t id); /* SPAN_NONE: none */
void group_remove_at(struct broker_group *g, size_t i);
void group_remove_address(struct broker_group *g, struct span address, int64_t except_id);
/* With its topics' queue entries, its place in the clusters, and what becomes empty by that. */
void group_drop_if_empty(struct routes *r, struct broker_group *g);

enum status topic_put_queue(struct topic *t, const struct topic_queue *q) MUST_USE;
enum status live_set_filter_servers(struct broker_live *l, const struct span *servers, size_t count) MUST_USE;
void live_remove(struct routes *r, struct broker_live *l);

#endif
