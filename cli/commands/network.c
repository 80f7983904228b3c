/* SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/api.h"
#include "cli/commands/commands.h"
#include "cli/commands/container.h"
#include "cli/commands/list.h"
#include "cli/options/options.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"

static const struct list_heading headings[] = {
	{ "ID", "NETWORK ID" }, { "Name", "NAME" },	   { "Driver", "DRIVER" },
	{ "Scope", "SCOPE" },	{ "IPv4", "IPV4" },	   { "IPv6", "IPV6" },
	{ "Internal", "INTERNAL" }, { "Labels", "LABELS" }, { "CreatedAt", "CREATED AT" },
	{ NULL, NULL },
};
static const struct list_spec spec = {
	"*network.networkContext", "table {{.ID}}\t{{.Name}}\t{{.Driver}}\t{{.Scope}}", "{{.ID}}",
	headings, row_label_method
};

static int compare_networks(const void *a, const void *b)
{
	struct json_object *const *x = a;
	struct json_object *const *y = b;

	return strverscmp(json_get_string(*x, "Name") ?: "", json_get_string(*y, "Name") ?: "");
}

/* "2024-01-02T03:04:05.6Z" as Go prints a time: "2024-01-02 03:04:05.6 +0000 UTC". */
static void set_created(struct json_object *row, const char *when)
{
	const char *t = when ? strchr(when, 'T') : NULL;
	const char *zone = t ? strpbrk(t, "Z+-") : NULL;
	const char *digits;
	auto_(buf) struct buf text = BUF_INIT;

	if (!zone) {
		json_set_string(row, "CreatedAt", when ? when : "");
		return;
	}
	for (digits = zone; memchr(t, '.', (size_t)(zone - t)) && digits[-1] == '0'; digits--) {
	}
	buf_addf(&text, "%.*s %.*s ", (int)(t - when), when, (int)(digits - t - 1), t + 1);
	if (*zone == 'Z') {
		buf_adds(&text, "+0000 UTC");
	} else {
		buf_addf(&text, "%.3s%s %.3s%s", zone, zone + 4, zone, zone + 4);
	}
	row_set_buf(row, "CreatedAt", &text);
}

static struct json_object *network_row(struct json_object *n, int no_trunc)
{
	struct json_object *row = json_object_new_object();

	row_set_id(row, "ID", json_get_string(n, "Id"), no_trunc);
	json_set_string(row, "Name", json_get_string(n, "Name"));
	json_set_string(row, "Driver", json_get_string(n, "Driver"));
	json_set_string(row, "Scope", json_get_string(n, "Scope"));
	json_set_string(row, "IPv4", json_get_bool(n, "EnableIPv4", 0) ? "true" : "false");
	json_set_string(row, "IPv6", json_get_bool(n, "EnableIPv6", 0) ? "true" : "false");
	json_set_string(row, "Internal", json_get_bool(n, "Internal", 0) ? "true" : "false");
	row_set_labels(row, json_get_object(n, "Labels"));
	set_created(row, json_get_string(n, "Created"));
	return row;
}

static int command_network_ls(struct cli *cli, struct args *args, struct gantry_error *err)
{
	auto_(list) struct list list = { NULL };
	auto_json struct json_object *networks = NULL;
	auto_(buf) struct buf target = BUF_INIT;
	int r = list_open(&list, &spec, args_string(args, "format"), args_bool(args, "quiet", 0),
			  err);

	buf_adds(&target, "/networks");
	target_add_filters(&target, args, "filter");
	r = r < 0 ? r : api_call(cli, "GET", buf_str(&target), NULL, &networks, err);
	if (r == 0 && json_object_is_type(networks, json_type_array)) {
		json_object_array_sort(networks, compare_networks);
	}
	for (size_t i = 0; r == 0 && i < json_array_size(networks); i++) {
		auto_json struct json_object *row =
			network_row(json_object_array_get_idx(networks, i),
				    args_bool(args, "no-trunc", 0));

		r = list_add(&list, row, err);
	}
	return r < 0 ? r : list_print(&list, err);
}

