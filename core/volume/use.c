/* SPDX-License-Identifier: Apache-2.0 */
/* The record of a volume follows its creation by the driver, which is idempotent: a
 * volume without a record is adopted when somebody names it again. */
#include <stdlib.h>
#include <string.h>

#include <gantry/calls.h>

#include "core/container/create.h"
#include "core/container/present.h"
#include "core/volume/volume.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "helpers/io.h"

static int driver_of(struct core *core, const char *name, struct driver **ret,
		     struct gantry_error *err)
{
	auto_free char *driver = NULL;
	int r = db_get_text(core->db, &driver, err, "SELECT driver FROM volumes WHERE name=?", "s", name);

	if (r < 0) {
		return r;
	}
	if (!driver) {
		return error_set(err, GANTRY_ERR_NOT_FOUND, "get %s: no such volume", name);
	}
	return registry_get(core->registry, "volume", driver, ret, err);
}

static int create_with(struct core *core, const char *name, const char *driver_name,
		       struct json_object *options, struct json_object *labels, int anonymous,
		       struct gantry_error *err)
{
	auto_(reply) struct reply ret = REPLY_INIT;
	auto_json struct json_object *doc = json_object_new_object();
	auto_json struct json_object *attributes = json_object_new_object();
	auto_free char *created = present_time(time_now_ns());
	struct driver *driver;
	int r = registry_get(core->registry, "volume", driver_name, &driver, err);

	if (r < 0) {
		return r;
	}
	r = volume_create(driver,
			  &GANTRY_VOLUME_CREATE_ARGS(.name = name,
						     .options = options ? json_text(options) : NULL,
						     .labels = labels ? json_text(labels) : NULL),
			  &ret, err);
	if (r < 0) {
		return r;
	}
	json_set_string(doc, "CreatedAt", created);
	json_set(doc, "Options", options ? json_object_get(options) : NULL);
	json_set(doc, "Labels", labels ? json_object_get(labels) : NULL);
	if (anonymous) {
		struct json_object *marked = labels ? json_object_get(labels) : json_object_new_object();

		json_set_string(marked, "com.docker.volume.anonymous", ""); /* as Docker says it */
		json_set(doc, "Labels", marked);
	}
	json_set_bool(doc, "Anonymous", anonymous);
	r = db_exec(core->db, err, "INSERT OR IGNORE INTO volumes VALUES(?,?,?)", "sss", name, driver_name,
		    json_text(doc));
	if (r == 0) {
		json_set_string(attributes, "driver", driver_name);
		engine_event(core, "volume", "create", name, attributes);
	}
	return r;
}

int volume_ensure(struct core *core, const char *name, const char *driver,
		  struct json_object *options, struct json_object *labels, char **ret_name,
		  struct gantry_error *err)
{
	auto_free char *existing = NULL;
	char random[65];
	int anonymous = !name || !*name;
	int r;

	if (anonymous) {
		create_random_id(random);
		name = random;
	}
	r = db_get_text(core->db, &existing, err, "SELECT driver FROM volumes WHERE name=?", "s", name);
	if (r < 0) {
		return r;
	}
	if (existing && driver && *driver && strcmp(existing, driver)) {
		return error_set(err, GANTRY_ERR_EXISTS,
				 "a volume named %s already exists with the %s driver. Choose a different "
				 "volume name",
				 name, existing);
	}
	if (!existing) {
		r = create_with(core, name,
				driver && *driver ? driver : config_string(core->config, "volume.driver"),
				options, labels, anonymous, err);
	}
	if (r == 0) {
		*ret_name = strdup(name);
		r = *ret_name ? 0 : error_no_memory(err);
	}
	return r;
}

int volume_describe(struct core *core, const char *name, char **ret_driver,
		    struct json_object **ret_options, struct gantry_error *err)
{
	auto_free char *driver = NULL;
	auto_free char *text = NULL;
	auto_json struct json_object *doc = NULL;
	int r = db_get_text(core->db, &driver, err, "SELECT driver FROM volumes WHERE name=?", "s", name);

