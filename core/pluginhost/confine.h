/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a plugin's process may, from its permissions: namespaces, a control group,
 * limits, capabilities, paths (Landlock), system calls (seccomp).  What the kernel or
 * an ordinary user lacks is left out and named in the driver's log, but for system
 * calls and capabilities, which must work.
 */
#ifndef CORE_PLUGINHOST_CONFINE_H
#define CORE_PLUGINHOST_CONFINE_H

#include <stdint.h>
#include <sys/types.h>

#include <gantry/error.h>

#include "core/plugin/permissions.h"

struct host_options;

/* Flags for clone(2): the namespaces that the child gets; 0 where it may have none. */
unsigned long confine_namespaces(const struct permits *permits);

/* In the child, before any code of the plugin runs. */
int confine(const struct host_options *options, const struct permits *permits, struct gantry_error *err);

/* landlock.c */
int restrict_paths(const struct host_options *options, const struct permits *permits, struct gantry_error *err);
/* filter.c */
int filter_system_calls(const struct permits *permits, struct gantry_error *err);

/* cgroup.c: in the supervisor. */
struct cgroup {
	char paths[2][256]; /* one of version 2, or memory and pids of version 1; "" for none */
	int version;
};
/* Makes one with limits and puts pid into it; without permission there is none. */
void cgroup_make(struct cgroup *g, pid_t pid, int64_t memory, int64_t pids);
/* Did the kernel kill in it for want of memory? */
int cgroup_ran_out(const struct cgroup *g);
/* Kills all that is in it and removes it. */
void cgroup_remove(struct cgroup *g);

#endif
