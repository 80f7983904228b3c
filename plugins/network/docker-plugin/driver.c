/* SPDX-License-Identifier: Apache-2.0 */
/*
 * network/docker-plugin: networks of plugins that speak Docker's plugin protocol, version 1,
 * with addresses of this driver or of an IPAM plugin.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <gantry/plugin.h>

#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "remote.h"

#define INTERFACE "NetworkDriver"

static struct json_object *pool_data(struct json_object *pools, int v6)
{
	struct json_object *list = json_object_new_array();

	for (size_t i = 0; i < json_array_size(pools); i++) {
		struct json_object *pool = json_object_array_get_idx(pools, i), *o;
		const char *subnet = json_get_string(pool, "Pool");

		if ((strchr(subnet, ':') != NULL) != v6) {
			continue;
		}
		o = json_object_new_object();
		json_set_string(o, "AddressSpace", json_get_string(pool, "Space"));
		json_set_string(o, "Pool", subnet);
		json_set_string(o, "Gateway", json_get_string(pool, "Gateway"));
		json_set(o, "AuxAddresses", json_object_new_object());
		json_object_array_add(list, o);
	}
	return list;
}

static int create_network(struct remote *d, const char *id, struct json_object *options,
			  struct json_object *pools, struct gantry_error *err)
{
	auto_json struct json_object *request = json_object_new_object();
	struct json_object *all = json_object_new_object(), *generic = json_get_object(options, "Options");

	json_set(all, "com.docker.network.generic",
		 generic ? json_object_get(generic) : json_object_new_object());
	json_set_bool(all, "com.docker.network.enable_ipv6", json_get_bool(options, "EnableIPv6", 0));
	json_set_bool(all, "com.docker.network.internal", json_get_bool(options, "Internal", 0));
	json_set_string(request, "NetworkID", id);
	json_set(request, "Options", all);
	json_set(request, "IPv4Data", pool_data(pools, 0));
	json_set(request, "IPv6Data", pool_data(pools, 1));
	return docker_plugin_call(d->plugin, INTERFACE ".CreateNetwork", request, DOCKER_PLUGIN_WORK, NULL,
				  err);
}

static void network_key(const char *id, char key[80])
{
	snprintf(key, 80, "net/%.64s", id);
}

static int make_network(struct remote *d, const char *id, struct json_object *options,
			struct gantry_error *err)
{
	auto_json struct json_object *record = json_object_new_object();
	struct gantry_error ignored = GANTRY_ERROR_INIT;
	struct json_object *pools;
	char key[80];
	int r = ipam_make_pools(d, id, options, &pools, err);

	if (r < 0) {
		return r;
	}
	json_set(record, "Pools", pools);
	network_key(id, key);
	r = create_network(d, id, options, pools, err);
	if (r == 0) {
		r = store_put(&d->store, key, json_text(record), err);
	}
	if (r < 0) {
		(void)ipam_release_pools(d, id, pools, &ignored);
	}
	return r;
}

/* After a reboot the plugin itself remembers its networks; so nothing is made again. */
static int driver_create(void *self, const struct gantry_network_create_args *args,
			 struct gantry_reply *reply, struct gantry_error *err)
{
	auto_json struct json_object *options = NULL;
	auto_free char *there = NULL;
	struct remote *d = self;
	char key[80];
	int r = json_parse_object(args->options, "the network's options", &options, err);

	network_key(args->id, key);
	if (r == 0 && store_get(&d->store, key, &there, err) == GANTRY_ERR_NOT_FOUND) {
		error_clear(err);
		r = make_network(d, args->id, options, err);
	}
	return r < 0 ? r : gantry_network_create_set_options(reply, json_text(options));
}

/* A plugin that was told before may know the network no more, and has only words to say
 * so: what is recorded before it is told tells the two apart. */
static int delete_network(struct remote *d, const char *key, struct json_object *record,
			  struct json_object *request, struct gantry_error *err)
{
	int told = json_get_bool(record, "Removing", 0);
	int r = told ? 0 : json_set_bool(record, "Removing", 1);

