/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writing image archives.  A tar is written in sequence, to a temporary name
 * that commit renames; a folder gets its blobs at once, which is harmless, and
 * its index last.  What is written depends on the content only.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "archive_lib.h"
#include "buf.h"
#include "cleanup.h"
#include "error.h"
#include "image_archive.h"
#include "io.h"
#include "json.h"
#include "name_set.h"
#include "sigpipe.h"

#define COPY_BLOCK (256 * 1024)
#define JSON_LIMIT (4 * 1024 * 1024)
#define LAYOUT "{\"imageLayoutVersion\":\"1.0.0\"}"

struct archive_writer {
	enum archive_flavour flavour;
	const struct archive_lib *lib; /* of a tar */
	struct archive *archive;
	struct archive_entry *entry;
	int out;      /* the tar, or the folder */
	char *path;   /* of a tar with a name, ... */
	char *temp;   /* ... and what it is called until commit */
	int write_errno;
	int failed;   /* a blob is half written: there is no way back in a tar */
	struct name_set blobs; /* digests that are there */
	struct json_object *index;    /* manifests of index.json */
	struct json_object *manifest; /* manifest.json */
	char block[COPY_BLOCK];
};

static la_ssize_t write_block(struct archive *archive, void *ctx, const void *data, size_t len)
{
	struct archive_writer *w = ctx;
	int r = write_all(w->out, data, len);

	if (r < 0) {
		w->write_errno = -r;
		w->lib->archive_set_error(archive, -r, "write failed");
		return -1;
	}
	return (la_ssize_t)len;
}

static int write_error(struct archive_writer *w, struct gantry_error *err)
{
	const char *text = w->lib ? w->lib->archive_error_string(w->archive) : NULL;

	w->failed = 1;
	if (w->write_errno)
		return error_errno(err, w->write_errno, "cannot write the archive");
	return error_set(err, GANTRY_ERR_IO, "cannot write the archive: %s", text ? text : "unknown error");
}

static int tar_header(struct archive_writer *w, const char *name, int64_t size,
		      struct gantry_error *err)
{
	w->lib->archive_entry_clear(w->entry);
	w->lib->archive_entry_set_pathname(w->entry, name);
	w->lib->archive_entry_set_filetype(w->entry, size < 0 ? AE_IFDIR : AE_IFREG);
	w->lib->archive_entry_set_perm(w->entry, size < 0 ? 0755 : 0644);
	w->lib->archive_entry_set_size(w->entry, size < 0 ? 0 : size);
	w->lib->archive_entry_set_mtime(w->entry, 0, 0);
	return w->lib->archive_write_header(w->archive, w->entry) == ARCHIVE_OK ? 0 : write_error(w, err);
}

static int tar_data(struct archive_writer *w, const void *data, size_t len, struct gantry_error *err)
{
	return len == 0 || w->lib->archive_write_data(w->archive, data, len) == (la_ssize_t)len ?
		       0 : write_error(w, err);
}

/* A small file, whole. */
static int put_file(struct archive_writer *w, const char *name, const void *data, size_t size,
		    struct gantry_error *err)
{
	int r;

	if (!w->archive) {
		r = write_file_atomic(w->out, name, data, size, 0644, 1);
		return r < 0 ? error_errno(err, -r, "cannot write %s", name) : 0;
	}
	r = tar_header(w, name, (int64_t)size, err);
	return r < 0 ? r : tar_data(w, data, size, err);
}

static int open_tar(struct archive_writer *w, struct gantry_error *err)
{
	const struct archive_lib *lib = archive_lib_load(err);

	if (!lib)
		return err->code;
	w->lib = lib;
	w->archive = lib->archive_write_new();
	w->entry = lib->archive_entry_new();
	if (!w->archive || !w->entry)
		return error_no_memory(err);
	lib->archive_write_set_format_pax(w->archive);
	lib->archive_write_set_bytes_per_block(w->archive, COPY_BLOCK);
	lib->archive_write_set_bytes_in_last_block(w->archive, 1);
	if (lib->archive_write_open(w->archive, w, NULL, write_block, NULL) != ARCHIVE_OK)
		return write_error(w, err);
	return 0;
}

