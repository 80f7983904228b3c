/* SPDX-License-Identifier: Apache-2.0 */
/* Operations about the engine itself. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/engine/engine.h"
#include "core/events/events.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "helpers/json.h"

struct events_request {
	int64_t since_ns, until_ns;
	struct json_object *filters;
};

static void follow_events(struct core *core, void *data, int sink)
{
	struct events_request *request = data;
	struct gantry_error err = GANTRY_ERROR_INIT;

	(void)events_follow(core->events, request->since_ns, request->until_ns, request->filters, sink, &err);
	close(sink);
	json_object_put(request->filters);
	free(request);
}

ENGINE_OP(events)
{
	struct core *core = self;
	struct events_request *request = calloc(1, sizeof(*request));
	int stream, r;

	if (!request) {
		return error_no_memory(err);
	}
	request->since_ns = args->since_ns;
	request->until_ns = args->until_ns;
	r = json_parse_object(args->filters, "filters", &request->filters, err);
	if (r == 0) {
		r = engine_stream(core, follow_events, request, &stream, err);
	}
	if (r < 0) {
		json_object_put(request->filters);
		free(request);
		return r;
	}
	return gantry_engine_events_set_stream(reply, stream);
}

ENGINE_OP(plugin_list)
{
	struct core *core = self;
	auto_json struct json_object *list = NULL;
	int r = registry_list(core->registry, &list, err);

	return r < 0 ? r : gantry_engine_plugin_list_set_plugins(reply, json_text(list));
}

ENGINE_OP(plugin_inspect)
{
	struct core *core = self;
	auto_json struct json_object *o = NULL;
	const char *slash = strchr(args->name, '/');
	auto_free char *kind = slash ? strndup(args->name, (size_t)(slash - args->name)) : NULL;
	int r;

	if (!kind) {
		error_set(err, GANTRY_ERR_INVALID, "\"%s\" is not KIND/DRIVER", args->name);
		return error_hint(err, "`gantry plugin ls` shows them");
	}
	r = registry_inspect(core->registry, kind, slash + 1, &o, err);
	return r < 0 ? r : gantry_engine_plugin_inspect_set_plugin(reply, json_text(o));
}
