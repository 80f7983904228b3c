/* SPDX-License-Identifier: Apache-2.0 */
/* An endpoint's record is written before its plugin is called, and says what to undo. */
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "helpers/netns.h"
#include "helpers/address.h"
#include "remote.h"

/* ---- records ---- */

static void record_key(const char *endpoint, char key[80])
{
	snprintf(key, 80, "ep/%.64s", endpoint);
}

static int save(struct remote *d, const char *endpoint, struct json_object *record,
		struct gantry_error *err)
{
	char key[80];

	record_key(endpoint, key);
	return store_put(&d->store, key, json_text(record), err);
}

static int load(struct remote *d, const char *key, struct json_object **ret,
		struct gantry_error *err)
{
	auto_free char *text = NULL;
	int r = store_get(&d->store, key, &text, err);

	return r < 0 ? r : json_parse_object(text, "record", ret, err);
}

static struct json_object *ids(const char *network, const char *endpoint)
{
	struct json_object *o = json_object_new_object();

	json_set_string(o, "NetworkID", network);
	json_set_string(o, "EndpointID", endpoint);
	return o;
}

/* ---- ports ---- */

static int protocol_number(const char *name)
{
	return !name || !strcmp(name, "tcp") ? 6 : !strcmp(name, "udp") ? 17 : 132;
}

/* com.docker.network.portmap and .exposedports, as libnetwork gives them. */
static struct json_object *port_options(struct json_object *ports)
{
	struct json_object *o = json_object_new_object(), *map = json_object_new_array();
	struct json_object *exposed = json_object_new_array();

	for (size_t i = 0; i < json_array_size(ports); i++) {
		struct json_object *p = json_object_array_get_idx(ports, i);
		struct json_object *m = json_object_new_object(), *e = json_object_new_object();
		const char *host = json_get_string(p, "HostIP");
		int proto = protocol_number(json_get_string(p, "Protocol"));

		json_set_int(m, "Proto", proto);
		json_set_int(m, "Port", json_get_int(p, "ContainerPort", 0));
		json_set_string(m, "HostIP", host ? host : "");
		json_set_int(m, "HostPort", json_get_int(p, "HostPort", 0));
		json_set_int(m, "HostPortEnd", json_get_int(p, "HostPort", 0));
		json_object_array_add(map, m);
		json_set_int(e, "Proto", proto);
		json_set_int(e, "Port", json_get_int(p, "ContainerPort", 0));
		json_object_array_add(exposed, e);
	}
	json_set(o, "com.docker.network.portmap", map);
	json_set(o, "com.docker.network.endpoint.exposedports", exposed);
	return o;
}

/* ---- attach ---- */

struct attaching {
	struct remote *d;
	const struct gantry_network_attach_args *args;
	struct json_object *record, *request, *ports;
	char v4[ADDRESS_TEXT], v6[ADDRESS_TEXT], gateway[ADDRESS_TEXT], gateway6[ADDRESS_TEXT];
	char mac[32];
	char interface[IFNAMSIZ];
};

static void copy_bare(const char *from, char *to)
{
	snprintf(to, ADDRESS_TEXT, "%.*s", (int)strcspn(from, "/"), from);
}

/* An address of the first pool of each family. */
static int take_addresses(struct attaching *a, struct gantry_error *err)
{
	auto_json struct json_object *network = NULL;
	struct json_object *pools;
	char key[80];
	int r;

	snprintf(key, sizeof(key), "net/%.64s", a->args->network);
	r = load(a->d, key, &network, err);
	pools = json_get_array(network, "Pools");
	for (size_t i = 0; r == 0 && i < json_array_size(pools); i++) {
		struct json_object *pool = json_object_array_get_idx(pools, i);
		int is_v6 = strchr(json_get_string(pool, "Pool"), ':') != NULL;
		char *address = is_v6 ? a->v6 : a->v4;

		if (*address) {
			continue;
		}
		r = ipam_take(a->d, a->args->network, a->args->endpoint, pool,
			      json_get_string(a->request, is_v6 ? "IPv6Address" : "IPv4Address"), a->record,
			      address, err);
		copy_bare(json_get_string(pool, "Gateway"), is_v6 ? a->gateway6 : a->gateway);
	}
	return r;
}

/* Takes from an answer what was not given. */
static void fill(char *ours, size_t size, struct json_object *answer, const char *key)
{
	const char *theirs = json_get_string(answer, key);

	if (!*ours && theirs) {
		snprintf(ours, size, "%s", theirs);
	}
}