	if (r == 0) {
		r = db_get_text(core->db, &text, err, "SELECT doc FROM volumes WHERE name=?", "s", name);
	}
	if (r == 0 && (!driver || !text)) {
		return error_set(err, GANTRY_ERR_NOT_FOUND, "get %s: no such volume", name);
	}
	if (r == 0) {
		r = json_parse_object(text, "volume document", &doc, err);
	}
	if (r < 0) {
		return r;
	}
	*ret_driver = steal(&driver);
	*ret_options = json_object_get(json_get_object(doc, "Options"));
	return 0;
}

int volume_mount_path(struct core *core, const char *name, const char *user, char **ret_path,
		      struct gantry_error *err)
{
	auto_(reply) struct reply ret = REPLY_INIT;
	struct driver *driver;
	int r = driver_of(core, name, &driver, err);

	if (r == 0) {
		r = volume_mount(driver, &GANTRY_VOLUME_MOUNT_ARGS(.name = name, .user = user), &ret, err);
	}
	if (r == 0) {
		*ret_path = reply_take_string(&ret, GANTRY_VOLUME_MOUNT_RET_PATH);
		if (!*ret_path) {
			r = error_set(err, GANTRY_ERR_UNSUPPORTED,
				      "volume %s: driver %s returned no path on this host", name, driver->name);
		}
	}
	return r;
}

int volume_release(struct core *core, const char *name, const char *user, struct gantry_error *err)
{
	auto_(reply) struct reply ret = REPLY_INIT;
	struct driver *driver;
	int r = driver_of(core, name, &driver, err);

	return r < 0 ? r
		     : volume_unmount(driver, &GANTRY_VOLUME_UNMOUNT_ARGS(.name = name, .user = user), &ret,
				      err);
}

struct use {
	const char *name;
	struct json_object *users;
};

static int find_use(struct core *core, struct container *c, void *data, struct gantry_error *err)
{
	struct use *use = data;
	struct json_object *mounts = json_get_array(c->doc, "Mounts");

	for (size_t i = 0; i < json_array_size(mounts); i++) {
		const char *name = json_get_string(json_object_array_get_idx(mounts, i), "Name");

		if (name && !strcmp(name, use->name)) {
			json_add_string(use->users, c->id);
			return 0;
		}
	}
	return 0;
}

int volume_users(struct core *core, const char *name, struct json_object **ret,
		 struct gantry_error *err)
{
	struct use use = { name, json_object_new_array() };
	int r = container_each(core, find_use, &use, err);

	if (r < 0) {
		json_object_put(use.users);
		return r;
	}
	*ret = use.users;
	return 0;
}

static int is_recorded(struct core *core, const char *name)
{
	struct gantry_error ignored = GANTRY_ERROR_INIT;
	int64_t n = 0;

	return db_get_int(core->db, 0, &n, &ignored, "SELECT count(*) FROM volumes WHERE name=?", "s",
			  name) == 0 && n > 0;
}

int volume_delete(struct core *core, const char *name, int force, struct gantry_error *err)
{
	auto_json struct json_object *users = NULL;
	auto_(reply) struct reply ret = REPLY_INIT;
	struct driver *driver;
	int r = driver_of(core, name, &driver, err);
	int driver_gone = force && r == GANTRY_ERR_NOT_FOUND && is_recorded(core, name);

	if (r == 0 || driver_gone) {
		error_clear(err);
		r = volume_users(core, name, &users, err);
	}
	if (r < 0) {
		return r;
	}
	if (json_array_size(users)) {
		return error_set(err, GANTRY_ERR_IN_USE, "remove %s: volume is in use - %s", name,
				 json_text(users));
	}
	r = driver_gone ? 0 : volume_remove(driver, &GANTRY_VOLUME_REMOVE_ARGS(.name = name), &ret, err);
	if (r < 0 && force) {
		error_clear(err);
		r = 0;
	}
	if (r == 0) {
		r = db_exec(core->db, err, "DELETE FROM volumes WHERE name=?", "s", name);
	}
	if (r == 0) {
		engine_event(core, "volume", "destroy", name, NULL);
	}
	return r;
}
