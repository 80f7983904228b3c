/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <helpers/cleanup.h>
#include <helpers/error.h>

#include "beneath.h"
#include "mounts.h"
#include "rootfs.h"
#include "spec.h"
#include "sys.h"

int rootfs_open(const char *bundle, const char *path, struct gantry_error *err)
{
	char full[PATH_MAX];
	struct stat st;
	int n = path[0] == '/' ? snprintf(full, sizeof(full), "%s", path)
			       : snprintf(full, sizeof(full), "%s/%s", bundle, path);
	int fd;

	if (n < 0 || (size_t)n >= sizeof(full))
		return error_errno(err, ENAMETOOLONG, "root.path");
	fd = sys_open_tree(AT_FDCWD, full, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE);
	if (fd < 0)
		return error_errno(err, errno, "root.path: cannot open %s", full);
	if (fstat(fd, &st) < 0 || !S_ISDIR(st.st_mode)) {
		close(fd);
		return error_errno(err, ENOTDIR, "root.path: %s", full);
	}
	return fd;
}

/* Hooks of the stage createContainer look for the container's mounts at root.path. */
static int attach_for_hooks(int root, const struct spec *s, const char *bundle)
{
	char path[PATH_MAX];

	if (!s->hooks[HOOK_CREATE_CONTAINER].n || !s->root_path ||
	    (s->root_propagation & MS_SHARED))
		return -1;
	snprintf(path, sizeof(path), "%s%s%s", s->root_path[0] == '/' ? "" : bundle,
		 s->root_path[0] == '/' ? "" : "/", s->root_path);
	return sys_move_mount(root, "", AT_FDCWD, path, MOVE_MOUNT_F_EMPTY_PATH);
}

int rootfs_attach(int root, const struct spec *s, const char *bundle, struct gantry_error *err)
{
	uint64_t propagation = s->root_propagation ? s->root_propagation : MS_SLAVE | MS_REC;
	struct mount_attr attr = { .propagation = MS_PRIVATE };

	/* "unbindable" is for the end: bind mounts are still to be made */
	if (propagation & MS_UNBINDABLE)
		propagation = MS_PRIVATE | MS_REC;
	if (mount(NULL, "/", NULL, propagation, NULL) < 0)
		return error_errno(err, errno, "cannot set the propagation of the mounts");
	/* whatever is attached to the host's root must not travel to its peers */
	if ((propagation & MS_SHARED) && mount(NULL, "/", NULL, MS_PRIVATE, NULL) < 0)
		return error_errno(err, errno, "cannot make the host's root private");
	if (sys_mount_setattr(root, "", AT_EMPTY_PATH, &attr) < 0)
		return error_errno(err, errno, "cannot make the root private");
	attr.propagation = MS_SLAVE;
	if (!(propagation & MS_SHARED) &&
	    sys_mount_setattr(root, "", AT_EMPTY_PATH | AT_RECURSIVE, &attr) < 0)
		return error_errno(err, errno, "cannot stop the propagation of the root");
	/* on top of "/": no folder of the host is needed, and path lookup from this
	 * process's root still sees the host below */
	if (attach_for_hooks(root, s, bundle) < 0 &&
	    sys_move_mount(root, "", AT_FDCWD, "/", MOVE_MOUNT_F_EMPTY_PATH) < 0)
		return error_errno(err, errno, "cannot attach the container's root");
	return 0;
}

/* The first path gets the mount itself, the others clones of it: kernels before 6.15
 * clone only what is attached. */
static int cover(int *source, int target, int (*make)(struct gantry_error *err),
		 struct gantry_error *err)
{
	auto_fd int clone = -1;
	int mnt;

