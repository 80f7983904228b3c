/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The stat family.  The kernel's answer is right but for what is kept beside a file,
 * so the kernel gives it wherever nothing is.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "core/emulate/emulate.h"
#include "helpers/cleanup.h"
#include "helpers/owners.h"

/* 1 when st is to be the answer, 0 when the kernel shall give it. */
static int look(struct request *rq, int dirfd, const char *path, int at_flags, int *ret_fd,
		struct stat *st)
{
	auto_fd int fd = path_open(rq, dirfd, path, at_flags);
	char name[256];

	if (fd < 0 || !request_is_alive(rq) || fstat(fd, st) < 0)
		return 0;
	if (S_ISREG(st->st_mode) || S_ISDIR(st->st_mode)) {
		if (!owners_apply_fd(fd, st))
			return 0;
	} else if (S_ISLNK(st->st_mode) && *path) {
		auto_fd int parent = path_open_parent(rq, dirfd, path, name);

		if (parent < 0 || !owners_apply(parent, name, st))
			return 0;
	} else {
		return 0;
	}
	if (request_is_nested(rq))
		return 0;
	*ret_fd = steal_fd(&fd);
	return 1;
}

static int64_t look_path(struct request *rq, int dirfd, uint64_t where, uint64_t to, int at_flags)
{
	auto_fd int fd = -1;
	char path[PATH_MAX];
	struct stat st;

	if (at_flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH | AT_NO_AUTOMOUNT))
		return ANSWER_CONTINUE;
	/* without a path it is fstat(2) by another name */
	if (where == 0 && (at_flags & AT_EMPTY_PATH))
		path[0] = '\0';
	else if (request_read_path(rq, where, path) < 0)
		return ANSWER_CONTINUE;
	if (!look(rq, dirfd, path, at_flags, &fd, &st))
		return ANSWER_CONTINUE;
	return request_write(rq, to, &st, sizeof(st));
}

int64_t call_stat(struct request *rq)
{
	return look_path(rq, AT_FDCWD, rq->args[0], rq->args[1], 0);
}

int64_t call_lstat(struct request *rq)
{
	return look_path(rq, AT_FDCWD, rq->args[0], rq->args[1], AT_SYMLINK_NOFOLLOW);
}

int64_t call_newfstatat(struct request *rq)
{
	return look_path(rq, (int)rq->args[0], rq->args[1], rq->args[2], (int)rq->args[3]);
}

int64_t call_fstat(struct request *rq)
{
	auto_fd int fd = -1;
	struct stat st;

	if (!look(rq, (int)rq->args[0], "", AT_EMPTY_PATH, &fd, &st))
		return ANSWER_CONTINUE;
	return request_write(rq, rq->args[1], &st, sizeof(st));
}

int64_t call_statx(struct request *rq)
{
	enum { SYNC_FLAGS = AT_STATX_FORCE_SYNC | AT_STATX_DONT_SYNC };
	int at_flags = (int)rq->args[2];
	auto_fd int fd = -1;
	char path[PATH_MAX] = "";
	struct statx sx;
	struct stat st;

	if (at_flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH | AT_NO_AUTOMOUNT | SYNC_FLAGS))
		return ANSWER_CONTINUE;
	if (!(rq->args[1] == 0 && (at_flags & AT_EMPTY_PATH)) &&
	    request_read_path(rq, rq->args[1], path) < 0)
		return ANSWER_CONTINUE;
	if (!look(rq, (int)rq->args[0], path, at_flags & ~SYNC_FLAGS, &fd, &st))
		return ANSWER_CONTINUE;
	if (statx(fd, "", AT_EMPTY_PATH | (at_flags & SYNC_FLAGS), (unsigned int)rq->args[3], &sx) <
	    0)
		return -errno;
	sx.stx_uid = st.st_uid;
	sx.stx_gid = st.st_gid;
	sx.stx_mode = (uint16_t)st.st_mode;
	if (S_ISCHR(st.st_mode) || S_ISBLK(st.st_mode)) {
		sx.stx_rdev_major = major(st.st_rdev);
		sx.stx_rdev_minor = minor(st.st_rdev);
	}
	return request_write(rq, rq->args[4], &sx, sizeof(sx));
}
