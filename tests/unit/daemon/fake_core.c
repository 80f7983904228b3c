/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A core for tests of gantryd: the api driver docker, linked in, over the fake
 * engine.  GET /fake/calls answers what the engine was asked since it was asked
 * last, /fake/peer who asks; /fake/endless is a stream without end, and
 * /fake/ended says how many of these were closed.
 */
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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

const struct gantry_error *core_warning(const struct core *core)
{
	return NULL;
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

static atomic_int ended;

static void *write_without_end(void *arg)
{
	int fd = (int)(intptr_t)arg;

	while (write(fd, "tick\n", 5) == 5) {
		usleep(10000);
	}
	close(fd);
	atomic_fetch_add(&ended, 1);
	return NULL;
}

static void answer_endless(struct reply *ret)
{
	pthread_t thread;
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0 ||
	    pthread_create(&thread, NULL, write_without_end, (void *)(intptr_t)ends[1])) {
		abort();
	}
	pthread_detach(thread);
	gantry_api_handle_set_status(&ret->base, 200);
	gantry_api_handle_set_body_stream(&ret->base, ends[0]);
}

static void answer_text(struct reply *ret, const char *text)
{
	gantry_api_handle_set_status(&ret->base, 200);
	gantry_api_handle_set_body(&ret->base, text, strlen(text));
}

int core_handle(struct core *core, const char *api, const struct gantry_api_handle_args *request,
		struct reply *ret, struct gantry_error *err)
{
	char number[16];

	if (!strcmp(request->target, "/fake/calls")) {
		answer_text(ret, fake_engine_calls(core->engine));
		fake_engine_clear(core->engine);
	} else if (!strcmp(request->target, "/fake/peer")) {
		answer_text(ret, request->peer);
	} else if (!strcmp(request->target, "/fake/endless")) {
		answer_endless(ret);
	} else if (!strcmp(request->target, "/fake/ended")) {
		snprintf(number, sizeof(number), "%d", atomic_load(&ended));
		answer_text(ret, number);
	} else {
		return core->ops->handle(core->self, request, &ret->base, err);
	}
	return 0;
}
