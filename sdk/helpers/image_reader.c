/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading image archives.  Everything is found when the archive is opened:
 * images with their names and manifests, and where blobs lie that are not named
 * by their digest.  Afterwards a reader is immutable but for the manifests that
 * are loaded by digest, which a lock guards.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "buf.h"
#include "cleanup.h"
#include "error.h"
#include "image_archive.h"
#include "image_spool.h"
#include "io.h"
#include "json.h"
#include "sigpipe.h"
#include "tar_index.h"

#define JSON_LIMIT (4 * 1024 * 1024)
#define CONFIG_LIMIT (8 * 1024 * 1024)
#define MAX_IMAGES 4096
#define COPY_BLOCK (256 * 1024)

#define OCI_MANIFEST "application/vnd.oci.image.manifest.v1+json"
#define OCI_INDEX "application/vnd.oci.image.index.v1+json"
#define OCI_CONFIG "application/vnd.oci.image.config.v1+json"
#define OCI_LAYER "application/vnd.oci.image.layer.v1.tar"

/* A manifest: from an index, made from manifest.json, or loaded by digest. */
struct image {
	char **names;
	size_t n_names;
	char digest[DIGEST_TEXT_MAX];
	char *media_type;
	struct buf manifest; /* empty until it is asked for */
	int is_listed;
	struct image *next;
};

/* A blob of a Docker archive that lies under another name than its digest. */
struct alias {
	char digest[DIGEST_TEXT_MAX];
	char *path;
};

struct archive_reader {
	int fd;     /* the tar, or the folder */
	int is_tar;
	struct tar_index index;
	struct alias *aliases;
	size_t n_aliases;
	pthread_mutex_t lock; /* guards what follows */
	struct image *images; /* in the archive's order */
	size_t n_images;
};

/* A file of the archive: [offset, offset + size) of fd. */
struct piece {
	int fd;
	int own; /* fd is to be closed */
	int64_t offset;
	int64_t size;
};

static void piece_auto(struct piece *p)
{
	if (p->own && p->fd >= 0)
		close(p->fd);
}

