/* SPDX-License-Identifier: Apache-2.0 */
/* network/host: the container stays in the host's network namespace.  Stateless. */
#include <stddef.h>

#include <gantry/network.h>
#include <gantry/plugin.h>

#include "helpers/error.h"

static int host_create(void *self, const struct gantry_network_create_args *args,
		       struct gantry_reply *reply, struct gantry_error *err)
{
	return gantry_network_create_set_options(reply, args->options ? args->options : "{}");
}

static int host_remove(void *self, const struct gantry_network_remove_args *args,
		       struct gantry_reply *reply, struct gantry_error *err)
{
	return 0;
}

static int host_attach(void *self, const struct gantry_network_attach_args *args,
		       struct gantry_reply *reply, struct gantry_error *err)
{
	if (args->sandbox >= 0) {
		return error_set(err, GANTRY_ERR_INVALID,
				 "network driver host cannot connect a sandbox of its own");
	}
	return gantry_network_attach_set_endpoint(reply, "{}");
}

static int host_detach(void *self, const struct gantry_network_detach_args *args,
		       struct gantry_reply *reply, struct gantry_error *err)
{
	return 0;
}

static const struct gantry_network_ops ops = {
	.struct_size = sizeof(ops),
	.create = host_create,
	.remove = host_remove,
	.attach = host_attach,
	.detach = host_detach,
};

static const struct gantry_driver driver = {
	.size = sizeof(driver),
	.threads = GANTRY_THREADS_PARALLEL,
	.kind = "network",
	.name = "host",
	.summary = "The network of the host itself",
	.ops = &ops,
};

GANTRY_PLUGIN(.name = "network-host", .version = "0.1.0", .licence = "Apache-2.0",
	      .drivers = (const struct gantry_driver *const[]){ &driver, NULL },
	      .flags = GANTRY_PLUGIN_UNLOADABLE);
