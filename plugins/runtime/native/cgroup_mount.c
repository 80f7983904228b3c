/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <helpers/cleanup.h>
#include <helpers/error.h>

#include "cgroup_mount.h"
#include "cgroup.h"
#include "mounts.h"
#include "spec.h"
#include "sys.h"

#define ATTRS (MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC)

/* The host's folder of the group, when there is no cgroup namespace (or the
 * kernel will not mount the hierarchy again). */
static int bind_group(const char *root, const char *path, unsigned int attrs,
		      struct gantry_error *err)
{
	struct mount_attr attr = { .attr_set = attrs, .propagation = MS_PRIVATE };
	auto_fd int tree = -1;
	char full[768];

	snprintf(full, sizeof(full), "%s%s", root, path);
	tree = sys_open_tree(AT_FDCWD, full, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	if (tree < 0 || sys_mount_setattr(tree, "", AT_EMPTY_PATH, &attr) < 0)
		return error_errno(err, errno, "cannot bind the control group %s", full);
	return steal_fd(&tree);
}

static unsigned int mount_attrs(const struct mount_spec *m)
{
	return (unsigned int)(m->options.set & MOUNT_ATTR_RDONLY) | ATTRS;
}

int cgroup_mount(const struct cgroup *c, const struct spec *s, const struct mount_spec *m,
		 struct gantry_error *err)
{
	static const char *const options[] = { "mode=755", "size=64k", NULL };
	struct gantry_error ignored = GANTRY_ERROR_INIT;
	int fd;

	/* in no group of its own the container has none to see */
	if (!c->host || c->host->mode == CGROUP_NONE)
		return mount_filesystem("tmpfs", "cgroup", options, ATTRS | MOUNT_ATTR_RDONLY, err);
	if (c->host->mode != CGROUP_UNIFIED)
		return mount_filesystem("tmpfs", "cgroup", options, ATTRS, err);
	if (s->ns[NS_CGROUP].present) {
		fd = mount_filesystem("cgroup2", "cgroup", NULL, mount_attrs(m), &ignored);
		if (fd >= 0)
			return fd;
	}
	return bind_group(c->host->unified, c->path, mount_attrs(m), err);
}

/* A hierarchy is named to the kernel by its controllers. */
static int mount_hierarchy(const struct cgroup_v1 *h, unsigned int attrs, struct gantry_error *err)
{
	const char *options[12];
	char words[160];
	size_t n = 0;
	char *save = NULL;

	if (!strchr(h->name, ',') && !strcmp(h->name, "systemd")) {
		options[n++] = "none";
		options[n++] = "name=systemd";
	} else {
		snprintf(words, sizeof(words), "%s", h->name);
		for (char *w = strtok_r(words, ",", &save); w && n < ARRAY_SIZE(options) - 1;
		     w = strtok_r(NULL, ",", &save))
			options[n++] = w;
	}
	options[n] = NULL;
	return mount_filesystem("cgroup", "cgroup", options, attrs, err);
}

static int attach_in(int tree, const char *name, int hierarchy, struct gantry_error *err)
{
	auto_fd int target = -1;

	if (mkdirat(tree, name, 0755) < 0 && errno != EEXIST)
		return error_errno(err, errno, "cannot create %s", name);
	target = openat(tree, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (target < 0 || sys_attach(hierarchy, target) < 0)
		return error_errno(err, errno, "cannot attach the hierarchy %s", name);
	return 0;
}

/* "cpu,cpuacct" is also reached as "cpu" and as "cpuacct". */
static void link_controllers(int tree, const char *name)
{
	char words[64];
	char *save = NULL;

	if (!strchr(name, ','))
		return;
	snprintf(words, sizeof(words), "%s", name);
	for (char *w = strtok_r(words, ",", &save); w; w = strtok_r(NULL, ",", &save))
		(void)!symlinkat(name, tree, w);
}

static int mount_one(const struct cgroup *c, const struct spec *s, const struct cgroup_v1 *h,
		     unsigned int attrs, int tree, struct gantry_error *err)
{
	struct gantry_error ignored = GANTRY_ERROR_INIT;
	auto_fd int fd = -1;
	char root[128];

	cgroup_v1_root(h, root, sizeof(root));
	if (s->ns[NS_CGROUP].present)
		fd = mount_hierarchy(h, attrs, &ignored);
	if (fd < 0)
		fd = bind_group(root, c->path, attrs, err);
	if (fd < 0)
		return fd;
	link_controllers(tree, h->name);
	return attach_in(tree, h->name, fd, err);
}

int cgroup_mount_hierarchies(const struct cgroup *c, const struct spec *s,
			     const struct mount_spec *m, int tree, struct gantry_error *err)
{
	struct mount_attr ro = { .attr_set = MOUNT_ATTR_RDONLY };
	auto_fd int unified = -1;
	int r;

	if (!c->host || c->host->mode == CGROUP_NONE || c->host->mode == CGROUP_UNIFIED)
		return 0;
	for (size_t i = 0; i < c->host->n_v1; i++) {
		/* the container is in no group of this hierarchy: nothing of its own to see */
		if (c->procs[i] < 0)
			continue;
		r = mount_one(c, s, &c->host->v1[i], mount_attrs(m), tree, err);
		if (r < 0)
			return r;
	}
	if (c->host->unified[0] && c->unified >= 0) {
		struct gantry_error ignored = GANTRY_ERROR_INIT;

		if (s->ns[NS_CGROUP].present)
			unified = mount_filesystem("cgroup2", "cgroup", NULL, mount_attrs(m),
						   &ignored);
		if (unified < 0)
			unified = bind_group(c->host->unified, c->path, mount_attrs(m), err);
		if (unified < 0 || (r = attach_in(tree, "unified", unified, err)) < 0)
			return err->code;
	}
	if ((m->options.set & MOUNT_ATTR_RDONLY) &&
	    sys_mount_setattr(tree, "", AT_EMPTY_PATH, &ro) < 0)
		return error_errno(err, errno, "cannot make the mount read-only");
	return 0;
}
