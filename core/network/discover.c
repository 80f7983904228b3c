/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include <gantry/calls.h>

#include "core/network/network.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"

int network_is_discovered(const struct network *n)
{
	return json_get_string(n->doc, "Discovered") != NULL;
}

static int has_record(struct core *core, const char *name, int *ret, struct gantry_error *err)
{
	int64_t n = 0;
	int r = db_get_int(core->db, 0, &n, err, "SELECT count(*) FROM networks WHERE name=?", "s", name);

	*ret = n > 0;
	return r;
}

static int insert(struct core *core, const char *driver, const char *name, struct json_object *found,
		  struct gantry_error *err)
{
	auto_json struct json_object *options = json_object_new_object();
	auto_free char *id = NULL;
	int r;

	json_set(options, "Options", json_object_get(json_get_object(found, "Options")));
	json_set_string(options, "Discovered", json_get_string(found, "Origin"));
	r = network_insert(core, name, driver, options, &id, err);
	if (r == GANTRY_ERR_EXISTS) { /* another process was first */
		error_clear(err);
		r = 0;
	}
	return r;
}

static int is_predefined(const char *name)
{
	return !strcmp(name, "bridge") || !strcmp(name, "host") || !strcmp(name, "none");
}

/* One that a driver told of; names gets its name. */
static int take(struct core *core, const char *driver, const char *text, const char *wanted,
		struct json_object *names, struct gantry_error *err)
{
	auto_json struct json_object *found = NULL;
	const char *name;
	int known, r = json_parse_object(text, "the network", &found, err);

	name = json_get_string(found, "Name");
	if (r < 0 || !name || !*name || !json_get_string(found, "Origin") || is_predefined(name)) {
		return r;
	}
	json_add_string(names, name);
	if (wanted && strcmp(wanted, name)) {
		return 0;
	}
	r = has_record(core, name, &known, err);
	return r < 0 || known ? r : insert(core, driver, name, found, err);
}

static int has_name(struct json_object *names, const char *name)
{
	for (size_t i = 0; i < json_array_size(names); i++) {
		if (!strcmp(json_item_string(names, i), name)) {
			return 1;
		}
	}
	return 0;
}

static int record_row(void *data, sqlite3_stmt *row, struct gantry_error *err)
{
	return json_add_string(data, db_column(row, 0)) < 0 ? error_no_memory(err) : 0;
}

/* Removes records of networks whose file is gone and that have no endpoint. */
static int drop_gone(struct core *core, const char *driver, struct json_object *names,
		     struct gantry_error *err)
{
	auto_json struct json_object *unused = json_object_new_array();
	int r = db_query(core->db, record_row, unused, err,
			 "SELECT name FROM networks n WHERE driver=? AND NOT EXISTS "
			 "(SELECT 1 FROM endpoints WHERE network=n.id)",
			 "s", driver);

	for (size_t i = 0; r == 0 && i < json_array_size(unused); i++) {
		const char *name = json_item_string(unused, i);
		auto_network struct network *n = NULL;

		if (has_name(names, name)) {
			continue;
		}
		r = network_find(core, name, &n, err);
		if (r == 0 && network_is_discovered(n)) {
			r = db_exec(core->db, err, "DELETE FROM networks WHERE id=?", "s", n->id);
		}
	}
	return r;
}

static int ask_driver(struct core *core, const char *name, const char *wanted, int *ret_found,
		      struct gantry_error *err)
{
	auto_json struct json_object *names = json_object_new_array();
	auto_(reply) struct reply ret = REPLY_INIT;
	struct driver *driver;
	int r = registry_get(core->registry, "network", name, &driver, err);

	if (r == GANTRY_ERR_NOT_FOUND) { /* not installed */
		error_clear(err);
		return 0;
	}
	if (r < 0 || !driver_has(driver, GANTRY_NETWORK_OP_DISCOVER)) {
		return r;
	}
	r = network_discover(driver, &GANTRY_NETWORK_DISCOVER_ARGS(), &ret, err);
	for (const char *const *one = reply_list(&ret, 0); r == 0 && *one; one++) {
		r = take(core, name, *one, wanted, names, err);
	}
	if (r == 0 && wanted) {
		*ret_found |= has_name(names, wanted);
	} else if (r == 0) {
		r = drop_gone(core, name, names, err);
	}
	return r;
}

int networks_discover(struct core *core, const char *wanted, int *ret_found,
		      struct gantry_error *err)
{
	struct json_object *drivers = config_list(core->config, "network.discover");
	int r = 0;

	for (size_t i = 0; r == 0 && i < json_array_size(drivers); i++) {
		r = ask_driver(core, json_item_string(drivers, i), wanted, ret_found, err);
	}
	return r;
}
