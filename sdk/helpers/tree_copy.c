/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "buf.h"
#include "cleanup.h"
#include "error.h"
#include "io.h"
#include "name_set.h"
#include "tree_copy.h"

struct copy {
	int to_root;
	struct inode_map links;
	struct buf path; /* of the current entry, from the root */
	char names[65536];
	char value[65536];
	char block[65536];
};

static void entry_path(int dir, const char *name, char *to, size_t size)
{
	snprintf(to, size, "/proc/self/fd/%d/%s", dir, name);
}

/* By path, so that links and devices have theirs copied as well. */
static int copy_xattrs(struct copy *c, int from_dir, int to_dir, const char *name)
{
	char from[NAME_MAX + 64], to[NAME_MAX + 64];
	ssize_t len, size;

	entry_path(from_dir, name, from, sizeof(from));
	len = llistxattr(from, c->names, sizeof(c->names));
	if (len <= 0)
		return len < 0 && errno != ENOTSUP ? -errno : 0;
	entry_path(to_dir, name, to, sizeof(to));
	for (ssize_t i = 0; i < len; i += (ssize_t)strlen(c->names + i) + 1) {
		size = lgetxattr(from, c->names + i, c->value, sizeof(c->value));
		if (size < 0)
			return -errno;
		if (lsetxattr(to, c->names + i, c->value, (size_t)size, 0) < 0 &&
		    errno != ENOTSUP && errno != EPERM)
			return -errno;
	}
	return 0;
}

/* Copies [at, end) with what the kernel offers. */
static int copy_range(struct copy *c, int from, int to, off_t at, off_t end)
{
	off_t in = at, out = at;

	while (in < end) {
		ssize_t n = copy_file_range(from, &in, to, &out, (size_t)(end - in), 0);

		if (n > 0)
			continue;
		if (n == 0)
			return 0; /* shorter than it was: somebody cut it */
		if (errno == EINTR)
			continue;
		if (errno != EXDEV && errno != EOPNOTSUPP && errno != EINVAL && errno != ENOSYS)
			return -errno;
		n = pread(from, c->block, sizeof(c->block), in);
		if (n <= 0)
			return n < 0 ? -errno : 0;
		n = pwrite(to, c->block, (size_t)n, out);
		if (n < 0)
			return -errno;
		in += n;
		out += n;
	}
	return 0;
}

static int copy_content(struct copy *c, int from, int to, off_t size)
{
	off_t at = 0;

	if (size == 0 || ioctl(to, FICLONE, from) == 0)
		return 0;
	while (at < size) {
		off_t data = lseek(from, at, SEEK_DATA), hole;
		int r;

		if (data < 0)
			break; /* a hole up to the end */
		hole = lseek(from, data, SEEK_HOLE);
		if (hole < 0)
			return -errno;
		r = copy_range(c, from, to, data, hole);
		if (r < 0)
			return r;
		at = hole;
	}
	return ftruncate(to, size) < 0 ? -errno : 0;
}

