/* SPDX-License-Identifier: Apache-2.0 */
/* Records of containers: found by name, id or prefix, locked across processes by
 * flock(2) on <run_dir>/lock, which is released when its holder dies. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/container/container.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "helpers/io.h"
#include "helpers/quantity.h"

#define COLUMNS "id,name,image,status,created_ns,doc,state"

struct container *container_free(struct container *c)
{
	if (!c) {
		return NULL;
	}
	if (c->lock >= 0) {
		close(c->lock);
	}
	json_object_put(c->doc);
	json_object_put(c->state);
	free(c->id);
	free(c->name);
	free(c->image);
	free(c->status);
	free(c);
	return NULL;
}

static int read_row(sqlite3_stmt *row, struct container **ret, struct gantry_error *err)
{
	auto_container struct container *c = calloc(1, sizeof(*c));
	int r;

	if (!c) {
		return error_no_memory(err);
	}
	c->lock = -1;
	c->id = strdup(db_column(row, 0));
	c->name = strdup(db_column(row, 1));
	c->image = strdup(db_column(row, 2));
	c->status = strdup(db_column(row, 3));
	c->created_ns = sqlite3_column_int64(row, 4);
	if (!c->id || !c->name || !c->image || !c->status) {
		return error_no_memory(err);
	}
	r = json_parse_object(db_column(row, 5), "container document", &c->doc, err);
	if (r == 0) {
		r = json_parse_object(db_column(row, 6), "container state", &c->state, err);
	}
	if (r < 0) {
		return error_prefix(err, "container %s", c->name);
	}
	*ret = steal(&c);
	return 0;
}

struct found {
	struct container *c;
	int count;
};

static int found_row(void *data, sqlite3_stmt *row, struct gantry_error *err)
{
	struct found *f = data;

	if (f->count++ > 0) {
		return 1;
	}
	return read_row(row, &f->c, err);
}

static int load_exact(struct core *core, const char *name, struct found *f, struct gantry_error *err)
{
	int r = db_query(core->db, found_row, f, err,
			 "SELECT " COLUMNS " FROM containers WHERE id=?", "s", name);

	if (r == 0 && !f->c) {
		r = db_query(core->db, found_row, f, err,
			     "SELECT " COLUMNS " FROM containers WHERE name=?", "s", name);
	}
	return r;
}

static int is_hex(const char *text)
{
	return *text && text[strspn(text, "0123456789abcdef")] == '\0';
}

static int load(struct core *core, const char *name, struct container **ret,
		struct gantry_error *err)
{
	struct found f = { 0 };
	int r;

	if (name[0] == '/') {
		name++;
	}
	r = load_exact(core, name, &f, err);
	if (r == 0 && !f.c && is_hex(name)) {
		r = db_query(core->db, found_row, &f, err,
			     "SELECT " COLUMNS " FROM containers WHERE substr(id,1,length(?1))=?1 LIMIT 2",
			     "s", name);
	}
	if (r < 0) {
		container_free(f.c);
		return r;
	}
	if (f.count > 1) {
		container_free(f.c);
		return error_set(err, GANTRY_ERR_INVALID,
				 "Multiple IDs found with provided prefix: %s", name);
	}
	if (!f.c) {
		return error_set(err, GANTRY_ERR_NOT_FOUND, "No such container: %s", name);
	}
	*ret = f.c;
	return 0;
}

int container_is_running(const struct container *c)
{
	return container_is(c, "running") || container_is(c, "paused") ||
	       container_is(c, "restarting");
}

/* Has the shim of a container that is recorded as running ended? */
static int shim_has_ended(struct core *core, const char *id)
{
	auto_free char *dir = container_run_dir(core, id);
	auto_free char *path = dir ? path_join(dir, "shim.lock", NULL) : NULL;
	auto_fd int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;

	if (fd < 0) {
		return errno == ENOENT;
	}
	return flock(fd, LOCK_SH | LOCK_NB) == 0;
}

int container_find(struct core *core, const char *name, struct container **ret,
		   struct gantry_error *err)
{
	auto_container struct container *c = NULL;
	int r = load(core, name, &c, err);

	if (r == 0 && container_is_running(c) && shim_has_ended(core, c->id)) {
		auto_free char *id = strdup(c->id);

		c = container_free(c);
		r = id ? container_finish(core, id, err) : error_no_memory(err);
		if (r == 0) {
			r = load(core, id, &c, err);
		}
	}
	if (r == 0) {
		*ret = steal(&c);
	}
	return r;
}

static int open_lock(struct core *core, const char *id, int *ret, struct gantry_error *err)
{
	auto_free char *dir = container_run_dir(core, id);
	auto_free char *path = dir ? path_join(dir, "lock", NULL) : NULL;
	int r;

	if (!path) {
		return error_no_memory(err);
	}
	*ret = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (*ret < 0 && errno == ENOENT) {
		r = make_dirs(AT_FDCWD, dir, 0711);
		if (r < 0) {
			return error_errno(err, -r, "cannot create folder %s", dir);
		}
		*ret = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	}
	return *ret < 0 ? error_errno(err, errno, "cannot open %s", path) : 0;
}

/* Takes back the folder that open_lock() made for a container that is no more. */
static void drop_lock_folder(struct core *core, const char *id)
{
	auto_free char *dir = container_run_dir(core, id);
	auto_free char *path = dir ? path_join(dir, "lock", NULL) : NULL;

	if (path) {
		unlink(path);
		rmdir(dir);
	}
}

int container_lock_by_id(struct core *core, const char *id, struct container **ret,
			 struct gantry_error *err)
{
	auto_fd int lock = -1;
	struct container *c;
	int r = open_lock(core, id, &lock, err);

