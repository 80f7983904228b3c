/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <gantry/calls.h>

#include "core/container/filters.h"
#include "core/engine/reuse.h"
#include "core/volume/volume.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"

struct record {
	char *name;
	char *driver;
	struct json_object *doc;
};

struct records {
	struct record *items;
	size_t n;
};

static void records_free(struct records *list)
{
	for (size_t i = 0; i < list->n; i++) {
		free(list->items[i].name);
		free(list->items[i].driver);
		json_object_put(list->items[i].doc);
	}
	free(list->items);
}

static int record_row(void *data, sqlite3_stmt *row, struct gantry_error *err)
{
	struct records *list = data;
	struct record *items = realloc(list->items, (list->n + 1) * sizeof(*items));

	if (!items) {
		return error_no_memory(err);
	}
	list->items = items;
	items[list->n] = (struct record){ strdup(db_column(row, 0)), strdup(db_column(row, 1)), NULL };
	list->n++;
	return json_parse_object(db_column(row, 2), "volume document", &items[list->n - 1].doc, err);
}

static int load(struct core *core, const char *name, struct records *ret, struct gantry_error *err)
{
	*ret = (struct records){ 0 };
	return name ? db_query(core->db, record_row, ret, err,
			       "SELECT name,driver,doc FROM volumes WHERE name=?", "s", name)
		    : db_query(core->db, record_row, ret, err,
			       "SELECT name,driver,doc FROM volumes ORDER BY name", "");
}

static struct json_object *object_or_null(struct json_object *doc, const char *key)
{
	struct json_object *o = json_get_object(doc, key);

	return o ? json_object_get(o) : NULL;
}

static struct json_object *present(struct core *core, const struct record *v)
{
	struct json_object *o = json_object_new_object();
	auto_(reply) struct reply ret = REPLY_INIT;
	struct gantry_error ignored = GANTRY_ERROR_INIT;
	const char *mountpoint = NULL;
	struct driver *driver;

	if (registry_get(core->registry, "volume", v->driver, &driver, &ignored) == 0 &&
	    volume_inspect(driver, &GANTRY_VOLUME_INSPECT_ARGS(.name = v->name), &ret, &ignored) == 0) {
		mountpoint = reply_string(&ret, GANTRY_VOLUME_INSPECT_RET_MOUNTPOINT);
	}
	json_set_string(o, "CreatedAt", json_get_string(v->doc, "CreatedAt"));
	json_set_string(o, "Driver", v->driver);
	json_set(o, "Labels", object_or_null(v->doc, "Labels"));
	json_set_string(o, "Mountpoint", mountpoint ? mountpoint : "");
	json_set_string(o, "Name", v->name);
	json_set(o, "Options", object_or_null(v->doc, "Options"));
	json_set_string(o, "Scope", "local");
	return o;
}

static int is_used(struct core *core, const char *name, int *ret, struct gantry_error *err)
{
	auto_json struct json_object *users = NULL;
	int r = volume_users(core, name, &users, err);

	*ret = json_array_size(users) > 0;
	return r;
}

ENGINE_OP(volume_create)
{
	struct core *core = self;
	auto_json struct json_object *config = NULL;
	auto_json struct json_object *o = NULL;
	auto_free char *name = NULL;
	struct records list = { 0 };
	int r = json_parse_object(args->config, "volume configuration", &config, err);

	if (r == 0) {
		r = volume_ensure(core, json_get_string(config, "Name"), json_get_string(config, "Driver"),
				  json_get_object(config, "DriverOpts"), json_get_object(config, "Labels"),
				  &name, err);
	}
	if (r == 0) {
		r = load(core, name, &list, err);
	}
	if (r == 0 && list.n > 0) {
		o = present(core, &list.items[0]);
		r = gantry_engine_volume_create_set_volume(reply, json_text(o));
	}
	records_free(&list);
	return r;
}

static int name_contains(const char *value, const void *data)
{
	return strstr(((const struct record *)data)->name, value) != NULL;
}

static int driver_is(const char *value, const void *data)
{
	return !strcmp(((const struct record *)data)->driver, value);
}

static int passes(struct core *core, struct record *v, struct json_object *filters, int *ret,
		  struct gantry_error *err)
{
	const char *dangling = json_item_string(json_get_array(filters, "dangling"), 0);
	int used = 0;
	int r = dangling ? is_used(core, v->name, &used, err) : 0;
	int want_dangling = dangling && (!strcmp(dangling, "true") || !strcmp(dangling, "1"));

	*ret = filters_any(filters, "name", name_contains, v) &&
	       filters_any(filters, "driver", driver_is, v) &&
	       filters_match_labels(filters, json_get_object(v->doc, "Labels")) &&
	       (!dangling || used != want_dangling);
	return r;
}

