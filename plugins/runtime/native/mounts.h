/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The mounts of a configuration.  The creating process opens bind sources with
 * the host's privileges; the container's first process attaches them, and makes
 * the other filesystems, below the container's root.
 */
#ifndef NATIVE_MOUNTS_H
#define NATIVE_MOUNTS_H

#include <stdbool.h>
#include <stddef.h>

struct cgroup;
struct gantry_error;
struct id_maps;
struct mount_spec;
struct spec;

/* Opens (as detached copies) the bind sources of s->mounts that the new process
 * could not open in its user namespace, or that are id-mapped; ret has s->n_mounts places, -1 where there is nothing to open.
 * A source that this process may not open is left to the new process. */
int mounts_open_sources(const struct spec *s, const char *bundle, int *ret,
			struct gantry_error *err);

/* What mounting needs to know about the container. */
struct mount_context {
	const struct spec *spec;
	const char *bundle;
	int root;                    /* the container's root */
	int *sources;                /* from mounts_open_sources */
	const struct cgroup *cgroup; /* for mounts of type cgroup; NULL: none */
	int proc;                    /* the host's /proc */
	/* Called before the first mount that shows the control group, which must be
	 * in place by then. */
	int (*before_cgroup)(void *data, struct gantry_error *err);
	void *data;
};

int mounts_apply(struct mount_context *c, struct gantry_error *err);

/* A detached filesystem: type, source and options ("key" or "key=value", NULL-terminated). */
int mount_filesystem(const char *type, const char *source, const char *const *options,
		     unsigned int attrs, struct gantry_error *err);

/* Gives the detached mount `tree` the id mapping of a user namespace made from maps. */
int mount_set_idmap(int tree, const struct id_maps *maps, bool recursive,
		    struct gantry_error *err);

#endif
