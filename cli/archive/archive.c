/* SPDX-License-Identifier: Apache-2.0 */
#include <archive.h>
#include <archive_entry.h>
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/archive/archive.h"
#include "cli/client/stream.h"
#include "helpers/buf.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"

/* Every function of libarchive that is used here, found at run time. */
#define FUNCTIONS(X)                                                                           \
	X(archive_error_string) X(archive_write_new) X(archive_write_set_format_pax_restricted) \
	X(archive_write_open_fd) X(archive_write_header) X(archive_write_data)                 \
	X(archive_write_close) X(archive_write_free) X(archive_write_finish_entry)             \
	X(archive_read_disk_new) X(archive_read_disk_open) X(archive_read_disk_descend)        \
	X(archive_read_disk_set_symlink_physical) \
	X(archive_read_next_header) X(archive_read_next_header2) X(archive_read_data)          \
	X(archive_read_data_block) X(archive_read_free)                  \
	X(archive_read_new) X(archive_read_support_format_tar) X(archive_read_open)            \
	X(archive_write_disk_new) X(archive_write_disk_set_options)                            \
	X(archive_write_data_block) X(archive_entry_new) X(archive_entry_free)                 \
	X(archive_entry_pathname) X(archive_entry_set_pathname) X(archive_entry_size)          \
	X(archive_entry_hardlink) X(archive_entry_set_hardlink)      \
	X(archive_write_set_bytes_per_block)

static struct {
#define X(name) __typeof__(name) *name;
	FUNCTIONS(X)
#undef X
} lib;

#define BLOCK 65536