static int copy_file(struct copy *c, int from_dir, int to_dir, const char *name,
		     const struct stat *st)
{
	auto_fd int from = openat(from_dir, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	auto_fd int to = -1;

	if (from < 0)
		return -errno;
	to = openat(to_dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	return to < 0 ? -errno : copy_content(c, from, to, st->st_size);
}

static int copy_symlink(int from_dir, int to_dir, const char *name)
{
	char target[PATH_MAX];
	ssize_t len = readlinkat(from_dir, name, target, sizeof(target) - 1);

	if (len < 0)
		return -errno;
	target[len] = '\0';
	return symlinkat(target, to_dir, name) < 0 ? -errno : 0;
}

/* Owner, mode, attributes and times of what was made. */
static int copy_metadata(struct copy *c, int from_dir, int to_dir, const char *name,
			 const struct stat *st)
{
	struct timespec times[2] = { st->st_atim, st->st_mtim };
	int r;

	if (fchownat(to_dir, name, st->st_uid, st->st_gid, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	if (!S_ISLNK(st->st_mode) && fchmodat(to_dir, name, st->st_mode & 07777, 0) < 0)
		return -errno;
	r = copy_xattrs(c, from_dir, to_dir, name);
	if (r == 0 && utimensat(to_dir, name, times, AT_SYMLINK_NOFOLLOW) < 0)
		r = -errno;
	return r;
}

static int copy_folder(struct copy *c, int from, int to);

static int copy_subfolder(struct copy *c, int from_dir, int to_dir, const char *name)
{
	auto_fd int from = openat(from_dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	auto_fd int to = -1;

	if (from < 0 || mkdirat(to_dir, name, 0700) < 0)
		return -errno;
	to = openat(to_dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return to < 0 ? -errno : copy_folder(c, from, to);
}

/* Another name of a file that was copied; 1 when it was made so. */
static int copy_link(struct copy *c, int to_dir, const char *name, const struct stat *st)
{
	const char *first;
	int failed = 0;

	if (st->st_nlink < 2 || S_ISDIR(st->st_mode))
		return 0;
	first = inode_map_first(&c->links, st->st_dev, st->st_ino, buf_str(&c->path), &failed);
	if (failed)
		return -ENOMEM;
	if (!first)
		return 0;
	/* Every folder on this path was made by this copy: none is a link. */
	return linkat(c->to_root, first, to_dir, name, 0) < 0 ? -errno : 1;
}

static int copy_entry(struct copy *c, int from_dir, int to_dir, const char *name)
{
	struct stat st;
	int r;

	if (fstatat(from_dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	r = copy_link(c, to_dir, name, &st);
	if (r != 0)
		return r < 0 ? r : 0;
	switch (st.st_mode & S_IFMT) {
	case S_IFDIR:
		r = copy_subfolder(c, from_dir, to_dir, name);
		break;
	case S_IFREG:
		r = copy_file(c, from_dir, to_dir, name, &st);
		break;
	case S_IFLNK:
		r = copy_symlink(from_dir, to_dir, name);
		break;
	default:
		r = mknodat(to_dir, name, st.st_mode & (S_IFMT | 0777), st.st_rdev) < 0 ? -errno : 0;
	}
	return r < 0 ? r : copy_metadata(c, from_dir, to_dir, name, &st);
}

static int copy_folder(struct copy *c, int from, int to)
{
	int list = openat(from, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	auto_dir DIR *dir = list < 0 ? NULL : fdopendir(list);
	size_t len = c->path.len;
	struct dirent *e;
	int r = 0;

	if (!dir) {
		r = -errno;
		if (list >= 0)
			close(list);
		return r;
	}
	while (r == 0 && (e = readdir(dir))) {
		if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, ".."))
			continue;
		buf_addf(&c->path, "%s%s", len ? "/" : "", e->d_name);
		if (buf_failed(&c->path))
			return -ENOMEM;
		r = copy_entry(c, from, to, e->d_name);
		if (r < 0)
			return r; /* path names the culprit */
		c->path.len = len;
		c->path.data[len] = '\0';
	}
	return r;
}

int tree_copy(int from_fd, int to_fd, struct gantry_error *err)
{
	auto_free struct copy *c = calloc(1, sizeof(*c));
	struct stat st;
	int r;

	if (!c)
		return error_no_memory(err);
	c->to_root = to_fd;
	r = copy_folder(c, from_fd, to_fd);
	if (r == 0 && fstat(from_fd, &st) < 0)
		r = -errno;
	if (r == 0)
		r = copy_metadata(c, from_fd, to_fd, ".", &st);
	if (r < 0)
		error_errno(err, -r, "cannot copy /%s of the parent snapshot", buf_str(&c->path));
	if (r == -ENOSPC || r == -EDQUOT)
		error_hint(err, "storage/vfs copies whole images: free some space, or use "
				"storage/overlay or storage/unionfs");
	inode_map_done(&c->links);
	buf_done(&c->path);
	return r < 0 ? err->code : 0;
}
