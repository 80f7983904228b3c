/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <linux/magic.h>

#include <helpers/cleanup.h>
#include <helpers/error.h>
#include <helpers/tree_copy.h>

#include "beneath.h"
#include "cgroup_mount.h"
#include "foreign_mount.h"
#include "mounts.h"
#include "spec.h"
#include "sys.h"
#include "userns.h"

static int bind_path(const struct mount_spec *m, const char *bundle, char *out, size_t size)
{
	int n = m->source[0] == '/' ? snprintf(out, size, "%s", m->source)
				    : snprintf(out, size, "%s/%s", bundle, m->source);

	return n < 0 || (size_t)n >= size ? -ENAMETOOLONG : 0;
}

/* A detached copy of a bind mount's source, or a negative errno. */
static int open_source(const struct mount_spec *m, const char *bundle)
{
	unsigned int flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC;
	char path[PATH_MAX];
	int fd, r;

	r = bind_path(m, bundle, path, sizeof(path));
	if (r < 0)
		return r;
	if (m->options.recursive)
		flags |= AT_RECURSIVE;
	if (m->options.src_nofollow)
		flags |= AT_SYMLINK_NOFOLLOW;
	if (is_foreign_mount(path))
		return foreign_mount_open(path, flags);
	fd = sys_open_tree(AT_FDCWD, path, flags);
	return fd < 0 ? -errno : fd;
}

int mount_set_idmap(int tree, const struct id_maps *maps, bool recursive,
		    struct gantry_error *err)
{
	struct mount_attr attr = { .attr_set = MOUNT_ATTR_IDMAP };
	auto_fd int userns = -1;
	int r = userns_for_maps(maps, &userns, err);

	if (r < 0)
		return r;
	attr.userns_fd = (uint64_t)userns;
	if (sys_mount_setattr(tree, "", AT_EMPTY_PATH | (recursive ? AT_RECURSIVE : 0u), &attr) < 0)
		return error_errno(err, errno, "cannot map the owners of the mount");
	return 0;
}

int mounts_open_sources(const struct spec *s, const char *bundle, int *ret,
			struct gantry_error *err)
{
	for (size_t i = 0; i < s->n_mounts; i++) {
		const struct mount_spec *m = &s->mounts[i];
		const struct id_maps *maps = m->maps.n_uid ? &m->maps : &s->maps;
		int r;

		ret[i] = -1;
		/* without a user namespace the new process may do it just as well, and
		 * then the kernel lists the mounts in their order */
		if (!m->options.bind || m->options.remount ||
		    (!s->ns[NS_USER].present && m->options.idmap == IDMAP_NONE &&
		     !is_foreign_mount(m->source)))
			continue;
		ret[i] = open_source(m, bundle);
		if (ret[i] == -EPERM || ret[i] == -EACCES) {
			ret[i] = -1;
			continue;
		}
		if (ret[i] < 0) {
			r = error_errno(err, -ret[i], "mounts[%zu] (%s): cannot open the source %s",
					i, m->destination, m->source);
			ret[i] = -1;
			return r;
		}
		if (m->options.idmap == IDMAP_NONE || !maps->n_uid)
			continue;
		r = mount_set_idmap(ret[i], maps, m->options.idmap == IDMAP_RECURSIVE, err);
		if (r < 0)
			return error_prefix(err, "mounts[%zu] (%s)", i, m->destination);
	}
	return 0;
}

/* The kernel's own words about a failed fsconfig(2), which say more than errno. */
static int filesystem_error(int fs, int saved, const char *type, struct gantry_error *err)
{
	char text[512];
	ssize_t n = read(fs, text, sizeof(text) - 1);

	if (n > 2 && (text[0] == 'e' || text[0] == 'w') && text[1] == ' ') {
		text[n] = '\0';
		text[strcspn(text, "\n")] = '\0';
		error_set(err, error_code_from_errno(saved), "cannot mount a filesystem of type %s: %s",
			  type, text + 2);
		err->sys_errno = saved;
		return err->code;
	}
	return error_errno(err, saved, "cannot mount a filesystem of type %s", type);
}