/* -ENOENT when there is no such file. */
static int open_piece(const struct archive_reader *r, const char *path, struct piece *ret)
{
	struct open_how how = {
		.flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS,
	};
	struct stat st;

	*ret = (struct piece){ .fd = -1 };
	if (r->is_tar) {
		const struct tar_item *item = tar_index_find(&r->index, path);

		if (!item)
			return -ENOENT;
		*ret = (struct piece){ .fd = r->fd, .offset = item->offset, .size = item->size };
		return 0;
	}
	ret->fd = (int)syscall(SYS_openat2, r->fd, path, &how, sizeof(how));
	if (ret->fd < 0)
		return errno == ENOTDIR ? -ENOENT : -errno;
	ret->own = 1;
	if (fstat(ret->fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -ENOENT;
	ret->size = st.st_size;
	return 0;
}

static int read_piece(const struct piece *p, struct buf *out, int64_t limit, const char *path,
		      struct gantry_error *err)
{
	char *to;
	int64_t got = 0;

	if (p->size > limit)
		return error_set(err, GANTRY_ERR_LIMIT, "%s in the archive has more than %lld bytes", path,
				 (long long)limit);
	to = buf_reserve(out, (size_t)p->size + 1);
	if (!to)
		return error_no_memory(err);
	while (got < p->size) {
		ssize_t n = pread(p->fd, to + got, (size_t)(p->size - got), p->offset + got);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return error_errno(err, errno, "cannot read %s", path);
		if (n == 0)
			return error_set(err, GANTRY_ERR_CORRUPT, "%s in the archive is cut off", path);
		got += n;
	}
	to[got] = '\0';
	out->len = (size_t)got;
	return 0;
}

/* NOT_FOUND when the archive has no such file. */
static int read_member(const struct archive_reader *r, const char *path, int64_t limit,
		       struct buf *out, struct gantry_error *err)
{
	auto_(piece) struct piece p = { .fd = -1 };
	int code = open_piece(r, path, &p);

	if (code == -ENOENT)
		return error_set(err, GANTRY_ERR_NOT_FOUND, "the archive has no %.200s", path);
	if (code < 0)
		return error_errno(err, -code, "cannot open %.200s in the archive", path);
	return read_piece(&p, out, limit, path, err);
}

static void image_free(struct image *image)
{
	for (size_t i = 0; i < image->n_names; i++)
		free(image->names[i]);
	free(image->names);
	free(image->media_type);
	buf_done(&image->manifest);
	free(image);
}

void archive_reader_free(struct archive_reader *r)
{
	if (!r)
		return;
	while (r->images) {
		struct image *next = r->images->next;

		image_free(r->images);
		r->images = next;
	}
	for (size_t i = 0; i < r->n_aliases; i++)
		free(r->aliases[i].path);
	free(r->aliases);
	tar_index_done(&r->index);
	if (r->fd >= 0)
		close(r->fd);
	pthread_mutex_destroy(&r->lock);
	free(r);
}

static int add_name(struct image *image, const char *name)
{
	char **more = reallocarray(image->names, image->n_names + 1, sizeof(*more));

	if (!more)
		return -1;
	image->names = more;
	more[image->n_names] = strdup(name);
	return more[image->n_names++] ? 0 : -1;
}

/* The image of this digest, added at the end when it is new. */
static struct image *add_image(struct archive_reader *r, const char *digest, const char *media_type,
			       int is_listed, struct gantry_error *err)
{
	struct image **p = &r->images, *image;

	for (; *p; p = &(*p)->next) {
		if (!strcmp((*p)->digest, digest)) {
			(*p)->is_listed |= is_listed;
			return *p;
		}
	}
	if (r->n_images == MAX_IMAGES) {
		error_set(err, GANTRY_ERR_LIMIT, "the archive has more than %d images", MAX_IMAGES);
		return NULL;
	}
	image = calloc(1, sizeof(*image));
	if (image)
		image->media_type = strdup(media_type);
	if (!image || !image->media_type) {
		free(image);
		error_no_memory(err);
		return NULL;
	}
	strcpy(image->digest, digest);
	image->is_listed = is_listed;
	*p = image;
	r->n_images++;
	return image;
}

static void blob_path(const char *digest, char *to, size_t size)
{
	snprintf(to, size, "blobs/%.*s/%s", (int)strcspn(digest, ":"), digest, strchr(digest, ':') + 1);
}

/* "blobs/sha256/HEX" -> "sha256:HEX"; 0 when it is no such path. */
static int path_digest(const char *path, char to[DIGEST_TEXT_MAX])
{
	const char *slash;

	if (strncmp(path, "blobs/", 6) != 0 || strlen(path) >= DIGEST_TEXT_MAX)
		return 0;
	slash = strchr(path + 6, '/');
	if (!slash)
		return 0;
	snprintf(to, DIGEST_TEXT_MAX, "%.*s:%s", (int)(slash - path - 6), path + 6, slash + 1);
	return digest_is_valid(to);
}

static int add_alias(struct archive_reader *r, const char *digest, const char *path,
		     struct gantry_error *err)
{
	struct alias *more = reallocarray(r->aliases, r->n_aliases + 1, sizeof(*more));

	if (!more)
		return error_no_memory(err);
	r->aliases = more;
	more += r->n_aliases;
	strcpy(more->digest, digest);
	more->path = strdup(path);
	if (!more->path)
		return error_no_memory(err);
	r->n_aliases++;
	return 0;
}

/* The name an index gives an image: a full one where there is one. */
static const char *index_name(struct json_object *descriptor)
{
	struct json_object *notes = json_get_object(descriptor, "annotations");
	const char *name = json_get_string(notes, "io.containerd.image.name");

	return name && *name ? name : json_get_string(notes, "org.opencontainers.image.ref.name");
}

static int read_index(struct archive_reader *r, const struct buf *text, struct gantry_error *err)
{
	auto_json struct json_object *o = NULL;
	struct json_object *list;
	int code = json_parse(buf_str(text), text->len, "index.json", &o, err);

	if (code < 0)
		return code;
	list = json_get_array(o, "manifests");
	for (size_t i = 0; i < json_array_size(list); i++) {
		struct json_object *d = json_object_array_get_idx(list, i);
		const char *digest = json_get_string(d, "digest"), *name = index_name(d);
		const char *type = json_get_string(d, "mediaType");
		struct image *image;

		if (!digest_is_valid(digest))
			return error_set(err, GANTRY_ERR_CORRUPT, "index.json has an entry without a digest");
		image = add_image(r, digest, type ? type : OCI_MANIFEST, 1, err);
		if (!image)
			return err->code;
		if (name && *name && add_name(image, name) < 0)
			return error_no_memory(err);
	}
	return 0;
}

static int hash_piece(const struct piece *p, char ret[DIGEST_TEXT_MAX], struct gantry_error *err)
{
	auto_(digest) struct digest d = { 0 };
	auto_free char *block = malloc(COPY_BLOCK);
	int64_t at = 0;
	int r = block ? digest_init(&d, "sha256", err) : error_no_memory(err);

	while (r == 0 && at < p->size) {
		size_t want = p->size - at < COPY_BLOCK ? (size_t)(p->size - at) : COPY_BLOCK;
		ssize_t n = pread(p->fd, block, want, p->offset + at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return error_errno(err, n < 0 ? errno : EIO, "cannot read a layer of the archive");
		r = digest_update(&d, block, (size_t)n, err);
		at += n;
	}
	return r < 0 ? r : digest_final(&d, ret, err);
}

static const char *layer_type(const struct piece *p)
{
	unsigned char magic[4] = { 0 };

	if (pread(p->fd, magic, p->size < 4 ? (size_t)p->size : 4, p->offset) == 4) {
		if (magic[0] == 0x1f && magic[1] == 0x8b)
			return OCI_LAYER "+gzip";
		if (!memcmp(magic, "\x28\xb5\x2f\xfd", 4))
			return OCI_LAYER "+zstd";
	}
	return OCI_LAYER;
}

static int add_descriptor(struct buf *out, const char *type, const char *digest, int64_t size)
{
	buf_addf(out, "{\"mediaType\":\"%s\",\"digest\":\"%s\",\"size\":%lld}", type, digest,
		 (long long)size);
	return buf_failed(out) ? -1 : 0;
}

/* One layer of manifest.json: an uncompressed tar is named by its diff id. */
static int docker_layer(struct archive_reader *r, const char *path, const char *diff_id,
			struct buf *manifest, struct gantry_error *err)
{
	auto_(piece) struct piece p = { .fd = -1 };
	char digest[DIGEST_TEXT_MAX];
	const char *type;
	int code = open_piece(r, path, &p);

	if (code < 0)
		return error_set(err, GANTRY_ERR_CORRUPT, "the archive has no layer %.200s", path);
	if (!digest_is_valid(diff_id))
		return error_set(err, GANTRY_ERR_CORRUPT, "the image's configuration has no digest for layer %.200s",
				 path);
	type = layer_type(&p);
	if (!path_digest(path, digest)) {
		if (strcmp(type, OCI_LAYER) != 0)
			code = hash_piece(&p, digest, err);
		else
			strcpy(digest, diff_id);
		if (code == 0)
			code = add_alias(r, digest, path, err);
		if (code < 0)
			return code;
	}
	return add_descriptor(manifest, type, digest, p.size) < 0 ? error_no_memory(err) : 0;
}

static int docker_config(struct archive_reader *r, const char *path, struct buf *config,
			 char digest[DIGEST_TEXT_MAX], struct gantry_error *err)
{
	char named[DIGEST_TEXT_MAX];
	const char *dot;
	int code = read_member(r, path, CONFIG_LIMIT, config, err);

	if (code == 0)
		code = digest_of(config->data, config->len, digest, err);
	if (code < 0)
		return code;
	/* Its name is its digest: "HEX.json" or "blobs/sha256/HEX". */
	dot = strstr(path, ".json");
	if (!path_digest(path, named) && dot && dot - path == 64)
		snprintf(named, sizeof(named), "sha256:%.64s", path);
	else if (!path_digest(path, named))
		named[0] = '\0';
	if (*named && strcmp(named, digest) != 0)
		return error_set(err, GANTRY_ERR_CORRUPT, "the image's configuration %.200s does not match its digest",
				 path);
	return add_alias(r, digest, path, err);
}

/* Makes the manifest that a registry would have for one entry of manifest.json. */
static int docker_manifest(struct archive_reader *r, struct json_object *entry, struct buf *out,
			   struct gantry_error *err)
{
	auto_(buf) struct buf config = BUF_INIT;
	auto_json struct json_object *o = NULL;
	struct json_object *layers = json_get_array(entry, "Layers"), *ids;
	const char *path = json_get_string(entry, "Config");
	char digest[DIGEST_TEXT_MAX];
	int code;

	if (!path || !layers)
		return error_set(err, GANTRY_ERR_CORRUPT, "manifest.json has an entry without configuration or layers");
	code = docker_config(r, path, &config, digest, err);
	if (code == 0)
		code = json_parse(buf_str(&config), config.len, "the image's configuration", &o, err);
	if (code < 0)
		return code;
	ids = json_get_array(json_get_object(o, "rootfs"), "diff_ids");
	if (json_array_size(ids) != json_array_size(layers))
		return error_set(err, GANTRY_ERR_CORRUPT, "the archive has %zu layers of an image of %zu",
				 json_array_size(layers), json_array_size(ids));
	buf_adds(out, "{\"schemaVersion\":2,\"mediaType\":\"" OCI_MANIFEST "\",\"config\":");
	add_descriptor(out, OCI_CONFIG, digest, (int64_t)config.len);
	buf_adds(out, ",\"layers\":[");
	for (size_t i = 0; code == 0 && i < json_array_size(layers); i++) {
		const char *layer = json_item_string(layers, i);

		if (i)
			buf_addc(out, ',');
		code = docker_layer(r, layer ? layer : "", json_item_string(ids, i), out, err);
	}
	buf_adds(out, "]}");
	if (code == 0 && buf_failed(out))
		code = error_no_memory(err);
	return code;
}

static int docker_image(struct archive_reader *r, struct json_object *entry,
			struct gantry_error *err)
{
	struct json_object *tags = json_get_array(entry, "RepoTags");
	struct buf manifest = BUF_INIT;
	char digest[DIGEST_TEXT_MAX];
	struct image *image;
	int code = docker_manifest(r, entry, &manifest, err);

	if (code == 0)
		code = digest_of(manifest.data, manifest.len, digest, err);
	image = code == 0 ? add_image(r, digest, OCI_MANIFEST, 1, err) : NULL;
	if (!image) {
		buf_done(&manifest);
		return err->code;
	}
	buf_done(&image->manifest);
	image->manifest = manifest;
	for (size_t i = 0; i < json_array_size(tags); i++) {
		const char *tag = json_item_string(tags, i);

		if (tag && add_name(image, tag) < 0)
			return error_no_memory(err);
	}
	return 0;
}

static int read_docker(struct archive_reader *r, const struct buf *text, struct gantry_error *err)
{
	auto_json struct json_object *o = NULL;
	int code = json_parse(buf_str(text), text->len, "manifest.json", &o, err);

	if (code == 0 && !json_object_is_type(o, json_type_array))
		code = error_set(err, GANTRY_ERR_CORRUPT, "manifest.json is no list of images");
	for (size_t i = 0; code == 0 && i < json_array_size(o); i++)
		code = docker_image(r, json_object_array_get_idx(o, i), err);
	return code;
}

/* Each flavour looks for its own table of contents first. */
static int read_contents(struct archive_reader *r, enum archive_flavour flavour,
			 struct gantry_error *err)
{
	static const char *const files[] = { "manifest.json", "index.json" };
	size_t first = flavour == ARCHIVE_OCI;

	for (size_t i = 0; i < 2; i++) {
		auto_(buf) struct buf text = BUF_INIT;
		const char *file = files[(first + i) % 2];
		int code = read_member(r, file, JSON_LIMIT, &text, err);

		if (code == GANTRY_ERR_NOT_FOUND)
			continue;
		if (code == 0)
			code = file == files[1] ? read_index(r, &text, err) : read_docker(r, &text, err);
		if (code < 0 && code == GANTRY_ERR_INVALID)
			err->code = code = GANTRY_ERR_CORRUPT;
		return code;
	}
	error_set(err, GANTRY_ERR_CORRUPT, "it holds no image: neither index.json nor manifest.json is in it");
	return error_hint(err, "the tar of a container's files is imported with `gantry import`");
}

static int open_source(struct archive_reader *r, const char *path, int file, const char *spool_dir,
		       int64_t limit, struct gantry_error *err)
{
	auto_fd int fd = file >= 0 ? fcntl(file, F_DUPFD_CLOEXEC, 3) : open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return error_errno(err, errno, "cannot open %s", file >= 0 ? "the archive" : path);
	r->is_tar = !S_ISDIR(st.st_mode);
	if (r->is_tar && !archive_is_plain(fd)) {
		r->fd = archive_spool(fd, spool_dir, limit, err);
		return r->fd < 0 ? r->fd : 0;
	}
	r->fd = steal_fd(&fd);
	return 0;
}

int archive_reader_open(const char *path, int file, enum archive_flavour flavour,
			const char *spool_dir, int64_t spool_limit, struct archive_reader **ret,
			struct gantry_error *err)
{
	struct archive_reader *r = calloc(1, sizeof(*r));
	int code;

	if (!r)
		return error_no_memory(err);
	r->fd = -1;
	pthread_mutex_init(&r->lock, NULL);
	code = open_source(r, path, file, spool_dir, spool_limit, err);
	if (code == 0 && r->is_tar)
		code = tar_index_read(r->fd, &r->index, err);
	if (code == 0)
		code = read_contents(r, flavour, err);
	if (code < 0) {
		archive_reader_free(r);
		return file >= 0 || !path ? code : error_prefix(err, "cannot read %s", path);
	}
	*ret = r;
	return 0;
}

int archive_reader_list(struct archive_reader *r, struct gantry_reply *reply,
			struct gantry_error *err)
{
	char text[DIGEST_TEXT_MAX + 1];
	int code = 0;

	pthread_mutex_lock(&r->lock);
	for (struct image *image = r->images; image && code == 0; image = image->next) {
		snprintf(text, sizeof(text), "@%s", image->digest);
		if (image->is_listed && !image->n_names)
			code = reply->ops->put_item(reply, 0, text);
		for (size_t i = 0; i < image->n_names && code == 0; i++)
			code = reply->ops->put_item(reply, 0, image->names[i]);
	}
	pthread_mutex_unlock(&r->lock);
	return code < 0 ? error_no_memory(err) : 0;
}

/* By name, digest, or as the only one; NULL. */
static struct image *find_image(struct archive_reader *r, const char *reference)
{
	const char *digest = reference[0] == '@' ? reference + 1 : reference;

	if (!*reference)
		return r->images && (!r->images->next || !r->images->next->is_listed) ? r->images : NULL;
	for (struct image *image = r->images; image; image = image->next) {
		if (!strcmp(image->digest, digest))
			return image;
		for (size_t i = 0; i < image->n_names; i++) {
			if (!strcmp(image->names[i], reference))
				return image;
		}
	}
	return NULL;
}

/* A manifest that no table names, such as one of a platform. */
static struct image *add_by_digest(struct archive_reader *r, const char *reference,
				   struct gantry_error *err)
{
	const char *digest = reference[0] == '@' ? reference + 1 : reference;
	auto_(piece) struct piece p = { .fd = -1 };
	char path[DIGEST_TEXT_MAX + 16];

	if (digest_is_valid(digest)) {
		blob_path(digest, path, sizeof(path));
		if (open_piece(r, path, &p) == 0)
			return add_image(r, digest, "", 0, err);
	}
	error_set(err, GANTRY_ERR_NOT_FOUND, "the archive has no image %.200s",
		  *reference ? reference : "(it has several: name one)");
	return NULL;
}

/* Reads and checks its bytes; the kind that they name themselves is the one. */
static int load_manifest(struct archive_reader *r, struct image *image, struct gantry_error *err)
{
	auto_json struct json_object *o = NULL;
	auto_(buf) struct buf text = BUF_INIT;
	char path[DIGEST_TEXT_MAX + 16];
	const char *type;
	int code;

	if (image->manifest.len > 0)
		return 0;
	blob_path(image->digest, path, sizeof(path));
	code = read_member(r, path, JSON_LIMIT, &text, err);
	if (code == 0)
		code = digest_matches(image->digest, text.data, text.len, err);
	if (code < 0)
		return code;
	if (code == 0 || json_parse(buf_str(&text), text.len, path, &o, err) < 0)
		return error_set(err, GANTRY_ERR_CORRUPT, "manifest %s of the archive is damaged", image->digest);
	type = json_get_string(o, "mediaType");
	if (!type || !*type)
		type = *image->media_type ? image->media_type : json_get_array(o, "manifests") ? OCI_INDEX : OCI_MANIFEST;
	type = strdup(type);
	if (!type)
		return error_no_memory(err);
	free(image->media_type);
	image->media_type = (char *)(uintptr_t)type;
	image->manifest = text;
	text = (struct buf)BUF_INIT;
	return 0;
}

int archive_reader_resolve(struct archive_reader *r, const char *reference,
			   struct archive_manifest *ret, struct gantry_error *err)
{
	struct image *image;
	int code;

	pthread_mutex_lock(&r->lock);
	image = find_image(r, reference);
	if (!image)
		image = add_by_digest(r, reference, err);
	code = image ? load_manifest(r, image, err) : err->code;
	if (code == 0)
		*ret = (struct archive_manifest){ image->digest, image->media_type, image->manifest.data,
						  image->manifest.len };
	pthread_mutex_unlock(&r->lock);
	return code;
}

static int copy_piece(const struct piece *p, int64_t offset, int sink, int64_t *ret,
		      struct gantry_error *err)
{
	auto_free char *block = malloc(COPY_BLOCK);
	int64_t at = offset;

	if (!block)
		return error_no_memory(err);
	while (at < p->size) {
		size_t want = p->size - at < COPY_BLOCK ? (size_t)(p->size - at) : COPY_BLOCK;
		ssize_t n = pread(p->fd, block, want, p->offset + at);
		int r;

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return error_errno(err, n < 0 ? errno : EIO, "cannot read the archive");
		r = write_all(sink, block, (size_t)n);
		if (r == -EPIPE)
			return error_set(err, GANTRY_ERR_CANCELLED, "the transfer was given up");
		if (r < 0)
			return error_errno(err, -r, "cannot store what the archive holds");
		at += n;
	}
	*ret = at - offset;
	return 0;
}

int archive_reader_fetch(struct archive_reader *r, const char *digest, int64_t offset, int sink,
			 int64_t *ret, struct gantry_error *err)
{
	auto_(piece) struct piece p = { .fd = -1 };
	char path[DIGEST_TEXT_MAX + 16];
	struct sigpipe_hold hold;
	int code;

	if (!digest_is_valid(digest))
		return error_set(err, GANTRY_ERR_INVALID, "\"%.200s\" is no digest", digest);
	blob_path(digest, path, sizeof(path));
	code = open_piece(r, path, &p);
	for (size_t i = 0; code == -ENOENT && i < r->n_aliases; i++) {
		if (!strcmp(r->aliases[i].digest, digest))
			code = open_piece(r, r->aliases[i].path, &p);
	}
	if (code == -ENOENT)
		return error_set(err, GANTRY_ERR_NOT_FOUND, "the archive has no blob %s", digest);
	if (code < 0)
		return error_errno(err, -code, "cannot open blob %s in the archive", digest);
	if (offset < 0 || offset > p.size)
		return error_set(err, GANTRY_ERR_INVALID, "blob %s has only %lld bytes", digest,
				 (long long)p.size);
	sigpipe_hold(&hold);
	code = copy_piece(&p, offset, sink, ret, err);
	sigpipe_release(&hold);
	return code;
}