	if (r < 0) {
		return r;
	}
	while (flock(lock, LOCK_EX) < 0) {
		if (errno != EINTR) {
			return error_errno(err, errno, "cannot lock container %s", id);
		}
	}
	r = load(core, id, &c, err);
	if (r < 0) {
		drop_lock_folder(core, id);
		return r;
	}
	c->lock = steal_fd(&lock);
	*ret = c;
	return 0;
}

int container_find_locked(struct core *core, const char *name, struct container **ret,
			  struct gantry_error *err)
{
	auto_container struct container *c = NULL;
	auto_free char *id = NULL;
	int r = container_find(core, name, &c, err);

	if (r < 0) {
		return r;
	}
	id = strdup(c->id);
	c = container_free(c);
	r = id ? container_lock_by_id(core, id, ret, err) : error_no_memory(err);
	return r == GANTRY_ERR_NOT_FOUND ? error_set(err, r, "No such container: %s", name) : r;
}

struct list {
	struct container **items;
	size_t n;
};

static int list_row(void *data, sqlite3_stmt *row, struct gantry_error *err)
{
	struct list *list = data;
	struct container **items = realloc(list->items, (list->n + 1) * sizeof(*items));

	if (!items) {
		return error_no_memory(err);
	}
	list->items = items;
	list->items[list->n] = NULL;
	return read_row(row, &list->items[list->n++], err);
}

int container_each(struct core *core, int (*fn)(struct core *core, struct container *c, void *data,
						struct gantry_error *err),
		   void *data, struct gantry_error *err)
{
	struct list list = { 0 };
	int r = db_query(core->db, list_row, &list, err,
			 "SELECT " COLUMNS " FROM containers ORDER BY created_ns DESC, rowid DESC", "");

	for (size_t i = 0; i < list.n; i++) {
		if (r == 0 && container_is_running(list.items[i]) &&
		    shim_has_ended(core, list.items[i]->id)) {
			struct container *fresh = NULL;
			struct gantry_error gone = GANTRY_ERROR_INIT;

			if (container_find(core, list.items[i]->id, &fresh, &gone) == 0) {
				container_free(list.items[i]);
				list.items[i] = fresh;
			} else if (gone.code == GANTRY_ERR_NOT_FOUND) {
				list.items[i] = container_free(list.items[i]);
			}
		}
		if (r == 0 && list.items[i]) {
			r = fn(core, list.items[i], data, err);
		}
		container_free(list.items[i]);
	}
	free(list.items);
	return r > 0 ? 0 : r;
}

int container_save_state(struct core *core, struct container *c, struct gantry_error *err)
{
	return db_exec(core->db, err, "UPDATE containers SET status=?, state=? WHERE id=?", "sss",
		       c->status, json_text(c->state), c->id);
}

int container_save_doc(struct core *core, struct container *c, struct gantry_error *err)
{
	return db_exec(core->db, err, "UPDATE containers SET name=?, doc=? WHERE id=?", "sss", c->name,
		       json_text(c->doc), c->id);
}

int container_set_status(struct core *core, struct container *c, const char *status,
			 struct gantry_error *err)
{
	char *copy = strdup(status);

	if (!copy) {
		return error_no_memory(err);
	}
	free(c->status);
	c->status = copy;
	return container_save_state(core, c, err);
}

int container_has_tty(const struct container *c)
{
	return json_get_bool(container_config(c), "Tty", 0);
}

char *container_run_dir(struct core *core, const char *id)
{
	return path_join(core->paths.run_root, "containers", id, NULL);
}

char *container_dir(struct core *core, const char *id)
{
	return path_join(core->paths.root, "containers", id, NULL);
}

char *container_runtime_dir(struct core *core, const char *id)
{
	return path_join(core->paths.run_root, "containers", id, "runtime", NULL);
}

int container_storage(struct core *core, const struct container *c, struct driver **ret,
		      struct gantry_error *err)
{
	return registry_get(core->registry, "storage", json_get_string(c->doc, "Driver"), ret, err);
}

int container_runtime(struct core *core, const struct container *c, struct driver **ret,
		      struct gantry_error *err)
{
	return registry_get(core->registry, "runtime", json_get_string(c->doc, "Runtime"), ret, err);
}

void container_event(struct core *core, const struct container *c, const char *action,
		     struct json_object *extra)
{
	auto_json struct json_object *attributes = json_object_new_object();
	struct json_object *labels = json_get_object(container_config(c), "Labels");

	if (labels) {
		json_object_object_foreach(labels, key, value)
		{
			json_set(attributes, key, json_object_get(value));
		}
	}
	json_set_string(attributes, "image", json_get_string(container_config(c), "Image"));
	json_set_string(attributes, "name", c->name);
	if (extra) {
		json_object_object_foreach(extra, name, item)
		{
			json_set(attributes, name, json_object_get(item));
		}
	}
	engine_event(core, "container", action, c->id, attributes);
}

int64_t container_size_limit(const struct container *c)
{
	const char *text = json_get_string(json_get_object(container_host_config(c), "StorageOpt"), "size");
	int64_t bytes;

	return text && parse_bytes(text, &bytes) == 0 ? bytes : 0;
}

const char *container_hostname(const struct container *c, char buffer[CONTAINER_HOSTNAME_MAX])
{
	const char *asked = json_get_string(container_config(c), "Hostname");
	const char *mode = json_get_string(container_host_config(c), "NetworkMode");

	if (asked && *asked) {
		return asked;
	}
	if (!mode || strcmp(mode, "host") || gethostname(buffer, CONTAINER_HOSTNAME_MAX) < 0) {
		snprintf(buffer, CONTAINER_HOSTNAME_MAX, "%.12s", c->id);
	}
	return buffer;
}
