/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <gantry/calls.h>

#include "core/image/registry.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"

#define HUB "docker.io"
#define HUB_INDEX "https://index.docker.io/v1/"

static int is_default(struct core *core, const char *domain)
{
	return !strcmp(domain, config_string(core->config, "registry.default"));
}

char *image_registry_options(struct core *core, const char *domain)
{
	auto_json struct json_object *o = json_object_new_object();
	const char *text;

	json_set(o, "insecure_registries", json_object_get(config_list(core->config, "registry.insecure")));
	if (is_default(core, domain)) {
		json_set(o, "mirrors", json_object_get(config_list(core->config, "registry.mirrors")));
	}
	text = json_text(o);
	return text ? strdup(text) : NULL;
}

int image_registry_open(struct core *core, const struct reference *ref, const char *mode,
			const char *auth, struct driver **ret_driver, uint64_t *ret_session,
			struct gantry_error *err)
{
	auto_free char *options = image_registry_options(core, ref->domain);
	auto_(reply) struct reply ret = REPLY_INIT;
	struct driver *driver;
	char location[600];
	int r;

	if (!options) {
		return error_no_memory(err);
	}
	/* Who asks a daemon without a login is nobody, and not whoever the daemon runs as. */
	if (!auth && core->daemon) {
		auth = "{}";
	}
	snprintf(location, sizeof(location), "%s/%s", ref->domain, ref->path);
	r = registry_get(core->registry, "transport", config_string(core->config, "transport.registry"),
			 &driver, err);
	if (r == 0) {
		r = transport_open(driver,
				   &GANTRY_TRANSPORT_OPEN_ARGS(.location = location, .mode = mode,
							       .auth = auth, .options = options),
				   &ret, err);
	}
	if (r == 0) {
		*ret_driver = driver;
		*ret_session = (uint64_t)reply_integer(&ret, GANTRY_TRANSPORT_OPEN_RET_SESSION, 0);
	}
	return r;
}

const char *image_registry_index(struct core *core)
{
	const char *name = config_string(core->config, "registry.default");

	return !strcmp(name, HUB) ? HUB_INDEX : name;
}

static void add_index(struct json_object *indexes, const char *name, struct json_object *mirrors,
		      int secure, int official)
{
	struct json_object *o = json_object_new_object();

	json_set_string(o, "Name", name);
	json_set(o, "Mirrors", mirrors ? json_object_get(mirrors) : json_object_new_array());
	json_set_bool(o, "Secure", secure);
	json_set_bool(o, "Official", official);
	json_set(indexes, name, o);
}

struct json_object *image_registry_info(struct core *core)
{
	struct json_object *o = json_object_new_object();
	struct json_object *indexes = json_object_new_object();
	struct json_object *subnets = json_object_new_array();
	struct json_object *mirrors = config_list(core->config, "registry.mirrors");
	struct json_object *insecure = config_list(core->config, "registry.insecure");

	add_index(indexes, config_string(core->config, "registry.default"), mirrors, 1, 1);
	for (size_t i = 0; i < json_array_size(insecure); i++) {
		const char *item = json_item_string(insecure, i);

		if (strchr(item, '/')) {
			json_add_string(subnets, item);
		} else {
			add_index(indexes, item, NULL, 0, 0);
		}
	}
	json_add_string(subnets, "::1/128");
	json_add_string(subnets, "127.0.0.0/8");
	json_set(o, "IndexConfigs", indexes);
	json_set(o, "InsecureRegistryCIDRs", subnets);
	json_set(o, "Mirrors", mirrors ? json_object_get(mirrors) : json_object_new_array());
	return o;
}