static int open_tar_file(struct archive_writer *w, const char *path, struct gantry_error *err)
{
	w->path = strdup(path);
	if (!w->path || asprintf(&w->temp, "%s.%d.%llx.tmp", path, getpid(),
				 (unsigned long long)time_monotonic_ns()) < 0)
		return error_no_memory(err);
	w->out = open(w->temp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
	if (w->out < 0) {
		error_errno(err, errno, "cannot create %s", path);
		free(w->temp);
		w->temp = NULL;
		return err->code;
	}
	return open_tar(w, err);
}

static int open_folder(struct archive_writer *w, const char *path, struct gantry_error *err)
{
	auto_(buf) struct buf text = BUF_INIT;
	auto_json struct json_object *o = NULL;
	struct json_object *list;
	int r = make_dirs(AT_FDCWD, path, 0777);

	if (r == 0) {
		w->out = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		r = w->out < 0 ? -errno : make_dirs(w->out, "blobs/sha256", 0755);
	}
	if (r < 0)
		return error_errno(err, -r, "cannot create the folder %s", path);
	/* Images that are there stay. */
	r = read_file(w->out, "index.json", &text, JSON_LIMIT);
	if (r == -ENOENT)
		return 0;
	if (r < 0)
		return error_errno(err, -r, "cannot read %s/index.json", path);
	r = json_parse(buf_str(&text), text.len, "index.json", &o, err);
	list = r == 0 ? json_get_array(o, "manifests") : NULL;
	if (list) {
		json_object_put(w->index);
		w->index = json_object_get(list);
	}
	return r < 0 ? error_prefix(err, "%s", path) : 0;
}

static int is_tar_name(const char *path)
{
	size_t len = strlen(path);

	return len > 4 && !strcmp(path + len - 4, ".tar");
}

int archive_writer_open(const char *path, int file, enum archive_flavour flavour,
			struct archive_writer **ret, struct gantry_error *err)
{
	struct archive_writer *w = calloc(1, sizeof(*w));
	int r;

	if (!w)
		return error_no_memory(err);
	w->flavour = flavour;
	w->out = -1;
	w->index = json_object_new_array();
	w->manifest = json_object_new_array();
	if (!w->index || !w->manifest) {
		r = error_no_memory(err);
	} else if (file >= 0) {
		w->out = fcntl(file, F_DUPFD_CLOEXEC, 3);
		r = w->out < 0 ? error_errno(err, errno, "cannot use the archive's descriptor") : open_tar(w, err);
	} else if (flavour == ARCHIVE_OCI && !is_tar_name(path)) {
		r = open_folder(w, path, err);
	} else {
		r = open_tar_file(w, path, err);
	}
	if (r < 0) {
		archive_writer_free(w);
		return r;
	}
	*ret = w;
	return 0;
}

static void blob_path(const char *digest, char *to, size_t size)
{
	snprintf(to, size, "blobs/%.*s/%s", (int)strcspn(digest, ":"), digest, strchr(digest, ':') + 1);
}

int archive_writer_has(const struct archive_writer *w, const char *digest)
{
	char path[DIGEST_TEXT_MAX + 16];

	if (!digest_is_valid(digest))
		return 0;
	if (name_set_has(&w->blobs, digest))
		return 1;
	blob_path(digest, path, sizeof(path));
	return !w->archive && faccessat(w->out, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

/* Reads the source to the tar or to fd, counting and hashing. */
static int copy_blob(struct archive_writer *w, struct digest *d, int64_t size, int source, int fd,
		     struct gantry_error *err)
{
	int64_t left = size;
	int r = 0;

	while (r == 0 && left > 0) {
		size_t want = left < COPY_BLOCK ? (size_t)left : COPY_BLOCK;
		ssize_t n = read_full(source, w->block, want);

		if (n < 0)
			return error_errno(err, (int)-n, "cannot read a blob");
		if ((size_t)n < want)
			return error_set(err, GANTRY_ERR_CORRUPT, "it ends %lld bytes too early",
					 (long long)(left - n));
		r = digest_update(d, w->block, (size_t)n, err);
		if (r == 0 && w->archive)
			r = tar_data(w, w->block, (size_t)n, err);
		else if (r == 0 && (r = write_all(fd, w->block, (size_t)n)) < 0)
			r = error_errno(err, -r, "cannot write it");
		left -= n;
	}
	return r;
}

static int put_blob(struct archive_writer *w, const char *digest, int64_t size, int source, int fd,
		    struct gantry_error *err)
{
	auto_(digest) struct digest d = { 0 };
	char found[DIGEST_TEXT_MAX];
	int r = digest_init(&d, digest, err);

	if (r == 0)
		r = copy_blob(w, &d, size, source, fd, err);
	if (r == 0)
		r = digest_final(&d, found, err);
	if (r == 0 && strcmp(found, digest) != 0)
		r = error_set(err, GANTRY_ERR_CORRUPT, "it has the digest %s", found);
	return r < 0 ? error_prefix(err, "blob %s", digest) : 0;
}

static int put_blob_file(struct archive_writer *w, const char *path, const char *digest,
			 int64_t size, int source, struct gantry_error *err)
{
	char temp[DIGEST_TEXT_MAX + 64];
	auto_fd int fd = -1;
	int r;

	snprintf(temp, sizeof(temp), "%s.%d.tmp", path, getpid());
	fd = openat(w->out, temp, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0644);
	if (fd < 0)
		return error_errno(err, errno, "cannot create %s", temp);
	r = put_blob(w, digest, size, source, fd, err);
	if (r == 0 && (fsync(fd) < 0 || renameat(w->out, temp, w->out, path) < 0))
		r = error_errno(err, errno, "cannot write %s", path);
	if (r < 0)
		(void)unlinkat(w->out, temp, 0);
	return r;
}

static int check_usable(const struct archive_writer *w, const char *digest, struct gantry_error *err)
{
	if (w->failed)
		return error_set(err, GANTRY_ERR_CONFLICT, "the archive was given up after an error");
	if (!digest_is_valid(digest))
		return error_set(err, GANTRY_ERR_INVALID, "\"%.200s\" is no digest", digest);
	return 0;
}

int archive_writer_put_blob(struct archive_writer *w, const char *digest, int64_t size, int source,
			    struct gantry_error *err)
{
	char path[DIGEST_TEXT_MAX + 16];
	struct sigpipe_hold hold;
	int r = check_usable(w, digest, err);

	if (r < 0 || archive_writer_has(w, digest))
		return r;
	blob_path(digest, path, sizeof(path));
	if (!w->archive) {
		if (strncmp(digest, "sha256:", 7) != 0)
			(void)make_dirs(w->out, "blobs/sha512", 0755);
		r = put_blob_file(w, path, digest, size, source, err);
	} else {
		sigpipe_hold(&hold);
		r = tar_header(w, path, size, err);
		if (r == 0)
			r = put_blob(w, digest, size, source, -1, err);
		sigpipe_release(&hold);
		w->failed |= r < 0;
	}
	if (r == 0 && name_set_add(&w->blobs, digest) < 0)
		r = error_no_memory(err);
	return r;
}

/* The part of a name behind its tag's colon; NULL: it has none. */
static const char *tag_of(const char *reference)
{
	const char *colon = strrchr(reference, ':');

	return colon && !strchr(colon, '/') ? colon + 1 : NULL;
}

static struct json_object *make_descriptor(const char *reference, const char *type,
					   const char *digest, size_t size)
{
	struct json_object *d = json_object_new_object(), *notes;
	const char *tag = tag_of(reference);

	json_set_string(d, "mediaType", type);
	json_set_string(d, "digest", digest);
	json_set_int(d, "size", (int64_t)size);
	if (*reference) {
		notes = json_object_new_object();
		if (tag || strchr(reference, '/'))
			json_set_string(notes, "io.containerd.image.name", reference);
		json_set_string(notes, "org.opencontainers.image.ref.name", tag ? tag : reference);
		json_set(d, "annotations", notes);
	}
	return d;
}

static const char *descriptor_name(struct json_object *d)
{
	struct json_object *notes = json_get_object(d, "annotations");
	const char *name = json_get_string(notes, "io.containerd.image.name");

	name = name ? name : json_get_string(notes, "org.opencontainers.image.ref.name");
	return name ? name : "";
}

/* A name points at one image: who had it before loses it. */
static int index_add(struct archive_writer *w, const char *reference, const char *type,
		     const char *digest, size_t size, struct gantry_error *err)
{
	struct json_object *d = make_descriptor(reference, type, digest, size);
	size_t i = 0;

	if (!d)
		return error_no_memory(err);
	while (i < json_array_size(w->index)) {
		struct json_object *old = json_object_array_get_idx(w->index, i);
		const char *name = descriptor_name(old), *old_digest = json_get_string(old, "digest");

		if (*reference ? !strcmp(name, descriptor_name(d))
			       : !*name && old_digest && !strcmp(old_digest, digest))
			json_object_array_del_idx(w->index, i, 1);
		else
			i++;
	}
	return json_object_array_add(w->index, d) < 0 ? error_no_memory(err) : 0;
}

/* The path of a descriptor's blob, as manifest.json gives it. */
static int add_path(struct json_object *descriptor, struct json_object *to, const char *key)
{
	const char *digest = json_get_string(descriptor, "digest");
	char path[DIGEST_TEXT_MAX + 16];

	if (!digest_is_valid(digest))
		return -1;
	blob_path(digest, path, sizeof(path));
	return key ? json_set_string(to, key, path) : json_add_string(to, path);
}

/* An image for `docker load`; an index has no place there. */
static int docker_add(struct archive_writer *w, const char *reference, const void *data, size_t size,
		      struct gantry_error *err)
{
	auto_json struct json_object *o = NULL;
	auto_json struct json_object *entry = json_object_new_object();
	struct json_object *tags = json_object_new_array(), *paths = json_object_new_array();
	struct json_object *config, *layers;
	int r = json_parse(data, size, "the manifest", &o, err);

	json_set(entry, "Layers", paths);
	json_set(entry, "RepoTags", tags);
	if (r < 0)
		return r;
	config = json_get_object(o, "config");
	layers = json_get_array(o, "layers");
	if (!config || !layers)
		return 0;
	r = add_path(config, entry, "Config");
	for (size_t i = 0; r == 0 && i < json_array_size(layers); i++)
		r = add_path(json_object_array_get_idx(layers, i), paths, NULL);
	if (r < 0)
		return error_set(err, GANTRY_ERR_CORRUPT, "the manifest names a blob without a digest");
	for (size_t i = 0; i < json_array_size(w->manifest); i++) {
		struct json_object *old = json_object_array_get_idx(w->manifest, i);

		if (!strcmp(json_get_string(old, "Config"), json_get_string(entry, "Config")))
			return *reference && json_add_string(json_get_array(old, "RepoTags"), reference) < 0 ?
				       error_no_memory(err) : 0;
	}
	if (*reference && json_add_string(tags, reference) < 0)
		return error_no_memory(err);
	return json_object_array_add(w->manifest, steal(&entry)) < 0 ? error_no_memory(err) : 0;
}

int archive_writer_put_manifest(struct archive_writer *w, const char *reference,
				const char *media_type, const void *data, size_t size,
				char ret[DIGEST_TEXT_MAX], struct gantry_error *err)
{
	char path[DIGEST_TEXT_MAX + 16];
	int r = digest_of(data, size, ret, err);

	if (r == 0)
		r = check_usable(w, ret, err);
	if (r < 0)
		return r;
	if (!archive_writer_has(w, ret)) {
		blob_path(ret, path, sizeof(path));
		r = put_file(w, path, data, size, err);
		if (r == 0 && name_set_add(&w->blobs, ret) < 0)
			r = error_no_memory(err);
	}
	if (r < 0 || digest_is_valid(reference))
		return r;
	if (reference[0] == '@')
		reference = "";
	r = index_add(w, reference, media_type, ret, size, err);
	return r < 0 ? r : docker_add(w, reference, data, size, err);
}

static int put_json(struct archive_writer *w, const char *name, struct json_object *o,
		    struct gantry_error *err)
{
	const char *text = json_text(o);

	return text ? put_file(w, name, text, strlen(text), err) : error_no_memory(err);
}

static int commit_tables(struct archive_writer *w, struct gantry_error *err)
{
	auto_json struct json_object *index = json_object_new_object();
	int r;

	json_set_int(index, "schemaVersion", 2);
	json_set_string(index, "mediaType", "application/vnd.oci.image.index.v1+json");
	json_set(index, "manifests", json_object_get(w->index));
	r = put_file(w, "oci-layout", LAYOUT, strlen(LAYOUT), err);
	if (r == 0)
		r = put_json(w, "index.json", index, err);
	if (r == 0 && w->archive && json_array_size(w->manifest) > 0)
		r = put_json(w, "manifest.json", w->manifest, err);
	return r;
}

int archive_writer_commit(struct archive_writer *w, struct gantry_error *err)
{
	struct sigpipe_hold hold;
	int r;

	if (w->failed)
		return error_set(err, GANTRY_ERR_CONFLICT, "the archive was given up after an error");
	sigpipe_hold(&hold);
	r = commit_tables(w, err);
	if (r == 0 && w->archive && w->lib->archive_write_close(w->archive) != ARCHIVE_OK)
		r = write_error(w, err);
	sigpipe_release(&hold);
	if (r < 0 || !w->temp)
		return r;
	if (fsync(w->out) < 0 || rename(w->temp, w->path) < 0)
		return error_errno(err, errno, "cannot write %s", w->path);
	free(w->temp);
	w->temp = NULL;
	return 0;
}

void archive_writer_free(struct archive_writer *w)
{
	struct sigpipe_hold hold;

	if (!w)
		return;
	sigpipe_hold(&hold);
	/* libarchive ends an archive that is given up: a reader of a pipe must
	 * not take it for whole, so its bytes go nowhere. */
	if (w->archive && (w->temp || !w->path)) {
		int null = open("/dev/null", O_WRONLY | O_CLOEXEC);

		if (null >= 0)
			replace_fd(&w->out, null);
	}
	if (w->archive)
		w->lib->archive_write_free(w->archive);
	if (w->entry)
		w->lib->archive_entry_free(w->entry);
	sigpipe_release(&hold);
	if (w->temp)
		unlink(w->temp);
	if (w->out >= 0)
		close(w->out);
	json_object_put(w->index);
	json_object_put(w->manifest);
	name_set_done(&w->blobs);
	free(w->path);
	free(w->temp);
	free(w);
}
