/* SPDX-License-Identifier: Apache-2.0 */
/* An endpoint's record is written before its driver is called, so that whatever the
 * driver makes belongs to a known endpoint; reconcile frees the rest. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <gantry/calls.h>

#include "core/container/create.h"
#include "core/network/network.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "helpers/io.h"

int network_wanted(const struct container *c)
{
	const char *mode = json_get_string(container_host_config(c), "NetworkMode");

	return strcmp(mode, "host") && strncmp(mode, "container:", 10);
}

static char *live_marker(struct core *core, const char *id)
{
	return path_join(core->paths.run_root, "networks", id, NULL);
}

void network_mark_live(struct core *core, const char *id)
{
	auto_free char *folder = path_join(core->paths.run_root, "networks", NULL);
	auto_free char *path = live_marker(core, id);

	make_dirs(AT_FDCWD, folder, 0711);
	close(open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
}

void network_unmark_live(struct core *core, const char *id)
{
	auto_free char *path = live_marker(core, id);

	if (path) {
		unlink(path);
	}
}

int network_ensure_live(struct core *core, const struct network *n, struct gantry_error *err)
{
	auto_free char *path = live_marker(core, n->id);
	auto_(reply) struct reply ret = REPLY_INIT;
	struct driver *driver;
	int r;

	if (access(path, F_OK) == 0) {
		return 0;
	}
	r = registry_get(core->registry, "network", n->driver, &driver, err);
	if (r == 0) {
		r = network_create(driver,
				   &GANTRY_NETWORK_CREATE_ARGS(.id = n->id, .name = n->name,
							       .options = json_text(n->doc)),
				   &ret, err);
	}
	if (r == 0) {
		network_mark_live(core, n->id);
	}
	return r;
}

static void add_port(struct json_object *list, const char *key, const char *ip, const char *port)
{
	struct json_object *o = json_object_new_object();
	const char *slash = strchr(key, '/');

	json_set_string(o, "Protocol", slash ? slash + 1 : "tcp");
	json_set_int(o, "ContainerPort", atoi(key));
	json_set_string(o, "HostIP", ip ? ip : "");
	json_set_int(o, "HostPort", port ? atoi(port) : 0);
	json_object_array_add(list, o);
}

/* What is to be published, as the driver takes it; NULL when nothing is. */
static struct json_object *wanted_ports(const struct container *c)
{
	struct json_object *hc = container_host_config(c);
	struct json_object *bindings = json_get_object(hc, "PortBindings");
	struct json_object *exposed = json_get_object(container_config(c), "ExposedPorts");
	struct json_object *list = json_object_new_array();

	if (bindings) {
		json_object_object_foreach(bindings, key, places)
		{
			for (size_t i = 0; i < json_array_size(places); i++) {
				struct json_object *b = json_object_array_get_idx(places, i);

				add_port(list, key, json_get_string(b, "HostIp"), json_get_string(b, "HostPort"));
			}
			if (json_array_size(places) == 0) {
				add_port(list, key, NULL, NULL);
			}
		}
	}
	if (exposed && json_get_bool(hc, "PublishAllPorts", 0)) {
		json_object_object_foreach(exposed, port, unused)
		{
			(void)unused;
			if (!json_get(bindings, port)) {
				add_port(list, port, NULL, NULL);
			}
		}
	}
	if (json_array_size(list) == 0) {
		json_object_put(list);
		return NULL;
	}
	return list;
}

/* state.Ports: {"80/tcp":[{HostIp,HostPort}]}, null for what is only exposed. */
static void record_ports(struct container *c, const char *published)
{
	struct json_object *exposed = json_get_object(container_config(c), "ExposedPorts");
	struct json_object *ports = json_object_new_object();
	auto_json struct json_object *list = published ? json_tokener_parse(published) : NULL;

	if (exposed) {
		json_object_object_foreach(exposed, port, unused)
		{
			(void)unused;
			json_set(ports, port, NULL);
		}
	}
	for (size_t i = 0; i < json_array_size(list); i++) {
		struct json_object *p = json_object_array_get_idx(list, i);
		struct json_object *o = json_object_new_object();
		const char *ip = json_get_string(p, "HostIP");
		char key[32], port[16];

		snprintf(key, sizeof(key), "%d/%s", (int)json_get_int(p, "ContainerPort", 0),
			 json_get_string(p, "Protocol"));
		snprintf(port, sizeof(port), "%d", (int)json_get_int(p, "HostPort", 0));
		json_set_string(o, "HostIp", ip && *ip ? ip : "0.0.0.0");
		json_set_string(o, "HostPort", port);
		if (!json_get_array(ports, key)) {
			json_set(ports, key, json_object_new_array());
		}
		json_object_array_add(json_get_array(ports, key), o);
	}
	json_set(c->state, "Ports", ports);
}

