/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "mount.h"

struct flags {
	uint64_t set;   /* MOUNT_ATTR_* */
	uint64_t clear;
	int bind;       /* 1: bind, 2: rbind */
};

static const struct {
	const char *name;
	uint64_t set, clear;
} attributes[] = {
	{ "ro", MOUNT_ATTR_RDONLY, 0 },
	{ "rw", 0, MOUNT_ATTR_RDONLY },
	{ "nosuid", MOUNT_ATTR_NOSUID, 0 },
	{ "suid", 0, MOUNT_ATTR_NOSUID },
	{ "nodev", MOUNT_ATTR_NODEV, 0 },
	{ "dev", 0, MOUNT_ATTR_NODEV },
	{ "noexec", MOUNT_ATTR_NOEXEC, 0 },
	{ "exec", 0, MOUNT_ATTR_NOEXEC },
	{ "noatime", MOUNT_ATTR_NOATIME, MOUNT_ATTR__ATIME },
	{ "relatime", MOUNT_ATTR_RELATIME, MOUNT_ATTR__ATIME },
	{ "strictatime", MOUNT_ATTR_STRICTATIME, MOUNT_ATTR__ATIME },
	{ "nodiratime", MOUNT_ATTR_NODIRATIME, 0 },
};

/* Said to mount(8), not to the kernel. */
static const char *const ignored[] = { "defaults", "auto", "noauto", "nofail", "_netdev", "user",
				       "nouser" };

/* Takes an option that is a flag of the mount; 0 when it is the filesystem's. */
static int take_flag(const char *option, struct flags *f)
{
	for (size_t i = 0; i < ARRAY_SIZE(ignored); i++) {
		if (!strcmp(option, ignored[i])) {
			return 1;
		}
	}
	for (size_t i = 0; i < ARRAY_SIZE(attributes); i++) {
		if (!strcmp(option, attributes[i].name)) {
			f->set = (f->set & ~attributes[i].clear) | attributes[i].set;
			f->clear |= attributes[i].clear;
			return 1;
		}
	}
	if (!strcmp(option, "bind") || !strcmp(option, "rbind")) {
		f->bind = option[0] == 'r' ? 2 : 1;
		return 1;
	}
	return 0;
}

/* Fails with the filesystem's own words where it has any. */
static int fail(const char *name, int fs, int why, const char *what, struct gantry_error *err)
{
	char said[256];
	ssize_t n = fs >= 0 ? read(fs, said, sizeof(said) - 1) : -1;

	if (n > 2) {
		said[n] = '\0';
		said[strcspn(said, "\n")] = '\0';
		return error_set(err, error_code_from_errno(why), "cannot mount volume %s: %s: %s (%s)",
				 name, what, strerror(why), said + 2);
	}
	return error_errno(err, why, "cannot mount volume %s: %s", name, what);
}

/* NFS wants an address where people write names. */
static int resolve(const char *name, const char *host, char *ret, size_t size,
		   struct gantry_error *err)
{
	struct addrinfo *found = NULL;
	int r = getaddrinfo(host, NULL, NULL, &found);

	if (r == 0) {
		r = getnameinfo(found->ai_addr, found->ai_addrlen, ret, (socklen_t)size, NULL, 0,
				NI_NUMERICHOST);
		freeaddrinfo(found);
	}
	return r ? error_set(err, GANTRY_ERR_UNAVAILABLE, "cannot mount volume %s: address of %s: %s",
			     name, host, gai_strerror(r))
		 : 0;
}

static int set_fs_option(const char *name, int fs, char *option, struct gantry_error *err)
{
	char *equals = strchr(option, '='), *value = equals ? equals + 1 : NULL;
	char address[64];
	int r;

	if (equals) {
		*equals = '\0';
	}
	if (value && !strcmp(option, "addr")) {
		r = resolve(name, value, address, sizeof(address), err);
		if (r < 0) {
			return r;
		}
		value = address;
	}
	r = fsconfig(fs, value ? FSCONFIG_SET_STRING : FSCONFIG_SET_FLAG, option, value, 0);
	return r < 0 ? fail(name, fs, errno, option, err) : 0;
}