static int create_endpoint(struct attaching *a, struct gantry_error *err)
{
	auto_json struct json_object *request = ids(a->args->network, a->args->endpoint), *answer = NULL;
	struct json_object *interface = json_object_new_object(), *given;
	int r;

	json_set_string(interface, "Address", a->v4);
	json_set_string(interface, "AddressIPv6", a->v6);
	json_set_string(interface, "MacAddress", a->mac);
	json_set(request, "Interface", interface);
	json_set(request, "Options", port_options(a->ports));
	json_set_bool(a->record, "Created", 1);
	r = save(a->d, a->args->endpoint, a->record, err);
	if (r < 0) {
		return r;
	}
	r = docker_plugin_call(a->d->plugin, "NetworkDriver.CreateEndpoint", request, DOCKER_PLUGIN_WORK,
			       &answer, err);
	if (r < 0) {
		return r;
	}
	given = json_get_object(answer, "Interface");
	fill(a->v4, sizeof(a->v4), given, "Address");
	fill(a->v6, sizeof(a->v6), given, "AddressIPv6");
	fill(a->mac, sizeof(a->mac), given, "MacAddress");
	return 0;
}

static int place_interface(struct attaching *a, struct json_object *answer, struct gantry_error *err)
{
	struct json_object *name = json_get_object(answer, "InterfaceName");
	struct interface_setup s = {
		.source = json_get_string(name, "SrcName"),
		.prefix = json_get_string(name, "DstPrefix"),
		.mac = a->mac,
		.v4 = *a->v4 ? a->v4 : NULL,
		.v6 = *a->v6 ? a->v6 : NULL,
		.gateway = a->gateway,
		.gateway6 = a->gateway6,
		.routes = json_get_array(answer, "StaticRoutes"),
		.is_default = json_get_bool(a->request, "Default", 0),
	};
	int r;

	if (!s.source || !*s.source) {
		return 0; /* the plugin has put one there itself, or none is needed */
	}
	json_set_string(a->record, "Source", s.source);
	r = interface_set_up(&s, a->args->sandbox, a->interface, err);
	if (r == 0) {
		json_set_string(a->record, "Interface", a->interface);
		r = save(a->d, a->args->endpoint, a->record, err);
	}
	return r;
}

static int join(struct attaching *a, struct gantry_error *err)
{
	auto_json struct json_object *request = ids(a->args->network, a->args->endpoint), *answer = NULL;
	const char *gateway, *gateway6;
	char sandbox[48];
	int r;

	snprintf(sandbox, sizeof(sandbox), "/proc/%d/fd/%d", getpid(), a->args->sandbox);
	json_set_string(request, "SandboxKey", sandbox);
	json_set(request, "Options", port_options(a->ports));
	json_set_bool(a->record, "Joined", 1);
	r = save(a->d, a->args->endpoint, a->record, err);
	if (r == 0) {
		r = docker_plugin_call(a->d->plugin, "NetworkDriver.Join", request, DOCKER_PLUGIN_WORK, &answer,
				       err);
	}
	if (r < 0) {
		return r;
	}
	/* The plugin says which gateway; none means no default route. */
	gateway = json_get_string(answer, "Gateway");
	gateway6 = json_get_string(answer, "GatewayIPv6");
	copy_bare(gateway ? gateway : "", a->gateway);
	copy_bare(gateway6 ? gateway6 : "", a->gateway6);
	return place_interface(a, answer, err);
}

static int program_ports(struct attaching *a, struct gantry_error *err)
{
	auto_json struct json_object *request = ids(a->args->network, a->args->endpoint);
	int r;

	if (json_array_size(a->ports) == 0) {
		return 0;
	}
	json_set(request, "Options", port_options(a->ports));
	json_set_bool(a->record, "External", 1);
	r = save(a->d, a->args->endpoint, a->record, err);
	return r < 0 ? r
		     : docker_plugin_call(a->d->plugin, "NetworkDriver.ProgramExternalConnectivity", request,
					  DOCKER_PLUGIN_WORK, NULL, err);
}

static void put_address(struct json_object *o, const char *text, const char *address,
			const char *bits)
{
	char bare[ADDRESS_TEXT];
	const char *slash = strchr(text, '/');

	if (*text) {
		copy_bare(text, bare);
		json_set_string(o, address, bare);
		json_set_int(o, bits, slash ? atoi(slash + 1) : 0);
	}
}

static int answer_attach(struct attaching *a, struct gantry_reply *reply, struct gantry_error *err)
{
	auto_json struct json_object *o = json_object_new_object();
	int r;

	put_address(o, a->v4, "IPAddress", "IPPrefixLen");
	put_address(o, a->v6, "GlobalIPv6Address", "GlobalIPv6PrefixLen");
	json_set_string(o, "Gateway", a->gateway);
	json_set_string(o, "IPv6Gateway", a->gateway6);
	json_set_string(o, "MacAddress", a->mac);
	json_set_string(o, "Interface", a->interface);
	r = gantry_network_attach_set_endpoint(reply, json_text(o));
	if (r == 0 && a->ports) {
		r = gantry_network_attach_set_ports(reply, json_text(a->ports));
	}
	return r < 0 ? error_no_memory(err) : 0;
}

