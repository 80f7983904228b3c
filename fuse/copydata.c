/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "helpers/cleanup.h"

#include "fuse/copydata.h"
#include "fuse/format.h"
#include "fuse/ids.h"
#include "fuse/unionfs.h"
#include "fuse/xattrat.h"

enum { COPY_BYTES = 1 << 20, LIST_MAX = 65536, VALUE_MAX = 65536 };

static int copy_by_hand(int from, int to, off_t at, off_t end)
{
	auto_free char *buf = malloc(COPY_BYTES);

	if (!buf)
		return -ENOMEM;
	while (at < end) {
		size_t want = end - at > COPY_BYTES ? COPY_BYTES : (size_t)(end - at);
		ssize_t n = pread(from, buf, want, at), done = 0;

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : 0;
		while (done < n) {
			ssize_t w = pwrite(to, buf + done, (size_t)(n - done), at + done);

			if (w < 0 && errno != EINTR)
				return -errno;
			done += w > 0 ? w : 0;
		}
		at += n;
	}
	return 0;
}

static int copy_extent(int from, int to, off_t at, off_t end)
{
	while (at < end) {
		off_t in = at, out = at;
		ssize_t n = copy_file_range(from, &in, to, &out, (size_t)(end - at), 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno != EXDEV && errno != ENOSYS && errno != EINVAL &&
		    errno != EOPNOTSUPP && errno != EPERM)
			return -errno;
		if (n <= 0)
			return copy_by_hand(from, to, at, end);
		at += n;
	}
	return 0;
}

int copy_data(int from, int to, uint64_t size)
{
	off_t end = (off_t)size, at = 0;
	int r;

	if (!size)
		return 0;
	if (ioctl(to, FICLONE, from) == 0)
		return 0;
	/* The size first: what follows the last extent is a hole. */
	if (ftruncate(to, end) < 0)
		return -errno;
	while (at < end) {
		off_t data = lseek(from, at, SEEK_DATA), hole;

		if (data < 0 && errno == ENXIO)
			return 0;
		if (data < 0)
			return copy_extent(from, to, at, end);
		if (data >= end)
			return 0;
		hole = lseek(from, data, SEEK_HOLE);
		if (hole < 0 || hole > end)
			hole = end;
		r = copy_extent(from, to, data, hole);
		if (r < 0)
			return r;
		at = hole;
	}
	return 0;
}

/* Marks belong to their layer; escaped ones belong to the containers. */
static int is_mark(const struct format *f, const char *name)
{
	size_t len = strlen(f->prefix);

	if (strncmp(name, f->prefix, len) == 0)
		return strncmp(name + len, "overlay.", 8) != 0;
	return strncmp(name, "trusted.overlay.", 16) == 0;
}

static int copy_one_xattr(int from_dir, const char *from, int from_flags, int to_dir,
			  const char *to, const char *name, char *value)
{
	ssize_t n = xattrat_get(from_dir, from, from_flags, name, value, VALUE_MAX);
	int r;

	if (n < 0)
		return n == -ENODATA ? 0 : (int)n;
	r = xattrat_set(to_dir, to, AT_SYMLINK_NOFOLLOW, name, value, (size_t)n, 0);
	/* A label that only its security module may set stays behind. */
	if (r == -EOPNOTSUPP || (r == -EPERM && strncmp(name, "security.", 9) == 0))
		r = 0;
	return r;
}

int copy_xattrs(struct unionfs *fs, int from_dir, const char *from, int from_flags, int to_dir,
		const char *to)
{
	ssize_t n = xattrat_list(from_dir, from, from_flags, NULL, 0);
	auto_free char *room = NULL;
	char *value;

	if (n <= 0)
		return n == -EOPNOTSUPP || n == 0 ? 0 : (int)n;
	room = malloc(LIST_MAX + VALUE_MAX);
	if (!room)
		return -ENOMEM;
	value = room + LIST_MAX;
	n = xattrat_list(from_dir, from, from_flags, room, LIST_MAX);
	if (n < 0)
		return (int)n;
	for (const char *p = room; p < room + n; p += strlen(p) + 1) {
		int r;

		if (is_mark(&fs->format, p) || (ids_overrides(fs) && ids_is_override(fs, p)))
			continue;
		r = copy_one_xattr(from_dir, from, from_flags, to_dir, to, p, value);
		if (r < 0)
			return r;
	}
	return 0;
}
