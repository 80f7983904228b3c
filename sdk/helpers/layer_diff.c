/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "archive_lib.h"
#include "buf.h"
#include "cleanup.h"
#include "error.h"
#include "io.h"
#include "layer_diff.h"
#include "layer_walk.h"
#include "name_set.h"
#include "owners.h"

#define BLOCK_SIZE (64 * 1024)
/* Holes are written as such only where they save this much: not every reader
 * of layers knows sparse files. */
#define SPARSE_GAIN (1024 * 1024)

struct diff {
	const struct archive_lib *lib;
	struct archive *archive;
	struct archive_entry *entry;
	struct inode_map links;
	int archive_fd;
	int write_errno;
	char block[BLOCK_SIZE];
	char names[65536];
	char value[65536];
};

static la_ssize_t write_block(struct archive *archive, void *ctx, const void *data, size_t len)
{
	struct diff *d = ctx;
	int r = write_all(d->archive_fd, data, len);

	if (r < 0) {
		d->write_errno = -r;
		d->lib->archive_set_error(archive, -r, "write failed");
		return -1;
	}
	return (la_ssize_t)len;
}

static int write_error(struct diff *d, struct gantry_error *err)
{
	const char *text = d->lib->archive_error_string(d->archive);

	if (d->write_errno)
		return error_errno(err, d->write_errno, "cannot write the layer archive");
	return error_set(err, GANTRY_ERR_IO, "cannot write the layer archive: %s",
			 text ? text : "unknown error");
}

static int file_errno(int sys_errno, const struct layer_change *c, struct gantry_error *err)
{
	char shown[256];

	return error_errno(err, sys_errno, "cannot read /%s",
			   layer_printable(c->path, shown, sizeof(shown)));
}

static int write_header(struct diff *d, struct gantry_error *err)
{
	int r = d->lib->archive_write_header(d->archive, d->entry);

	return r == ARCHIVE_OK || r == ARCHIVE_WARN ? 0 : write_error(d, err);
}

/* An empty file whose name says what it means. */
static int write_marker(struct diff *d, const char *parent, size_t parent_len, const char *name,
			struct gantry_error *err)
{
	auto_(buf) struct buf path = BUF_INIT;

	buf_add(&path, parent, parent_len);
	if (parent_len)
		buf_addc(&path, '/');
	buf_adds(&path, name);
	if (buf_failed(&path))
		return error_no_memory(err);
	d->lib->archive_entry_clear(d->entry);
	d->lib->archive_entry_set_pathname(d->entry, buf_str(&path));
	d->lib->archive_entry_set_filetype(d->entry, AE_IFREG);
	d->lib->archive_entry_set_perm(d->entry, 0600);
	d->lib->archive_entry_set_size(d->entry, 0);
	d->lib->archive_entry_set_mtime(d->entry, 0, 0);
	return write_header(d, err);
}

