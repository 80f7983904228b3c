/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ids of the engine's user namespace: the user's own alone, which every user may
 * map, or a range of /etc/subuid with it, which newuidmap(1) and newgidmap(1) map
 * for a process from outside of its namespace.
 */
#ifndef CORE_BASE_IDMAP_H
#define CORE_BASE_IDMAP_H

#include <sys/types.h>

#include <gantry/error.h>

/* Maps the caller's own ids as root in the namespace that it just made. */
int idmap_single(uid_t uid, gid_t gid, struct gantry_error *err);

/* Can ranges be mapped?  0, or an error that says what is missing. */
int idmap_can_full(uid_t uid, struct gantry_error *err);

/* A child that waits in the old namespace while this process makes a new one. */
struct idmap_helper {
	pid_t pid;
	int go; /* written to when the namespace is there */
};

#define IDMAP_HELPER_INIT { 0, -1 }

int idmap_helper_start(struct idmap_helper *h, uid_t uid, gid_t gid, struct gantry_error *err);
int idmap_helper_finish(struct idmap_helper *h, struct gantry_error *err);
void idmap_helper_cancel(struct idmap_helper *h);

#endif