static struct json_object *describe_container(const struct container *c)
{
	struct json_object *o = json_object_new_object();
	struct json_object *labels = json_get_object(container_config(c), "Labels");

	json_set_string(o, "Id", c->id);
	json_set_string(o, "Name", c->name);
	json_set(o, "Labels", labels ? json_object_get(labels) : json_object_new_object());
	return o;
}

static struct json_object *make_request(const struct container *c, struct json_object *settings,
					int is_default)
{
	struct json_object *o = json_object_new_object();
	struct json_object *ipam = json_get_object(settings, "IPAMConfig");
	const char *mac = json_get_string(settings, "MacAddress");

	if (!mac || !*mac) {
		mac = json_get_string(container_config(c), "MacAddress");
	}
	json_set_string(o, "IPv4Address", json_get_string(ipam, "IPv4Address"));
	json_set_string(o, "IPv6Address", json_get_string(ipam, "IPv6Address"));
	if (mac && *mac) {
		json_set_string(o, "MacAddress", mac);
	}
	json_set(o, "DriverOpts", json_object_get(json_get_object(settings, "DriverOpts")));
	json_set_bool(o, "Default", is_default);
	return o;
}

/* Endpoint settings as inspect shows them: the request's, and the result's. */
static struct json_object *settings_result(const struct container *c, const struct network *n,
					   const char *endpoint, struct json_object *asked,
					   const char *result)
{
	struct json_object *o = json_object_new_object();
	auto_json struct json_object *live = json_tokener_parse(result);
	static const char *const members[] = { "IPAMConfig", "Links", "Aliases", "DriverOpts" };
	struct json_object *names = json_object_new_array();
	struct json_object *aliases = json_get_array(asked, "Aliases");
	char short_id[16];

	for (size_t i = 0; i < ARRAY_SIZE(members); i++) {
		json_set(o, members[i], json_object_get(json_get(asked, members[i])));
	}
	json_set_string(o, "NetworkID", n->id);
	json_set_string(o, "EndpointID", endpoint);
	if (live) {
		json_object_object_foreach(live, key, value)
		{
			json_set(o, key, json_object_get(value));
		}
	}
	snprintf(short_id, sizeof(short_id), "%.12s", c->id);
	json_add_string(names, c->name);
	for (size_t i = 0; i < json_array_size(aliases); i++) {
		json_add_string(names, json_item_string(aliases, i));
	}
	json_add_string(names, short_id);
	json_set(o, "DNSNames", names);
	return o;
}

static int open_sandbox(int pid, struct gantry_error *err)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/ns/net", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd < 0 ? error_errno(err, errno, "cannot open the network namespace of process %d", pid)
		      : fd;
}

static int call_attach(struct core *core, struct container *c, const struct network *n,
		       const char *endpoint, int sandbox, struct json_object *settings, int with_ports,
		       struct reply *ret, struct gantry_error *err)
{
	auto_json struct json_object *who = describe_container(c);
	auto_json struct json_object *request = make_request(c, settings, with_ports);
	auto_json struct json_object *ports = with_ports ? wanted_ports(c) : NULL;
	struct driver *driver;
	int r = registry_get(core->registry, "network", n->driver, &driver, err);

	return r < 0 ? r
		     : network_attach(driver,
				      &GANTRY_NETWORK_ATTACH_ARGS(
					      .network = n->id, .options = json_text(n->doc),
					      .endpoint = endpoint, .container = json_text(who),
					      .sandbox = sandbox, .request = json_text(request),
					      .ports = ports ? json_text(ports) : NULL),
				      ret, err);
}

