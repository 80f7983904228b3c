/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <gantry/calls.h>

#include "core/container/filters.h"
#include "core/network/network.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "helpers/quantity.h"

static int is_predefined(const char *name)
{
	return !strcmp(name, "bridge") || !strcmp(name, "host") || !strcmp(name, "none");
}

static void publish(struct core *core, const struct network *n, const char *action,
		    const char *container)
{
	auto_json struct json_object *attributes = json_object_new_object();

	json_set_string(attributes, "name", n->name);
	json_set_string(attributes, "type", n->driver);
	json_set_string(attributes, "container", container);
	engine_event(core, "network", action, n->id, attributes);
}

ENGINE_OP(network_create)
{
	struct core *core = self;
	auto_json struct json_object *config = NULL;
	auto_network struct network *n = NULL;
	auto_free char *id = NULL;
	auto_free char *copy = NULL;
	const char *name, *driver;
	int r = json_parse_object(args->config, "network configuration", &config, err);

	if (r < 0) {
		return r;
	}
	name = json_get_string(config, "Name");
	driver = json_get_string(config, "Driver");
	if (!name || !*name) {
		return error_set(err, GANTRY_ERR_INVALID, "network name cannot be empty");
	}
	if (is_predefined(name)) {
		return error_set(err, GANTRY_ERR_DENIED,
				 "operation is not permitted on predefined %s network", name);
	}
	copy = strdup(driver && *driver ? driver : config_string(core->config, "network.bridge"));
	if (copy && is_predefined(copy) && strcmp(copy, "bridge") != 0) {
		return error_set(err, GANTRY_ERR_DENIED, "only one instance of \"%s\" network is allowed", copy);
	}
	r = network_insert(core, name, copy, config, &id, err);
	if (r == GANTRY_ERR_NOT_FOUND) {
		return error_prefix(err, "could not find plugin %s in v1 plugin registry", copy);
	}
	if (r == 0) {
		r = network_find(core, id, &n, err);
	}
	if (r < 0) {
		return r;
	}
	publish(core, n, "create", NULL);
	return gantry_engine_network_create_set_id(reply, id);
}

static void copy_member(struct json_object *from, const char *key, struct json_object *to,
			struct json_object *fallback)
{
	struct json_object *value = json_get(from, key);

	if (value) {
		json_object_put(fallback);
		json_set(to, key, json_object_get(value));
	} else {
		json_set(to, key, fallback);
	}
}

static struct json_object *present(const struct network *n)
{
	struct json_object *o = json_object_new_object();
	struct json_object *ipam = json_object_new_object();
	struct json_object *from = json_object_new_object();

	json_set_string(ipam, "Driver", "default");
	json_set(ipam, "Options", NULL);
	json_set(ipam, "Config", json_object_new_array());
	json_set_string(from, "Network", "");
	json_set_string(o, "Name", n->name);
	json_set_string(o, "Id", n->id);
	copy_member(n->doc, "Created", o, json_object_new_string(""));
	json_set_string(o, "Scope", "local");
	json_set_string(o, "Driver", !strcmp(n->name, "none") ? "null" : n->driver);
	json_set_bool(o, "EnableIPv4", 1);
	copy_member(n->doc, "EnableIPv6", o, json_object_new_boolean(0));
	if (json_get(json_get_object(n->doc, "IPAM"), "Config")) {
		json_set(ipam, "Config",
			 json_object_get(json_get(json_get_object(n->doc, "IPAM"), "Config")));
	}
	json_set(o, "IPAM", ipam);
	copy_member(n->doc, "Internal", o, json_object_new_boolean(0));
	copy_member(n->doc, "Attachable", o, json_object_new_boolean(0));
	json_set_bool(o, "Ingress", 0);
	json_set(o, "ConfigFrom", from);
	json_set_bool(o, "ConfigOnly", 0);
	json_set(o, "Containers", json_object_new_object());
	copy_member(n->doc, "Options", o, json_object_new_object());
	copy_member(n->doc, "Labels", o, json_object_new_object());
	return o;
}