static int load_library(struct gantry_error *err)
{
	void *handle;
	int missing = 0;

	if (lib.archive_write_new) {
		return 0;
	}
	handle = dlopen("libarchive.so.13", RTLD_NOW | RTLD_LOCAL);
	if (!handle) {
		error_set(err, GANTRY_ERR_UNAVAILABLE, "cannot load the archive library: %s", dlerror());
		return error_hint(err, "install libarchive");
	}
#define X(name)                          \
	lib.name = dlsym(handle, #name); \
	missing += lib.name == NULL;
	FUNCTIONS(X)
#undef X
	if (missing) {
		memset(&lib, 0, sizeof(lib));
		return error_set(err, GANTRY_ERR_UNSUPPORTED, "the archive library lacks functions");
	}
	return 0;
}

static int failed(struct archive *a, struct gantry_error *err, const char *what, const char *path)
{
	return error_set(err, GANTRY_ERR_IO, "cannot %s %s: %s", what, path,
			 lib.archive_error_string(a) ?: "unknown error");
}

/* "/src/dir/file" below "/src/dir" is "name/file". */
static void entry_name(const char *path, const char *base, const char *name, struct buf *out)
{
	const char *rest = path + strlen(base);

	buf_clear(out);
	while (*rest == '/') {
		rest++;
	}
	if (*rest && strcmp(name, ".") != 0) {
		buf_addf(out, "%s/%s", name, rest);
	} else {
		buf_adds(out, *rest ? rest : name);
	}
}

static int pack_data(struct archive *disk, struct archive *out, const char *path, int64_t *bytes,
		     struct gantry_error *err)
{
	char data[BLOCK];
	la_ssize_t n;

	while ((n = lib.archive_read_data(disk, data, sizeof(data))) > 0) {
		if (lib.archive_write_data(out, data, (size_t)n) < 0) {
			return failed(out, err, "send", path);
		}
		*bytes += n;
	}
	return n < 0 ? failed(disk, err, "read", path) : 0;
}

static int pack_entries(struct archive *disk, struct archive *out, const char *base,
			const char *name, int64_t *bytes, struct gantry_error *err)
{
	auto_(buf) struct buf renamed = BUF_INIT;
	struct archive_entry *entry = lib.archive_entry_new();
	int r = 0, more;

	while (r == 0 && (more = lib.archive_read_next_header2(disk, entry)) != ARCHIVE_EOF) {
		auto_free char *path = NULL;

		if (more < ARCHIVE_WARN) {
			r = failed(disk, err, "read", base);
			break;
		}
		path = strdup(lib.archive_entry_pathname(entry));
		if (!path) {
			r = error_no_memory(err);
			break;
		}
		lib.archive_read_disk_descend(disk);
		entry_name(path, base, name, &renamed);
		lib.archive_entry_set_pathname(entry, buf_str(&renamed));
		if (lib.archive_write_header(out, entry) < ARCHIVE_WARN) {
			r = failed(out, err, "send", path);
		} else if (lib.archive_entry_size(entry) > 0) {
			r = pack_data(disk, out, path, bytes, err);
		}
		lib.archive_write_finish_entry(out);
	}
	lib.archive_entry_free(entry);
	return r;
}

int archive_pack(const char *path, const char *name, int fd, int64_t *ret_bytes,
		 struct gantry_error *err)
{
	struct archive *disk, *out;
	int r = load_library(err);

	if (r < 0) {
		return r;
	}
	disk = lib.archive_read_disk_new();
	out = lib.archive_write_new();
	lib.archive_read_disk_set_symlink_physical(disk);
	lib.archive_write_set_format_pax_restricted(out);
	lib.archive_write_set_bytes_per_block(out, BLOCK);
	*ret_bytes = 0;
	if (lib.archive_read_disk_open(disk, path) != ARCHIVE_OK) {
		r = failed(disk, err, "read", path);
	} else if (lib.archive_write_open_fd(out, fd) != ARCHIVE_OK) {
		r = failed(out, err, "send", path);
	} else {
		r = pack_entries(disk, out, path, name, ret_bytes, err);
	}
	if (lib.archive_write_close(out) != ARCHIVE_OK && r == 0) {
		r = failed(out, err, "send", path);
	}
	lib.archive_write_free(out);
	lib.archive_read_free(disk);
	return r;
}

struct source {
	struct stream *stream;
	char data[BLOCK];
};

static la_ssize_t read_source(struct archive *a, void *user, const void **data)
{
	struct source *source = user;

	*data = source->data;
	return stream_read(source->stream, source->data, sizeof(source->data));
}

static int unpack_entry(struct archive *in, struct archive *disk, struct archive_entry *entry,
			int64_t *bytes, struct gantry_error *err)
{
	const char *path = lib.archive_entry_pathname(entry);
	const void *data;
	size_t size;
	la_int64_t offset;
	int r;

	if (lib.archive_write_header(disk, entry) < ARCHIVE_WARN) {
		return failed(disk, err, "create", path);
	}
	while ((r = lib.archive_read_data_block(in, &data, &size, &offset)) == ARCHIVE_OK) {
		if (lib.archive_write_data_block(disk, data, size, offset) < ARCHIVE_WARN) {
			return failed(disk, err, "write", path);
		}
		*bytes += (int64_t)size;
	}
	if (r != ARCHIVE_EOF) {
		return failed(in, err, "read the archive of", path);
	}
	return lib.archive_write_finish_entry(disk) < ARCHIVE_WARN ? failed(disk, err, "write", path)
								   : 0;
}

/* Gives the first part of a name, when it is `from`, the name `to`. */
static const char *rename_first(const char *path, const char *from, const char *to,
				struct buf *room)
{
	size_t len = strlen(from);

	buf_clear(room);
	if (!to || strncmp(path, from, len) != 0 || (path[len] && path[len] != '/')) {
		return path;
	}
	buf_addf(room, "%s%s", to, path + len);
	return buf_str(room);
}

static int unpack_entries(struct archive *in, struct archive *disk, const char *from,
			  const char *to, int64_t *bytes, struct gantry_error *err)
{
	auto_(buf) struct buf name = BUF_INIT;
	auto_(buf) struct buf link = BUF_INIT;
	struct archive_entry *entry;
	int r = 0, more;

	while (r == 0 && (more = lib.archive_read_next_header(in, &entry)) != ARCHIVE_EOF) {
		const char *hardlink;

		if (more < ARCHIVE_WARN) {
			return failed(in, err, "read", "the archive");
		}
		lib.archive_entry_set_pathname(
			entry, rename_first(lib.archive_entry_pathname(entry), from, to, &name));
		hardlink = lib.archive_entry_hardlink(entry);
		if (hardlink) {
			lib.archive_entry_set_hardlink(entry,
						       rename_first(hardlink, from, to, &link));
		}
		r = unpack_entry(in, disk, entry, bytes, err);
	}
	return r;
}

int archive_unpack(struct stream *stream, const char *folder, const char *from, const char *to,
		   int64_t *ret_bytes, struct gantry_error *err)
{
	struct source source = { .stream = stream };
	struct archive *in, *disk;
	int r = load_library(err);

	if (r < 0) {
		return r;
	}
	/* The library keeps to relative names: it refuses "..", absolute names and
	 * ways through links, so from here nothing outside can be reached. */
	if (chdir(folder) < 0) {
		return error_errno(err, errno, "cannot enter %s", folder);
	}
	in = lib.archive_read_new();
	disk = lib.archive_write_disk_new();
	lib.archive_read_support_format_tar(in);
	lib.archive_write_disk_set_options(disk, ARCHIVE_EXTRACT_PERM | ARCHIVE_EXTRACT_TIME |
							 ARCHIVE_EXTRACT_SECURE_SYMLINKS |
							 ARCHIVE_EXTRACT_SECURE_NODOTDOT |
							 ARCHIVE_EXTRACT_SECURE_NOABSOLUTEPATHS |
							 ARCHIVE_EXTRACT_UNLINK);
	*ret_bytes = 0;
	if (lib.archive_read_open(in, &source, NULL, read_source, NULL) != ARCHIVE_OK) {
		r = failed(in, err, "read", "the archive");
	} else {
		r = unpack_entries(in, disk, from, to, ret_bytes, err);
	}
	if (lib.archive_write_close(disk) != ARCHIVE_OK && r == 0) {
		r = failed(disk, err, "write to", folder);
	}
	lib.archive_write_free(disk);
	lib.archive_read_free(in);
	return r;
}
