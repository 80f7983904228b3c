/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "helpers/json.h"
#include "network.h"

#define OPTION_NAME "com.docker.network.bridge.name"
#define OPTION_SOCKETS "org.gantry.sockets"
#define MTU_MIN 68
#define MTU_MAX 65535

static int bad_option(struct gantry_error *err, const char *key, const char *value,
		      const char *expected)
{
	error_set(err, GANTRY_ERR_INVALID, "network option %s has the value \"%s\"", key, value);
	return error_hint(err, "give %s", expected);
}

static int parse_bool(const char *key, const char *value, int *ret, struct gantry_error *err)
{
	if (!strcasecmp(value, "true") || !strcmp(value, "1")) {
		*ret = 1;
	} else if (!strcasecmp(value, "false") || !strcmp(value, "0")) {
		*ret = 0;
	} else {
		return bad_option(err, key, value, "true or false");
	}
	return 0;
}

static int parse_name(const char *value, struct network *n, struct gantry_error *err)
{
	size_t len = strlen(value);
	int bad = len == 0 || len >= IFNAMSIZ || !strcmp(value, ".") || !strcmp(value, "..");

	for (const char *p = value; *p && !bad; p++) {
		bad = !isalnum((unsigned char)*p) && !strchr("-_.", *p);
	}
	if (bad) {
		return bad_option(err, OPTION_NAME, value,
				  "an interface name of 1 to 15 letters, digits, dots and dashes");
	}
	strcpy(n->bridge, value);
	n->names_bridge = 1;
	return 0;
}

static int parse_mtu(const char *key, const char *value, struct network *n,
		     struct gantry_error *err)
{
	char *end;
	long mtu = strtol(value, &end, 10);

	if (!*value || *end || (mtu != 0 && (mtu < MTU_MIN || mtu > MTU_MAX))) {
		return bad_option(err, key, value, "a number of bytes from 68 to 65535");
	}
	n->mtu = (int)mtu;
	return 0;
}

/* One of Options; what other drivers or peers know is passed over, as in Docker. */
static int parse_option(const char *key, const char *value, struct network *n,
			struct gantry_error *err)
{
	const struct {
		const char *key;
		int *flag;
	} flags[] = {
		{ "com.docker.network.bridge.enable_icc", &n->icc },
		{ "com.docker.network.bridge.enable_ip_masquerade", &n->masquerade },
		{ "com.docker.network.bridge.inhibit_ipv4", &n->no_gateway_address },
		{ OPTION_SOCKETS, &n->sockets },
	};

	for (size_t i = 0; i < ARRAY_SIZE(flags); i++) {
		if (!strcmp(key, flags[i].key)) {
			return parse_bool(key, value, flags[i].flag, err);
		}
	}
	if (!strcmp(key, OPTION_NAME)) {
		return parse_name(value, n, err);
	}
	if (!strcmp(key, "com.docker.network.driver.mtu") || !strcmp(key, "mtu")) {
		return parse_mtu(key, value, n, err);
	}
	if (!strcmp(key, "com.docker.network.bridge.host_binding_ipv4")) {
		if (address_parse(value, &n->host_binding) < 0 || n->host_binding.family != AF_INET) {
			return bad_option(err, key, value, "an IPv4 address of this host");
		}
		return 0;
	}
	if (!strncmp(key, "com.docker.network.bridge.gateway_mode_ipv", 42) &&
	    strcmp(value, "nat")) {
		error_set(err, GANTRY_ERR_UNSUPPORTED, "network option %s=%s is not supported", key,
			  value);
		return error_hint(err, "gantry's bridge offers the mode nat");
	}
	return 0;
}

static int parse_options(struct json_object *options, struct network *n, struct gantry_error *err)
{
	if (!options) {
		return 0;
	}
	json_object_object_foreach(options, key, value) {
		int r;

		if (!json_object_is_type(value, json_type_string)) {
			return error_set(err, GANTRY_ERR_INVALID, "network option %s is not a string",
					 key);
		}
		r = parse_option(key, json_object_get_string(value), n, err);
		if (r < 0) {
			return r;
		}
	}
	return 0;
}

static int parse_member(struct json_object *config, const char *key, const struct pool *pool,
			struct address *ret, struct gantry_error *err)
{
	const char *text = json_get_string(config, key);
	char subnet[ADDRESS_TEXT];

	if (!text || !*text) {
		return 0;
	}
	if (address_parse(text, ret) < 0) {
		return error_set(err, GANTRY_ERR_INVALID, "\"%s\" (%s) is not an IP address", text, key);
	}
	if (!subnet_has(&pool->subnet, ret)) {
		return error_set(err, GANTRY_ERR_INVALID, "%s %s is not in the subnet %s", key, text,
				 subnet_format(&pool->subnet, subnet));
	}
	return 0;
}