	if (*source < 0) {
		*source = make(err);
		if (*source < 0)
			return *source;
		mnt = *source;
	} else {
		mnt = clone = sys_open_tree(*source, "",
					    AT_EMPTY_PATH | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	}
	if (mnt < 0 || sys_attach(mnt, target) < 0)
		return error_errno(err, errno, "cannot cover the path");
	return 0;
}

static int make_null(struct gantry_error *err)
{
	struct stat st;
	int fd = sys_open_tree(AT_FDCWD, "/dev/null", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);

	if (fd < 0)
		return error_errno(err, errno, "cannot open /dev/null");
	/* what stands at that name must be the device, not a file that can be read */
	if (fstat(fd, &st) < 0 || !S_ISCHR(st.st_mode) || st.st_rdev != ((1 << 8) | 3)) {
		close(fd);
		return error_set(err, GANTRY_ERR_INTERNAL, "/dev/null is not the null device");
	}
	return fd;
}

static int make_empty(struct gantry_error *err)
{
	static const char *const options[] = { "size=0", "nr_inodes=1", "mode=0755", NULL };

	return mount_filesystem("tmpfs", "tmpfs", options,
				MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV |
					MOUNT_ATTR_NOEXEC,
				err);
}

static int mask(int root, const char *path, int *null, int *empty, struct gantry_error *err)
{
	auto_fd int target = beneath_open(root, path, O_PATH);
	struct stat st;

	if (target == -ENOENT || target == -ENOTDIR || target == -EACCES)
		return 0;
	if (target < 0)
		return error_errno(err, -target, "cannot open the path");
	if (fstat(target, &st) < 0)
		return error_errno(err, errno, "cannot examine the path");
	return S_ISDIR(st.st_mode) ? cover(empty, target, make_empty, err)
				   : cover(null, target, make_null, err);
}

static int protect(int root, const char *path, struct gantry_error *err)
{
	struct mount_attr attr = { .attr_set = MOUNT_ATTR_RDONLY };
	auto_fd int target = beneath_open(root, path, O_PATH);
	auto_fd int clone = -1;

	if (target == -ENOENT || target == -ENOTDIR)
		return 0;
	if (target < 0)
		return error_errno(err, -target, "cannot open the path");
	clone = sys_open_tree(target, "",
			      AT_EMPTY_PATH | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE);
	if (clone < 0 ||
	    sys_mount_setattr(clone, "", AT_EMPTY_PATH | AT_RECURSIVE, &attr) < 0 ||
	    sys_attach(clone, target) < 0)
		return error_errno(err, errno, "cannot make the path read-only");
	return 0;
}

int rootfs_protect(int root, const struct spec *s, struct gantry_error *err)
{
	auto_fd int null = -1;
	auto_fd int empty = -1;
	int r;

	for (size_t i = 0; s->readonly_paths && s->readonly_paths[i]; i++) {
		r = protect(root, s->readonly_paths[i], err);
		if (r < 0)
			return error_prefix(err, "linux.readonlyPaths[%zu] (%s)", i,
					    s->readonly_paths[i]);
	}
	for (size_t i = 0; s->masked_paths && s->masked_paths[i]; i++) {
		r = mask(root, s->masked_paths[i], &null, &empty, err);
		if (r < 0)
			return error_prefix(err, "linux.maskedPaths[%zu] (%s)", i,
					    s->masked_paths[i]);
	}
	return 0;
}

int rootfs_make_cwd(int root, const struct spec *s, struct gantry_error *err)
{
	auto_fd int fd = beneath_open(root, s->process.cwd, O_PATH);

	if (fd == -ENOENT) {
		fd = beneath_create(root, s->process.cwd, BENEATH_DIR, err);
		if (fd < 0)
			return error_prefix(err, "process.cwd");
	}
	return 0;
}

int rootfs_enter(int root, const struct spec *s, enum rootfs_pivot how, struct gantry_error *err)
{
	struct mount_attr attr = { .attr_set = MOUNT_ATTR_RDONLY };
	auto_fd int old = -1;

	if (s->root_read_only && sys_mount_setattr(root, "", AT_EMPTY_PATH, &attr) < 0)
		return error_errno(err, errno, "root.readonly: cannot make the root read-only");
	if (fchdir(root) < 0)
		return error_errno(err, errno, "cannot enter the container's root");
	if (how == ROOTFS_NO_PIVOT) {
		if (chroot(".") < 0)
			return error_errno(err, errno, "cannot change the root");
		return 0;
	}
	/* the old root is stacked on the new one and taken away */
	old = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (old < 0)
		return error_errno(err, errno, "cannot open the host's root");
	if (sys_pivot_root(".", ".") < 0) {
		error_errno(err, errno, "cannot pivot to the container's root");
		return error_hint(err, "a host whose root is an initramfs needs --no-pivot");
	}
	/* a shared mount must not be taken away from the host as well */
	if (fchdir(old) < 0 || mount(NULL, ".", NULL, MS_SLAVE | MS_REC, NULL) < 0 ||
	    umount2(".", MNT_DETACH) < 0)
		return error_errno(err, errno, "cannot detach the host's root");
	if (chdir("/") < 0)
		return error_errno(err, errno, "cannot enter the container's root");
	if ((s->root_propagation & (MS_SHARED | MS_UNBINDABLE | MS_PRIVATE)) &&
	    mount(NULL, "/", NULL, s->root_propagation, NULL) < 0)
		return error_errno(err, errno, "linux.rootfsPropagation");
	return 0;
}
