/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "archive_lib.h"
#include "cleanup.h"
#include "error.h"
#include "image_spool.h"
#include "io.h"

#define COPY_BLOCK (256 * 1024)

struct spool {
	const struct archive_lib *lib;
	int fd;
	char block[COPY_BLOCK];
};

static la_ssize_t spool_read(struct archive *archive, void *ctx, const void **ret)
{
	struct spool *s = ctx;
	ssize_t n;

	do {
		n = read(s->fd, s->block, sizeof(s->block));
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		s->lib->archive_set_error(archive, errno, "read failed");
	*ret = s->block;
	return n;
}

static int spool_file(const char *dir, struct gantry_error *err)
{
	auto_free char *path = NULL;
	int fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	if (fd >= 0)
		return fd;
	if (asprintf(&path, "%s/spool.XXXXXX", dir) < 0)
		return error_no_memory(err);
	fd = mkostemp(path, O_CLOEXEC);
	if (fd < 0)
		return error_errno(err, errno, "cannot create a file in %s", dir);
	unlink(path);
	return fd;
}

/* Copies what libarchive decompresses, whatever it is. */
static int spool_copy(const struct archive_lib *lib, struct archive *a, int to, int64_t limit,
		      struct gantry_error *err)
{
	struct archive_entry *entry;
	auto_free char *block = malloc(COPY_BLOCK);
	int64_t total = 0;
	int r;

	if (!block)
		return error_no_memory(err);
	r = lib->archive_read_next_header(a, &entry);
	if (r == ARCHIVE_EOF)
		return 0;
	while (r == ARCHIVE_OK || r == ARCHIVE_WARN) {
		la_ssize_t n = lib->archive_read_data(a, block, COPY_BLOCK);

		if (n == 0)
			return 0;
		if (n < 0)
			break;
		total += n;
		if (total > limit)
			return error_set(err, GANTRY_ERR_LIMIT, "the archive unpacks to more than %lld bytes",
					 (long long)limit);
		r = write_all(to, block, (size_t)n);
		if (r < 0)
			return error_errno(err, -r, "cannot keep the archive");
	}
	return error_set(err, GANTRY_ERR_CORRUPT, "the archive is damaged: %s",
			 lib->archive_error_string(a));
}

int archive_spool(int fd, const char *dir, int64_t limit, struct gantry_error *err)
{
	const struct archive_lib *lib = archive_lib_load(err);
	auto_free struct spool *s = malloc(sizeof(*s));
	auto_fd int to = -1;
	struct archive *a;
	int r;

	if (!lib)
		return err->code;
	a = s ? lib->archive_read_new() : NULL;
	if (!a)
		return error_no_memory(err);
	s->lib = lib;
	s->fd = fd;
	lib->archive_read_support_format_raw(a);
	lib->archive_read_support_format_empty(a);
	lib->archive_read_support_filter_gzip(a);
	lib->archive_read_support_filter_bzip2(a);
	lib->archive_read_support_filter_xz(a);
	lib->archive_read_support_filter_zstd(a);
	to = spool_file(dir, err);
	r = to;
	if (r >= 0 && lib->archive_read_open(a, s, NULL, spool_read, NULL) != ARCHIVE_OK)
		r = error_set(err, GANTRY_ERR_CORRUPT, "the archive is damaged: %s", lib->archive_error_string(a));
	if (r >= 0)
		r = spool_copy(lib, a, to, limit, err);
	lib->archive_read_free(a);
	return r < 0 ? r : steal_fd(&to);
}

int archive_is_plain(int fd)
{
	static const char *const magics[] = { "\x1f\x8b", "BZh", "\xfd" "7zXZ", "\x28\xb5\x2f\xfd" };
	char start[8] = "";
	struct stat st;

	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || lseek(fd, 0, SEEK_CUR) != 0)
		return 0;
	if (pread(fd, start, 6, 0) < 0)
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(magics); i++) {
		if (!memcmp(start, magics[i], strlen(magics[i])))
			return 0;
	}
	return 1;
}
