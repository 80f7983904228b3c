/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#include <gantry/calls.h>

#include "core/network/network.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"

static int text_row(void *data, sqlite3_stmt *row, struct gantry_error *err)
{
	return json_add_string(data, db_column(row, 0)) < 0 ? error_no_memory(err) : 0;
}

/* A NULL-terminated view of an array's texts; the caller frees the view. */
static const char **as_list(struct json_object *array)
{
	size_t n = json_array_size(array);
	const char **list = calloc(n + 1, sizeof(*list));

	for (size_t i = 0; list && i < n; i++) {
		list[i] = json_item_string(array, i);
	}
	return list;
}

static int tell_driver(struct core *core, const char *name, struct json_object *endpoints,
		       struct gantry_error *err)
{
	auto_json struct json_object *networks = json_object_new_array();
	auto_(reply) struct reply ret = REPLY_INIT;
	auto_free const char **ids = NULL;
	auto_free const char **live = as_list(endpoints);
	struct driver *driver;
	int r = db_query(core->db, text_row, networks, err, "SELECT id FROM networks WHERE driver=?", "s",
			 name);

	ids = as_list(networks);
	if (r < 0 || !ids || !live) {
		return r < 0 ? r : error_no_memory(err);
	}
	r = registry_get(core->registry, "network", name, &driver, err);
	if (r < 0 || !driver_has(driver, GANTRY_NETWORK_OP_RECONCILE)) {
		return r;
	}
	return network_reconcile(driver,
				 &GANTRY_NETWORK_RECONCILE_ARGS(.networks = ids, .endpoints = live), &ret,
				 err);
}

/* Marks of networks that are no more: who removed one died before it took them away. */
static int sweep_marks(struct core *core, struct gantry_error *err)
{
	auto_free char *folder = path_join(core->paths.run_root, "networks", NULL);
	auto_dir DIR *dir = folder ? opendir(folder) : NULL;
	struct dirent *e;
	int r = 0;

	while (dir && r == 0 && (e = readdir(dir))) {
		int64_t known = 0;

		if (e->d_name[0] == '.') {
			continue;
		}
		r = db_get_int(core->db, 0, &known, err, "SELECT count(*) FROM networks WHERE id=?", "s", e->d_name);
		if (r == 0 && !known) {
			network_unmark_live(core, e->d_name);
		}
	}
	return r;
}

int networks_reconcile(struct core *core, struct gantry_error *err)
{
	auto_json struct json_object *drivers = json_object_new_array();
	auto_json struct json_object *endpoints = json_object_new_array();
	int r = db_exec(core->db, err,
			"DELETE FROM endpoints WHERE container NOT IN (SELECT id FROM containers)", "");

	if (r == 0) {
		r = db_query(core->db, text_row, drivers, err, "SELECT DISTINCT driver FROM networks", "");
	}
	if (r == 0) {
		r = db_query(core->db, text_row, endpoints, err, "SELECT id FROM endpoints", "");
	}
	for (size_t i = 0; r == 0 && i < json_array_size(drivers); i++) {
		r = tell_driver(core, json_item_string(drivers, i), endpoints, err);
	}
	return r < 0 ? r : sweep_marks(core, err);
}