static int write_whiteout(struct diff *d, const struct layer_change *c, struct gantry_error *err)
{
	const char *slash = strrchr(c->path, '/');
	const char *base = slash ? slash + 1 : c->path;
	char name[NAME_MAX + sizeof(LAYER_WHITEOUT)];

	snprintf(name, sizeof(name), LAYER_WHITEOUT "%s", base);
	return write_marker(d, c->path, slash ? (size_t)(slash - c->path) : 0, name, err);
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void add_xattrs(struct diff *d, const struct layer_change *c)
{
	char path[NAME_MAX + 64];
	const char *sorted[256];
	size_t n = 0;
	ssize_t len;

	snprintf(path, sizeof(path), "/proc/self/fd/%d/%s", c->dir_fd, c->name);
	len = llistxattr(path, d->names, sizeof(d->names));
	for (ssize_t i = 0; i < len && n < ARRAY_SIZE(sorted); i += (ssize_t)strlen(d->names + i) + 1) {
		if (!layer_is_private_xattr(d->names + i))
			sorted[n++] = d->names + i;
	}
	if (n > 1)
		qsort(sorted, n, sizeof(*sorted), compare_names);
	for (size_t i = 0; i < n; i++) {
		ssize_t size = lgetxattr(path, sorted[i], d->value, sizeof(d->value));

		const char *name = sorted[i];

		if (!strncmp(name, OWNERS_KEPT_XATTR, strlen(OWNERS_KEPT_XATTR)))
			name += strlen(OWNERS_KEPT_XATTR);
		/* The host's own label is no part of an image. */
		if (size >= 0 && strcmp(name, "security.selinux") != 0)
			d->lib->archive_entry_xattr_add_entry(d->entry, name, d->value,
							      (size_t)size);
	}
}

static void fill_entry(struct diff *d, const struct layer_change *c)
{
	const struct stat *st = c->st;
	struct archive_entry *e = d->entry;

	d->lib->archive_entry_clear(e);
	d->lib->archive_entry_set_pathname(e, c->path);
	d->lib->archive_entry_set_filetype(e, st->st_mode & S_IFMT);
	d->lib->archive_entry_set_perm(e, st->st_mode & 07777);
	d->lib->archive_entry_set_uid(e, st->st_uid);
	d->lib->archive_entry_set_gid(e, st->st_gid);
	d->lib->archive_entry_set_mtime(e, st->st_mtim.tv_sec, st->st_mtim.tv_nsec);
	d->lib->archive_entry_set_size(e, S_ISREG(st->st_mode) ? st->st_size : 0);
	if (S_ISCHR(st->st_mode) || S_ISBLK(st->st_mode)) {
		d->lib->archive_entry_set_rdevmajor(e, major(st->st_rdev));
		d->lib->archive_entry_set_rdevminor(e, minor(st->st_rdev));
	}
}

/* Lists the data ranges of a file with large holes. */
static void add_sparse(struct diff *d, int fd, const struct stat *st)
{
	off_t at = 0;

	if (st->st_blocks * 512 + SPARSE_GAIN > st->st_size)
		return;
	while (at < st->st_size) {
		off_t data = lseek(fd, at, SEEK_DATA), hole;

		if (data < 0)
			break;
		hole = lseek(fd, data, SEEK_HOLE);
		if (hole < 0)
			break;
		d->lib->archive_entry_sparse_add_entry(d->entry, data, hole - data);
		at = hole;
	}
	/* A hole at the end, or nothing but a hole. */
	d->lib->archive_entry_sparse_add_entry(d->entry, st->st_size, 0);
}

/* Exactly size bytes follow the header, also when a running container cuts or
 * grows the file meanwhile. */
static int write_content(struct diff *d, int fd, const struct layer_change *c,
			 struct gantry_error *err)
{
	off_t at = 0;

	while (at < c->st->st_size) {
		size_t want = c->st->st_size - at < BLOCK_SIZE ? (size_t)(c->st->st_size - at) : BLOCK_SIZE;
		ssize_t n = pread(fd, d->block, want, at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return file_errno(errno, c, err);
		if (n == 0) {
			memset(d->block, 0, want);
			n = (ssize_t)want;
		}
		/* libarchive drops what falls into a hole. */
		if (d->lib->archive_write_data(d->archive, d->block, (size_t)n) < 0)
			return write_error(d, err);
		at += n;
	}
	return 0;
}

static int write_file(struct diff *d, const struct layer_change *c, struct gantry_error *err)
{
	auto_fd int fd = -1;
	int r;

	if (c->st->st_size > 0) {
		fd = openat(c->dir_fd, c->name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
		if (fd < 0)
			return file_errno(errno, c, err);
		add_sparse(d, fd, c->st);
	}
	r = write_header(d, err);
	return r < 0 || fd < 0 ? r : write_content(d, fd, c, err);
}

/* Another name of a file that was written; 1 when it was done so. */
static int write_link(struct diff *d, const struct layer_change *c, struct gantry_error *err)
{
	int failed = 0, r;
	const char *first;

	if (c->st->st_nlink < 2 || S_ISDIR(c->st->st_mode))
		return 0;
	first = inode_map_first(&d->links, c->st->st_dev, c->st->st_ino, c->path, &failed);
	if (failed)
		return error_no_memory(err);
	if (!first)
		return 0;
	d->lib->archive_entry_set_hardlink(d->entry, first);
	d->lib->archive_entry_set_size(d->entry, 0);
	r = write_header(d, err);
	return r < 0 ? r : 1;
}

static int write_change(struct diff *d, const struct layer_change *c, struct gantry_error *err)
{
	char target[PATH_MAX];
	ssize_t len;
	int r;

	if (S_ISSOCK(c->st->st_mode))
		return 0; /* tar has no sockets, and a dead one is of no use */
	fill_entry(d, c);
	r = write_link(d, c, err);
	if (r != 0)
		return r < 0 ? r : 0;
	add_xattrs(d, c);
	if (S_ISREG(c->st->st_mode))
		return write_file(d, c, err);
	if (S_ISLNK(c->st->st_mode)) {
		len = readlinkat(c->dir_fd, c->name, target, sizeof(target) - 1);
		if (len < 0)
			return file_errno(errno, c, err);
		target[len] = '\0';
		d->lib->archive_entry_set_symlink(d->entry, target);
	}
	r = write_header(d, err);
	if (r == 0 && c->is_opaque)
		r = write_marker(d, c->path, strlen(c->path), LAYER_OPAQUE, err);
	return r;
}

/* The image shall say who owns a file, not who had to own it here. */
static int diff_visit(void *ctx, const struct layer_change *c, struct gantry_error *err)
{
	struct layer_change shown = *c;
	struct stat st;

	if (c->kind == 'D')
		return write_whiteout(ctx, c, err);
	st = *c->st;
	if (owners_apply(c->dir_fd, c->name, &st))
		shown.st = &st;
	return write_change(ctx, &shown, err);
}

static int diff_open(struct diff *d, struct gantry_error *err)
{
	const struct archive_lib *lib = d->lib;

	d->archive = lib->archive_write_new();
	d->entry = lib->archive_entry_new();
	if (!d->archive || !d->entry)
		return error_no_memory(err);
	lib->archive_write_set_format_pax(d->archive);
	/* The header that other readers of layers know. */
	lib->archive_write_set_format_option(d->archive, "pax", "xattrheader", "SCHILY");
	lib->archive_write_set_bytes_per_block(d->archive, BLOCK_SIZE);
	lib->archive_write_set_bytes_in_last_block(d->archive, 1);
	if (lib->archive_write_open(d->archive, d, NULL, write_block, NULL) != ARCHIVE_OK)
		return write_error(d, err);
	return 0;
}

static void diff_close(struct diff *d)
{
	inode_map_done(&d->links);
	d->lib->archive_entry_free(d->entry);
	if (d->archive)
		d->lib->archive_write_free(d->archive);
}

static int diff_end(struct diff *d, int r, struct gantry_error *err)
{
	if (r == 0 && d->lib->archive_write_close(d->archive) != ARCHIVE_OK)
		r = write_error(d, err);
	return r;
}

/* lower_fd matters for LAYER_PLAIN only. */
static int diff_run(int lower_fd, int upper_fd, enum layer_style style, int archive_fd,
		    struct gantry_error *err)
{
	const struct archive_lib *lib = archive_lib_load(err);
	auto_free struct diff *d = calloc(1, sizeof(*d));
	struct layer_visitor visitor = { .visit = diff_visit, .ctx = d, .no_hidden = 1 };
	archive_locale_t locale;
	int r;

	if (!lib)
		return err->code;
	if (!d)
		return error_no_memory(err);
	d->lib = lib;
	d->archive_fd = archive_fd;
	locale = archive_locale_enter();
	r = diff_open(d, err);
	if (r == 0 && style == LAYER_PLAIN)
		r = layer_walk_trees(lower_fd, upper_fd, &visitor, err);
	else if (r == 0)
		r = layer_walk_overlay(-1, upper_fd, style, &visitor, err);
	r = diff_end(d, r, err);
	diff_close(d);
	archive_locale_leave(locale);
	return r;
}

int layer_diff_overlay(int upper_fd, enum layer_style style, int archive_fd,
		       struct gantry_error *err)
{
	return diff_run(-1, upper_fd, style, archive_fd, err);
}

int layer_diff_trees(int lower_fd, int upper_fd, int archive_fd, struct gantry_error *err)
{
	return diff_run(lower_fd, upper_fd, LAYER_PLAIN, archive_fd, err);
}

struct subtree {
	struct diff *d;
	const char *as;
};

static int subtree_visit(void *ctx, const struct layer_change *c, struct gantry_error *err)
{
	struct subtree *s = ctx;
	struct layer_change renamed = *c;
	auto_free char *path = NULL;

	if (!*c->path)
		return 0;
	if (asprintf(&path, "%s/%s", s->as, c->path) < 0)
		return error_no_memory(err);
	renamed.path = path;
	renamed.is_opaque = 0;
	return diff_visit(s->d, &renamed, err);
}

static int subtree_write(struct diff *d, int dir_fd, const char *name, const char *as,
			 struct gantry_error *err)
{
	struct subtree s = { d, as };
	struct layer_visitor visitor = { .visit = subtree_visit, .ctx = &s, .no_hidden = 1 };
	struct stat st;
	struct layer_change top = { .kind = 'A', .path = as, .dir_fd = dir_fd, .name = name, .st = &st };
	auto_fd int fd = -1;
	int r;

	if (fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return error_errno(err, errno, "cannot read %s", as);
	r = diff_visit(d, &top, err);
	if (r < 0 || !S_ISDIR(st.st_mode))
		return r;
	fd = openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return error_errno(err, errno, "cannot read %s", as);
	return layer_walk_trees(-1, fd, &visitor, err);
}

int layer_write_subtree(int dir_fd, const char *name, const char *as, int archive_fd,
			struct gantry_error *err)
{
	const struct archive_lib *lib = archive_lib_load(err);
	auto_free struct diff *d = calloc(1, sizeof(*d));
	archive_locale_t locale;
	int r;

	if (!lib)
		return err->code;
	if (!d)
		return error_no_memory(err);
	d->lib = lib;
	d->archive_fd = archive_fd;
	locale = archive_locale_enter();
	r = diff_open(d, err);
	if (r == 0)
		r = subtree_write(d, dir_fd, name, as, err);
	r = diff_end(d, r, err);
	diff_close(d);
	archive_locale_leave(locale);
	return r;
}
