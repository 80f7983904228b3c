/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Containers in the forms that list and inspect share.
 */
#ifndef CORE_CONTAINER_PRESENT_H
#define CORE_CONTAINER_PRESENT_H

#include "core/container/container.h"

/* RFC 3339 with nanoseconds; 0 is Docker's zero time.  The caller frees. */
char *present_time(int64_t ns);
/* A container that is recorded as running may wait to be started again: then it becomes
 * "restarting" here, with how it ended.  Only for what is shown, not to be saved. */
void present_restarting(struct core *core, struct container *c);
/* State.Health, or NULL; caller owns, as with all below. */
struct json_object *present_health(struct core *core, const struct container *c);
struct json_object *present_mounts(struct core *core, const struct container *c);
/* NetworkSettings, and its Networks alone. */
struct json_object *present_network_settings(struct core *core, const struct container *c);
struct json_object *present_networks(struct core *core, const struct container *c);
struct json_object *present_execs(struct core *core, const struct container *c);
void present_sizes(struct core *core, const struct container *c, int64_t *ret_rw,
		   int64_t *ret_total);

#endif
