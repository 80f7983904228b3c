/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <gantry/calls.h>

#include "core/network/network.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"

struct verifying {
	void (*tell)(void *data, const char *network, const char *container,
		     const struct gantry_error *why);
	void *data;
};

static int verify_one(struct core *core, const struct network *n, const char *endpoint, int pid,
		      struct gantry_error *err)
{
	auto_(reply) struct reply ret = REPLY_INIT;
	struct driver *driver;
	auto_fd int sandbox = -1;
	char path[64];
	int r = registry_get(core->registry, "network", n->driver, &driver, err);

	if (r < 0 || !driver_has(driver, GANTRY_NETWORK_OP_VERIFY)) {
		return r;
	}
	snprintf(path, sizeof(path), "/proc/%d/ns/net", pid);
	sandbox = open(path, O_RDONLY | O_CLOEXEC);
	if (sandbox < 0) { /* it has ended meanwhile */
		return 0;
	}
	return network_verify(driver,
			      &GANTRY_NETWORK_VERIFY_ARGS(.network = n->id, .options = json_text(n->doc),
							  .endpoint = endpoint, .sandbox = sandbox),
			      &ret, err);
}

static int verify_container(struct core *core, struct container *c, void *data,
			    struct gantry_error *err)
{
	struct json_object *networks = json_get_object(c->state, "Networks");
	struct verifying *v = data;

	(void)err;
	if (!networks || !container_is_running(c)) {
		return 0;
	}
	json_object_object_foreach(networks, name, settings)
	{
		const char *endpoint = json_get_string(settings, "EndpointID");
		auto_network struct network *n = NULL;
		struct gantry_error why = GANTRY_ERROR_INIT;
		int r = network_find(core, name, &n, &why);

		if (r == 0 && endpoint) {
			r = verify_one(core, n, endpoint, (int)json_get_int(c->state, "Pid", 0), &why);
		}
		if (r < 0) {
			v->tell(v->data, name, c->name, &why);
		}
	}
	return 0;
}

int networks_verify(struct core *core,
		    void (*tell)(void *data, const char *network, const char *container,
				 const struct gantry_error *why),
		    void *data, struct gantry_error *err)
{
	struct verifying v = { tell, data };

	return container_each(core, verify_container, &v, err);
}
