/* SPDX-License-Identifier: Apache-2.0 */
/* Parts of images that nothing refers to any more.  An image's layers and blobs are there
 * before its record is: images/lock in the run folder is held shared by who makes one and
 * alone by who collects, who does not wait but leaves the file images/due, on which the
 * last to hold it acts. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include <gantry/calls.h>

#include "core/content/content.h"
#include "core/image/image.h"
#include "core/lazy/lazy.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "helpers/io.h"

#define DAY_S (24 * 60 * 60)

static int open_lock(struct core *core, struct gantry_error *err)
{
	auto_free char *folder = path_join(core->paths.run_root, "images", NULL);
	auto_free char *path = path_join(folder, "lock", NULL);
	int r = folder && path ? make_dirs(AT_FDCWD, folder, 0700) : -ENOMEM;
	int fd = r < 0 ? r : open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	if (r < 0 || fd < 0) {
		return error_errno(err, r < 0 ? -r : errno, "cannot open %s", path ? path : "images/lock");
	}
	return fd;
}

static char *due_path(struct core *core)
{
	return path_join(core->paths.run_root, "images", "due", NULL);
}

int image_parts_hold(struct core *core, struct gantry_error *err)
{
	int fd = open_lock(core, err);

	while (fd >= 0 && flock(fd, LOCK_SH) < 0) {
		if (errno != EINTR) {
			int code = error_errno(err, errno, "cannot lock the images");

			close(fd);
			return code;
		}
	}
	return fd;
}

void image_parts_release(struct core *core, int hold)
{
	auto_free char *due = due_path(core);
	struct gantry_error ignored = GANTRY_ERROR_INIT;

	if (hold < 0) {
		return;
	}
	close(hold);
	if (due && access(due, F_OK) == 0) {
		(void)image_collect(core, COLLECT_LAYERS, NULL, NULL, &ignored);
	}
}

/* Alone with the images: a descriptor, or -1 when somebody makes one, who is told. */
static int lock_alone(struct core *core, int *ret, struct gantry_error *err)
{
	auto_free char *due = due_path(core);
	auto_fd int fd = open_lock(core, err);

	if (fd < 0 || !due) {
		return fd < 0 ? err->code : error_no_memory(err);
	}
	if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		auto_fd int mark = open(due, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

		/* Who let go between our two looks has not seen the mark. */
		if (mark < 0 || flock(fd, LOCK_EX | LOCK_NB) < 0) {
			*ret = -1;
			return mark < 0 ? error_errno(err, errno, "cannot create %s", due) : 0;
		}
	}
	unlink(due);
	*ret = steal_fd(&fd);
	return 0;
}

/* Chain ids and blob digests that some image needs. */
struct needed {
	struct json_object *chains;
	struct json_object *blobs;
};

static int need(struct core *core, struct image *image, void *data, struct gantry_error *err)
{
	struct needed *n = data;
	struct json_object *layers = json_get_array(image->doc, "Layers");

	for (size_t i = 0; i < json_array_size(layers); i++) {
		struct json_object *l = json_object_array_get_idx(layers, i);

		json_set_bool(n->chains, json_get_string(l, "ChainID"), 1);
		if (json_get_string(l, "Digest")) {
			json_set_bool(n->blobs, json_get_string(l, "Digest"), 1);
		}
	}
	if (json_get_string(image->doc, "ManifestDigest")) {
		json_set_bool(n->blobs, json_get_string(image->doc, "ManifestDigest"), 1);
	}
	return json_set_bool(n->blobs, image->id, 1);
}

struct layer_row {
	char chain_id[DIGEST_SIZE];
	char driver[64];
	int64_t size;
};

struct layer_rows {
	struct layer_row *items;
	size_t n;
};

static int layer_row(void *data, sqlite3_stmt *row, struct gantry_error *err)
{
	struct layer_rows *rows = data;
	struct layer_row *items = realloc(rows->items, (rows->n + 1) * sizeof(*items));

	if (!items) {
		return error_no_memory(err);
	}
	rows->items = items;
	snprintf(items[rows->n].chain_id, DIGEST_SIZE, "%s", db_column(row, 0));
	snprintf(items[rows->n].driver, sizeof(items->driver), "%s", db_column(row, 1));
	items[rows->n].size = sqlite3_column_int64(row, 2);
	rows->n++;
	return 0;
}

