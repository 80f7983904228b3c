/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/image/image.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "helpers/io.h"
#include "helpers/quantity.h"

#define COLUMNS "id,created_ns,config,doc"

struct image *image_free(struct image *image)
{
	if (image) {
		json_object_put(image->config);
		json_object_put(image->doc);
		free(image->id);
		free(image);
	}
	return NULL;
}

struct found {
	struct image *image;
	int count;
};

static int read_row(sqlite3_stmt *row, struct image **ret, struct gantry_error *err)
{
	auto_image struct image *image = calloc(1, sizeof(*image));
	int r;

	if (!image || !(image->id = strdup(db_column(row, 0)))) {
		return error_no_memory(err);
	}
	image->created_ns = sqlite3_column_int64(row, 1);
	r = json_parse_object(db_column(row, 2), "image configuration", &image->config, err);
	if (r == 0) {
		r = json_parse_object(db_column(row, 3), "image document", &image->doc, err);
	}
	if (r == 0) {
		*ret = steal(&image);
	}
	return r;
}

static int image_row(void *data, sqlite3_stmt *row, struct gantry_error *err)
{
	struct found *f = data;

	return f->count++ ? 1 : read_row(row, &f->image, err);
}

static int find_by_name(struct core *core, const char *name, struct found *f,
			struct gantry_error *err)
{
	struct reference ref;
	struct gantry_error bad = GANTRY_ERROR_INIT;
	char full[700];
	int r;

	if (image_parse_reference(core, name, &ref, &bad) < 0) {
		return 0;
	}
	reference_name(&ref, full, sizeof(full));
	r = db_query(core->db, image_row, f, err,
		     "SELECT " COLUMNS " FROM images WHERE id=(SELECT image FROM refs WHERE name=?)", "s",
		     full);
	if (r == 0 && !f->image && *ref.digest) {
		/* name:tag@digest, or a digest pulled under a tag */
		r = db_query(core->db, image_row, f, err,
			     "SELECT " COLUMNS " FROM images WHERE id=?1 OR "
			     "json_extract(doc,'$.ManifestDigest')=?1 LIMIT 1",
			     "s", ref.digest);
	}
	return r;
}

static int find_by_id(struct core *core, const char *name, struct found *f, struct gantry_error *err)
{
	char prefix[80];

	if (!strncmp(name, "sha256:", 7)) {
		name += 7;
	}
	if (strlen(name) > 64 || !*name || name[strspn(name, "0123456789abcdef")]) {
		return 0;
	}
	snprintf(prefix, sizeof(prefix), "sha256:%s", name);
	return db_query(core->db, image_row, f, err,
			"SELECT " COLUMNS " FROM images WHERE substr(id,1,length(?1))=?1 LIMIT 2", "s",
			prefix);
}

int image_find(struct core *core, const char *name, struct image **ret, struct gantry_error *err)
{
	struct found f = { 0 };
	int r = strncmp(name, "sha256:", 7) ? find_by_name(core, name, &f, err) : 0;

	if (r == 0 && !f.image) {
		r = find_by_id(core, name, &f, err);
	}
	if (r == 0 && f.count > 1) {
		r = error_set(err, GANTRY_ERR_INVALID, "image id prefix %s is ambiguous", name);
	}
	if (r == 0 && !f.image) {
		struct reference ref;

		r = image_parse_reference(core, name, &ref, err);
		if (r == 0) {
			int bare = !*ref.tag && !*ref.digest && strncmp(name, "sha256:", 7);

			r = error_set(err, GANTRY_ERR_NOT_FOUND, "No such image: %s%s", name,
				      bare ? ":latest" : "");
		}
	}
	if (r < 0) {
		image_free(f.image);
		return r;
	}
	*ret = f.image;
	return 0;
}

struct list {
	struct image **items;
	size_t n;
};

static int list_row(void *data, sqlite3_stmt *row, struct gantry_error *err)
{
	struct list *list = data;
	struct image **items = realloc(list->items, (list->n + 1) * sizeof(*items));

	if (!items) {
		return error_no_memory(err);
	}
	list->items = items;
	list->items[list->n] = NULL;
	return read_row(row, &list->items[list->n++], err);
}

int image_each(struct core *core,
	       int (*fn)(struct core *core, struct image *image, void *data, struct gantry_error *err),
	       void *data, struct gantry_error *err)
{
	struct list list = { 0 };
	int r = db_query(core->db, list_row, &list, err,
			 "SELECT " COLUMNS " FROM images ORDER BY created_ns DESC, id", "");

	for (size_t i = 0; i < list.n; i++) {
		if (r == 0) {
			r = fn(core, list.items[i], data, err);
		}
		image_free(list.items[i]);
	}
	free(list.items);
	return r;
}

void image_snapshot_key(const char *chain_id, char key[IMAGE_KEY_SIZE])
{
	snprintf(key, IMAGE_KEY_SIZE, "layer-%.64s", chain_id + 7);
}

const char *image_snapshot(const struct image *image)
{
	static _Thread_local char key[IMAGE_KEY_SIZE];
	struct json_object *layers = json_get_array(image->doc, "Layers");
	size_t n = json_array_size(layers);

	if (n == 0) {
		return NULL;
	}
	image_snapshot_key(json_get_string(json_object_array_get_idx(layers, n - 1), "ChainID"), key);
	return key;
}

