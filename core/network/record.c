/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include <gantry/calls.h>

#include "core/container/create.h"
#include "core/container/present.h"
#include "core/network/network.h"
#include "helpers/address.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "helpers/io.h"

struct network *network_free(struct network *n)
{
	if (n) {
		json_object_put(n->doc);
		free(n->id);
		free(n->name);
		free(n->driver);
		free(n);
	}
	return NULL;
}

struct found {
	struct network *n;
	int count;
};

static int network_row(void *data, sqlite3_stmt *row, struct gantry_error *err)
{
	struct found *f = data;
	struct network *n;
	int r;

	if (f->count++) {
		return 1;
	}
	n = calloc(1, sizeof(*n));
	if (!n) {
		return error_no_memory(err);
	}
	n->id = strdup(db_column(row, 0));
	n->name = strdup(db_column(row, 1));
	n->driver = strdup(db_column(row, 2));
	r = n->id && n->name && n->driver
		    ? json_parse_object(db_column(row, 3), "network document", &n->doc, err)
		    : error_no_memory(err);
	if (r < 0) {
		network_free(n);
		return r;
	}
	f->n = n;
	return 0;
}

static int is_predefined(const char *name)
{
	return !strcmp(name, "bridge") || !strcmp(name, "host") || !strcmp(name, "none");
}

int network_insert(struct core *core, const char *name, const char *driver_name,
		   struct json_object *options, char **ret_id, struct gantry_error *err)
{
	auto_(reply) struct reply ret = REPLY_INIT;
	auto_free char *created = present_time(time_now_ns());
	struct driver *driver;
	char id[65];
	int r = registry_get(core->registry, "network", driver_name, &driver, err);

	if (r < 0) {
		return r;
	}
	create_random_id(id);
	json_set_string(options, "Driver", driver_name);
	json_set_string(options, "Created", created);
	/* The record first: what a driver makes without one is freed by reconcile. */
	r = db_exec(core->db, err, "INSERT INTO networks VALUES(?,?,?,?)", "ssss", id, name, driver_name,
		    json_text(options));
	if (r == GANTRY_ERR_EXISTS) {
		return error_set(err, r, "network with name %s already exists", name);
	}
	if (r == 0) {
		r = network_create(driver,
				   &GANTRY_NETWORK_CREATE_ARGS(.id = id, .name = name,
							       .options = json_text(options)),
				   &ret, err);
		if (r < 0) {
			struct gantry_error ignored = GANTRY_ERROR_INIT;

			(void)db_exec(core->db, &ignored, "DELETE FROM networks WHERE id=?", "s", id);
		}
	}
	if (r == 0) {
		r = db_exec(core->db, err, "UPDATE networks SET doc=? WHERE id=?", "ss",
			    reply_string(&ret, GANTRY_NETWORK_CREATE_RET_OPTIONS), id);
	}
	if (r == 0) {
		network_mark_live(core, id);
		*ret_id = strdup(id);
		r = *ret_id ? 0 : error_no_memory(err);
	}
	return r;
}

/* "172.30.0.1/16" is the gateway, and says the subnet. */
static int set_default_subnet(struct json_object *options, const char *text, struct gantry_error *err)
{
	struct json_object *ipam = json_object_new_object();
	struct json_object *list = json_object_new_array();
	struct json_object *pool = json_object_new_object();
	struct address gateway;
	struct subnet subnet;
	char buffer[ADDRESS_TEXT];

	json_object_array_add(list, pool);
	json_set(ipam, "Config", list);
	json_set(options, "IPAM", ipam);
	if (subnet_parse(text, &subnet, &gateway) < 0 || address_equal(&gateway, &subnet.base)) {
		error_set(err, GANTRY_ERR_INVALID,
			  "network.default_subnet (--bip) \"%s\" is no address in a subnet", text);
		return error_hint(err, "write the gateway's address and the subnet's bits: 172.30.0.1/16");
	}
	json_set_string(pool, "Subnet", subnet_format(&subnet, buffer));
	json_set_string(pool, "Gateway", address_format(&gateway, buffer));
	return 0;
}

/* The networks that every engine has are made when somebody first names them. */
static int insert_predefined(struct core *core, const char *name, struct gantry_error *err)
{
	auto_json struct json_object *options = json_object_new_object();
	const char *subnet = config_string(core->config, "network.default_subnet");
	auto_free char *id = NULL;
	int r;

	if (!strcmp(name, "bridge")) {
		struct json_object *labels = json_object_new_object();

		json_set_string(labels, "com.docker.network.bridge.default_bridge", "true");
		json_set(options, "Options", labels);
		if (subnet && *subnet && set_default_subnet(options, subnet, err) < 0) {
			return err->code;
		}
	}
	r = network_insert(core, name,
			   !strcmp(name, "bridge") ? config_string(core->config, "network.bridge") : name,
			   options, &id, err);
	if (r == GANTRY_ERR_EXISTS) { /* another process was first */
		error_clear(err);
		r = 0;
	}
	return r;
}

int network_find(struct core *core, const char *name, struct network **ret, struct gantry_error *err)
{
	static const char by_name[] = "SELECT id,name,driver,doc FROM networks WHERE name=?";
	struct found f = { 0 };
	int r = db_query(core->db, network_row, &f, err, by_name, "s", name);

	if (r == 0 && !f.n && is_predefined(name)) {
		r = insert_predefined(core, name, err);
		if (r == 0) {
			r = db_query(core->db, network_row, &f, err, by_name, "s", name);
		}
	}
	if (r == 0 && !f.n && *name && name[strspn(name, "0123456789abcdef")] == '\0') {
		r = db_query(core->db, network_row, &f, err,
			     "SELECT id,name,driver,doc FROM networks WHERE substr(id,1,length(?1))=?1 LIMIT 2",
			     "s", name);
	}
	if (r == 0 && !f.n) {
		int found = 0;

		r = networks_discover(core, name, &found, err);
		if (r == 0 && found) {
			r = db_query(core->db, network_row, &f, err, by_name, "s", name);
		}
	}
	if (r == 0 && f.count > 1) {
		r = error_set(err, GANTRY_ERR_INVALID, "network %s is ambiguous (%d matches found on name)",
			      name, f.count);
	}
	if (r == 0 && !f.n) {
		r = error_set(err, GANTRY_ERR_NOT_FOUND, "network %s not found", name);
	}
	if (r < 0) {
		network_free(f.n);
		return r;
	}
	*ret = f.n;
	return 0;
}
