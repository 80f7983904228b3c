/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files that somebody other than root makes belong to him, and devices, which no user
 * namespace may make, are empty files that say what they stand for.  Root's own files
 * the kernel makes.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/capability.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "core/emulate/emulate.h"
#include "helpers/cleanup.h"
#include "helpers/owners.h"

/* Is the kernel to do it, since the file will belong to whom it will say? */
static int is_kernels(struct request *rq)
{
	int r = request_identity(rq);

	return r < 0 || (rq->who.uid.fs == 0 && rq->who.gid.fs == 0) || request_is_nested(rq);
}

/* The owner of what is made in this folder. */
static struct stat owner_in(const struct request *rq, int parent, mode_t mode)
{
	struct stat folder = {0};
	struct stat st = {.st_uid = rq->who.uid.fs, .st_gid = rq->who.gid.fs, .st_mode = mode};

	if (fstat(parent, &folder) == 0 && (folder.st_mode & S_ISGID)) {
		owners_apply_fd(parent, &folder);
		st.st_gid = folder.st_gid;
	}
	return st;
}

/* A file that cannot have an owner remembered is still made. */
static int64_t keep_owner(const struct request *rq, int parent, const char *name, mode_t mode)
{
	struct stat st = owner_in(rq, parent, mode);

	(void)owners_keep(parent, name, &st, mode);
	return 0;
}

static int open_parent(struct request *rq, int dirfd, uint64_t where, char name[256])
{
	char path[PATH_MAX];
	int r = request_read_path(rq, where, path);

	return r < 0 ? r : path_open_parent(rq, dirfd, path, name);
}

static int64_t make_folder(struct request *rq, int dirfd, uint64_t where, mode_t mode)
{
	auto_fd int parent = -1;
	char name[256];

	if (is_kernels(rq))
		return ANSWER_CONTINUE;
	parent = open_parent(rq, dirfd, where, name);
	if (parent < 0)
		return parent;
	mode &= ~request_umask(rq) & 01777;
	if (!request_is_alive(rq))
		return -ESRCH;
	if (mkdirat(parent, name, mode) < 0)
		return -errno;
	return keep_owner(rq, parent, name, S_IFDIR | mode);
}

int64_t call_mkdir(struct request *rq)
{
	return make_folder(rq, AT_FDCWD, rq->args[0], (mode_t)rq->args[1]);
}

int64_t call_mkdirat(struct request *rq)
{
	return make_folder(rq, (int)rq->args[0], rq->args[1], (mode_t)rq->args[2]);
}

static int64_t make_link(struct request *rq, uint64_t target, int dirfd, uint64_t where)
{
	char text[PATH_MAX], name[256];
	auto_fd int parent = -1;
	int r;

	if (is_kernels(rq))
		return ANSWER_CONTINUE;
	r = request_read_path(rq, target, text);
	if (r < 0)
		return r;
	parent = open_parent(rq, dirfd, where, name);
	if (parent < 0)
		return parent;
	if (!request_is_alive(rq))
		return -ESRCH;
	if (symlinkat(text, parent, name) < 0)
		return -errno;
	return keep_owner(rq, parent, name, S_IFLNK | 0777);
}

int64_t call_symlink(struct request *rq)
{
	return make_link(rq, rq->args[0], AT_FDCWD, rq->args[1]);
}

int64_t call_symlinkat(struct request *rq)
{
	return make_link(rq, rq->args[0], (int)rq->args[1], rq->args[2]);
}

/* The number as user space has it, 32 bits. */
static dev_t device_number(uint32_t dev)
{
	return makedev((dev & 0xfff00) >> 8, (dev & 0xff) | ((dev >> 12) & 0xfff00));
}

static int64_t make_device(struct request *rq, int parent, const char *name, mode_t mode, dev_t dev)
{
	auto_fd int fd = -1;
	struct stat st;

	if (rq->who.uid.effective != 0 || !request_has_cap(rq, CAP_MKNOD))
		return -EPERM;
	if (S_ISCHR(mode) && dev == 0)
		return -EPERM; /* overlayfs' sign for a file that is deleted */
	fd = openat(parent, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
		    mode & 0777);
	if (fd < 0)
		return -errno;
	st = owner_in(rq, parent, mode);
	st.st_rdev = dev;
	(void)owners_keep_fd(fd, &st, S_IFREG);
	return 0;
}

static int64_t make_node(struct request *rq, int dirfd, uint64_t where, mode_t mode, uint32_t dev)
{
	int is_device = S_ISCHR(mode) || S_ISBLK(mode);
	auto_fd int parent = -1;
	char name[256];
	int r;

	r = request_identity(rq);
	if (r < 0)
		return r;
	if (!is_device && is_kernels(rq))
		return ANSWER_CONTINUE;
	parent = open_parent(rq, dirfd, where, name);
	if (parent < 0)
		return parent;
	mode &= ~request_umask(rq);
	if (!request_is_alive(rq))
		return -ESRCH;
	if (is_device)
		return make_device(rq, parent, name, mode, device_number(dev));
	if (mknodat(parent, name, mode, 0) < 0)
		return -errno;
	return keep_owner(rq, parent, name, (mode & S_IFMT) ? mode : mode | S_IFREG);
}

int64_t call_mknod(struct request *rq)
{
	return make_node(rq, AT_FDCWD, rq->args[0], (mode_t)rq->args[1], (uint32_t)rq->args[2]);
}

int64_t call_mknodat(struct request *rq)
{
	return make_node(rq, (int)rq->args[0], rq->args[1], (mode_t)rq->args[2],
			 (uint32_t)rq->args[3]);
}

/* Makes the file and its owner, then leaves the opening to the kernel; but a caller
 * that wants to be the one who makes it is given the descriptor. */
static int64_t open_new(struct request *rq, int dirfd, uint64_t where, int flags, mode_t mode)
{
	auto_fd int parent = -1;
	auto_fd int fd = -1;
	struct stat st;
	char name[256];

	if (is_kernels(rq) || (flags & O_TMPFILE) == O_TMPFILE)
		return ANSWER_CONTINUE;
	parent = open_parent(rq, dirfd, where, name);
	if (parent < 0)
		return ANSWER_CONTINUE; /* the kernel knows best what is wrong */
	mode &= ~request_umask(rq) & 07777;
	if (!request_is_alive(rq))
		return -ESRCH;
	fd = openat(parent, name,
		    (flags & (O_ACCMODE | O_APPEND | O_NONBLOCK | O_SYNC | O_DSYNC | O_DIRECT |
			      O_NOATIME)) |
			    O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
		    mode);
	if (fd < 0)
		return ANSWER_CONTINUE; /* it is there already, or never will be */
	st = owner_in(rq, parent, S_IFREG | mode);
	(void)owners_keep_fd(fd, &st, S_IFREG);
	return flags & O_EXCL ? request_give_fd(rq, fd, flags & O_CLOEXEC) : ANSWER_CONTINUE;
}

int64_t call_open(struct request *rq)
{
	return open_new(rq, AT_FDCWD, rq->args[0], (int)rq->args[1], (mode_t)rq->args[2]);
}

int64_t call_openat(struct request *rq)
{
	return open_new(rq, (int)rq->args[0], rq->args[1], (int)rq->args[2], (mode_t)rq->args[3]);
}

int64_t call_creat(struct request *rq)
{
	return open_new(rq, AT_FDCWD, rq->args[0], O_CREAT | O_WRONLY | O_TRUNC,
			(mode_t)rq->args[1]);
}
