/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include <helpers/cleanup.h>
#include <helpers/error.h>

#include "copy.h"

#define MAX_DEPTH 128

static int copy_content(int from, int to)
{
	for (;;) {
		ssize_t n = sendfile(to, from, NULL, 1 << 20);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : 0;
	}
}

static int copy_file(int from_dir, int to_dir, const char *name, const struct stat *st)
{
	auto_fd int from = openat(from_dir, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	auto_fd int to = -1;

	if (from < 0)
		return -errno;
	to = openat(to_dir, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (to < 0)
		return -errno;
	return copy_content(from, to);
}

static int copy_link(int from_dir, int to_dir, const char *name)
{
	char target[PATH_MAX];
	ssize_t n = readlinkat(from_dir, name, target, sizeof(target) - 1);

	if (n < 0)
		return -errno;
	target[n] = '\0';
	return symlinkat(target, to_dir, name) < 0 ? -errno : 0;
}

static int copy_level(int from, int to, dev_t dev, int depth);

static int copy_folder(int from_dir, int to_dir, const char *name, const struct stat *st,
		       int depth)
{
	auto_fd int from = openat(from_dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	auto_fd int to = -1;

	if (from < 0 || (mkdirat(to_dir, name, 0700) < 0 && errno != EEXIST))
		return -errno;
	to = openat(to_dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (to < 0)
		return -errno;
	return copy_level(from, to, st->st_dev, depth + 1);
}

/* Owner first: chown(2) clears the set-id bits. */
static int copy_attributes(int to_dir, const char *name, const struct stat *st)
{
	struct timespec times[2] = { st->st_atim, st->st_mtim };

	if (fchownat(to_dir, name, st->st_uid, st->st_gid, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	if (!S_ISLNK(st->st_mode) && fchmodat(to_dir, name, st->st_mode & 07777, 0) < 0)
		return -errno;
	if (utimensat(to_dir, name, times, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	return 0;
}

static int copy_entry(int from, int to, dev_t dev, const char *name, int depth)
{
	struct stat st;
	int r;

	if (fstatat(from, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	if (st.st_dev != dev)
		return 0;
	if (S_ISDIR(st.st_mode))
		r = copy_folder(from, to, name, &st, depth);
	else if (S_ISLNK(st.st_mode))
		r = copy_link(from, to, name);
	else if (S_ISREG(st.st_mode))
		r = copy_file(from, to, name, &st);
	else
		r = mknodat(to, name, st.st_mode, st.st_rdev) < 0 ? -errno : 0;
	return r < 0 ? r : copy_attributes(to, name, &st);
}

static int copy_level(int from, int to, dev_t dev, int depth)
{
	auto_dir DIR *dir = NULL;
	struct dirent *e;
	int fd, r;

	if (depth > MAX_DEPTH)
		return -ELOOP;
	fd = fcntl(from, F_DUPFD_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	dir = fdopendir(fd);
	if (!dir) {
		r = -errno;
		close(fd);
		return r;
	}
	while ((e = readdir(dir))) {
		if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, ".."))
			continue;
		r = copy_entry(from, to, dev, e->d_name, depth);
		if (r < 0)
			return r;
	}
	return 0;
}

int copy_tree(int from, int to, struct gantry_error *err)
{
	struct stat st;
	int r;

	if (fstat(from, &st) < 0)
		return error_errno(err, errno, "cannot copy the folder's content");
	/* `to` may be a mount's O_PATH descriptor, which *at() calls accept */
	r = copy_level(from, to, st.st_dev, 0);
	if (r < 0)
		return error_errno(err, -r, "cannot copy the folder's content");
	if (fchownat(to, "", st.st_uid, st.st_gid, AT_EMPTY_PATH) < 0 ||
	    fchmodat(to, ".", st.st_mode & 07777, 0) < 0)
		return error_errno(err, errno, "cannot set the folder's owner and mode");
	return 0;
}
