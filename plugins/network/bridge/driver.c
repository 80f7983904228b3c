/* SPDX-License-Identifier: Apache-2.0 */
/*
 * network/bridge: containers on a Linux bridge, with addresses, NAT and published
 * ports.  Any number of processes may use one engine's networks at once: addresses and ports are
 * claimed by records, changes of networks are serialised by a file lock.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <gantry/network.h>
#include <gantry/plugin.h>

#include "bridge.h"
#include "endpoint.h"
#include "ground.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "helpers/json.h"

/* What must not outlive its use: where no endpoint is, nothing needs to run. */
static void leave(const struct bridge_driver *d, int *ground)
{
	replace_fd(ground, -1);
	ground_leave(d);
}

static int driver_create(void *self, const struct gantry_network_create_args *args,
			 struct gantry_reply *reply, struct gantry_error *err)
{
	auto_json struct json_object *options = NULL;
	int ground = -1;
	int r = ground_enter(self, &ground, err);

	if (r == 0) {
		r = bridge_create(self, args->id, args->name, args->options, &options, err);
	}
	leave(self, &ground);
	return r < 0 ? r : gantry_network_create_set_options(reply, json_text(options));
}

static int driver_remove(void *self, const struct gantry_network_remove_args *args,
			 struct gantry_reply *reply, struct gantry_error *err)
{
	int ground = -1;
	int r = ground_enter(self, &ground, err);

	if (r == 0) {
		r = bridge_remove(self, args->id, err);
	}
	leave(self, &ground);
	return r;
}

static int driver_attach(void *self, const struct gantry_network_attach_args *args,
			 struct gantry_reply *reply, struct gantry_error *err)
{
	int ground = -1;
	int r = ground_enter(self, &ground, err);

	if (r == 0) {
		r = endpoint_attach(self, args, reply, err);
	}
	leave(self, &ground);
	return r;
}

static int driver_detach(void *self, const struct gantry_network_detach_args *args,
			 struct gantry_reply *reply, struct gantry_error *err)
{
	int ground = -1;
	int r = ground_enter(self, &ground, err);

	if (r == 0) {
		r = endpoint_detach(self, args, err);
	}
	leave(self, &ground);
	return r;
}

static int reconcile_locked(const struct bridge_driver *d,
			    const struct gantry_network_reconcile_args *args, struct gantry_error *err)
{
	auto_fd int lock = bridge_lock(d, err);
	int r;

	if (lock < 0) {
		return lock;
	}
	r = endpoint_reconcile(d, args->endpoints, err);
	return r < 0 ? r : bridge_reconcile(d, args->networks, err);
}

static int driver_reconcile(void *self, const struct gantry_network_reconcile_args *args,
			    struct gantry_reply *reply, struct gantry_error *err)
{
	int ground = -1;
	int r = ground_enter(self, &ground, err);

	if (r == 0) {
		r = reconcile_locked(self, args, err);
	}
	leave(self, &ground);
	return r;
}

static int driver_probe(const struct gantry_host *host, const char *config, struct gantry_error *err)
{
	return ground_probe(err);
}

static int read_config(struct bridge_driver *d, const char *config, struct gantry_error *err)
{
	auto_json struct json_object *o = NULL;
	int r = json_parse_object(config, "configuration of network driver bridge", &o, err);
	const char *way = json_get_string(o, "way_out");

	if (r < 0) {
		return r;
	}
	way = way ? way : "auto";
	if (strcmp(way, "auto") && strcmp(way, "pasta") && strcmp(way, "slirp4netns") &&
	    strcmp(way, "relay")) {
		error_set(err, GANTRY_ERR_INVALID, "drivers.network.bridge.way_out: \"%s\" is no way out", way);
		return error_hint(err, "known are auto, pasta, slirp4netns and relay");
	}
	snprintf(d->way_out, sizeof(d->way_out), "%s", way);
	return 0;
}

static int driver_open(const struct gantry_host *host, const char *config, void **ret_self,
		       struct gantry_error *err)
{
	struct bridge_driver *d = calloc(1, sizeof(*d));
	int r;

	if (!d) {
		return error_no_memory(err);
	}
	r = read_config(d, config, err);
	if (r < 0) {
		free(d);
		return r;
	}
	d->host = host;
	d->log = gantry_service(host, "log");
	r = store_init(&d->store, host, err);
	if (r < 0) {
		free(d);
		return r;
	}
	*ret_self = d;
	return 0;
}

static void driver_close(void *self)
{
	free(self);
}

static const struct gantry_network_ops ops = {
	.struct_size = sizeof(ops),
	.create = driver_create,
	.remove = driver_remove,
	.attach = driver_attach,
	.detach = driver_detach,
	.reconcile = driver_reconcile,
};

static const struct gantry_config_key keys[] = {
	{ "way_out", GANTRY_TYPE_STRING, 0, "auto",
	  "what carries an ordinary user's packets: pasta, slirp4netns, relay (gantry's own) or auto" },
	{ NULL, 0, 0, NULL, NULL },
};

static const struct gantry_driver driver = {
	.size = sizeof(driver),
	.threads = GANTRY_THREADS_PARALLEL,
	.kind = "network",
	.name = "bridge",
	.summary = "A Linux bridge with NAT and published ports",
	.ops = &ops,
	.config = keys,
	.probe = driver_probe,
	.open = driver_open,
	.close = driver_close,
};

/* Not unloadable: libnftables stays. */
GANTRY_PLUGIN(.name = "network-bridge", .version = "0.1.0", .licence = "Apache-2.0",
	      .drivers = (const struct gantry_driver *const[]){ &driver, NULL },
	      .permissions = (const char *const[]){ "net_admin", "sys_admin", NULL });
