/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "cli/options/options.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"

struct attachment {
	char *name;
	struct json_object *endpoint;
};

static void add_to_list(struct json_object *o, const char *member, const char *text)
{
	struct json_object *list = json_get_array(o, member);

	if (!list) {
		list = json_object_new_array();
		json_set(o, member, list);
	}
	json_add_string(list, text);
}

static int network_field(void *user, const char *key, const char *value, int has_value,
			 struct gantry_error *err)
{
	struct attachment *a = user;
	const char *equals;

	if (!has_value) {
		return error_set(err, GANTRY_ERR_INVALID,
				 "invalid argument \"%s\" for \"--network\" flag: invalid field %s", key,
				 key);
	}
	if (strcmp(key, "name") == 0) {
		free(a->name);
		a->name = strdup(value);
	} else if (strcmp(key, "alias") == 0) {
		add_to_list(a->endpoint, "Aliases", value);
	} else if (strcmp(key, "ip") == 0) {
		json_set_string(options_member(a->endpoint, "IPAMConfig"), "IPv4Address", value);
	} else if (strcmp(key, "ip6") == 0) {
		json_set_string(options_member(a->endpoint, "IPAMConfig"), "IPv6Address", value);
	} else if (strcmp(key, "mac-address") == 0) {
		json_set_string(a->endpoint, "MacAddress", value);
	} else if (strcmp(key, "link-local-ip") == 0) {
		add_to_list(options_member(a->endpoint, "IPAMConfig"), "LinkLocalIPs", value);
	} else if (strcmp(key, "gw-priority") == 0) {
		json_set_int(a->endpoint, "GwPriority", strtol(value, NULL, 10));
	} else if (strcmp(key, "driver-opt") == 0 && (equals = strchr(value, '='))) {
		auto_free char *name = strndup(value, (size_t)(equals - value));

		json_set_string(options_member(a->endpoint, "DriverOpts"), name, equals + 1);
	} else {
		return error_set(err, GANTRY_ERR_INVALID,
				 "invalid argument \"%s=%s\" for \"--network\" flag: invalid field key "
				 "%s",
				 key, value, key);
	}
	return 0;
}

/* One --network: a plain name or "name=x,alias=y". */
static int parse_network(const char *text, struct attachment *a, struct gantry_error *err)
{
	int r = 0;

	a->endpoint = json_object_new_object();
	if (strchr(text, '=')) {
		r = options_csv(text, network_field, a, err);
		if (r == 0 && !a->name) {
			r = error_set(err, GANTRY_ERR_INVALID,
				      "invalid argument \"%s\" for \"--network\" flag: network name is "
				      "required",
				      text);
		}
	} else {
		a->name = strdup(text);
	}
	return r;
}

static int is_user_defined(const char *name)
{
	return strcmp(name, "default") != 0 && strcmp(name, "bridge") != 0 &&
	       strcmp(name, "host") != 0 && strcmp(name, "none") != 0 &&
	       strncmp(name, "container:", 10) != 0;
}

/* The flags beside --network describe the first one. */
static int apply_flags(const struct args *args, struct attachment *a, struct json_object *config,
		       struct gantry_error *err)
{
	static const char *const lists[][2] = {
		{ "network-alias", "Aliases" }, { "net-alias", "Aliases" }, { "link", "Links" }
	};
	const char *text;

	for (size_t k = 0; k < ARRAY_SIZE(lists); k++) {
		for (size_t i = 0; (text = args_item(args, lists[k][0], i)); i++) {
			if (k < 2 && !is_user_defined(a->name)) {
				return error_set(err, GANTRY_ERR_INVALID,
						 "network-scoped alias is supported only for containers "
						 "in user defined networks");
			}
			if (k < 2 || is_user_defined(a->name)) {
				add_to_list(a->endpoint, lists[k][1], text);
			}
		}
	}
	if ((text = args_string(args, "ip"))) {
		json_set_string(options_member(a->endpoint, "IPAMConfig"), "IPv4Address", text);
	}
	if ((text = args_string(args, "ip6"))) {
		json_set_string(options_member(a->endpoint, "IPAMConfig"), "IPv6Address", text);
	}
	for (size_t i = 0; (text = args_item(args, "link-local-ip", i)); i++) {
		add_to_list(options_member(a->endpoint, "IPAMConfig"), "LinkLocalIPs", text);
	}
	if ((text = args_string(args, "mac-address"))) {
		json_set_string(config, "MacAddress", text);
		json_set_string(a->endpoint, "MacAddress", text);
	}
	return 0;
}

int options_networks(const struct args *args, struct json_object *config, struct json_object *host,
		     struct json_object **ret, struct gantry_error *err)
{
	struct json_object *endpoints = NULL;
	int first = 1, r = 0;

	*ret = NULL;
	if (args_has(args, "link")) {
		json_set(host, "Links", options_list(args, "link"));
	}
	for (size_t i = 0; r == 0 && i < args->n_values; i++) {
		const char *flag = args->values[i].flag->name;
		struct attachment a = { NULL, NULL };

		if (strcmp(flag, "network") != 0 && strcmp(flag, "net") != 0) {
			continue;
		}
		r = parse_network(args->values[i].text, &a, err);
		if (r == 0 && first) {
			json_set_string(host, "NetworkMode", a.name);
			r = apply_flags(args, &a, config, err);
		}
		first = 0;
		if (r == 0 && (is_user_defined(a.name) || json_member_count(a.endpoint) > 0)) {
			if (!endpoints) {
				*ret = json_object_new_object();
				endpoints = options_member(*ret, "EndpointsConfig");
			}
			json_set(endpoints, a.name, json_object_get(a.endpoint));
		}
		json_object_put(a.endpoint);
		free(a.name);
	}
	if (r == 0 && first) {
		struct attachment a = { (char[]){ "default" }, json_object_new_object() };

		r = apply_flags(args, &a, config, err);
		if (r == 0 && json_member_count(a.endpoint) > 0) {
			*ret = json_object_new_object();
			json_set(options_member(*ret, "EndpointsConfig"), "default",
				 json_object_get(a.endpoint));
		}
		json_object_put(a.endpoint);
	}
	return r;
}