/* Is an address within "10.0.0.0/8"? */
static int within(const char *subnet, const char *address)
{
	unsigned char net[16], addr[16];
	const char *slash = strchr(subnet, '/');
	auto_free char *base = strndup(subnet, slash ? (size_t)(slash - subnet) : strlen(subnet));
	int family = strchr(address, ':') ? AF_INET6 : AF_INET;
	int bits = slash ? atoi(slash + 1) : 0;

	if (!base || inet_pton(family, base, net) != 1 || inet_pton(family, address, addr) != 1) {
		return 0;
	}
	for (int i = 0; i < bits && i < 128; i++) {
		if ((net[i / 8] ^ addr[i / 8]) & 0x80 >> i % 8) {
			return 0;
		}
	}
	return 1;
}

/* Puts a gateway, range or auxiliary address to the subnet that holds it. */
static int to_subnet(struct json_object *pools, const char *member, const char *key,
		     const char *address, struct gantry_error *err)
{
	auto_free char *plain = strndup(address, strcspn(address, "/"));

	for (size_t i = 0; plain && i < json_array_size(pools); i++) {
		struct json_object *pool = json_object_array_get_idx(pools, i);

		if (!within(json_get_string(pool, "Subnet"), plain)) {
			continue;
		}
		if (key) {
			return json_set_string(options_member(pool, member), key, address);
		}
		return json_set_string(pool, member, address);
	}
	return error_set(err, GANTRY_ERR_INVALID, "no matching subnet for %s %s",
			 strcmp(member, "IPRange") == 0	  ? "range"
			 : strcmp(member, "Gateway") == 0 ? "gateway"
							  : "aux-address",
			 address);
}

/* Calls to_subnet for each comma-separated address of a flag. */
static int each_address(const struct args *args, const char *flag, struct json_object *pools,
			const char *member, struct gantry_error *err)
{
	const char *text;
	int r = 0;

	for (size_t i = 0; r == 0 && (text = args_item(args, flag, i)); i++) {
		auto_free char *copy = strdup(text);
		char *rest = copy, *one;

		while (r == 0 && rest && (one = strsep(&rest, ","))) {
			r = to_subnet(pools, member, NULL, one, err);
		}
	}
	return r;
}

static int ipam(const struct args *args, struct json_object *body, struct gantry_error *err)
{
	struct json_object *o = options_member(body, "IPAM");
	struct json_object *pools = json_object_new_array();
	struct json_object *map;
	const char *text;
	int r;

	json_set_string(o, "Driver", args_string(args, "ipam-driver") ?: "default");
	json_set(o, "Config", pools);
	for (size_t i = 0; (text = args_item(args, "subnet", i)); i++) {
		auto_free char *copy = strdup(text);
		char *rest = copy, *one;

		while (rest && (one = strsep(&rest, ","))) {
			struct json_object *pool = json_object_new_object();

			json_set_string(pool, "Subnet", one);
			json_object_array_add(pools, pool);
		}
	}
	if (!json_array_size(pools) && (args_has(args, "gateway") || args_has(args, "ip-range"))) {
		return error_set(err, GANTRY_ERR_INVALID,
				 "every ip-range or gateway must have a corresponding subnet");
	}
	r = each_address(args, "gateway", pools, "Gateway", err);
	r = r < 0 ? r : each_address(args, "ip-range", pools, "IPRange", err);
	for (size_t i = 0; r == 0 && (text = args_item(args, "aux-address", i)); i++) {
		const char *equals = strchr(text, '=');
		auto_free char *key = equals ? strndup(text, (size_t)(equals - text)) : NULL;

		r = key ? to_subnet(pools, "AuxiliaryAddresses", key, equals + 1, err)
			: error_set(err, GANTRY_ERR_INVALID, "invalid auxiliary address '%s'", text);
	}
	r = r < 0 ? r : options_map(args, "ipam-opt", NULL, &map, err);
	if (r == 0 && map) {
		json_set(o, "Options", map);
	}
	return r;
}

