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

