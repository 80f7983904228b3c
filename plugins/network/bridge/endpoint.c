/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The hot path: without published ports an attach is one record, one thread that opens a
 * socket in the sandbox, and two netlink messages' worth of requests.  The record of the address
 * names the endpoint and comes first; the veth pair dies with the sandbox and is named by
 * the endpoint, so that reconcile finds it while the sandbox lives.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "endpoint.h"
#include "ground.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "helpers/json.h"
#include "ipam.h"
#include "ports.h"
#include "publish.h"
#include "helpers/rtnl.h"

#define VETH_PREFIX "gtv"
#define MAX_INTERFACES 64

struct endpoint {
	const struct gantry_network_attach_args *args;
	struct network network;
	const char *owner; /* the container's name */
	int is_default;    /* carries the default route */
	struct address v4, v6;
	uint8_t mac[6];
	char interface[IFNAMSIZ];
};

static void veth_name(const char *endpoint, char *ret)
{
	snprintf(ret, IFNAMSIZ, VETH_PREFIX "%.12s", endpoint);
}

/* "02:42:ac:11:00:02", a single station's. */
static int parse_mac(const char *text, uint8_t *ret, struct gantry_error *err)
{
	unsigned int b[6];
	int end = 0;

	if (sscanf(text, "%2x:%2x:%2x:%2x:%2x:%2x%n", &b[0], &b[1], &b[2], &b[3], &b[4], &b[5], &end) !=
		    6 ||
	    text[end] || (b[0] & 1)) {
		return error_set(err, GANTRY_ERR_INVALID, "\"%s\" is not a MAC address", text);
	}
	for (int i = 0; i < 6; i++) {
		ret[i] = (uint8_t)b[i];
	}
	return 0;
}

static int wanted_address(struct json_object *request, const char *key, int family,
			  struct address *ret, struct gantry_error *err)
{
	const char *text = json_get_string(request, key);

	if (!text || !*text) {
		return 0;
	}
	if (address_parse(text, ret) < 0 || ret->family != family) {
		return error_set(err, GANTRY_ERR_INVALID, "%s \"%s\" is not an address of that kind", key,
				 text);
	}
	return 1;
}

static int take_addresses(const struct bridge_driver *d, struct endpoint *e,
			  struct json_object *request, struct gantry_error *err)
{
	const struct network *n = &e->network;
	struct address wanted;
	int r = wanted_address(request, "IPv4Address", AF_INET, &wanted, err);

	if (r >= 0) {
		r = ipam_take(&d->store, n, &n->v4, e->args->endpoint, e->owner, r ? &wanted : NULL,
			      &e->v4, err);
	}
	if (r < 0) {
		return r;
	}
	r = wanted_address(request, "IPv6Address", AF_INET6, &wanted, err);
	if (r > 0 && !n->ipv6) {
		return error_set(err, GANTRY_ERR_INVALID, "an IPv6 address is asked for, but the network "
							  "has no IPv6");
	}
	if (r >= 0 && n->ipv6) {
		r = ipam_take(&d->store, n, &n->v6, e->args->endpoint, e->owner, r ? &wanted : NULL,
			      &e->v6, err);
	}
	return r < 0 ? r : 0;
}

static int choose_mac(struct endpoint *e, struct json_object *request, struct gantry_error *err)
{
	const char *text = json_get_string(request, "MacAddress");

	if (text && *text) {
		return parse_mac(text, e->mac, err);
	}
	/* Made of the address, as Docker's: the same address keeps its neighbours' caches right. */
	e->mac[0] = 0x02;
	e->mac[1] = 0x42;
	for (int i = 0; i < 4; i++) {
		e->mac[2 + i] = (uint8_t)(e->v4.n >> (24 - 8 * i));
	}
	return 0;
}

/* The bridge's index; a network that lost its bridge (a reboot) gets it back. */
static int find_bridge(const struct bridge_driver *d, struct rtnl *host, const struct network *n,
		       struct gantry_error *err)
{
	int index = rtnl_index(host, n->bridge), r;
	auto_fd int lock = -1;

	if (index >= 0) {
		return index;
	}
	lock = bridge_lock(d, err);
	if (lock < 0) {
		return lock;
	}
	r = bridge_restore(d, host, n, err);
	if (r < 0) {
		return r;
	}
	index = rtnl_index(host, n->bridge);
	return index >= 0 ? index : error_errno(err, -index, "cannot find the bridge %s", n->bridge);
}