static int endpoint_row(void *data, sqlite3_stmt *row, struct gantry_error *err)
{
	struct json_object *containers = data;
	auto_json struct json_object *settings = NULL;
	struct json_object *o;
	auto_free char *v4 = NULL;
	auto_free char *v6 = NULL;
	const char *ip6;
	int r = json_parse_object(db_column(row, 2), "endpoint", &settings, err);

	if (r < 0) {
		return r;
	}
	ip6 = json_get_string(settings, "GlobalIPv6Address");
	if (asprintf(&v4, "%s/%d", json_get_string(settings, "IPAddress"),
		     (int)json_get_int(settings, "IPPrefixLen", 0)) < 0 ||
	    asprintf(&v6, "%s/%d", ip6 ? ip6 : "", (int)json_get_int(settings, "GlobalIPv6PrefixLen", 0)) <
		    0) {
		return error_no_memory(err);
	}
	o = json_object_new_object();
	json_set_string(o, "Name", db_column(row, 1));
	json_set_string(o, "EndpointID", json_get_string(settings, "EndpointID"));
	json_set_string(o, "MacAddress", json_get_string(settings, "MacAddress"));
	json_set_string(o, "IPv4Address", json_get_string(settings, "IPAddress") ? v4 : "");
	json_set_string(o, "IPv6Address", ip6 && *ip6 ? v6 : "");
	json_set(containers, db_column(row, 0), o);
	return 0;
}

static int add_containers(struct core *core, const struct network *n, struct json_object *o,
			  struct gantry_error *err)
{
	return db_query(core->db, endpoint_row, json_get_object(o, "Containers"), err,
			"SELECT c.id,c.name,e.doc FROM endpoints e JOIN containers c ON c.id=e.container "
			"WHERE e.network=?",
			"s", n->id);
}

struct names {
	char **items;
	size_t n;
};

static int name_row(void *data, sqlite3_stmt *row, struct gantry_error *err)
{
	struct names *list = data;
	char **items = realloc(list->items, (list->n + 1) * sizeof(*items));

	if (!items) {
		return error_no_memory(err);
	}
	list->items = items;
	items[list->n++] = strdup(db_column(row, 0));
	return 0;
}

/* Calls fn for every network, the predefined ones included. */
static int each_network(struct core *core,
			int (*fn)(struct core *core, struct network *n, void *data,
				  struct gantry_error *err),
			void *data, struct gantry_error *err)
{
	static const char *const always[] = { "bridge", "host", "none" };
	struct names list = { 0 };
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(always); i++) {
		auto_network struct network *n = NULL;

		/* A host that cannot have a bridge still lists the others. */
		if (network_find(core, always[i], &n, err) == 0) {
			r = fn(core, n, data, err);
		} else {
			error_clear(err);
		}
	}
	if (r == 0) {
		r = db_query(core->db, name_row, &list, err,
			     "SELECT id FROM networks WHERE name NOT IN ('bridge','host','none') ORDER BY rowid",
			     "");
	}
	for (size_t i = 0; i < list.n; i++) {
		auto_network struct network *n = NULL;

		if (r == 0) {
			r = network_find(core, list.items[i], &n, err);
		}
		if (r == 0) {
			r = fn(core, n, data, err);
		}
		free(list.items[i]);
	}
	free(list.items);
	return r;
}

static int name_contains(const char *value, const void *data)
{
	return strstr(((const struct network *)data)->name, value) != NULL;
}

static int id_starts(const char *value, const void *data)
{
	return !strncmp(((const struct network *)data)->id, value, strlen(value));
}

static int driver_is(const char *value, const void *data)
{
	const struct network *n = data;

	return !strcmp(n->driver, value) || (!strcmp(value, "null") && !strcmp(n->driver, "none"));
}

static int type_is(const char *value, const void *data)
{
	return !strcmp(value, is_predefined(((const struct network *)data)->name) ? "builtin" : "custom");
}

static int scope_is(const char *value, const void *data)
{
	return !strcmp(value, "local");
}

struct listing {
	struct json_object *filters;
	struct json_object *out;
	int64_t until_ns; /* of prune */
};

static int is_used(struct core *core, const struct network *n, int64_t *ret, struct gantry_error *err)
{
	return db_get_int(core->db, 0, ret, err, "SELECT count(*) FROM endpoints WHERE network=?", "s",
			  n->id);
}

