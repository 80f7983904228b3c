/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The engine as a whole.
 */
#include <stdlib.h>
#include <string.h>

#include "answer.h"
#include "handlers.h"

#include "helpers/cleanup.h"
#include "helpers/error.h"

#define MAX_TYPES 8

int system_ping(struct request *rq, struct gantry_error *err)
{
	/* Builder-Version 1: clients ask /build, which says clearly what is missing,
	 * and do not wait for a BuildKit session. */
	int r = answer_head(rq, 200, TYPE_TEXT,
			    "\"Builder-Version\":\"1\",\"Swarm\":\"inactive\","
			    "\"Cache-Control\":\"no-cache, no-store, must-revalidate\","
			    "\"Pragma\":\"no-cache\"",
			    err);

	if (r == 0 && !strcmp(rq->method, "GET") &&
	    gantry_api_handle_set_body(rq->reply, "OK", 2) < 0) {
		r = error_no_memory(err);
	}
	return r;
}

int system_version(struct request *rq, struct gantry_error *err)
{
	auto_(reply) struct reply ret = REPLY_INIT;
	int r = ENGINE(rq, version, &GANTRY_ENGINE_VERSION_ARGS(), &ret, err);

	if (r < 0) {
		return r;
	}
	return answer_json(rq, 200, reply_string(&ret, GANTRY_ENGINE_VERSION_RET_VERSION), err);
}

int system_info(struct request *rq, struct gantry_error *err)
{
	auto_(reply) struct reply ret = REPLY_INIT;
	int r = ENGINE(rq, info, &GANTRY_ENGINE_INFO_ARGS(), &ret, err);

	return r < 0 ? r : answer_json(rq, 200, reply_string(&ret, GANTRY_ENGINE_INFO_RET_INFO), err);
}

int system_auth(struct request *rq, struct gantry_error *err)
{
	auto_(reply) struct reply ret = REPLY_INIT;
	const char *credentials;
	int r = request_json_required(rq, &credentials, err);

	if (r == 0) {
		r = ENGINE(rq, auth, &GANTRY_ENGINE_AUTH_ARGS(.credentials = credentials), &ret, err);
	}
	if (r < 0) {
		return r;
	}
	return answer_json(rq, 200, reply_string(&ret, GANTRY_ENGINE_AUTH_RET_STATUS), err);
}

int system_events(struct request *rq, struct gantry_error *err)
{
	auto_(reply) struct reply ret = REPLY_INIT;
	auto_free char *filters = NULL;
	int64_t since = 0, until = 0;
	int r = request_filters(rq, &filters, err);

	if (r == 0) {
		r = query_time_ns(&rq->query, "since", &since, err);
	}
	if (r == 0) {
		r = query_time_ns(&rq->query, "until", &until, err);
	}
	if (r == 0) {
		r = ENGINE(rq, events,
			   &GANTRY_ENGINE_EVENTS_ARGS(.since_ns = since, .until_ns = until,
						      .filters = filters),
			   &ret, err);
	}
	if (r < 0) {
		return r;
	}
	return answer_stream(rq, TYPE_JSON, reply_take_fd(&ret, GANTRY_ENGINE_EVENTS_RET_STREAM),
			     err);
}

int system_disk_usage(struct request *rq, struct gantry_error *err)
{
	auto_(reply) struct reply ret = REPLY_INIT;
	const char *types[MAX_TYPES];
	unsigned n = query_all(&rq->query, "type", types, MAX_TYPES);
	int r = ENGINE(rq, disk_usage, &GANTRY_ENGINE_DISK_USAGE_ARGS(.types = n > 0 ? types : NULL),
		       &ret, err);

	if (r < 0) {
		return r;
	}
	return answer_json(rq, 200, reply_string(&ret, GANTRY_ENGINE_DISK_USAGE_RET_USAGE), err);
}