/* The name inside: as asked, or the first ethN that is free. */
static int choose_interface(struct endpoint *e, struct rtnl *sandbox, struct gantry_error *err)
{
	const char *wanted = e->args->interface;

	if (wanted && *wanted) {
		if (strlen(wanted) >= IFNAMSIZ) {
			return error_set(err, GANTRY_ERR_INVALID, "interface name \"%s\" is too long",
					 wanted);
		}
		strcpy(e->interface, wanted);
		return 0;
	}
	for (int i = 0; i < MAX_INTERFACES; i++) {
		snprintf(e->interface, sizeof(e->interface), "eth%d", i);
		if (rtnl_index(sandbox, e->interface) < 0) {
			return 0;
		}
	}
	return error_set(err, GANTRY_ERR_LIMIT, "the sandbox has more than %d interfaces",
			 MAX_INTERFACES);
}

/*
 * Containers that may not talk to each other still reach each other's published ports.
 * Where br_netfilter is, it hands such a connection from port to port, so ports cannot be isolated
 * and the rules do it; elsewhere the rules do not see frames between ports, and isolation does it.
 */
static int set_port(const struct endpoint *e, struct rtnl *host, int bridge, const char *name,
		    int hairpin)
{
	int has_filter = access("/proc/sys/net/bridge/bridge-nf-call-iptables", F_OK) == 0;
	int index = rtnl_index(host, name);

	if (index < 0) {
		return index;
	}
	if (!e->network.icc && has_filter) {
		rtnl_filter_bridged(host, bridge);
	}
	rtnl_set_port(host, index, hairpin, !e->network.icc && !has_filter);
	return rtnl_commit(host, NULL);
}

static int make_veth(const struct endpoint *e, struct rtnl *host, int bridge,
		     struct gantry_error *err)
{
	char name[IFNAMSIZ];
	struct rtnl_veth veth = {
		.name = name,
		.master = bridge,
		.mtu = e->network.mtu,
		.peer_netns = e->args->sandbox,
		.peer_name = e->interface,
		.peer_mac = e->mac,
	};
	int has_ports = e->args->ports && strcmp(e->args->ports, "[]") != 0;
	int r;

	veth_name(e->args->endpoint, name);
	rtnl_add_veth(host, &veth);
	r = rtnl_commit(host, NULL);
	if (r == -EEXIST && rtnl_index(host, name) >= 0) {
		/* Left by a first try. */
		rtnl_remove_link(host, name);
		(void)rtnl_commit(host, NULL);
		rtnl_add_veth(host, &veth);
		r = rtnl_commit(host, NULL);
	}
	if (r == -EEXIST) {
		return error_set(err, GANTRY_ERR_EXISTS, "the sandbox has an interface %s already",
				 e->interface);
	}
	if (r == 0 && (has_ports || !e->network.icc)) {
		r = set_port(e, host, bridge, name, has_ports);
	}
	return r < 0 ? error_errno(err, -r, "cannot create the interface %s for the sandbox",
				   e->interface)
		     : 0;
}

static int configure_sandbox(const struct endpoint *e, struct rtnl *sandbox,
			     struct gantry_error *err)
{
	const struct network *n = &e->network;
	int index = rtnl_index(sandbox, e->interface), failed = 0, r;

	if (index < 0) {
		return error_errno(err, -index, "cannot find the interface %s in the sandbox",
				   e->interface);
	}
	rtnl_up(sandbox, 1);
	if (!n->ipv6) {
		rtnl_no_link_local(sandbox, index);
	}
	rtnl_add_address(sandbox, index, &e->v4, n->v4.subnet.bits);
	if (n->ipv6) {
		rtnl_add_address(sandbox, index, &e->v6, n->v6.subnet.bits);
	}
	rtnl_up(sandbox, index);
	if (e->is_default && !n->internal) {
		rtnl_add_default_route(sandbox, index, &n->v4.gateway);
		if (n->ipv6) {
			rtnl_add_default_route(sandbox, index, &n->v6.gateway);
		}
	}
	r = rtnl_commit(sandbox, &failed);
	return r < 0 ? error_errno(err, -r, "cannot configure the interface %s in the sandbox (step %d)",
				   e->interface, failed)
		     : 0;
}

static int connect_sandbox(const struct bridge_driver *d, struct endpoint *e,
			   struct gantry_error *err)
{
	auto_(rtnl) struct rtnl host = RTNL_INIT;
	auto_(rtnl) struct rtnl sandbox = RTNL_INIT;
	char name[IFNAMSIZ];
	int r = rtnl_open(&host, ground_namespace()), bridge;

