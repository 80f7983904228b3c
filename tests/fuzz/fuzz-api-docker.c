/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a client can send to the api driver docker: the first line is method and
 * target, the second the headers as JSON, the rest the body.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <gantry/api.h>

#include "tests/unit/api/fake_engine.h"

#include "helpers/reply.h"

extern const struct gantry_plugin gantry_plugin;
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void handle(const char *method, const char *target, const char *headers, const char *body)
{
	static struct fake_engine *engine;
	static void *self;
	const struct gantry_driver *driver = gantry_plugin.drivers[0];
	const struct gantry_api_ops *ops = driver->ops;
	struct gantry_error err = GANTRY_ERROR_INIT;
	struct reply reply = REPLY_INIT;

	if (!engine) {
		engine = fake_engine_new();
		driver->open(fake_engine_host(engine), "{}", &self, &err);
	}
	if (ops->handle(self,
			&GANTRY_API_HANDLE_ARGS(.method = method, .target = target, .headers = headers,
						.body = { body, strlen(body) }),
			&reply.base, &err) < 0 ||
	    !reply_integer(&reply, GANTRY_API_HANDLE_RET_STATUS, 0)) {
		abort(); /* whatever comes is answered */
	}
	reply_done(&reply);
	fake_engine_clear(engine);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = strndup((const char *)data, size);
	char *rest = text;
	char *method, *target, *headers;

	if (!text) {
		return 0;
	}
	method = strsep(&rest, "\n");
	headers = rest ? strsep(&rest, "\n") : NULL;
	target = strchr(method, ' ');
	if (target) {
		*target++ = '\0';
		handle(method, target, headers && *headers ? headers : NULL, rest ? rest : "");
	}
	free(text);
	return 0;
}