/* Sorts the options out: flags into f, the others to the filesystem (fs -1: there is none). */
static int apply_options(const char *name, const struct volume_options *o, int fs, struct flags *f,
			 struct gantry_error *err)
{
	auto_free char *copy = strdup(o->o ? o->o : "");
	char *save = NULL;
	int r;

	if (!copy) {
		return error_no_memory(err);
	}
	for (char *p = strtok_r(copy, ",", &save); p; p = strtok_r(NULL, ",", &save)) {
		if (take_flag(p, f) || fs < 0) {
			continue;
		}
		r = set_fs_option(name, fs, p, err);
		if (r < 0) {
			return r;
		}
	}
	return 0;
}

static int mount_bind(const char *name, const struct volume_options *o, const struct flags *f,
		      int *ret_fd, struct gantry_error *err)
{
	unsigned int recursive = f->bind == 2 ? AT_RECURSIVE : 0;
	auto_fd int fd = open_tree(AT_FDCWD, o->device, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | recursive);
	struct mount_attr attr = { .attr_set = f->set, .attr_clr = f->clear };

	if (fd < 0) {
		return fail(name, -1, errno, o->device, err);
	}
	if ((attr.attr_set || attr.attr_clr) &&
	    mount_setattr(fd, "", AT_EMPTY_PATH | recursive, &attr, sizeof(attr)) < 0) {
		return fail(name, -1, errno, "its mount options", err);
	}
	*ret_fd = steal_fd(&fd);
	return 0;
}

static int mount_fs(const char *name, const struct volume_options *o, int *ret_fd,
		    struct gantry_error *err)
{
	auto_fd int fs = fsopen(o->type, FSOPEN_CLOEXEC);
	struct flags f = { 0 };
	int fd, r;

	if (fs < 0) {
		fail(name, -1, errno, o->type, err);
		return errno == ENODEV ? error_hint(err, "this kernel has no filesystem %s", o->type)
				       : err->code;
	}
	if (fsconfig(fs, FSCONFIG_SET_STRING, "source", o->device, 0) < 0) {
		return fail(name, fs, errno, o->device, err);
	}
	r = apply_options(name, o, fs, &f, err);
	if (r < 0) {
		return r;
	}
	if (f.set & MOUNT_ATTR_RDONLY) {
		/* The device itself may be read-only. */
		(void)fsconfig(fs, FSCONFIG_SET_FLAG, "ro", NULL, 0);
	}
	if (fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0) {
		return fail(name, fs, errno, o->device, err);
	}
	fd = fsmount(fs, FSMOUNT_CLOEXEC, (unsigned int)f.set);
	if (fd < 0) {
		return fail(name, fs, errno, o->device, err);
	}
	*ret_fd = fd;
	return 0;
}

int volume_mount_detached(const char *name, const struct volume_options *o, int *ret_fd,
			  struct gantry_error *err)
{
	struct flags f = { 0 };
	int r = apply_options(name, o, -1, &f, err);

	if (r < 0) {
		return r;
	}
	if (f.bind || !strcmp(o->type, "bind")) {
		return mount_bind(name, o, &f, ret_fd, err);
	}
	return mount_fs(name, o, ret_fd, err);
}

int volume_mount_attach(int fd, const char *path, struct gantry_error *err)
{
	if (move_mount(fd, "", AT_FDCWD, path, MOVE_MOUNT_F_EMPTY_PATH) < 0) {
		return error_errno(err, errno, "cannot mount at %s", path);
	}
	return 0;
}

int volume_is_mounted(const char *path)
{
	struct statx st;

	return statx(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW, STATX_TYPE, &st) == 0 &&
	       (st.stx_attributes & STATX_ATTR_MOUNT_ROOT);
}

int volume_unmount_path(const char *path, struct gantry_error *err)
{
	while (volume_is_mounted(path)) {
		if (umount2(path, UMOUNT_NOFOLLOW) < 0 &&
		    (errno != EBUSY || umount2(path, UMOUNT_NOFOLLOW | MNT_DETACH) < 0)) {
			return error_errno(err, errno, "cannot unmount %s", path);
		}
	}
	return 0;
}