	if (r < 0) {
		return error_errno(err, -r, "cannot open a netlink socket");
	}
	r = rtnl_open(&sandbox, e->args->sandbox);
	if (r < 0) {
		return error_errno(err, -r, "cannot enter the sandbox's network namespace");
	}
	bridge = find_bridge(d, &host, &e->network, err);
	if (bridge < 0) {
		return bridge;
	}
	r = choose_interface(e, &sandbox, err);
	if (r == 0) {
		r = make_veth(e, &host, bridge, err);
	}
	if (r == 0) {
		r = configure_sandbox(e, &sandbox, err);
	}
	if (r == 0) {
		/* The pair has its carrier since the sandbox's end is up, and a bridge with
		 * its first port. */
		veth_name(e->args->endpoint, name);
		rtnl_settle(&host, name);
		rtnl_settle(&host, e->network.bridge);
		(void)rtnl_commit(&host, NULL);
	}
	return r;
}

/* What an ordinary user's containers call the host's resolver, whoever carries it. */
#define RESOLVER_ALIAS "10.0.2.3"

/* "10.0.2.3 127.0.0.53" */
static void find_resolver(char *ret, size_t size)
{
	auto_file FILE *f = fopen("/etc/resolv.conf", "re");
	char line[512], address[ADDRESS_TEXT];
	struct address a;

	*ret = '\0';
	while (f && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "nameserver %63s", address) == 1 && address_parse(address, &a) == 0) {
			snprintf(ret, size, RESOLVER_ALIAS " %s", address);
			return;
		}
	}
}

/* How TCP gets out and in where the emulator makes its sockets. */
static int describe_sockets(const struct bridge_driver *d, const struct endpoint *e,
			    struct json_object *o, struct gantry_error *err)
{
	struct json_object *sockets = json_object_new_object(), *inside = json_object_new_array();
	const struct network *n = &e->network;
	char text[ADDRESS_TEXT], resolver[ADDRESS_TEXT + 16], path[PATH_MAX];
	int r = publish_give_path(d, e->args->endpoint, path, err);

	if (r < 0) {
		return r;
	}
	find_resolver(resolver, sizeof(resolver));
	r |= json_set(o, "Sockets", sockets);
	r |= json_set(sockets, "Inside", inside);
	r |= json_add_string(inside, subnet_format(&n->v4.subnet, text));
	if (n->ipv6) {
		r |= json_add_string(inside, subnet_format(&n->v6.subnet, text));
	}
	if (*resolver) {
		r |= json_set_string(sockets, "Resolver", resolver);
	}
	r |= json_set_string(sockets, "Carrier", path);
	return r < 0 ? error_no_memory(err) : 0;
}

/* What is only an ordinary user's. */
static int describe_ground(const struct bridge_driver *d, const struct endpoint *e,
			   struct json_object *o, struct gantry_error *err)
{
	struct json_object *dns;

	if (ground_namespace() < 0 || e->network.internal) {
		return 0;
	}
	dns = json_object_new_array();
	if (json_set(o, "DNS", dns) < 0 || json_add_string(dns, RESOLVER_ALIAS) < 0) {
		return error_no_memory(err);
	}
	return e->network.sockets == 1 ? describe_sockets(d, e, o, err) : 0;
}

static int describe(const struct bridge_driver *d, const struct endpoint *e,
		    struct gantry_reply *reply, struct gantry_error *err)
{
	auto_json struct json_object *o = json_object_new_object();
	const struct network *n = &e->network;
	char text[ADDRESS_TEXT], mac[18];
	int r = 0;

	snprintf(mac, sizeof(mac), "%02x:%02x:%02x:%02x:%02x:%02x", e->mac[0], e->mac[1], e->mac[2],
		 e->mac[3], e->mac[4], e->mac[5]);
	r |= json_set_string(o, "IPAddress", address_format(&e->v4, text));
	r |= json_set_int(o, "IPPrefixLen", n->v4.subnet.bits);
	r |= json_set_string(o, "Gateway", n->internal ? "" : address_format(&n->v4.gateway, text));
	r |= json_set_string(o, "MacAddress", mac);
	r |= json_set_string(o, "Interface", e->interface);
	if (n->ipv6) {
		r |= json_set_string(o, "GlobalIPv6Address", address_format(&e->v6, text));
		r |= json_set_int(o, "GlobalIPv6PrefixLen", n->v6.subnet.bits);
		r |= json_set_string(o, "IPv6Gateway",
				     n->internal ? "" : address_format(&n->v6.gateway, text));
	}
	if (r < 0) {
		return error_no_memory(err);
	}
	r = describe_ground(d, e, o, err);
	return r < 0 ? r : gantry_network_attach_set_endpoint(reply, json_text(o));
}