static int parse_auxiliary(struct json_object *config, struct pool *pool, struct gantry_error *err)
{
	struct json_object *list = json_get_object(config, "AuxiliaryAddresses");

	if (!list) {
		list = json_get_object(config, "AuxAddress");
	}
	if (!list) {
		return 0;
	}
	json_object_object_foreach(list, key, value) {
		int r;

		(void)value;
		if (pool->n_auxiliary == MAX_AUXILIARY) {
			return error_set(err, GANTRY_ERR_LIMIT,
					 "a subnet has more than %d auxiliary addresses", MAX_AUXILIARY);
		}
		r = parse_member(list, key, pool, &pool->auxiliary[pool->n_auxiliary], err);
		if (r < 0) {
			return r;
		}
		pool->n_auxiliary += pool->auxiliary[pool->n_auxiliary].family != 0;
	}
	return 0;
}

static int parse_range(struct json_object *config, struct pool *pool, struct gantry_error *err)
{
	const char *text = json_get_string(config, "IPRange");
	char subnet[ADDRESS_TEXT];

	if (!text || !*text) {
		return 0;
	}
	if (subnet_parse(text, &pool->range, NULL) < 0) {
		return error_set(err, GANTRY_ERR_INVALID, "IP range \"%s\" is not ADDRESS/BITS", text);
	}
	if (!subnet_contains(&pool->subnet, &pool->range)) {
		return error_set(err, GANTRY_ERR_INVALID, "IP range %s is not in the subnet %s", text,
				 subnet_format(&pool->subnet, subnet));
	}
	return 0;
}

/* One entry of IPAM.Config. */
static int parse_pool(struct json_object *config, struct network *n, struct gantry_error *err)
{
	const char *text = json_get_string(config, "Subnet");
	struct address written;
	struct subnet subnet;
	struct pool *pool;
	char fixed[ADDRESS_TEXT];
	int r;

	if (!text || !*text) {
		if (json_get_string(config, "Gateway") || json_get_string(config, "IPRange")) {
			return error_set(err, GANTRY_ERR_INVALID,
					 "a gateway or an IP range needs a subnet");
		}
		return 0;
	}
	if (subnet_parse(text, &subnet, &written) < 0) {
		error_set(err, GANTRY_ERR_INVALID, "subnet \"%s\" is not ADDRESS/BITS", text);
		return error_hint(err, "for example 172.28.0.0/16");
	}
	if (!address_equal(&written, &subnet.base)) {
		error_set(err, GANTRY_ERR_INVALID, "subnet %s has host bits set", text);
		return error_hint(err, "write %s", subnet_format(&subnet, fixed));
	}
	if (subnet.bits < 1 || subnet.bits > address_width(subnet.base.family) - 1) {
		return error_set(err, GANTRY_ERR_INVALID, "subnet %s has no room for containers", text);
	}
	pool = subnet.base.family == AF_INET ? &n->v4 : &n->v6;
	if (pool->subnet.base.family) {
		return error_set(err, GANTRY_ERR_UNSUPPORTED,
				 "network driver bridge takes one subnet per address family, %s is "
				 "one too many", text);
	}
	pool->subnet = subnet;
	r = parse_range(config, pool, err);
	if (r == 0) {
		r = parse_member(config, "Gateway", pool, &pool->gateway, err);
	}
	return r == 0 ? parse_auxiliary(config, pool, err) : r;
}

static int parse_ipam(struct json_object *o, struct network *n, struct gantry_error *err)
{
	struct json_object *list = json_get_array(json_get_object(o, "IPAM"), "Config");

	for (size_t i = 0; i < json_array_size(list); i++) {
		int r = parse_pool(json_object_array_get_idx(list, i), n, err);

		if (r < 0) {
			return r;
		}
	}
	if (n->v6.subnet.base.family && !n->ipv6) {
		error_set(err, GANTRY_ERR_INVALID, "an IPv6 subnet is given, but IPv6 is not enabled");
		return error_hint(err, "add --ipv6");
	}
	return 0;
}

int network_parse(const char *id, const char *name, const char *options, struct network *ret,
		  struct gantry_error *err)
{
	auto_json struct json_object *o = NULL;
	int r = json_parse_object(options, "the network's options", &o, err);

