/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/lazy/build.h"
#include "core/lazy/tar.h"
#include "helpers/archive_lib.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"

#define READ_SIZE (256 * 1024)

struct scan {
	const struct archive_lib *lib;
	struct archive *archive;
	struct build *b;
	int64_t size_limit;
	int fd;
	int read_errno;
	char block[READ_SIZE];
};

static la_ssize_t read_block(struct archive *archive, void *ctx, const void **ret_block)
{
	struct scan *s = ctx;
	ssize_t n;

	do {
		n = read(s->fd, s->block, sizeof(s->block));
	} while (n < 0 && errno == EINTR);
	if (n < 0) {
		s->read_errno = errno;
		s->lib->archive_set_error(archive, errno, "read failed");
		return -1;
	}
	*ret_block = s->block;
	return n;
}

static int archive_failed(struct scan *s, struct gantry_error *err)
{
	const char *text = s->lib->archive_error_string(s->archive);

	if (s->read_errno) {
		return error_errno(err, s->read_errno, "cannot read the layer archive");
	}
	error_set(err, GANTRY_ERR_CORRUPT, "the layer archive is damaged: %s",
		  text ? text : "unknown format");
	return error_hint(err, "fetch the image again; if that does not help, the image was "
			       "published damaged");
}

static int add_xattrs(struct scan *s, struct archive_entry *entry, struct gantry_error *err)
{
	const char *name;
	const void *value;
	size_t size;
	int r = 0;

	if (s->lib->archive_entry_xattr_reset(entry) == 0) {
		return 0;
	}
	while (r == 0 && s->lib->archive_entry_xattr_next(entry, &name, &value, &size) == ARCHIVE_OK) {
		r = build_add_xattr(s->b, name, value, size, err);
	}
	return r;
}

/* The place of a block is how much of the tar was consumed before it. */
static int add_extents(struct scan *s, struct gantry_error *err)
{
	for (;;) {
		la_int64_t offset;
		const void *block;
		size_t len;
		int r = s->lib->archive_read_data_block(s->archive, &block, &len, &offset);

		if (r == ARCHIVE_EOF) {
			return 0;
		}
		if (r != ARCHIVE_OK && r != ARCHIVE_WARN) {
			return archive_failed(s, err);
		}
		r = build_add_extent(s->b, (uint64_t)offset,
				     (uint64_t)s->lib->archive_filter_bytes(s->archive, 0), len, err);
		if (r < 0) {
			return r;
		}
	}
}

static int owner(la_int64_t id, uint32_t *ret, struct gantry_error *err)
{
	*ret = (uint32_t)id;
	return id >= 0 && id < UINT32_MAX ? 0 : error_set(err, GANTRY_ERR_CORRUPT,
		"its owner is not a valid user or group id");
}

static int add_entry(struct scan *s, struct archive_entry *entry, struct gantry_error *err)
{
	const struct archive_lib *lib = s->lib;
	struct build_entry e = {
		.path = lib->archive_entry_pathname(entry),
		.mode = lib->archive_entry_filetype(entry) | (lib->archive_entry_perm(entry) & 07777),
		.size = lib->archive_entry_size(entry),
		.mtime = lib->archive_entry_mtime(entry),
		.mtime_ns = (uint32_t)lib->archive_entry_mtime_nsec(entry),
		.major = (unsigned)lib->archive_entry_rdevmajor(entry),
		.minor = (unsigned)lib->archive_entry_rdevminor(entry),
		.target = lib->archive_entry_symlink(entry),
		.hardlink = lib->archive_entry_hardlink(entry),
	};
	int r;

	if (!e.path) {
		return error_set(err, GANTRY_ERR_CORRUPT, "the layer archive has an entry without a name");
	}
	r = owner(lib->archive_entry_uid(entry), &e.uid, err);
	if (r == 0) {
		r = owner(lib->archive_entry_gid(entry), &e.gid, err);
	}
	if (r == 0) {
		r = build_add(s->b, &e, err);
	}
	if (r == 0 && !e.hardlink) {
		r = add_xattrs(s, entry, err);
	}
	if (r == 0 && S_ISREG(e.mode) && !e.hardlink && e.size > 0) {
		r = add_extents(s, err);
	}
	if (r == 0 && s->size_limit > 0 && build_content_size(s->b) > (uint64_t)s->size_limit) {
		error_set(err, GANTRY_ERR_LIMIT, "the layer unpacks to more than the limit of %lld bytes",
			  (long long)s->size_limit);
		r = error_hint(err, "raise the limit in the configuration if this image is trusted");
	}
	return r;
}

/* Padding after the end of the archive: whoever writes the pipe wants it read. */
static int drain(struct scan *s, struct gantry_error *err)
{
	const void *block;
	la_ssize_t n;

	do {
		n = read_block(s->archive, s, &block);
	} while (n > 0);
	return n < 0 ? archive_failed(s, err) : 0;
}

static int scan_all(struct scan *s, struct gantry_error *err)
{
	struct archive_entry *entry;

	if (s->lib->archive_read_support_format_tar(s->archive) != ARCHIVE_OK ||
	    s->lib->archive_read_support_format_empty(s->archive) != ARCHIVE_OK) {
		return error_no_memory(err);
	}
	if (s->lib->archive_read_open(s->archive, s, NULL, read_block, NULL) != ARCHIVE_OK) {
		return archive_failed(s, err);
	}
	for (;;) {
		int r = s->lib->archive_read_next_header(s->archive, &entry);

		if (r == ARCHIVE_EOF) {
			return drain(s, err);
		}
		r = r == ARCHIVE_OK || r == ARCHIVE_WARN ? add_entry(s, entry, err) : archive_failed(s, err);
		if (r < 0) {
			return r;
		}
	}
}

int tar_scan(int fd, struct build *b, int64_t size_limit, struct gantry_error *err)
{
	auto_free struct scan *s = calloc(1, sizeof(*s));
	archive_locale_t locale;
	int r;

	if (!s) {
		return error_no_memory(err);
	}
	s->lib = archive_lib_load(err);
	if (!s->lib) {
		return err->code;
	}
	s->b = b;
	s->fd = fd;
	s->size_limit = size_limit;
	s->archive = s->lib->archive_read_new();
	if (!s->archive) {
		return error_no_memory(err);
	}
	locale = archive_locale_enter();
	r = scan_all(s, err);
	s->lib->archive_read_free(s->archive);
	archive_locale_leave(locale);
	return r;
}