static int list_one(struct core *core, struct network *n, void *data, struct gantry_error *err)
{
	struct listing *l = data;
	const char *dangling = json_item_string(json_get_array(l->filters, "dangling"), 0);
	int64_t used = 0;
	int r = dangling ? is_used(core, n, &used, err) : 0;

	if (r < 0 || !filters_any(l->filters, "name", name_contains, n) ||
	    !filters_any(l->filters, "id", id_starts, n) ||
	    !filters_any(l->filters, "driver", driver_is, n) ||
	    !filters_any(l->filters, "type", type_is, n) ||
	    !filters_any(l->filters, "scope", scope_is, n) ||
	    !filters_match_labels(l->filters, json_get_object(n->doc, "Labels"))) {
		return r;
	}
	if (dangling && ((used == 0 && !is_predefined(n->name)) !=
			 (!strcmp(dangling, "true") || !strcmp(dangling, "1")))) {
		return 0;
	}
	json_object_array_add(l->out, present(n));
	return 0;
}

ENGINE_OP(network_list)
{
	static const char *const known[] = { "name", "id",	"driver", "type",
					     "scope", "dangling", "label",  "label!", NULL };
	struct core *core = self;
	auto_json struct json_object *filters = NULL;
	auto_json struct json_object *out = json_object_new_array();
	struct listing l = { .out = out };
	int r = json_parse_object(args->filters, "filters", &filters, err);

	l.filters = filters;
	if (r == 0) {
		r = filters_check(filters, known, err);
	}
	if (r == 0) {
		r = network_retry_orphans(core, err);
	}
	if (r == 0) {
		r = networks_discover(core, NULL, NULL, err);
	}
	if (r == 0) {
		r = each_network(core, list_one, &l, err);
	}
	return r < 0 ? r : gantry_engine_network_list_set_networks(reply, json_text(out));
}

ENGINE_OP(network_inspect)
{
	struct core *core = self;
	auto_network struct network *n = NULL;
	auto_json struct json_object *o = NULL;
	int r = network_find(core, args->name, &n, err);

	if (r == 0) {
		o = present(n);
		r = add_containers(core, n, o, err);
	}
	return r < 0 ? r : gantry_engine_network_inspect_set_network(reply, json_text(o));
}

static int remove_network(struct core *core, struct network *n, struct gantry_error *err)
{
	auto_(reply) struct reply ret = REPLY_INIT;
	struct driver *driver;
	int r = registry_get(core->registry, "network", n->driver, &driver, err);

	if (r == 0) {
		r = network_remove(driver, &GANTRY_NETWORK_REMOVE_ARGS(.id = n->id), &ret, err);
	}
	if (r == 0) {
		r = db_exec(core->db, err, "DELETE FROM networks WHERE id=?", "s", n->id);
	}
	if (r == 0) {
		network_unmark_live(core, n->id);
		publish(core, n, "destroy", NULL);
	}
	return r;
}

ENGINE_OP(network_remove)
{
	struct core *core = self;
	auto_network struct network *n = NULL;
	int64_t used;
	int r = network_retry_orphans(core, err);

	if (r == 0) {
		r = network_find(core, args->name, &n, err);
	}
	if (r == 0 && is_predefined(n->name)) {
		return error_set(err, GANTRY_ERR_DENIED, "%s is a pre-defined network and cannot be removed",
				 n->name);
	}
	if (r == 0 && network_is_discovered(n)) {
		return error_set(err, GANTRY_ERR_DENIED,
				 "network %s is defined by %s; remove that file, and it is gone", n->name,
				 json_get_string(n->doc, "Discovered"));
	}
	if (r == 0) {
		r = is_used(core, n, &used, err);
	}
	if (r == 0 && used > 0) {
		return error_set(err, GANTRY_ERR_DENIED,
				 "error while removing network: network %s id %s has active endpoints",
				 n->name, n->id);
	}
	return r < 0 ? r : remove_network(core, n, err);
}

static struct json_object *asked_endpoints(struct container *c)
{
	struct json_object *config = json_get_object(c->doc, "NetworkingConfig");
	struct json_object *asked = json_get_object(config, "EndpointsConfig");

	if (!asked) {
		asked = json_object_new_object();
		json_set(config, "EndpointsConfig", asked);
	}
	return asked;
}

static int may_change_networks(const struct container *c, const struct network *n,
			       struct gantry_error *err)
{
	if (!network_wanted(c) || !strcmp(n->name, "host") || !strcmp(n->name, "none")) {
		return error_set(err, GANTRY_ERR_DENIED,
				 "container sharing network namespace with another container or host cannot be "
				 "connected to any other network");
	}
	if (!strcmp(json_get_string(container_host_config(c), "NetworkMode"), "none")) {
		return error_set(err, GANTRY_ERR_DENIED,
				 "container cannot be connected to multiple networks with one of the networks in "
				 "private (none) mode");
	}
	return 0;
}