	if (r < 0) {
		return r;
	}
	if (strlen(id) < 12 || strlen(id) > 64 || strspn(id, "0123456789abcdef") != strlen(id)) {
		return error_set(err, GANTRY_ERR_INVALID, "\"%.70s\" is no network id", id);
	}
	*ret = (struct network){
		.internal = json_get_bool(o, "Internal", 0),
		.ipv6 = json_get_bool(o, "EnableIPv6", 0),
		.icc = 1,
		.sockets = -1,
		.masquerade = 1,
		.host_binding = { AF_INET, 0 },
	};
	strcpy(ret->id, id);
	r = parse_options(json_get_object(o, "Options"), ret, err);
	if (r == 0) {
		r = parse_ipam(o, ret, err);
	}
	if (r == 0 && !*ret->bridge) {
		/* The default network's interface has a name that people can remember. */
		if (name && !strcmp(name, "bridge")) {
			strcpy(ret->bridge, "gantry0");
		} else {
			snprintf(ret->bridge, sizeof(ret->bridge), "br-%.12s", id);
		}
	}
	return r;
}

static void choose_gateway(struct pool *pool)
{
	const struct subnet *from = pool->range.base.family ? &pool->range : &pool->subnet;

	if (pool->gateway.family || !pool->subnet.base.family) {
		return;
	}
	pool->gateway = subnet_first(from);
	/* The subnet's own address is no host's, except in a pair. */
	if (address_equal(&pool->gateway, &pool->subnet.base) &&
	    pool->subnet.bits < address_width(pool->subnet.base.family) - 1) {
		pool->gateway.n++;
	}
	for (int i = 0; i < pool->n_auxiliary; i++) {
		if (address_equal(&pool->gateway, &pool->auxiliary[i])) {
			pool->gateway.n++;
			i = -1;
		}
	}
}

void network_choose_gateways(struct network *n)
{
	choose_gateway(&n->v4);
	choose_gateway(&n->v6);
}

/* Fills subnet and gateway into the pool's entry of list, which may be new. */
static int complete_pool(const struct pool *pool, struct json_object *list)
{
	struct json_object *entry = NULL;
	char text[ADDRESS_TEXT];
	struct subnet s;

	if (!pool->subnet.base.family) {
		return 0;
	}
	for (size_t i = 0; i < json_array_size(list); i++) {
		struct json_object *e = json_object_array_get_idx(list, i);
		const char *subnet = json_get_string(e, "Subnet");

		if (subnet && subnet_parse(subnet, &s, NULL) == 0 &&
		    s.base.family == pool->subnet.base.family) {
			entry = e;
		}
	}
	if (!entry) {
		entry = json_object_new_object();
		if (!entry || json_object_array_add(list, entry) < 0) {
			json_object_put(entry);
			return GANTRY_ERR_NO_MEMORY;
		}
	}
	if (json_set_string(entry, "Subnet", subnet_format(&pool->subnet, text)) < 0) {
		return GANTRY_ERR_NO_MEMORY;
	}
	return json_set_string(entry, "Gateway", address_format(&pool->gateway, text));
}

/* The member, which is made when missing. */
static struct json_object *member(struct json_object *o, const char *key, enum json_type type)
{
	struct json_object *m = type == json_type_array ? json_get_array(o, key)
							: json_get_object(o, key);

	if (!m) {
		m = type == json_type_array ? json_object_new_array() : json_object_new_object();
		if (!m || json_set(o, key, m) < 0) {
			return NULL;
		}
	}
	return m;
}

/* Entries without a subnet said nothing; they are dropped. */
static void drop_empty(struct json_object *list)
{
	for (size_t i = json_array_size(list); i-- > 0;) {
		const char *subnet = json_get_string(json_object_array_get_idx(list, i), "Subnet");

		if (!subnet || !*subnet) {
			json_object_array_del_idx(list, i, 1);
		}
	}
}

int network_complete(const struct network *n, const char *options, struct json_object **ret,
		     struct gantry_error *err)
{
	auto_json struct json_object *o = NULL;
	struct json_object *ipam, *list, *driver;
	int r = json_parse_object(options, "the network's options", &o, err);

	if (r < 0) {
		return r;
	}
	ipam = member(o, "IPAM", json_type_object);
	list = ipam ? member(ipam, "Config", json_type_array) : NULL;
	driver = member(o, "Options", json_type_object);
	if (!list || !driver) {
		return error_no_memory(err);
	}
	drop_empty(list);
	if (complete_pool(&n->v4, list) < 0 || complete_pool(&n->v6, list) < 0) {
		return error_no_memory(err);
	}
	if (n->sockets >= 0 && json_set_string(driver, OPTION_SOCKETS, n->sockets ? "true" : "false") < 0) {
		return error_no_memory(err);
	}
	/* A name that cannot be derived from the id again is kept. */
	if (strncmp(n->bridge, "br-", 3) && json_set_string(driver, OPTION_NAME, n->bridge) < 0) {
		return error_no_memory(err);
	}
	*ret = steal(&o);
	return 0;
}
