/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The runtime's counters in the form of GET /containers/{id}/stats.
 */
#ifndef CORE_CONTAINER_STATS_H
#define CORE_CONTAINER_STATS_H

#include "core/container/container.h"

/* raw may be NULL (not running).  The caller owns the result. */
struct json_object *stats_present(const struct container *c, struct json_object *raw);

/* Fills preread and precpu_stats from the sample before, or with zeroes. */
void stats_add_previous(struct json_object *now, struct json_object *before);

#endif