/* The record goes first: a layer without its snapshot must never be believed in. */
static int remove_layer(struct core *core, const struct layer_row *l, struct gantry_error *err)
{
	auto_(reply) struct reply ret = REPLY_INIT;
	struct driver *storage;
	char key[IMAGE_KEY_SIZE];
	int r = registry_get(core->registry, "storage", l->driver, &storage, err);

	if (r == 0) {
		r = db_exec(core->db, err, "DELETE FROM layers WHERE chain_id=?", "s", l->chain_id);
	}
	if (r == 0) {
		r = lazy_forget(core, l->chain_id, err);
	}
	if (r == 0) {
		image_snapshot_key(l->chain_id, key);
		r = storage_remove(storage, &GANTRY_STORAGE_REMOVE_ARGS(.key = key), &ret, err);
	}
	return r;
}

struct sweep {
	struct core *core;
	struct needed *needed;
	enum collect what;
};

static int sweep_blob(const char *digest, int64_t size, void *data)
{
	struct sweep *s = data;
	struct gantry_error ignored = GANTRY_ERROR_INIT;

	if (!json_get(s->needed->blobs, digest) && !lazy_needs(s->core, digest) &&
	    (s->what > COLLECT_LAYERS || content_age(s->core->paths.root, digest) > DAY_S) &&
	    content_remove(s->core->paths.root, digest, &ignored) == 0) {
		(void)db_exec(s->core->db, &ignored, "DELETE FROM blobs WHERE digest=?", "s", digest);
	}
	return 0;
}

/* Those on top of others first.  Layers are fetched side by side, so the lowest of a
 * pull that was killed may be missing. */
static int find_layers(struct core *core, struct layer_rows *rows, struct gantry_error *err)
{
	return db_query(core->db, layer_row, rows, err,
			"WITH RECURSIVE tower(chain_id, height) AS ("
			"SELECT chain_id, 0 FROM layers WHERE parent IS NULL OR "
			"parent NOT IN (SELECT chain_id FROM layers) UNION ALL "
			"SELECT l.chain_id, height + 1 FROM layers l JOIN tower ON l.parent = tower.chain_id) "
			"SELECT l.chain_id, l.driver, l.size FROM layers l LEFT JOIN tower USING(chain_id) "
			"ORDER BY height DESC", "");
}

static int collect_layers(struct core *core, struct json_object *chains, struct json_object *report,
			  int64_t *ret_bytes, struct gantry_error *err)
{
	struct layer_rows rows = { 0 };
	int r = find_layers(core, &rows, err);

	for (size_t i = 0; r == 0 && i < rows.n; i++) {
		if (json_get(chains, rows.items[i].chain_id)) {
			continue;
		}
		r = remove_layer(core, &rows.items[i], err);
		if (r == 0 && report) {
			struct json_object *o = json_object_new_object();

			json_set_string(o, "Deleted", rows.items[i].chain_id);
			json_object_array_add(report, o);
		}
		*ret_bytes += rows.items[i].size;
	}
	free(rows.items);
	return r;
}

int image_collect(struct core *core, enum collect what, struct json_object *report,
		  int64_t *ret_bytes, struct gantry_error *err)
{
	auto_json struct json_object *chains = json_object_new_object();
	auto_json struct json_object *blobs = json_object_new_object();
	struct needed needed = { chains, blobs };
	struct sweep sweep = { core, &needed, what };
	auto_fd int lock = -1;
	int64_t freed = 0;
	int r = lock_alone(core, &lock, err);

	if (r < 0 || lock < 0) {
		return r;
	}
	r = image_each(core, need, &needed, err);
	if (r == 0) {
		r = collect_layers(core, chains, report, &freed, err);
	}
	if (r == 0) {
		r = content_each(core->paths.root, sweep_blob, &sweep, err);
	}
	if (r == 0) {
		lazy_collect(core);
		content_sweep_partial(core->paths.root, what == COLLECT_ALL ? 0 : DAY_S);
	}
	if (r == 0 && ret_bytes) {
		*ret_bytes = freed;
	}
	return r;
}
