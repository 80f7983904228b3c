/* SPDX-License-Identifier: Apache-2.0 */
/* /sys/fs/cgroup inside a container. */
#ifndef NATIVE_CGROUP_MOUNT_H
#define NATIVE_CGROUP_MOUNT_H

struct cgroup;
struct gantry_error;
struct mount_spec;
struct spec;

/* A detached tree for a mount of type cgroup: the version 2 hierarchy seen from
 * the container's group down, or a tmpfs for version 1's.  Returns its
 * descriptor. */
int cgroup_mount(const struct cgroup *c, const struct spec *s, const struct mount_spec *m,
		 struct gantry_error *err);

/* Once `tree` is attached: version 1's hierarchies in it. */
int cgroup_mount_hierarchies(const struct cgroup *c, const struct spec *s,
			     const struct mount_spec *m, int tree, struct gantry_error *err);

#endif
