/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The drivers of kind monitor that the configuration names: they are told of
 * events, and report when asked.
 */
#ifndef CORE_MONITOR_MONITOR_H
#define CORE_MONITOR_MONITOR_H

struct core;
struct json_object;

/* Tells each of an event.  One that fails changes nothing for anybody else. */
void monitor_tell(struct core *core, const char *type, const char *action, const char *actor,
		  struct json_object *attributes);

#endif
