/* SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "result.h"

struct member_names {
	const char *address, *bits, *gateway;
};

static const struct member_names v4 = { "IPAddress", "IPPrefixLen", "Gateway" };
static const struct member_names v6 = { "GlobalIPv6Address", "GlobalIPv6PrefixLen", "IPv6Gateway" };

static int is_address(const char *text, int family)
{
	unsigned char raw[16];

	return text && inet_pton(family, text, raw) == 1;
}

/* "10.1.0.2/24", with the gateway beside it. */
static int add_address(struct json_object *endpoint, const char *text, const char *gateway,
		       struct gantry_error *err)
{
	const char *slash = text ? strchr(text, '/') : NULL;
	auto_free char *address = slash ? strndup(text, (size_t)(slash - text)) : NULL;
	int family = address && strchr(address, ':') ? AF_INET6 : AF_INET;
	const struct member_names *m = family == AF_INET6 ? &v6 : &v4;
	char *end = NULL;
	long bits = slash ? strtol(slash + 1, &end, 10) : -1;

	if (!is_address(address, family) || bits < 0 || *end || bits > (family == AF_INET6 ? 128 : 32)) {
		return error_set(err, GANTRY_ERR_CORRUPT, "the result has the address \"%.60s\", which is none",
				 text ? text : "");
	}
	if (json_get_string(endpoint, m->address)) {
		return 0; /* the first of a family is what the engine shows */
	}
	json_set_string(endpoint, m->address, address);
	json_set_int(endpoint, m->bits, bits);
	if (gateway && *gateway) {
		if (!is_address(gateway, family)) {
			return error_set(err, GANTRY_ERR_CORRUPT,
					 "the result has the gateway \"%.60s\", which is no address", gateway);
		}
		json_set_string(endpoint, m->gateway, gateway);
	}
	return 0;
}

/* The hardware address of the interface inside. */
static void add_mac(struct json_object *endpoint, struct json_object *result, const char *interface)
{
	struct json_object *list = json_get_array(result, "interfaces");

	for (size_t i = 0; i < json_array_size(list); i++) {
		struct json_object *o = json_object_array_get_idx(list, i);
		const char *name = json_get_string(o, "name"), *sandbox = json_get_string(o, "sandbox");
		const char *mac = json_get_string(o, "mac");

		if (name && mac && sandbox && *sandbox && !strcmp(name, interface) &&
		    strspn(mac, "0123456789abcdefABCDEF:") == strlen(mac)) {
			json_set_string(endpoint, "MacAddress", mac);
			return;
		}
	}
}

static void add_dns(struct json_object *endpoint, struct json_object *result)
{
	struct json_object *servers = json_get_array(json_get_object(result, "dns"), "nameservers");
	struct json_object *list = json_object_new_array();

	for (size_t i = 0; i < json_array_size(servers); i++) {
		const char *text = json_item_string(servers, i);

		if (is_address(text, AF_INET) || is_address(text, AF_INET6)) {
			json_add_string(list, text);
		}
	}
	if (json_array_size(list)) {
		json_set(endpoint, "DNS", list);
	} else {
		json_object_put(list);
	}
}

int cni_endpoint(struct json_object *result, const char *interface, struct json_object **ret,
		 struct gantry_error *err)
{
	auto_json struct json_object *o = json_object_new_object();
	struct json_object *ips = json_get_array(result, "ips");
	int r = o ? 0 : error_no_memory(err);

	for (size_t i = 0; r == 0 && i < json_array_size(ips); i++) {
		struct json_object *ip = json_object_array_get_idx(ips, i);

		r = add_address(o, json_get_string(ip, "address"), json_get_string(ip, "gateway"), err);
	}
	if (r < 0) {
		return r;
	}
	json_set_string(o, "Interface", interface);
	add_mac(o, result, interface);
	add_dns(o, result);
	*ret = steal(&o);
	return 0;
}
