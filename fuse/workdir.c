/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All whiteouts are hard links of one device 0:0, as the kernel makes them; where
 * devices cannot be made they are empty files with a mark.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "helpers/cleanup.h"
#include "helpers/io.h"

#include "fuse/format.h"
#include "fuse/node.h"
#include "fuse/unionfs.h"
#include "fuse/workdir.h"

#ifndef RENAME_EXCHANGE
#define RENAME_EXCHANGE (1 << 1)
#endif

static const char whiteout_source[] = "whiteout";

void work_name(struct unionfs *fs, char name[WORK_NAME_MAX])
{
	/* A successor of this server must not run into what it left. */
	snprintf(name, WORK_NAME_MAX, "#%x-%lx", (unsigned)getpid(),
		 atomic_fetch_add(&fs->work_serial, 1));
}

void work_remove(struct unionfs *fs, const char *name)
{
	if (unlinkat(fs->work_fd, name, 0) < 0 && (errno == EISDIR || errno == EPERM))
		(void)remove_tree(fs->work_fd, name);
}

/* A whiteout that cannot be a device: needs its mark and one on the directory. */
static int make_marked_file(struct unionfs *fs, struct node *dir, int dirfd, const char *name)
{
	char tmp[WORK_NAME_MAX];
	auto_fd int fd = -1;
	int r;

	if (!node_is(dir, NODE_XATTR_WHITEOUTS)) {
		struct marks m;

		r = format_read_marks(&fs->format, dirfd, ".", &m);
		if (r < 0)
			return r;
		marks_done(&m);
		r = m.opaque ? 0 : format_set(&fs->format, dirfd, ".", "opaque", "x", 1);
		if (r < 0)
			return r;
		node_set(dir, NODE_XATTR_WHITEOUTS);
	}
	work_name(fs, tmp);
	fd = openat(fs->work_fd, tmp, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	r = format_set(&fs->format, fs->work_fd, tmp, "whiteout", "y", 1);
	if (r == 0 && renameat2(fs->work_fd, tmp, dirfd, name, RENAME_NOREPLACE) < 0)
		r = -errno;
	if (r < 0)
		work_remove(fs, tmp);
	return r;
}

static int new_source(struct unionfs *fs)
{
	char tmp[WORK_NAME_MAX];

	work_name(fs, tmp);
	if (mknodat(fs->work_fd, tmp, S_IFCHR, 0) < 0)
		return -errno;
	if (renameat(fs->work_fd, tmp, fs->work_fd, whiteout_source) < 0)
		return -errno;
	return 0;
}

int whiteout_make(struct unionfs *fs, struct node *dir, int dirfd, const char *name)
{
	for (int tries = 0; tries < 4; tries++) {
		if (linkat(fs->work_fd, whiteout_source, dirfd, name, 0) == 0)
			return 0;
		if (errno == EEXIST)
			return -EEXIST;
		if (errno != ENOENT && errno != EMLINK && errno != EPERM)
			return -errno;
		/* None yet, or it has as many links as it may have. */
		if (new_source(fs) < 0)
			return make_marked_file(fs, dir, dirfd, name);
	}
	return make_marked_file(fs, dir, dirfd, name);
}

int whiteout_replace(struct unionfs *fs, struct node *dir, int dirfd, const char *name, int is_dir)
{
	char tmp[WORK_NAME_MAX];
	int r;

	work_name(fs, tmp);
	r = whiteout_make(fs, dir, fs->work_fd, tmp);
	if (r < 0)
		return r;
	if (renameat2(fs->work_fd, tmp, dirfd, name, is_dir ? RENAME_EXCHANGE : 0) < 0) {
		r = -errno;
		work_remove(fs, tmp);
		return r;
	}
	if (is_dir)
		work_remove(fs, tmp);
	return 0;
}

int whiteout_is(struct unionfs *fs, struct node *dir, int dirfd, const char *name)
{
	struct marks m;
	struct stat st;
	int r;

	if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : -errno;
	if (format_is_device_whiteout(&st))
		return 1;
	if (!S_ISREG(st.st_mode) || st.st_size || !node_is(dir, NODE_XATTR_WHITEOUTS))
		return 0;
	r = format_read_marks(&fs->format, dirfd, name, &m);
	if (r < 0)
		return r;
	marks_done(&m);
	return m.whiteout;
}
