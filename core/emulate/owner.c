/* SPDX-License-Identifier: Apache-2.0 */
/* chown(2) and its family: the owner is kept beside the file (helpers/owners.h). */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/capability.h>
#include <stdio.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "core/emulate/emulate.h"
#include "helpers/cleanup.h"
#include "helpers/owners.h"

#define KEEP UINT32_MAX

/* Somebody who is not root may give his file to another of his groups. */
static int may_change(const struct request *rq, const struct stat *st, uint32_t uid, uint32_t gid)
{
	const struct identity *who = &rq->who;

	if (who->uid.fs == 0 && request_has_cap(rq, CAP_CHOWN))
		return 1;
	if (st->st_uid != who->uid.fs)
		return 0;
	return (uid == KEEP || uid == st->st_uid) &&
	       (gid == KEEP || gid == st->st_gid || identity_has_group(who, gid));
}

/* What the kernel does when a file changes hands: no other may inherit its powers. */
static void drop_powers(int fd, const struct stat *st)
{
	mode_t mode = st->st_mode & 07777;
	char path[64];

	if (S_ISDIR(st->st_mode) || S_ISLNK(st->st_mode))
		return;
	mode &= ~(mode_t)S_ISUID;
	if (mode & S_IXGRP)
		mode &= ~(mode_t)S_ISGID;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (mode != (st->st_mode & 07777))
		(void)!chmod(path, mode);
	(void)removexattr(path, "security.capability");
}

/* What a filesystem cannot remember is forgotten: the call has still succeeded, as
 * for a filesystem that has no owners. */
static int64_t kept(int r)
{
	return r == -ENOTSUP || r == -EPERM || r == -EACCES || r == -ENOSPC || r == -E2BIG ||
			       r == -ENAMETOOLONG
		       ? 0
		       : r;
}

/* fd: the object, O_PATH.  parent and name: where it is, or -1. */
static int64_t change(struct request *rq, int fd, int parent, const char *name, uint32_t uid,
		      uint32_t gid)
{
	struct stat st;
	mode_t there;
	int r = request_identity(rq);

	if (r < 0)
		return r;
	if (fstat(fd, &st) < 0)
		return -errno;
	there = st.st_mode;
	if (S_ISREG(there) || S_ISDIR(there))
		owners_apply_fd(fd, &st);
	else if (parent >= 0)
		owners_apply(parent, name, &st);
	if (!may_change(rq, &st, uid, gid))
		return -EPERM;
	st.st_uid = uid == KEEP ? st.st_uid : uid;
	st.st_gid = gid == KEEP ? st.st_gid : gid;
	drop_powers(fd, &st);
	if (S_ISREG(there) || S_ISDIR(there))
		return kept(owners_keep_fd(fd, &st, there));
	return parent < 0 ? 0 : kept(owners_keep(parent, name, &st, there));
}

/* Ids of a nested user namespace are the kernel's to map. */
static int64_t change_path(struct request *rq, int dirfd, uint64_t where, uint32_t uid,
			   uint32_t gid, int at_flags)
{
	char path[PATH_MAX], name[256];
	auto_fd int fd = -1;
	auto_fd int parent = -1;
	int r;

	if (request_is_nested(rq))
		return ANSWER_CONTINUE;
	r = request_read_path(rq, where, path);
	if (r < 0)
		return r;
	fd = path_open(rq, dirfd, path, at_flags);
	if (fd < 0)
		return fd;
	if (at_flags & AT_SYMLINK_NOFOLLOW)
		parent = path_open_parent(rq, dirfd, path, name);
	return change(rq, fd, parent, name, uid, gid);
}

int64_t call_chown(struct request *rq)
{
	return change_path(rq, AT_FDCWD, rq->args[0], (uint32_t)rq->args[1], (uint32_t)rq->args[2],
			   0);
}

int64_t call_lchown(struct request *rq)
{
	return change_path(rq, AT_FDCWD, rq->args[0], (uint32_t)rq->args[1], (uint32_t)rq->args[2],
			   AT_SYMLINK_NOFOLLOW);
}

int64_t call_fchownat(struct request *rq)
{
	int flags = (int)rq->args[4];

	if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	return change_path(rq, (int)rq->args[0], rq->args[1], (uint32_t)rq->args[2],
			   (uint32_t)rq->args[3], flags);
}

int64_t call_fchown(struct request *rq)
{
	auto_fd int fd = -1;

	if (request_is_nested(rq))
		return ANSWER_CONTINUE;
	fd = path_open_fd(rq, (int)rq->args[0]);
	if (fd < 0)
		return fd;
	return request_is_alive(rq)
		       ? change(rq, fd, -1, NULL, (uint32_t)rq->args[1], (uint32_t)rq->args[2])
		       : -ESRCH;
}