static int command_network_create(struct cli *cli, struct args *args, struct gantry_error *err)
{
	auto_json struct json_object *body = json_object_new_object();
	auto_json struct json_object *answer = NULL;
	struct json_object *map;
	const char *warning;
	int r;

	json_set_string(body, "Name", args->argv[0]);
	json_set_string(body, "Driver", args_string(args, "driver") ?: "bridge");
	json_set_string(body, "Scope", args_string(args, "scope"));
	json_set_bool(body, "Internal", args_bool(args, "internal", 0));
	json_set_bool(body, "Attachable", args_bool(args, "attachable", 0));
	json_set_bool(body, "Ingress", args_bool(args, "ingress", 0));
	if (args_has(args, "ipv4")) {
		json_set_bool(body, "EnableIPv4", args_bool(args, "ipv4", 1));
	}
	if (args_has(args, "ipv6")) {
		json_set_bool(body, "EnableIPv6", args_bool(args, "ipv6", 0));
	}
	json_set_bool(body, "ConfigOnly", args_bool(args, "config-only", 0));
	if (args_has(args, "config-from")) {
		json_set_string(options_member(body, "ConfigFrom"), "Network",
				args_string(args, "config-from"));
	}
	r = ipam(args, body, err);
	r = r < 0 ? r : options_map(args, "opt", NULL, &map, err);
	if (r == 0 && map) {
		json_set(body, "Options", map);
	}
	r = r < 0 ? r : options_map(args, "label", NULL, &map, err);
	if (r == 0 && map) {
		json_set(body, "Labels", map);
	}
	r = r < 0 ? r : api_call(cli, "POST", "/networks/create", body, &answer, err);
	if (r < 0) {
		return r;
	}
	warning = json_get_string(answer, "Warning");
	if (warning && *warning) {
		fprintf(stderr, "WARNING: %s\n", warning);
	}
	printf("%s\n", json_get_string(answer, "Id"));
	return CLI_EXIT_OK;
}

static int remove_network(struct cli *cli, struct args *args, const char *name,
			  struct gantry_error *err)
{
	auto_(buf) struct buf target = BUF_INIT;
	int r;

	target_set(&target, "/networks/%s", name);
	r = api_call(cli, "DELETE", buf_str(&target), NULL, NULL, err);
	if (r == GANTRY_ERR_NOT_FOUND && args_bool(args, "force", 0)) {
		return 0;
	}
	if (r == 0) {
		printf("%s\n", name);
	}
	return r;
}

static int command_network_rm(struct cli *cli, struct args *args, struct gantry_error *err)
{
	return each_name(cli, args, remove_network);
}

static void add_all(struct json_object *o, const char *member, const struct args *args,
		    const char *flag)
{
	if (args_has(args, flag)) {
		json_set(o, member, options_list(args, flag));
	}
}

static int command_network_connect(struct cli *cli, struct args *args, struct gantry_error *err)
{
	auto_json struct json_object *body = json_object_new_object();
	struct json_object *endpoint = options_member(body, "EndpointConfig");
	auto_(buf) struct buf target = BUF_INIT;
	struct json_object *map;
	int r = options_map(args, "driver-opt", NULL, &map, err);

	if (r < 0) {
		return r;
	}
	json_set_string(body, "Container", args->argv[1]);
	if (args_has(args, "ip") || args_has(args, "ip6") || args_has(args, "link-local-ip")) {
		struct json_object *addresses = options_member(endpoint, "IPAMConfig");

		json_set_string(addresses, "IPv4Address", args_string(args, "ip"));
		json_set_string(addresses, "IPv6Address", args_string(args, "ip6"));
		add_all(addresses, "LinkLocalIPs", args, "link-local-ip");
	}
	add_all(endpoint, "Aliases", args, "alias");
	add_all(endpoint, "Links", args, "link");
	if (args_has(args, "gw-priority")) {
		json_set_int(endpoint, "GwPriority", args_int(args, "gw-priority", 0));
	}
	if (map) {
		json_set(endpoint, "DriverOpts", map);
	}
	target_set(&target, "/networks/%s/connect", args->argv[0]);
	return api_call(cli, "POST", buf_str(&target), body, NULL, err);
}

static int command_network_disconnect(struct cli *cli, struct args *args, struct gantry_error *err)
{
	auto_json struct json_object *body = json_object_new_object();
	auto_(buf) struct buf target = BUF_INIT;

	json_set_string(body, "Container", args->argv[1]);
	json_set_bool(body, "Force", args_bool(args, "force", 0));
	target_set(&target, "/networks/%s/disconnect", args->argv[0]);
	return api_call(cli, "POST", buf_str(&target), body, NULL, err);
}

