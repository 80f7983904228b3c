/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The Docker Engine API over the host's engine: the driver's descriptor and its
 * one operation.  It has no state of its own, so any number of threads may call
 * it at once.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include <gantry/plugin.h>

#include "answer.h"
#include "request.h"
#include "routes.h"

#include "helpers/error.h"

static int not_routed(struct request *rq, const struct gantry_error *failure,
		      struct gantry_error *err)
{
	struct gantry_error missing = GANTRY_ERROR_INIT;

	if (failure->code) {
		return answer_error(rq, failure, err);
	}
	error_set(&missing, GANTRY_ERR_NOT_FOUND, "page not found");
	return answer_error(rq, &missing, err);
}

static int docker_handle(void *self, const struct gantry_api_handle_args *args,
			 struct gantry_reply *reply, struct gantry_error *err)
{
	struct gantry_error failure = GANTRY_ERROR_INIT;
	struct request rq;
	handler_fn handler;
	int r;

	r = request_init(&rq, self, args, reply, &failure);
	if (r == 0) {
		handler = route_find(&rq, &failure);
		r = handler ? handler(&rq, &failure) : not_routed(&rq, &failure, &failure);
	}
	if (r < 0) {
		r = answer_error(&rq, &failure, err);
	}
	request_done(&rq);
	return r;
}

static int docker_open(const struct gantry_host *host, const char *config, void **ret_self,
		       struct gantry_error *err)
{
	const struct gantry_engine_service *service = gantry_service(host, "engine");
	struct front *front;
	uint64_t size;

	if (!service || !service->ops) {
		return error_set(err, GANTRY_ERR_UNSUPPORTED,
				 "the api driver docker needs the host service \"engine\", which this host "
				 "does not offer");
	}
	front = calloc(1, sizeof(*front));
	if (!front) {
		return error_no_memory(err);
	}
	size = service->ops->struct_size;
	if (size > sizeof(front->engine)) {
		size = sizeof(front->engine);
	}
	memcpy(&front->engine, service->ops, size);
	front->engine_self = service->self;
	*ret_self = front;
	return 0;
}

static void docker_close(void *self)
{
	free(self);
}

static const struct gantry_api_ops docker_ops = {
	.struct_size = sizeof(docker_ops),
	.handle = docker_handle,
};

static const struct gantry_driver docker_driver = {
	.size = sizeof(docker_driver),
	.threads = GANTRY_THREADS_PARALLEL,
	.kind = "api",
	.name = "docker",
	.summary = "Docker Engine API " API_VERSION_MAX_TEXT,
	.ops = &docker_ops,
	.open = docker_open,
	.close = docker_close,
};

static const struct gantry_driver *const drivers[] = { &docker_driver, NULL };

GANTRY_PLUGIN(.name = "api-docker", .version = PACKAGE_VERSION, .licence = "Apache-2.0",
	      .flags = GANTRY_PLUGIN_UNLOADABLE, .drivers = drivers);
