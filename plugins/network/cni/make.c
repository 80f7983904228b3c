/* SPDX-License-Identifier: Apache-2.0 */
/* The list for `network create --driver cni` without a file of the user's: the plugin that
 * cni.type names, addresses by host-local, and after it those that cni.plugins names, for a
 * bridge what publishes ports and opens the firewall. */
#include <stdio.h>
#include <string.h>

#include "conf.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"

static struct json_object *add_plugin(struct json_object *plugins, const char *type,
				      const char *capability)
{
	struct json_object *o = json_object_new_object();
	struct json_object *capabilities;

	json_set_string(o, "type", type);
	if (capability) {
		capabilities = json_object_new_object();
		json_set_bool(capabilities, capability, 1);
		json_set(o, "capabilities", capabilities);
	}
	json_object_array_add(plugins, o);
	return o;
}

/* First and last address of "10.1.2.128/25", as host-local wants an IPRange. */
static int add_range(struct json_object *range, const char *text, struct gantry_error *err)
{
	unsigned a, b, c, d, bits;
	uint32_t first, last;
	char out[32];

	if (sscanf(text, "%u.%u.%u.%u/%u", &a, &b, &c, &d, &bits) != 5 || a > 255 || b > 255 || c > 255 ||
	    d > 255 || bits > 30 || bits < 8) {
		error_set(err, GANTRY_ERR_INVALID, "\"%s\" is no range of IPv4 addresses", text);
		return error_hint(err, "for others write a conflist and name it with cni.file");
	}
	first = (a << 24 | b << 16 | c << 8 | d) & ~((1u << (32 - bits)) - 1);
	last = first | ((1u << (32 - bits)) - 1);
	first++, last--;
	snprintf(out, sizeof(out), "%u.%u.%u.%u", first >> 24, first >> 16 & 255, first >> 8 & 255,
		 first & 255);
	json_set_string(range, "rangeStart", out);
	snprintf(out, sizeof(out), "%u.%u.%u.%u", last >> 24, last >> 16 & 255, last >> 8 & 255,
		 last & 255);
	json_set_string(range, "rangeEnd", out);
	return 0;
}

static int add_pool(struct json_object *ranges, struct json_object *pool, const char *fallback,
		    struct gantry_error *err)
{
	struct json_object *set = json_object_new_array(), *range = json_object_new_object();
	const char *subnet = json_get_string(pool, "Subnet"), *part = json_get_string(pool, "IPRange");
	const char *gateway = json_get_string(pool, "Gateway");

	json_object_array_add(set, range);
	json_object_array_add(ranges, set);
	json_set_string(range, "subnet", subnet && *subnet ? subnet : fallback);
	if (gateway && *gateway) {
		json_set_string(range, "gateway", gateway);
	}
	return part && *part ? add_range(range, part, err) : 0;
}

static int make_ipam(struct json_object *options, const char *fallback, const char *data_dir,
		     int internal, struct json_object **ret, struct gantry_error *err)
{
	auto_json struct json_object *ipam = json_object_new_object();
	struct json_object *pools = json_get_array(json_get_object(options, "IPAM"), "Config");
	struct json_object *ranges = json_object_new_array();
	int r = 0;

	json_set_string(ipam, "type", "host-local");
	json_set_string(ipam, "dataDir", data_dir);
	json_set(ipam, "ranges", ranges);
	for (size_t i = 0; r == 0 && i < json_array_size(pools); i++) {
		r = add_pool(ranges, json_object_array_get_idx(pools, i), fallback, err);
	}
	if (r == 0 && json_array_size(pools) == 0) {
		r = add_pool(ranges, NULL, fallback, err);
	}
	if (r == 0 && !internal) {
		struct json_object *routes = json_object_new_array(), *route = json_object_new_object();

		json_set_string(route, "dst", "0.0.0.0/0");
		json_object_array_add(routes, route);
		json_set(ipam, "routes", routes);
	}
	if (r == 0) {
		*ret = steal(&ipam);
	}
	return r;
}