static int configure(int fs, const char *option)
{
	const char *eq = strchr(option, '=');
	char key[256];

	if (!eq)
		return sys_fsconfig(fs, FSCONFIG_SET_FLAG, option, NULL, 0);
	if ((size_t)(eq - option) >= sizeof(key)) {
		errno = EINVAL;
		return -1;
	}
	snprintf(key, sizeof(key), "%.*s", (int)(eq - option), option);
	return sys_fsconfig(fs, FSCONFIG_SET_STRING, key, eq + 1, 0);
}

int mount_filesystem(const char *type, const char *source, const char *const *options,
		     unsigned int attrs, struct gantry_error *err)
{
	auto_fd int fs = sys_fsopen(type);
	int mnt;

	if (fs < 0)
		return error_errno(err, errno, "cannot mount a filesystem of type %s", type);
	if (sys_fsconfig(fs, FSCONFIG_SET_STRING, "source", source, 0) < 0)
		return filesystem_error(fs, errno, type, err);
	for (; options && *options; options++) {
		if (configure(fs, *options) < 0) {
			filesystem_error(fs, errno, type, err);
			return error_prefix(err, "option \"%s\"", *options);
		}
	}
	if (sys_fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return filesystem_error(fs, errno, type, err);
	mnt = sys_fsmount(fs, attrs);
	if (mnt < 0)
		return filesystem_error(fs, errno, type, err);
	return mnt;
}

/* Files of /proc that may be mounted over: what monitoring filesystems replace. */
static bool may_cover_proc(const char *path)
{
	static const char *const allowed[] = {
		"/proc/cpuinfo", "/proc/diskstats", "/proc/meminfo", "/proc/stat", "/proc/swaps",
		"/proc/uptime", "/proc/loadavg", "/proc/slabinfo", "/proc/net/dev",
		"/proc/sys/kernel/ns_last_pid", "/proc/sys/crypto/fips_enabled",
	};

	for (size_t i = 0; i < ARRAY_SIZE(allowed); i++) {
		if (!strcmp(allowed[i], path))
			return true;
	}
	return false;
}

/* Where the path leads must not be inside procfs: a mount there could stand in
 * for the files through which this process is confined. */
static int check_target(const struct mount_spec *m, int target, struct gantry_error *err)
{
	struct statfs fs;
	struct stat st;

	if (fstatfs(target, &fs) < 0 || fs.f_type != PROC_SUPER_MAGIC)
		return 0;
	if (fstat(target, &st) == 0 && st.st_ino == 1) /* procfs itself, mounted again */
		return 0;
	if (may_cover_proc(m->destination))
		return 0;
	return error_set(err, GANTRY_ERR_INVALID, "a mount inside /proc is not allowed");
}

/* Opens the mount point, creating it.  /proc and /sys must not be links. */
static int open_target(struct mount_context *c, const struct mount_spec *m,
		       enum beneath_kind kind, struct gantry_error *err)
{
	int fd;

	if (m->type && !m->options.bind && (!strcmp(m->type, "proc") || !strcmp(m->type, "sysfs"))) {
		fd = sys_openat2(c->root, m->destination, O_PATH | O_CLOEXEC, 0,
				 RESOLVE_IN_ROOT | RESOLVE_NO_SYMLINKS);
		if (fd < 0 && errno == ELOOP)
			return error_set(err, GANTRY_ERR_INVALID,
					 "a filesystem of type %s must not be mounted through a "
					 "symbolic link",
					 m->type);
		if (fd >= 0)
			return fd;
	}
	if (m->options.dest_nofollow) {
		const char *name;
		auto_fd int parent = beneath_parent(c->root, m->destination, &name, err);

		if (parent < 0)
			return parent;
		fd = openat(parent, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
		if (fd >= 0)
			return fd;
	}
	return beneath_create(c->root, m->destination, kind, err);
}

static int set_attributes(const struct mount_spec *m, int tree, struct gantry_error *err)
{
	const struct mount_options *o = &m->options;
	struct mount_attr attr = { .attr_set = o->set, .attr_clr = o->clear };

	if ((attr.attr_set || attr.attr_clr) &&
	    sys_mount_setattr(tree, "", AT_EMPTY_PATH, &attr) < 0)
		return error_errno(err, errno, "cannot set the mount's attributes");
	attr = (struct mount_attr){ .attr_set = o->rec_set, .attr_clr = o->rec_clear };
	if ((attr.attr_set || attr.attr_clr) &&
	    sys_mount_setattr(tree, "", AT_EMPTY_PATH | AT_RECURSIVE, &attr) < 0)
		return error_errno(err, errno, "cannot set the recursive attributes");
	return 0;
}

/* A copy of a host's mount is its peer until it is told otherwise, and what the
 * container mounts below it would appear on the host. */
static int set_propagation(const struct mount_spec *m, int tree, struct gantry_error *err)
{
	const struct mount_options *o = &m->options;
	struct mount_attr slave = { .propagation = MS_SLAVE };
	struct mount_attr attr = { .propagation = o->propagation };

	if (o->bind && o->propagation != MS_SHARED &&
	    !(o->propagation && o->propagation_recursive) &&
	    sys_mount_setattr(tree, "", AT_EMPTY_PATH | AT_RECURSIVE, &slave) < 0)
		return error_errno(err, errno, "cannot set the propagation");
	if (!o->propagation)
		return 0;
	if (sys_mount_setattr(tree, "",
			      AT_EMPTY_PATH | (o->propagation_recursive ? AT_RECURSIVE : 0u),
			      &attr) < 0)
		return error_errno(err, errno, "cannot set the propagation");
	return 0;
}

/* A detached tree for a bind mount that the creating process has not opened. */
static int open_bind(struct mount_context *c, const struct mount_spec *m, int *source,
		     struct gantry_error *err)
{
	int fd;

	if (*source >= 0)
		return steal_fd(source);
	fd = open_source(m, c->bundle);
	if (fd < 0)
		return error_errno(err, -fd, "cannot open the source %s", m->source);
	return fd;
}

/* Fills a fresh tmpfs with what the image has at its place. */
static int copy_up(struct mount_context *c, const struct mount_spec *m, int tree,
		   struct gantry_error *err)
{
	auto_fd int from = beneath_open(c->root, m->destination, O_RDONLY | O_DIRECTORY);

	if (from == -ENOENT || from == -ENOTDIR)
		return 0;
	if (from < 0)
		return error_errno(err, -from, "cannot copy the folder's content");
	return tree_copy(from, tree, err);
}

/* The host's instance of a filesystem that the kernel will not mount anew for
 * this user namespace. */
static int bind_instead(const struct mount_spec *m, struct gantry_error *err)
{
	const char *path = !strcmp(m->type, "sysfs")    ? "/sys"
			   : !strcmp(m->type, "mqueue") ? "/dev/mqueue"
			   : !strcmp(m->type, "proc")   ? "/proc"
							: NULL;
	int fd;

	if (!path || (err->sys_errno != EPERM && err->sys_errno != EACCES))
		return err->code;
	fd = sys_open_tree(AT_FDCWD, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE);
	if (fd < 0)
		return err->code;
	error_clear(err);
	return fd;
}

/* With SELinux a label goes to the filesystems that the container owns. */
static int filesystem_options(const struct spec *s, const struct mount_spec *m,
			      const char *const **ret, char *label, size_t size)
{
	static const char *none[1];
	static const char *list[64];
	size_t n = 0;

	*ret = m->options.data ? m->options.data : none;
	if (!s->mount_label || !s->mount_label[0] ||
	    (strcmp(m->type, "tmpfs") && strcmp(m->type, "devpts") && strcmp(m->type, "mqueue")))
		return 0;
	if (!strcmp(m->type, "mqueue"))
		return 0;
	for (; (*ret)[n] && n < ARRAY_SIZE(list) - 2; n++)
		list[n] = (*ret)[n];
	if ((*ret)[n] || snprintf(label, size, "context=%s", s->mount_label) >= (int)size)
		return -E2BIG;
	list[n] = label;
	list[n + 1] = NULL;
	*ret = list;
	return 0;
}

static int make_filesystem(struct mount_context *c, const struct mount_spec *m,
			   struct gantry_error *err)
{
	const struct mount_options *o = &m->options;
	uint64_t attrs = (o->set & ~o->clear) | o->set | o->rec_set;
	const char *const *options;
	char label[512];
	int fd;

	if (filesystem_options(c->spec, m, &options, label, sizeof(label)) < 0)
		return error_set(err, GANTRY_ERR_LIMIT, "too many options");
	if (o->tmpcopyup)
		attrs &= ~(uint64_t)MOUNT_ATTR_RDONLY;
	fd = mount_filesystem(m->type, m->source, options, (unsigned int)attrs, err);
	if (fd < 0)
		fd = bind_instead(m, err);
	if (fd >= 0 && o->tmpcopyup) {
		struct mount_attr ro = { .attr_set = o->set & MOUNT_ATTR_RDONLY };
		int r = copy_up(c, m, fd, err);

		if (r == 0 && ro.attr_set && sys_mount_setattr(fd, "", AT_EMPTY_PATH, &ro) < 0)
			r = error_errno(err, errno, "cannot make the mount read-only");
		if (r < 0) {
			close(fd);
			return r;
		}
	}
	return fd;
}

static bool is_file(int tree)
{
	struct stat st;

	return fstat(tree, &st) == 0 && !S_ISDIR(st.st_mode);
}

static int remount(struct mount_context *c, const struct mount_spec *m, struct gantry_error *err)
{
	auto_fd int target = beneath_open(c->root, m->destination, O_PATH);

	if (target < 0)
		return error_errno(err, -target, "cannot open the mount point");
	return set_attributes(m, target, err);
}

static int apply_one(struct mount_context *c, const struct mount_spec *m, int *source,
		     struct gantry_error *err)
{
	auto_fd int tree = -1;
	auto_fd int target = -1;
	bool cgroup = m->type && !m->options.bind &&
		      (!strcmp(m->type, "cgroup") || !strcmp(m->type, "cgroup2"));
	int r;

	if (m->options.remount)
		return remount(c, m, err);
	if (cgroup && (r = c->before_cgroup(c->data, err)) < 0)
		return r;
	tree = cgroup            ? cgroup_mount(c->cgroup, c->spec, m, err)
	       : m->options.bind ? open_bind(c, m, source, err)
				 : make_filesystem(c, m, err);
	if (tree < 0)
		return tree;
	if (m->options.bind && (r = set_attributes(m, tree, err)) < 0)
		return r;
	r = set_propagation(m, tree, err);
	if (r < 0)
		return r;
	target = open_target(c, m, is_file(tree) ? BENEATH_FILE : BENEATH_DIR, err);
	if (target < 0)
		return target;
	r = check_target(m, target, err);
	if (r < 0)
		return r;
	if (sys_attach(tree, target) < 0)
		return error_errno(err, errno, "cannot attach the mount");
	return cgroup ? cgroup_mount_hierarchies(c->cgroup, c->spec, m, tree, err) : 0;
}

int mounts_apply(struct mount_context *c, struct gantry_error *err)
{
	for (size_t i = 0; i < c->spec->n_mounts; i++) {
		const struct mount_spec *m = &c->spec->mounts[i];
		int r = apply_one(c, m, &c->sources[i], err);

		if (r < 0)
			return error_prefix(err, "mounts[%zu] (%s)", i, m->destination);
	}
	return 0;
}