static const struct flag ls_flags[] = {
	FILTER_FLAG, FORMAT_FLAG, NO_TRUNC_FLAG,
	{ FLAG_BOOL, 'q', "quiet", "Show only IDs", NULL, 0 },
	{ FLAG_NONE },
};
static const struct flag create_flags[] = {
	{ FLAG_BOOL, 0, "attachable", "Containers may be attached by hand", NULL, 0 },
	{ FLAG_MAP, 0, "aux-address", "Addresses that the driver itself uses", "map[]", 0 },
	{ FLAG_STRING, 0, "config-from", "Copy the configuration of this network", NULL, 0 },
	{ FLAG_BOOL, 0, "config-only", "Create a network that is configuration only", NULL, 0 },
	{ FLAG_STRING, 'd', "driver", "Driver of the network", "bridge", 0 },
	{ FLAG_STRINGS, 0, "gateway", "Gateways of the subnets", NULL, 0 },
	{ FLAG_BOOL, 0, "ingress", "Create a cluster's routing mesh", NULL, 0 },
	{ FLAG_BOOL, 0, "internal", "No access to the outside", NULL, 0 },
	{ FLAG_STRINGS, 0, "ip-range", "Give containers addresses of this part of the subnet", NULL, 0 },
	{ FLAG_STRING, 0, "ipam-driver", "Driver of the addresses", "default", 0 },
	{ FLAG_MAP, 0, "ipam-opt", "Options for the driver of the addresses", "map[]", 0 },
	{ FLAG_BOOL, 0, "ipv4", "Assign IPv4 addresses", "true", 0 },
	{ FLAG_BOOL, 0, "ipv6", "Assign IPv6 addresses", NULL, 0 },
	{ FLAG_LIST, 0, "label", "Set labels", NULL, 0 },
	{ FLAG_MAP, 'o', "opt", "Options for the driver", "map[]", 0 },
	{ FLAG_STRING, 0, "scope", "Scope of the network", NULL, 0 },
	{ FLAG_STRINGS, 0, "subnet", "Subnets in CIDR form", NULL, 0 },
	{ FLAG_NONE },
};
static const struct flag rm_flags[] = {
	{ FLAG_BOOL, 'f', "force", "Do not fail when it does not exist", NULL, 0 },
	{ FLAG_NONE },
};
static const struct flag connect_flags[] = {
	{ FLAG_STRINGS, 0, "alias", "Add names of the container within the network", NULL, 0 },
	{ FLAG_STRINGS, 0, "driver-opt", "Options for the driver", NULL, 0 },
	{ FLAG_INT, 0, "gw-priority", "The highest one gives the default gateway", NULL, 0 },
	{ FLAG_STRING, 0, "ip", "IPv4 address (such as \"172.30.100.104\")", NULL, 0 },
	{ FLAG_STRING, 0, "ip6", "IPv6 address (such as \"2001:db8::33\")", NULL, 0 },
	{ FLAG_LIST, 0, "link", "Add a link to another container", NULL, 0 },
	{ FLAG_STRINGS, 0, "link-local-ip", "Add link-local addresses", NULL, 0 },
	{ FLAG_NONE },
};
static const struct flag disconnect_flags[] = {
	{ FLAG_BOOL, 'f', "force", "Even if the container cannot be told", NULL, 0 },
	{ FLAG_NONE },
};

const struct command network_ls_command = {
	.name = "ls", .summary = "List networks", .usage = "[OPTIONS]",
	.aliases = "network ls, network list", .flags = ls_flags, .run = command_network_ls,
};
const struct command network_create_command = {
	.name = "create", .summary = "Create a network", .usage = "[OPTIONS] NETWORK",
	.min_args = 1, .max_args = 1, .flags = create_flags, .run = command_network_create,
};
const struct command network_rm_command = {
	.name = "rm", .summary = "Remove one or more networks",
	.usage = "NETWORK [NETWORK...]", .aliases = "network rm, network remove",
	.min_args = 1, .max_args = -1, .flags = rm_flags, .run = command_network_rm,
};
const struct command network_connect_command = {
	.name = "connect", .summary = "Connect a container to a network",
	.usage = "[OPTIONS] NETWORK CONTAINER", .min_args = 2, .max_args = 2,
	.flags = connect_flags, .run = command_network_connect,
};
const struct command network_disconnect_command = {
	.name = "disconnect", .summary = "Disconnect a container from a network",
	.usage = "[OPTIONS] NETWORK CONTAINER", .min_args = 2, .max_args = 2,
	.flags = disconnect_flags, .run = command_network_disconnect,
};