	if (r == 0 && !told) {
		r = store_put(&d->store, key, json_text(record), err);
	}
	r = r < 0 ? r
		  : docker_plugin_call(d->plugin, INTERFACE ".DeleteNetwork", request, DOCKER_PLUGIN_WORK,
				       NULL, err);
	if (told && (r == GANTRY_ERR_IO || r == GANTRY_ERR_UNSUPPORTED)) {
		error_clear(err);
		r = 0;
	}
	return r;
}

static int driver_remove(void *self, const struct gantry_network_remove_args *args,
			 struct gantry_reply *reply, struct gantry_error *err)
{
	auto_json struct json_object *request = json_object_new_object(), *record = NULL;
	auto_free char *text = NULL;
	struct remote *d = self;
	char key[80];
	int r;

	network_key(args->id, key);
	r = store_get(&d->store, key, &text, err);
	if (r == GANTRY_ERR_NOT_FOUND) {
		error_clear(err);
		return 0;
	}
	json_set_string(request, "NetworkID", args->id);
	r = r < 0 ? r : json_parse_object(text, "the network's record", &record, err);
	r = r < 0 ? r : delete_network(d, key, record, request, err);
	r = r < 0 ? r : ipam_release_pools(d, args->id, json_get_array(record, "Pools"), err);
	return r < 0 ? r : store_remove(&d->store, key, err);
}

static int driver_attach(void *self, const struct gantry_network_attach_args *args,
			 struct gantry_reply *reply, struct gantry_error *err)
{
	return remote_attach(self, args, reply, err);
}

static int driver_detach(void *self, const struct gantry_network_detach_args *args,
			 struct gantry_reply *reply, struct gantry_error *err)
{
	return remote_detach(self, args->endpoint, args->sandbox, err);
}

static int driver_reconcile(void *self, const struct gantry_network_reconcile_args *args,
			    struct gantry_reply *reply, struct gantry_error *err)
{
	return remote_reconcile(self, args->endpoints, err);
}

static int driver_discover(const char *config, const char *name, struct gantry_reply *reply,
			   struct gantry_error *err)
{
	return docker_plugin_discover(config, INTERFACE, 0, name, reply, err);
}

static void driver_close(void *self)
{
	struct remote *d = self;

	docker_plugin_free(d->plugin);
	json_object_put(d->config);
	free(d);
}

static int driver_open(const struct gantry_host *host, const char *config, void **ret_self,
		       struct gantry_error *err)
{
	struct remote *d = calloc(1, sizeof(*d));
	int r = d ? json_parse_object(config, "the adaptor's configuration", &d->config, err)
		  : error_no_memory(err);

	if (r == 0) {
		r = docker_plugin_new(config, INTERFACE, &d->plugin, err);
	}
	if (r == 0) {
		d->host = host;
		r = store_init(&d->store, host, err);
	}
	if (r < 0) {
		if (d) {
			driver_close(d);
		}
		return r;
	}
	*ret_self = d;
	return 0;
}

static const struct gantry_network_ops ops = {
	.struct_size = sizeof(ops),
	.create = driver_create,
	.remove = driver_remove,
	.attach = driver_attach,
	.detach = driver_detach,
	.reconcile = driver_reconcile,
};

static const struct gantry_config_key keys[] = { DOCKER_PLUGIN_CONFIG, { NULL, 0, 0, NULL, NULL } };

static const struct gantry_driver driver = {
	.size = sizeof(driver),
	.threads = GANTRY_THREADS_PARALLEL,
	.kind = "network",
	.name = "docker-plugin",
	.summary = "Docker's network plugins, found in /run/docker/plugins and by .spec files",
	.ops = &ops,
	.config = keys,
	.open = driver_open,
	.close = driver_close,
	.discover = driver_discover,
};

GANTRY_PLUGIN(.name = "network-docker-plugin", .version = "0.1.0", .licence = "Apache-2.0",
	      .drivers = (const struct gantry_driver *const[]){ &driver, NULL },
	      .permissions = (const char *const[]){ DOCKER_PLUGIN_PERMISSIONS, "net_admin", "sys_admin", NULL });
