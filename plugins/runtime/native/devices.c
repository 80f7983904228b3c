/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>

#include <helpers/cleanup.h>
#include <helpers/error.h>

#include "beneath.h"
#include "devices.h"
#include "spec.h"
#include "sys.h"

static const struct device_spec defaults[] = {
	{ "/dev/null", S_IFCHR, 1, 3, 0666, 0, 0 },   { "/dev/zero", S_IFCHR, 1, 5, 0666, 0, 0 },
	{ "/dev/full", S_IFCHR, 1, 7, 0666, 0, 0 },   { "/dev/random", S_IFCHR, 1, 8, 0666, 0, 0 },
	{ "/dev/urandom", S_IFCHR, 1, 9, 0666, 0, 0 }, { "/dev/tty", S_IFCHR, 5, 0, 0666, 0, 0 },
};

static const struct {
	const char *name, *target;
} links[] = {
	{ "fd", "/proc/self/fd" }, { "stdin", "/proc/self/fd/0" }, { "stdout", "/proc/self/fd/1" },
	{ "stderr", "/proc/self/fd/2" }, { "core", "/proc/kcore" }, { "ptmx", "pts/ptmx" },
};

/* In a user namespace mknod(2) is not allowed; the host's node is bound instead. */
static int bind_device(int parent, const char *name, const struct device_spec *d,
		       struct gantry_error *err)
{
	auto_fd int tree = sys_open_tree(AT_FDCWD, d->path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	/* a device file is neither a program nor can it change who runs one */
	struct mount_attr attr = { .attr_set = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC };
	auto_fd int target = -1;
	struct stat st;

	if (tree < 0 || sys_mount_setattr(tree, "", AT_EMPTY_PATH, &attr) < 0)
		return error_errno(err, errno, "cannot open the host's %s", d->path);
	if (fstat(tree, &st) < 0 || (st.st_mode & S_IFMT) != d->type ||
	    st.st_rdev != makedev(d->major, d->minor))
		return error_set(err, GANTRY_ERR_PERMISSION,
				 "the host's %s is another device, and a user namespace may not "
				 "create one",
				 d->path);
	target = openat(parent, name, O_CREAT | O_NOFOLLOW | O_RDONLY | O_CLOEXEC, 0666);
	if (target < 0 || sys_attach(tree, target) < 0)
		return error_errno(err, errno, "cannot bind the host's %s", d->path);
	return 0;
}

static bool is_device(int parent, const char *name, const struct device_spec *d)
{
	struct stat st;

	return fstatat(parent, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	       (st.st_mode & S_IFMT) == d->type && st.st_rdev == makedev(d->major, d->minor);
}

static int create_device(int root, const struct device_spec *d, bool bind,
			 struct gantry_error *err)
{
	const char *name;
	auto_fd int parent = beneath_parent(root, d->path, &name, err);

	if (parent < 0)
		return parent;
	if (is_device(parent, name, d))
		return 0;
	if (bind)
		return bind_device(parent, name, d, err);
	if (mknodat(parent, name, d->type | d->mode, makedev(d->major, d->minor)) < 0) {
		if (errno == EPERM)
			return bind_device(parent, name, d, err);
		if (errno == EEXIST)
			return error_errno(err, EEXIST, "another file is in the device's place");
		return error_errno(err, errno, "cannot create the device");
	}
	if ((d->uid || d->gid) &&
	    fchownat(parent, name, d->uid, d->gid, AT_SYMLINK_NOFOLLOW) < 0)
		return error_errno(err, errno, "cannot give the device to %u:%u", d->uid, d->gid);
	return 0;
}

/* Does a mount of the configuration cover /dev with the host's own? */
static bool has_host_dev(const struct spec *s)
{
	for (size_t i = 0; i < s->n_mounts; i++) {
		if (s->mounts[i].options.bind && !strcmp(s->mounts[i].destination, "/dev"))
			return true;
	}
	return false;
}

static int create_links(int root, struct gantry_error *err)
{
	auto_fd int dev = beneath_create(root, "/dev", BENEATH_DIR, err);

	if (dev < 0)
		return dev;
	for (size_t i = 0; i < ARRAY_SIZE(links); i++) {
		if (symlinkat(links[i].target, dev, links[i].name) == 0 || errno == EEXIST)
			continue;
		return error_errno(err, errno, "cannot create /dev/%s", links[i].name);
	}
	return 0;
}

int devices_create(int root, const struct spec *s, struct gantry_error *err)
{
	bool bind = s->ns[NS_USER].present;
	mode_t mask;
	int r = 0;

	if (has_host_dev(s))
		return 0;
	mask = umask(0);
	for (size_t i = 0; i < ARRAY_SIZE(defaults) && r == 0; i++) {
		r = create_device(root, &defaults[i], bind, err);
		if (r < 0)
			error_prefix(err, "default device %s", defaults[i].path);
	}
	for (size_t i = 0; i < s->n_devices && r == 0; i++) {
		r = create_device(root, &s->devices[i], bind, err);
		if (r < 0)
			error_prefix(err, "linux.devices[%zu] (%s)", i, s->devices[i].path);
	}
	umask(mask);
	return r < 0 ? r : create_links(root, err);
}

static int open_master(int root, struct gantry_error *err)
{
	struct statfs fs;
	int unlock = 0;
	auto_fd int fd = beneath_open(root, "/dev/pts/ptmx", O_RDWR);

	if (fd < 0) {
		error_errno(err, -fd, "process.terminal: cannot open /dev/pts/ptmx");
		return error_hint(err, "a terminal needs a mount of type devpts at /dev/pts");
	}
	/* the root's owner could have put anything there */
	if (fstatfs(fd, &fs) < 0 || fs.f_type != DEVPTS_SUPER_MAGIC)
		return error_set(err, GANTRY_ERR_INVALID,
				 "process.terminal: /dev/pts/ptmx is not on a devpts filesystem");
	if (ioctl(fd, TIOCSPTLCK, &unlock) < 0)
		return error_errno(err, errno, "process.terminal: cannot unlock the terminal");
	return steal_fd(&fd);
}

static int bind_console(int root, int slave, struct gantry_error *err)
{
	auto_fd int tree = sys_open_tree(slave, "",
					 AT_EMPTY_PATH | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	auto_fd int target = -1;

	if (tree < 0)
		return error_errno(err, errno, "process.terminal: cannot copy the terminal");
	target = beneath_create(root, "/dev/console", BENEATH_FILE, err);
	if (target < 0)
		return target;
	if (sys_attach(tree, target) < 0)
		return error_errno(err, errno, "process.terminal: cannot bind /dev/console");
	return 0;
}

int devices_terminal(int root, const struct process_spec *p, int *ret_master, int *ret_slave,
		     struct gantry_error *err)
{
	auto_fd int master = open_master(root, err);
	auto_fd int slave = -1;

	if (master < 0)
		return master;
	slave = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (slave < 0)
		return error_errno(err, errno, "process.terminal: cannot open the terminal");
	if (p->console_width && p->console_height) {
		struct winsize size = { .ws_row = p->console_height, .ws_col = p->console_width };

		ioctl(master, TIOCSWINSZ, &size);
	}
	if (fchown(slave, p->uid, (gid_t)-1) < 0 && errno != EPERM && errno != EINVAL)
		return error_errno(err, errno, "process.terminal: cannot give it to user %u",
				   p->uid);
	*ret_master = steal_fd(&master);
	*ret_slave = steal_fd(&slave);
	return 0;
}

int devices_console(int root, const struct process_spec *p, int *ret_master, int *ret_slave,
		    struct gantry_error *err)
{
	int r = devices_terminal(root, p, ret_master, ret_slave, err);

	return r < 0 ? r : bind_console(root, *ret_slave, err);
}
