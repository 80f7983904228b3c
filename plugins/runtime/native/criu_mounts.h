/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Mounts of a container whose source is outside: CRIU saves a name for each, and is told
 * when it restores what the name stands for.  The names are those that runc gives.
 */
#ifndef NATIVE_CRIU_MOUNTS_H
#define NATIVE_CRIU_MOUNTS_H

#include <sys/types.h>

struct buf;
struct cgroup;
struct gantry_error;
struct spec;

/* Adds what is mounted in the mount namespace of pid to criu_opts. */
int criu_mounts_name(const struct spec *s, pid_t pid, struct buf *opts, struct gantry_error *err);

/* Adds what the names stand for. */
int criu_mounts_find(const struct spec *s, const char *bundle, const struct cgroup *c,
		     struct buf *opts, struct gantry_error *err);

/* Makes the mount points of the configuration in root where they are missing. */
int criu_mounts_make_points(const struct spec *s, const char *bundle, int root,
			    struct gantry_error *err);

/* Is a mount with this id in the mount namespace of pid? */
int criu_mounts_has_id(pid_t pid, int id);

#endif