static int publish(const struct bridge_driver *d, const struct endpoint *e,
		   struct gantry_reply *reply, struct gantry_error *err)
{
	auto_json struct json_object *ports = NULL;
	struct port_owner owner = { e->args->endpoint, e->owner, e->v4, e->v6 };
	int r;

	/* An internal network is not reached from outside. */
	if (!e->args->ports || !strcmp(e->args->ports, "[]") || e->network.internal) {
		return 0;
	}
	r = ports_publish(&d->store, &e->network, &owner, e->args->ports, &ports, err);
	if (r == 0) {
		r = publish_ports(d, e->args->endpoint, &e->v4, &e->v6, ports, e->network.sockets == 1, err);
	}
	return r < 0 ? r : gantry_network_attach_set_ports(reply, json_text(ports));
}

static void undo(const struct bridge_driver *d, const struct endpoint *e)
{
	struct gantry_error ignored = GANTRY_ERROR_INIT;
	auto_(rtnl) struct rtnl host = RTNL_INIT;
	char name[IFNAMSIZ];

	publish_end(d, e->args->endpoint);
	(void)ports_withdraw(&d->store, e->args->endpoint, &ignored);
	if (rtnl_open(&host, ground_namespace()) == 0) {
		veth_name(e->args->endpoint, name);
		rtnl_remove_link(&host, name);
		(void)rtnl_commit(&host, NULL);
	}
	error_clear(&ignored);
	(void)ipam_release(&d->store, e->network.id, e->args->endpoint, &ignored);
}

static int check_args(const struct gantry_network_attach_args *args, struct gantry_error *err)
{
	if (args->sandbox < 0) {
		return error_set(err, GANTRY_ERR_INVALID,
				 "network driver bridge needs a sandbox to connect");
	}
	if (strlen(args->endpoint) < 12 || strlen(args->endpoint) > 64 ||
	    strspn(args->endpoint, "0123456789abcdef") != strlen(args->endpoint)) {
		return error_set(err, GANTRY_ERR_INVALID, "\"%.70s\" is no endpoint id",
				 args->endpoint);
	}
	return 0;
}

int endpoint_attach(const struct bridge_driver *d, const struct gantry_network_attach_args *args,
		    struct gantry_reply *reply, struct gantry_error *err)
{
	auto_json struct json_object *request = NULL, *container = NULL;
	struct endpoint e = { .args = args };
	int r = check_args(args, err);

	if (r == 0) {
		r = network_parse(args->network, NULL, args->options, &e.network, err);
	}
	if (r == 0 && !e.network.v4.subnet.base.family) {
		r = error_set(err, GANTRY_ERR_INVALID, "the network's options are not complete");
	}
	if (r == 0) {
		r = json_parse_object(args->request, "the request", &request, err);
	}
	if (r == 0) {
		r = json_parse_object(args->container, "the container", &container, err);
	}
	if (r < 0) {
		return r;
	}
	e.owner = json_get_string(container, "Name");
	e.owner = e.owner ? e.owner + (*e.owner == '/') : "?";
	e.is_default = json_get_bool(request, "Default", 1);
	r = take_addresses(d, &e, request, err);
	if (r == 0) {
		r = choose_mac(&e, request, err);
	}
	if (r == 0) {
		r = connect_sandbox(d, &e, err);
	}
	if (r == 0) {
		r = publish(d, &e, reply, err);
	}
	if (r == 0) {
		r = describe(d, &e, reply, err);
	}
	if (r < 0) {
		undo(d, &e);
	}
	return r;
}

static int remove_veth(const char *endpoint, struct gantry_error *err)
{
	auto_(rtnl) struct rtnl host = RTNL_INIT;
	char name[IFNAMSIZ];
	int r = rtnl_open(&host, ground_namespace());

	veth_name(endpoint, name);
	if (r == 0) {
		rtnl_remove_link(&host, name);
		r = rtnl_commit(&host, NULL);
	}
	return r < 0 && r != -ENODEV ? error_errno(err, -r, "cannot remove the interface %s", name) : 0;
}