static int set_mtu(struct json_object *main, struct json_object *given, struct gantry_error *err)
{
	const char *mtu = json_get_string(given, "mtu");
	int n = 0, end = 0;

	if (!mtu) {
		return 0;
	}
	if (sscanf(mtu, "%d%n", &n, &end) != 1 || mtu[end] || n < 68 || n > 65535) {
		return error_set(err, GANTRY_ERR_INVALID, "mtu \"%s\" is no number from 68 to 65535", mtu);
	}
	return json_set_int(main, "mtu", n);
}

static int check_options(struct json_object *given, struct gantry_error *err)
{
	static const char *const known[] = { "cni.type", "cni.plugins", "parent", "mode", "mtu" };

	if (!given) {
		return 0;
	}
	json_object_object_foreach(given, key, value)
	{
		int found = 0;

		for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
			found |= !strcmp(key, known[i]);
		}
		if (!found || !json_object_is_type(value, json_type_string)) {
			error_set(err, GANTRY_ERR_INVALID, "network driver cni has no option \"%s\"", key);
			return error_hint(err, "its options are cni.file, or cni.type, cni.plugins, parent, mode and "
				       "mtu");
		}
	}
	return 0;
}

static void fill_bridge(struct json_object *main, const char *id, int internal)
{
	char name[16];

	snprintf(name, sizeof(name), CNI_MADE_BRIDGE, id);
	json_set_string(main, "bridge", name);
	json_set_bool(main, "isGateway", !internal);
	json_set_bool(main, "ipMasq", !internal);
	json_set_bool(main, "hairpinMode", 1);
}

/* The plugins after the first, with the capability that each is known to take. */
static int add_more(struct json_object *plugins, const char *names, int is_bridge,
		    struct gantry_error *err)
{
	static const char *const capabilities[][2] = {
		{ "portmap", "portMappings" }, { "bandwidth", "bandwidth" }, { "tuning", "mac" },
	};
	auto_free char *copy = strdup(names ? names : is_bridge ? "portmap,firewall" : "");
	char *save = NULL;

	if (!copy) {
		return error_no_memory(err);
	}
	for (char *name = strtok_r(copy, ", ", &save); name; name = strtok_r(NULL, ", ", &save)) {
		const char *capability = NULL;

		for (size_t i = 0; i < ARRAY_SIZE(capabilities); i++) {
			if (!strcmp(name, capabilities[i][0])) {
				capability = capabilities[i][1];
			}
		}
		add_plugin(plugins, name, capability);
	}
	return 0;
}

int cni_conf_make(const char *id, struct json_object *options, const char *subnet,
		  const char *data_dir, struct json_object **ret, struct gantry_error *err)
{
	auto_json struct json_object *list = json_object_new_object();
	struct json_object *given = json_get_object(options, "Options"), *plugins, *main, *ipam = NULL;
	const char *type = json_get_string(given, "cni.type"), *parent = json_get_string(given, "parent");
	int internal = json_get_bool(options, "Internal", 0), is_bridge;
	char name[32];
	int r = check_options(given, err);

	type = type ? type : "bridge";
	is_bridge = !strcmp(type, "bridge");
	if (r == 0 && !is_bridge && !parent && strcmp(type, "ptp")) {
		error_set(err, GANTRY_ERR_INVALID, "a %s network needs to know its parent interface", type);
		r = error_hint(err, "add -o parent=eth0");
	}
	if (r < 0) {
		return r;
	}
	snprintf(name, sizeof(name), CNI_MADE_NAME, id);
	plugins = json_object_new_array();
	json_set_string(list, "cniVersion", "1.0.0");
	json_set_string(list, "name", name);
	json_set(list, "plugins", plugins);
	main = add_plugin(plugins, type, "ips");
	json_set_bool(json_get(main, "capabilities"), "mac", 1);
	if (is_bridge) {
		fill_bridge(main, id, internal);
	}
	json_set_string(main, "master", parent);
	json_set_string(main, "mode", json_get_string(given, "mode"));
	r = set_mtu(main, given, err);
	if (r == 0) {
		r = make_ipam(options, subnet, data_dir, internal, &ipam, err);
	}
	if (r < 0) {
		return r;
	}
	json_set(main, "ipam", ipam);
	r = add_more(plugins, json_get_string(given, "cni.plugins"), is_bridge, err);
	if (r == 0) {
		*ret = steal(&list);
	}
	return r;
}