int network_attach_one(struct core *core, struct container *c, const char *name, int pid,
		       struct json_object *settings, int with_ports, struct gantry_error *err)
{
	auto_network struct network *n = NULL;
	auto_(reply) struct reply ret = REPLY_INIT;
	auto_fd int sandbox = open_sandbox(pid, err);
	struct json_object *networks = json_get_object(c->state, "Networks");
	struct json_object *result;
	char endpoint[65];
	int r = sandbox < 0 ? sandbox : network_find(core, name, &n, err);

	if (r == 0) {
		r = network_ensure_live(core, n, err);
	}
	if (r < 0) {
		return r;
	}
	create_random_id(endpoint);
	r = db_exec(core->db, err, "INSERT INTO endpoints VALUES(?,?,?,'{}')", "sss", endpoint, n->id,
		    c->id);
	if (r == 0) {
		r = call_attach(core, c, n, endpoint, sandbox, settings, with_ports, &ret, err);
		if (r == GANTRY_ERR_NOT_FOUND) {
			/* The bridge was deleted by hand: make it again. */
			auto_free char *marker = live_marker(core, n->id);

			error_clear(err);
			unlink(marker);
			r = network_ensure_live(core, n, err);
			if (r == 0) {
				r = call_attach(core, c, n, endpoint, sandbox, settings, with_ports, &ret, err);
			}
		}
	}
	if (r < 0) {
		struct gantry_error ignored = GANTRY_ERROR_INIT;

		(void)db_exec(core->db, &ignored, "DELETE FROM endpoints WHERE id=?", "s", endpoint);
		return error_prefix(err, "cannot attach to network %s", n->name);
	}
	result = settings_result(c, n, endpoint, settings,
				 reply_string(&ret, GANTRY_NETWORK_ATTACH_RET_ENDPOINT));
	if (!networks) {
		networks = json_object_new_object();
		json_set(c->state, "Networks", networks);
	}
	json_set(networks, n->name, result);
	if (with_ports) {
		record_ports(c, reply_string(&ret, GANTRY_NETWORK_ATTACH_RET_PORTS));
	}
	r = db_exec(core->db, err, "UPDATE endpoints SET doc=? WHERE id=?", "ss", json_text(result),
		    endpoint);
	if (r == 0) {
		network_refresh_peers(core, n->id, c->id);
	}
	return r;
}

/* With no network at all only the loopback is brought up; that needs no record. */
static int attach_none(struct core *core, struct container *c, int pid, struct gantry_error *err)
{
	auto_(reply) struct reply ret = REPLY_INIT;
	auto_fd int sandbox = open_sandbox(pid, err);
	struct driver *driver;
	int r = sandbox < 0 ? sandbox : registry_get(core->registry, "network", "none", &driver, err);

	return r < 0 ? r
		     : network_attach(driver,
				      &GANTRY_NETWORK_ATTACH_ARGS(.network = "none", .options = "{}",
								  .endpoint = c->id, .container = "{}",
								  .sandbox = sandbox),
				      &ret, err);
}

int network_attach_all(struct core *core, struct container *c, int pid, struct gantry_error *err)
{
	const char *mode = json_get_string(container_host_config(c), "NetworkMode");
	struct json_object *asked =
		json_get_object(json_get_object(c->doc, "NetworkingConfig"), "EndpointsConfig");
	struct json_object *first = json_get_object(asked, mode);
	int r;

	json_object_object_del(c->state, "Networks");
	json_object_object_del(c->state, "Ports");
	if (!strcmp(mode, "none")) {
		return attach_none(core, c, pid, err);
	}
	if (!first && !strcmp(mode, "bridge")) {
		first = json_get_object(asked, "default");
	}
	r = network_attach_one(core, c, mode, pid, first, 1, err);
	if (r == 0 && asked) {
		json_object_object_foreach(asked, name, settings)
		{
			if (r == 0 && strcmp(name, mode) && strcmp(name, "default")) {
				r = network_attach_one(core, c, name, pid, settings, 0, err);
			}
		}
	}
	return r;
}

static int call_detach(struct core *core, const struct network *n, const char *endpoint, int sandbox,
		       struct gantry_error *err)
{
	auto_(reply) struct reply ret = REPLY_INIT;
	struct driver *driver;
	int r = registry_get(core->registry, "network", n->driver, &driver, err);