int endpoint_detach(const struct bridge_driver *d, const struct gantry_network_detach_args *args,
		    struct gantry_error *err)
{
	int r;

	publish_end(d, args->endpoint);
	r = ports_withdraw(&d->store, args->endpoint, err);

	/* With the sandbox gone the kernel removes the pair, and waiting for it costs. */
	if (r == 0 && args->sandbox >= 0) {
		r = remove_veth(args->endpoint, err);
	}
	return r == 0 ? ipam_release(&d->store, args->network, args->endpoint, err) : r;
}

static int is_listed(const char *const *list, const char *text, size_t len)
{
	for (; list && *list; list++) {
		if (!strncmp(*list, text, len)) {
			return 1;
		}
	}
	return 0;
}

struct sweep {
	const char *const *endpoints;
	int bridges[256]; /* indices of this engine's */
	int n_bridges;
	char names[64][IFNAMSIZ]; /* to be removed; the rest goes in another round */
	int n_names;
};

/* Pairs on a bridge of this engine whose endpoint is not known. */
static int find_lost(const struct rtnl_link *l, void *arg)
{
	struct sweep *s = arg;
	int ours = 0;

	if (strncmp(l->name, VETH_PREFIX, strlen(VETH_PREFIX)) || s->n_names == 64 ||
	    is_listed(s->endpoints, l->name + strlen(VETH_PREFIX), 12)) {
		return 0;
	}
	for (int i = 0; i < s->n_bridges; i++) {
		ours |= l->master == s->bridges[i];
	}
	if (ours) {
		snprintf(s->names[s->n_names++], IFNAMSIZ, "%s", l->name);
	}
	return 0;
}

/* The indices of the bridges in the records of networks. */
static int find_bridges(const struct bridge_driver *d, struct rtnl *host, struct sweep *s,
			struct gantry_error *err)
{
	auto_(reply) struct reply records = REPLY_INIT;
	const char *const *values;
	int r = store_list(&d->store, "net/", &records, err);

	values = reply_list(&records, 1);
	for (size_t i = 0; r == 0 && values[i] && s->n_bridges < 256; i++) {
		auto_json struct json_object *record = NULL;
		const char *bridge;
		int index;

		r = json_parse_object(values[i], "the network's record", &record, err);
		bridge = json_get_string(record, "Bridge");
		index = bridge ? rtnl_index(host, bridge) : -1;
		if (index > 0) {
			s->bridges[s->n_bridges++] = index;
		}
	}
	return r;
}

static int remove_lost_links(const struct bridge_driver *d, const char *const *endpoints,
			     struct gantry_error *err)
{
	struct sweep s = { .endpoints = endpoints };
	auto_(rtnl) struct rtnl host = RTNL_INIT;
	int r = rtnl_open(&host, ground_namespace());

	if (r < 0) {
		return error_errno(err, -r, "cannot open a netlink socket");
	}
	r = find_bridges(d, &host, &s, err);
	if (r < 0) {
		return r;
	}
	do {
		s.n_names = 0;
		r = rtnl_each_link(&host, find_lost, &s);
		for (int i = 0; r == 0 && i < s.n_names; i++) {
			rtnl_remove_link(&host, s.names[i]);
			r = rtnl_commit(&host, NULL);
			r = r == -ENODEV ? 0 : r;
		}
	} while (r == 0 && s.n_names == 64);
	return r < 0 ? error_errno(err, -r, "cannot remove lost interfaces") : 0;
}

/* Records of addresses: "<endpoint> <name>". */
static int free_lost_addresses(const struct bridge_driver *d, const char *const *endpoints,
			       struct gantry_error *err)
{
	auto_(reply) struct reply records = REPLY_INIT;
	const char *const *keys, *const *values;
	int r = store_list(&d->store, "ip/", &records, err);

	keys = reply_list(&records, 0);
	values = reply_list(&records, 1);
	for (size_t i = 0; r == 0 && keys[i] && values[i]; i++) {
		if (!is_listed(endpoints, values[i], strcspn(values[i], " "))) {
			r = store_remove(&d->store, keys[i], err);
		}
	}
	return r;
}

int endpoint_reconcile(const struct bridge_driver *d, const char *const *endpoints,
		       struct gantry_error *err)
{
	int r;

	publish_reconcile(d, endpoints);
	r = ports_reconcile(&d->store, endpoints, err);

	if (r == 0) {
		r = remove_lost_links(d, endpoints, err);
	}
	return r == 0 ? free_lost_addresses(d, endpoints, err) : r;
}
