/* SPDX-License-Identifier: Apache-2.0 */
/* network/none: a sandbox with a loopback interface and nothing else.  Stateless. */
#include <stddef.h>

#include <gantry/network.h>
#include <gantry/plugin.h>

#include "helpers/error.h"
#include "helpers/netns.h"

static int none_create(void *self, const struct gantry_network_create_args *args,
		       struct gantry_reply *reply, struct gantry_error *err)
{
	return gantry_network_create_set_options(reply, args->options ? args->options : "{}");
}

static int none_remove(void *self, const struct gantry_network_remove_args *args,
		       struct gantry_reply *reply, struct gantry_error *err)
{
	return 0;
}

static int none_attach(void *self, const struct gantry_network_attach_args *args,
		       struct gantry_reply *reply, struct gantry_error *err)
{
	int r = args->sandbox >= 0 ? netns_loopback_up(args->sandbox) : 0;

	if (r < 0) {
		return error_errno(err, -r, "cannot bring up the loopback interface of the sandbox");
	}
	return gantry_network_attach_set_endpoint(reply, "{}");
}

static int none_detach(void *self, const struct gantry_network_detach_args *args,
		       struct gantry_reply *reply, struct gantry_error *err)
{
	return 0;
}

static const struct gantry_network_ops ops = {
	.struct_size = sizeof(ops),
	.create = none_create,
	.remove = none_remove,
	.attach = none_attach,
	.detach = none_detach,
};

static const struct gantry_driver driver = {
	.size = sizeof(driver),
	.threads = GANTRY_THREADS_PARALLEL,
	.kind = "network",
	.name = "none",
	.summary = "No network but loopback",
	.ops = &ops,
};

GANTRY_PLUGIN(.name = "network-none", .version = "0.1.0", .licence = "Apache-2.0",
	      .drivers = (const struct gantry_driver *const[]){ &driver, NULL },
	      .flags = GANTRY_PLUGIN_UNLOADABLE);
