/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Limits that need a control group which this user may not make.
 */
#ifndef CORE_CONTAINER_LIMITS_H
#define CORE_CONTAINER_LIMITS_H

#include "core/container/container.h"

/* May this engine make control groups?  For an ordinary user: are they delegated to him? */
int limits_have_cgroups(struct core *core);

/* The limits asked for that nothing will enforce, as an array of their names in
 * HostConfig; NULL when there are none. */
struct json_object *limits_not_enforced(struct core *core, struct json_object *host_config);

/* Warns of each. */
void limits_warn(struct core *core, struct json_object *host_config, struct json_object *warnings);

#endif
