/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The processes of a container: those in its control group or, where this user may
 * make none, those in its mount namespace.
 */
#ifndef NATIVE_MEMBERS_H
#define NATIVE_MEMBERS_H

#include <stddef.h>
#include <sys/types.h>

#include "cgroup.h"
#include "state.h"

struct gantry_error;

struct members {
	pid_t *pids; /* owned */
	size_t n;
};

/* NOT_FOUND when its control group is gone. */
int members_find(const struct cgroup_host *host, const struct state *s, struct members *ret,
		 struct gantry_error *err);
void members_done(struct members *m);
static inline void members_auto(struct members *m)
{
	members_done(m);
}

#endif
