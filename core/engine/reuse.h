/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Small things that info and disk usage take from other rooms.
 */
#ifndef CORE_ENGINE_REUSE_H
#define CORE_ENGINE_REUSE_H

#include <gantry/error.h>

struct core;
struct json_object;

/* A made-up id of this engine that stays; the caller frees. */
int engine_id(struct core *core, char **ret, struct gantry_error *err);

/* Adds UsageData {Size, RefCount} to a volume as volume_list shows it. */
void volume_add_usage(struct core *core, struct json_object *volume);

#endif
