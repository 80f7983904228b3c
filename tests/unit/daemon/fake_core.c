/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A core for tests of gantryd: the api driver docker, linked in, over the fake
 * engine.  GET /fake/calls answers what the engine was asked since it was asked
 * last.
 */
#include <stdlib.h>
#include <string.h>

#include <gantry/plugin.h>

#include "core/core.h"
#include "tests/unit/api/fake_engine.h"

#include "helpers/error.h"

extern const struct gantry_plugin gantry_plugin;

struct core {
	struct fake_engine *engine;
	const struct gantry_api_ops *ops;
	void *self;
};

int core_open(const struct core_options *options, struct core **ret, struct gantry_error *err)
{
	const struct gantry_driver *driver = gantry_plugin.drivers[0];
	struct core *core = calloc(1, sizeof(*core));

	if (!core) {
		return error_no_memory(err);
	}
	core->engine = fake_engine_new();
	core->ops = driver->ops;
	*ret = core;
	return driver->open(fake_engine_host(core->engine), "{}", &core->self, err);
}

struct core *core_close(struct core *core)
{
	if (core) {
		gantry_plugin.drivers[0]->close(core->self);
		fake_engine_free(core->engine);
		free(core);
	}
	return NULL;
}

int core_handle(struct core *core, const char *api, const struct gantry_api_handle_args *request,
		struct reply *ret, struct gantry_error *err)
{
	const char *text;

	if (!strcmp(request->target, "/fake/calls")) {
		text = fake_engine_calls(core->engine);
		gantry_api_handle_set_status(&ret->base, 200);
		gantry_api_handle_set_body(&ret->base, text, strlen(text));
		fake_engine_clear(core->engine);
		return 0;
	}
	if (!strcmp(request->target, "/fake/peer")) {
		gantry_api_handle_set_status(&ret->base, 200);
		gantry_api_handle_set_body(&ret->base, request->peer, strlen(request->peer));
		return 0;
	}
	return core->ops->handle(core->self, request, &ret->base, err);
}