	if (r == 0) {
		r = network_detach(driver,
				   &GANTRY_NETWORK_DETACH_ARGS(.network = n->id, .options = json_text(n->doc),
							       .endpoint = endpoint, .sandbox = sandbox),
				   &ret, err);
	}
	return r < 0 ? r : db_exec(core->db, err, "DELETE FROM endpoints WHERE id=?", "s", endpoint);
}

struct endpoint {
	char id[65];
	char network[65];
};

struct endpoints {
	struct endpoint *items;
	size_t n;
};

static int endpoint_row(void *data, sqlite3_stmt *row, struct gantry_error *err)
{
	struct endpoints *list = data;
	struct endpoint *items = realloc(list->items, (list->n + 1) * sizeof(*items));

	if (!items) {
		return error_no_memory(err);
	}
	list->items = items;
	snprintf(items[list->n].id, sizeof(items->id), "%s", db_column(row, 0));
	snprintf(items[list->n].network, sizeof(items->network), "%s", db_column(row, 1));
	list->n++;
	return 0;
}

/* One endpoint of a container that has ended.  What its driver cannot undo now belongs to
 * nobody from then on and is tried again later: a broken network shall not keep the
 * container from ending. */
static int detach_ended(struct core *core, const char *network, const char *endpoint,
			const char *container, struct gantry_error *err)
{
	struct gantry_error why = GANTRY_ERROR_INIT;
	auto_network struct network *n = NULL;
	int r = network_find(core, network, &n, err);

	if (r < 0) {
		return r;
	}
	r = call_detach(core, n, endpoint, -1, &why);
	if (r < 0) {
		r = db_exec(core->db, err, "UPDATE endpoints SET container='' WHERE id=?", "s", endpoint);
	}
	if (r == 0) {
		network_refresh_peers(core, n->id, container);
	}
	return r;
}

int network_retry_orphans(struct core *core, struct gantry_error *err)
{
	struct endpoints list = { 0 };
	int r = db_query(core->db, endpoint_row, &list, err,
			 "SELECT id,network FROM endpoints WHERE container=''", "");

	for (size_t i = 0; r == 0 && i < list.n; i++) {
		struct gantry_error ignored = GANTRY_ERROR_INIT;
		auto_network struct network *n = NULL;

		if (network_find(core, list.items[i].network, &n, &ignored) == 0) {
			(void)call_detach(core, n, list.items[i].id, -1, &ignored);
		}
	}
	free(list.items);
	return r;
}

int network_detach_all(struct core *core, struct container *c, struct gantry_error *err)
{
	struct endpoints list = { 0 };
	int r = 0;

	if (!network_wanted(c) ||
	    !strcmp(json_get_string(container_host_config(c), "NetworkMode"), "none")) {
		return 0;
	}
	r = db_query(core->db, endpoint_row, &list, err,
		     "SELECT id,network FROM endpoints WHERE container=?", "s", c->id);
	for (size_t i = 0; r == 0 && i < list.n; i++) {
		r = detach_ended(core, list.items[i].network, list.items[i].id, c->id, err);
	}
	free(list.items);
	if (r == 0) {
		json_object_object_del(c->state, "Networks");
		json_object_object_del(c->state, "Ports");
	}
	return r;
}

int network_detach_one(struct core *core, struct container *c, const char *name, int pid,
		       struct gantry_error *err)
{
	struct json_object *networks = json_get_object(c->state, "Networks");
	auto_network struct network *n = NULL;
	const char *endpoint;
	auto_fd int sandbox = -1;
	int r = network_find(core, name, &n, err);

	if (r < 0) {
		return r;
	}
	endpoint = json_get_string(json_get_object(networks, n->name), "EndpointID");
	if (!endpoint) {
		return error_set(err, GANTRY_ERR_NOT_FOUND, "container %s is not connected to network %s",
				 c->id, n->name);
	}
	sandbox = open_sandbox(pid, err);
	if (sandbox < 0) {
		return sandbox;
	}
	r = call_detach(core, n, endpoint, sandbox, err);
	if (r == 0) {
		json_object_object_del(networks, n->name);
		network_refresh_peers(core, n->id, c->id);
	}
	return r;
}