static int attach_steps(struct attaching *a, struct gantry_reply *reply, struct gantry_error *err)
{
	int r = save(a->d, a->args->endpoint, a->record, err);

	r = r < 0 ? r : take_addresses(a, err);
	r = r < 0 ? r : create_endpoint(a, err);
	r = r < 0 ? r : join(a, err);
	r = r < 0 ? r : program_ports(a, err);
	return r < 0 ? r : answer_attach(a, reply, err);
}

int remote_attach(struct remote *d, const struct gantry_network_attach_args *args,
		  struct gantry_reply *reply, struct gantry_error *err)
{
	auto_json struct json_object *record = json_object_new_object(), *request = NULL, *ports = NULL;
	struct attaching a = { .d = d, .args = args, .record = record };
	const char *mac;
	int r = remote_detach(d, args->endpoint, args->sandbox, err); /* what a crash left */

	if (r == 0 && args->sandbox < 0) {
		r = error_set(err, GANTRY_ERR_INVALID, "a plugin's network needs a network namespace");
	}
	if (r == 0 && netns_loopback_up(args->sandbox) < 0) {
		r = error_set(err, GANTRY_ERR_IO, "cannot bring the loopback interface up");
	}
	if (r == 0) {
		r = json_parse_object(args->request, "request", &request, err);
	}
	if (r == 0 && args->ports) {
		r = json_parse(args->ports, strlen(args->ports), "ports", &ports, err);
	}
	if (r < 0) {
		return r;
	}
	a.request = request;
	a.ports = ports;
	mac = json_get_string(request, "MacAddress");
	snprintf(a.mac, sizeof(a.mac), "%s", mac ? mac : "");
	json_set_string(record, "Network", args->network);
	json_set(record, "Addresses", json_object_new_array());
	r = attach_steps(&a, reply, err);
	if (r < 0) {
		struct gantry_error ignored = GANTRY_ERROR_INIT;

		(void)save(d, args->endpoint, record, &ignored);
		error_clear(&ignored);
		(void)remote_detach(d, args->endpoint, args->sandbox, &ignored);
	}
	return r;
}

/* ---- detach ---- */

static int tell(struct remote *d, struct json_object *record, const char *endpoint,
		const char *method, struct gantry_error *err)
{
	auto_json struct json_object *request = ids(json_get_string(record, "Network"), endpoint);

	return docker_plugin_call(d->plugin, method, request, DOCKER_PLUGIN_WORK, NULL, err);
}

/* What a plugin answers to undoing what it does not know is no reason to stop; that it
 * cannot be reached is. */
static int is_fatal(int r)
{
	return r == GANTRY_ERR_UNAVAILABLE || r == GANTRY_ERR_TIMEOUT || r == GANTRY_ERR_NOT_FOUND;
}

int remote_detach(struct remote *d, const char *endpoint, int sandbox, struct gantry_error *err)
{
	auto_json struct json_object *record = NULL;
	const char *interface;
	char key[80];
	int r;

	record_key(endpoint, key);
	r = load(d, key, &record, err);
	if (r == GANTRY_ERR_NOT_FOUND) {
		error_clear(err);
		return 0;
	}
	interface = json_get_string(record, "Interface");
	if (r == 0 && json_get_bool(record, "External", 0)) {
		r = tell(d, record, endpoint, "NetworkDriver.RevokeExternalConnectivity", err);
		r = is_fatal(r) ? r : 0;
	}
	if (r == 0 && interface && sandbox >= 0) {
		r = interface_take_back(interface, json_get_string(record, "Source"), sandbox, err);
	}
	if (r == 0 && json_get_bool(record, "Joined", 0)) {
		r = tell(d, record, endpoint, "NetworkDriver.Leave", err);
		r = is_fatal(r) ? r : 0;
	}
	if (r == 0 && json_get_bool(record, "Created", 0)) {
		r = tell(d, record, endpoint, "NetworkDriver.DeleteEndpoint", err);
		r = is_fatal(r) ? r : 0;
	}
	if (r == 0) {
		r = ipam_release(d, record, err);
	}
	if (r == 0) {
		error_clear(err);
		r = store_remove(&d->store, key, err);
	}
	return r;
}

int remote_reconcile(struct remote *d, const char *const *endpoints, struct gantry_error *err)
{
	auto_(reply) struct reply records = REPLY_INIT;
	const char *const *key;
	int r = store_list(&d->store, "ep/", &records, err);

	for (key = reply_list(&records, 0); r == 0 && *key; key++) {
		int known = 0;

		for (const char *const *e = endpoints; e && *e; e++) {
			known |= !strcmp(*e, *key + strlen("ep/"));
		}
		r = known ? 0 : remote_detach(d, *key + strlen("ep/"), -1, err);
	}
	return r;
}