int image_chain_id(const char *parent, const char *diff_id, char chain_id[DIGEST_SIZE],
		   struct gantry_error *err)
{
	char text[2 * DIGEST_SIZE + 1];

	if (!parent) {
		snprintf(chain_id, DIGEST_SIZE, "%s", diff_id);
		return 0;
	}
	snprintf(text, sizeof(text), "%s %s", parent, diff_id);
	return digest_of(text, strlen(text), chain_id, err);
}

struct json_object *image_container_config(const struct image *image)
{
	return json_get_object(image->config, "config");
}

static int name_row(void *data, sqlite3_stmt *row, struct gantry_error *err)
{
	return json_add_string(data, db_column(row, 0)) < 0 ? error_no_memory(err) : 0;
}

int image_names(struct core *core, const char *id, struct json_object **ret,
		struct gantry_error *err)
{
	struct json_object *list = json_object_new_array();
	int r = db_query(core->db, name_row, list, err, "SELECT name FROM refs WHERE image=? ORDER BY name",
			 "s", id);

	if (r < 0) {
		json_object_put(list);
		return r;
	}
	*ret = list;
	return 0;
}

/* Of the configuration; images need not say it. */
static int64_t created_time(const char *config)
{
	auto_json struct json_object *o = json_tokener_parse(config);
	const char *text = json_get_string(o, "created");
	int64_t ns;

	return text && parse_date(text, &ns) == 0 && ns > 0 ? ns : 0;
}

/* Blobs and layers are published unsynced, one by one; the record that makes an image of them
 * may reach the disk before they do.  After a power cut what no record names is collected (see
 * reconcile.c), so that one flush here is enough.  It is of whole file systems: thousands of
 * small files are not to be synced one by one. */
static int flush_parts(struct core *core, const char *id, struct gantry_error *err)
{
	auto_free char *content = path_join(core->paths.root, "content", NULL);
	auto_free char *drivers = path_join(core->paths.root, "drivers", "storage", NULL);
	const char *const folders[] = { content, drivers };
	dev_t done = 0;

	if (!config_bool(core->config, "image.durable")) {
		return 0;
	}
	for (size_t i = 0; i < ARRAY_SIZE(folders); i++) {
		auto_fd int fd = folders[i] ? open(folders[i], O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
		struct stat st;

		if (fd < 0 || fstat(fd, &st) < 0 || (i && st.st_dev == done)) {
			continue;
		}
		if (syncfs(fd) < 0) {
			error_errno(err, errno, "cannot flush image %s to the disk", id);
			return error_hint(err, "look for failures of the disk of %s in the kernel's log", folders[i]);
		}
		done = st.st_dev;
	}
	return 0;
}

int image_insert(struct core *core, const char *id, const struct buf *config,
		 struct json_object *doc, const char *name, struct gantry_error *err)
{
	int64_t known = 0;
	int r = db_get_int(core->db, 0, &known, err, "SELECT count(*) FROM images WHERE id=? AND json_remove(doc,'$.LastTagNs')=json(?)",
			   "ss", id, json_text(doc));

	if (r == 0 && !known) {
		r = flush_parts(core, id, err);
	}
	if (r == 0) {
		r = db_begin(core->db, err);
	}
	if (r < 0) {
		return r;
	}
	r = db_exec(core->db, err, "INSERT OR REPLACE INTO images VALUES(?,?,?,?)", "siss", id,
		    created_time(buf_str(config)), buf_str(config), json_text(doc));
	if (r == 0 && name) {
		r = image_set_name(core, name, id, err);
	}
	return db_end(core->db, r, err);
}

int image_set_name(struct core *core, const char *name, const char *id, struct gantry_error *err)
{
	int r = db_exec(core->db, err, "INSERT OR REPLACE INTO refs VALUES(?,?)", "ss", name, id);

	return r < 0 ? r
		     : db_exec(core->db, err, "UPDATE images SET doc=json_set(doc,'$.LastTagNs',?) WHERE id=?",
			       "is", time_now_ns(), id);
}

int image_set_digest(struct core *core, const struct reference *ref, const char *digest, const char *id,
		     struct gantry_error *err)
{
	char name[700];

	snprintf(name, sizeof(name), "%s@%s", ref->familiar, digest);
	return db_exec(core->db, err, "INSERT OR IGNORE INTO refs VALUES(?,?)", "ss", name, id);
}

int image_check_platform(const struct image *image, const char *name, const struct platform *want,
			 struct gantry_error *err)
{
	char has[PLATFORM_TEXT_MAX], wanted[PLATFORM_TEXT_MAX];
	struct platform have;

	image_platform_of(image->config, &have);
	/* An image that says nothing fits everything. */
	if (!*have.arch || image_platform_rank(want, &have)) {
		return 0;
	}
	image_platform_text(&have, has);
	image_platform_text(want, wanted);
	return error_set(err, GANTRY_ERR_NOT_FOUND,
			 "image with reference %s was found but its platform (%s) does not match the "
			 "specified platform (%s)",
			 name, has, wanted);
}

int image_parse_reference(struct core *core, const char *text, struct reference *ret,
			  struct gantry_error *err)
{
	return reference_parse(text, config_string(core->config, "registry.default"), ret, err);
}