ENGINE_OP(volume_list)
{
	static const char *const known[] = { "name", "driver", "label", "label!", "dangling", NULL };
	struct core *core = self;
	auto_json struct json_object *filters = NULL;
	auto_json struct json_object *out = json_object_new_object();
	struct json_object *volumes = json_object_new_array();
	struct records list = { 0 };
	int r = json_parse_object(args->filters, "filters", &filters, err);

	json_set(out, "Volumes", volumes);
	json_set(out, "Warnings", NULL);
	if (r == 0) {
		r = filters_check(filters, known, err);
	}
	if (r == 0) {
		r = load(core, NULL, &list, err);
	}
	for (size_t i = 0; r == 0 && i < list.n; i++) {
		int shown = 0;

		r = passes(core, &list.items[i], filters, &shown, err);
		if (shown) {
			json_object_array_add(volumes, present(core, &list.items[i]));
		}
	}
	records_free(&list);
	return r < 0 ? r : gantry_engine_volume_list_set_volumes(reply, json_text(out));
}

ENGINE_OP(volume_inspect)
{
	struct core *core = self;
	struct records list = { 0 };
	int r = load(core, args->name, &list, err);

	if (r == 0 && list.n == 0) {
		r = error_set(err, GANTRY_ERR_NOT_FOUND, "get %s: no such volume", args->name);
	}
	if (r == 0) {
		auto_json struct json_object *o = present(core, &list.items[0]);

		r = gantry_engine_volume_inspect_set_volume(reply, json_text(o));
	}
	records_free(&list);
	return r;
}

ENGINE_OP(volume_remove)
{
	int r = volume_delete(self, args->name, (int)args->force, err);

	if (r == GANTRY_ERR_NOT_FOUND && args->force) {
		error_clear(err);
		return 0;
	}
	return r;
}

static int64_t usage_of(struct core *core, const char *driver_name, const char *name)
{
	auto_(reply) struct reply ret = REPLY_INIT;
	struct gantry_error ignored = GANTRY_ERROR_INIT;
	struct driver *driver;

	if (registry_get(core->registry, "volume", driver_name, &driver, &ignored) < 0 ||
	    volume_usage(driver, &GANTRY_VOLUME_USAGE_ARGS(.name = name), &ret, &ignored) < 0) {
		return -1;
	}
	return reply_integer(&ret, GANTRY_VOLUME_USAGE_RET_BYTES, -1);
}

void volume_add_usage(struct core *core, struct json_object *volume)
{
	struct gantry_error ignored = GANTRY_ERROR_INIT;
	auto_json struct json_object *users = NULL;
	struct json_object *usage = json_object_new_object();

	(void)volume_users(core, json_get_string(volume, "Name"), &users, &ignored);
	json_set_int(usage, "Size",
		     usage_of(core, json_get_string(volume, "Driver"), json_get_string(volume, "Name")));
	json_set_int(usage, "RefCount", (int64_t)json_array_size(users));
	json_set(volume, "UsageData", usage);
}

/* Without all=true only anonymous volumes, as Docker since API 1.42. */
ENGINE_OP(volume_prune)
{
	static const char *const known[] = { "all", "label", "label!", NULL };
	struct core *core = self;
	auto_json struct json_object *filters = NULL;
	auto_json struct json_object *out = json_object_new_object();
	struct json_object *deleted = json_object_new_array();
	struct records list = { 0 };
	int64_t freed = 0;
	const char *all;
	int r = json_parse_object(args->filters, "filters", &filters, err);

	json_set(out, "VolumesDeleted", deleted);
	all = json_item_string(json_get_array(filters, "all"), 0);
	if (r == 0) {
		r = filters_check(filters, known, err);
	}
	if (r == 0) {
		r = load(core, NULL, &list, err);
	}
	for (size_t i = 0; r == 0 && i < list.n; i++) {
		struct record *v = &list.items[i];
		int64_t bytes;

		if (!filters_match_labels(filters, json_get_object(v->doc, "Labels")) ||
		    (!json_get_bool(v->doc, "Anonymous", 0) &&
		     !(all && (!strcmp(all, "true") || !strcmp(all, "1"))))) {
			continue;
		}
		bytes = usage_of(core, v->driver, v->name);
		r = volume_delete(core, v->name, 0, err);
		if (r == GANTRY_ERR_IN_USE) {
			error_clear(err);
			r = 0;
			continue;
		}
		if (r == 0) {
			json_add_string(deleted, v->name);
			freed += bytes > 0 ? bytes : 0;
		}
	}
	records_free(&list);
	json_set_int(out, "SpaceReclaimed", freed);
	return r < 0 ? r : gantry_engine_volume_prune_set_report(reply, json_text(out));
}