ENGINE_OP(network_connect)
{
	struct core *core = self;
	auto_json struct json_object *config = NULL;
	auto_container struct container *c = NULL;
	auto_network struct network *n = NULL;
	struct json_object *settings;
	const char *name;
	int r = json_parse_object(args->config, "endpoint configuration", &config, err);

	if (r == 0) {
		r = network_find(core, args->name, &n, err);
	}
	name = json_get_string(config, "Container");
	if (r == 0) {
		r = container_find_locked(core, name ? name : "", &c, err);
	}
	if (r == 0) {
		r = may_change_networks(c, n, err);
	}
	if (r < 0) {
		return r;
	}
	if (json_get(json_get_object(c->state, "Networks"), n->name)) {
		return error_set(err, GANTRY_ERR_DENIED,
				 "endpoint with name %s already exists in network %s", c->name, n->name);
	}
	settings = json_get_object(config, "EndpointConfig");
	if (container_is_running(c)) {
		auto_free char *run_dir = container_run_dir(core, c->id);

		r = network_attach_one(core, c, n->name, (int)json_get_int(c->state, "Pid", 0), settings, 0,
				       err);
		if (r == 0) {
			r = container_save_state(core, c, err);
		}
		if (r == 0) {
			r = network_write_files(core, c, run_dir, err);
		}
		if (r == 0) {
			r = network_tell_sockets(core, c, (int)json_get_int(c->state, "Pid", 0), err);
		}
	}
	if (r == 0) {
		json_set(asked_endpoints(c), n->name,
			 settings ? json_object_get(settings) : json_object_new_object());
		r = container_save_doc(core, c, err);
	}
	if (r == 0) {
		publish(core, n, "connect", c->id);
	}
	return r;
}

ENGINE_OP(network_disconnect)
{
	struct core *core = self;
	auto_container struct container *c = NULL;
	auto_network struct network *n = NULL;
	int r = network_find(core, args->name, &n, err);

	if (r == 0) {
		r = container_find_locked(core, args->container, &c, err);
	}
	if (r == 0) {
		r = may_change_networks(c, n, err);
	}
	if (r == 0 && container_is_running(c)) {
		auto_free char *run_dir = container_run_dir(core, c->id);

		r = network_detach_one(core, c, n->name, (int)json_get_int(c->state, "Pid", 0), err);
		if (r == 0) {
			r = container_save_state(core, c, err);
		}
		if (r == 0) {
			r = network_write_files(core, c, run_dir, err);
		}
		if (r == 0) {
			r = network_tell_sockets(core, c, (int)json_get_int(c->state, "Pid", 0), err);
		}
	}
	if (r == 0) {
		json_object_object_del(asked_endpoints(c), n->name);
		r = container_save_doc(core, c, err);
	}
	if (r == 0) {
		publish(core, n, "disconnect", c->id);
	}
	return r;
}

static int prune_one(struct core *core, struct network *n, void *data, struct gantry_error *err)
{
	struct listing *l = data;
	const char *created = json_get_string(n->doc, "Created");
	int64_t used, created_ns = 0;
	int kept = is_predefined(n->name) || network_is_discovered(n);
	int r = kept ? 0 : is_used(core, n, &used, err);

	if (r < 0 || kept || used > 0 || (created && parse_date(created, &created_ns) < 0) ||
	    !filters_match_prune(l->filters, l->until_ns, n->doc, created_ns)) {
		return r;
	}
	r = remove_network(core, n, err);
	if (r == 0) {
		json_add_string(l->out, n->name);
	}
	return r;
}

ENGINE_OP(network_prune)
{
	static const char *const known[] = { "label", "label!", "until", NULL };
	struct core *core = self;
	auto_json struct json_object *filters = NULL;
	auto_json struct json_object *report = json_object_new_object();
	struct listing l = { .out = json_object_new_array() };
	int r = json_parse_object(args->filters, "filters", &filters, err);

	l.filters = filters;
	json_set(report, "NetworksDeleted", l.out);
	if (r == 0) {
		r = filters_check(filters, known, err);
	}
	if (r == 0) {
		r = filters_until(filters, &l.until_ns, err);
	}
	if (r == 0) {
		r = each_network(core, prune_one, &l, err);
	}
	return r < 0 ? r : gantry_engine_network_prune_set_report(reply, json_text(report));
}
