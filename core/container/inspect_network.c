/* SPDX-License-Identifier: Apache-2.0 */
/* NetworkSettings: what was asked for, what the networks made of it, and for a container that has
 * not started the networks that it will be on. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/container/present.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"

/* Members that Docker's clients find in every endpoint. */
static void complete_endpoint(struct core *core, const char *network, struct json_object *o)
{
	static const char *const nulls[] = { "IPAMConfig", "Links", "Aliases", "DriverOpts", "DNSNames" };
	static const char *const texts[] = { "MacAddress", "EndpointID", "Gateway", "IPAddress", "IPv6Gateway",
					     "GlobalIPv6Address" };
	static const char *const numbers[] = { "GwPriority", "IPPrefixLen", "GlobalIPv6PrefixLen" };
	struct gantry_error ignored = GANTRY_ERROR_INIT;
	auto_free char *id = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(nulls); i++) {
		if (!json_get(o, nulls[i])) {
			json_set(o, nulls[i], NULL);
		}
	}
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		if (!json_get_string(o, texts[i])) {
			json_set_string(o, texts[i], "");
		}
	}
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
		json_set_int(o, numbers[i], json_get_int(o, numbers[i], 0));
	}
	if (!json_get_string(o, "NetworkID") || !*json_get_string(o, "NetworkID")) {
		(void)db_get_text(core->db, &id, &ignored, "SELECT id FROM networks WHERE name=?", "s", network);
		json_set_string(o, "NetworkID", id ? id : "");
	}
}

static void add_endpoint(struct core *core, struct json_object *to, const char *network,
			 struct json_object *settings)
{
	struct json_object *o = json_object_new_object();

	if (settings) {
		json_object_object_foreach(settings, key, value) {
			json_set(o, key, json_object_get(value));
		}
	}
	complete_endpoint(core, network, o);
	json_set(to, network, o);
}

struct json_object *present_networks(struct core *core, const struct container *c)
{
	struct json_object *live = json_get_object(c->state, "Networks");
	struct json_object *asked =
		json_get_object(json_get_object(c->doc, "NetworkingConfig"), "EndpointsConfig");
	const char *mode = json_get_string(container_host_config(c), "NetworkMode");
	struct json_object *o = json_object_new_object();

	if (asked) {
		json_object_object_foreach(asked, name, value) {
			add_endpoint(core, o, strcmp(name, "default") ? name : "bridge", value);
		}
	}
	if (live) {
		json_object_object_foreach(live, network, settings) {
			add_endpoint(core, o, network, settings);
		}
	}
	if (json_member_count(o) == 0 && mode && strncmp(mode, "container:", 10) != 0) {
		add_endpoint(core, o, mode, NULL);
	}
	return o;
}

struct json_object *present_network_settings(struct core *core, const struct container *c)
{
	struct json_object *o = json_object_new_object();
	struct json_object *ports = json_get_object(c->state, "Ports");
	struct json_object *networks = present_networks(core, c);
	struct json_object *first = json_get_object(networks, "bridge");
	static const char *const texts[] = { "Gateway", "IPAddress", "MacAddress", "EndpointID",
					     "GlobalIPv6Address", "IPv6Gateway" };
	auto_free char *sandbox = NULL;

	json_set_string(o, "Bridge", "");
	json_set_string(o, "SandboxID", container_is_running(c) ? c->id : "");
	if (container_is_running(c) &&
	    asprintf(&sandbox, "/proc/%lld/ns/net", (long long)json_get_int(c->state, "Pid", 0)) >= 0) {
		json_set_string(o, "SandboxKey", sandbox);
	} else {
		json_set_string(o, "SandboxKey", "");
	}
	json_set(o, "Ports", ports ? json_object_get(ports) : json_object_new_object());
	json_set_bool(o, "HairpinMode", 0);
	json_set_string(o, "LinkLocalIPv6Address", "");
	json_set_int(o, "LinkLocalIPv6PrefixLen", 0);
	json_set(o, "SecondaryIPAddresses", NULL);
	json_set(o, "SecondaryIPv6Addresses", NULL);
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		const char *text = json_get_string(first, texts[i]);

		json_set_string(o, texts[i], text ? text : "");
	}
	json_set_int(o, "IPPrefixLen", json_get_int(first, "IPPrefixLen", 0));
	json_set_int(o, "GlobalIPv6PrefixLen", json_get_int(first, "GlobalIPv6PrefixLen", 0));
	json_set(o, "Networks", networks);
	return o;
}
