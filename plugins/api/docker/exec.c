/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Processes started in running containers.
 */
#include <stdlib.h>

#include "answer.h"
#include "handlers.h"

#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "helpers/json.h"

int exec_create(struct request *rq, struct gantry_error *err)
{
	auto_(reply) struct reply ret = REPLY_INIT;
	const char *config;
	int r = request_json_required(rq, &config, err);

	if (r == 0) {
		r = ENGINE(rq, exec_create,
			   &GANTRY_ENGINE_EXEC_CREATE_ARGS(.name = rq->name, .config = config), &ret, err);
	}
	if (r < 0) {
		return r;
	}
	return answer_id(rq, 201, "Id", reply_string(&ret, GANTRY_ENGINE_EXEC_CREATE_RET_ID), err);
}

int exec_start(struct request *rq, struct gantry_error *err)
{
	auto_(reply) struct reply ret = REPLY_INIT;
	auto_json struct json_object *config = NULL;
	struct json_object *size;
	const char *text;
	int detach;
	int r = request_json(rq, &text, err);

	if (r == 0) {
		r = json_parse_object(text, "the request body", &config, err);
	}
	if (r < 0) {
		return r;
	}
	detach = json_get_bool(config, "Detach", 0);
	size = json_get_array(config, "ConsoleSize");
	r = ENGINE(rq, exec_start,
		   &GANTRY_ENGINE_EXEC_START_ARGS(
			   .id = rq->name, .detach = detach, .tty = json_get_bool(config, "Tty", 0),
			   .height = json_array_size(size) == 2 ?
					     json_object_get_int64(json_object_array_get_idx(size, 0)) :
					     0,
			   .width = json_array_size(size) == 2 ?
					    json_object_get_int64(json_object_array_get_idx(size, 1)) :
					    0),
		   &ret, err);
	if (r < 0) {
		return r;
	}
	if (detach) {
		return answer_empty(rq, 200, err);
	}
	return answer_upgrade(
		rq,
		reply_integer(&ret, GANTRY_ENGINE_EXEC_START_RET_TTY, 0) ? STREAM_RAW :
									   STREAM_MULTIPLEXED,
		reply_take_fd(&ret, GANTRY_ENGINE_EXEC_START_RET_CONNECTION), err);
}

int exec_inspect(struct request *rq, struct gantry_error *err)
{
	auto_(reply) struct reply ret = REPLY_INIT;
	int r = ENGINE(rq, exec_inspect, &GANTRY_ENGINE_EXEC_INSPECT_ARGS(.id = rq->name), &ret,
		       err);

	if (r < 0) {
		return r;
	}
	return answer_json(rq, 200, reply_string(&ret, GANTRY_ENGINE_EXEC_INSPECT_RET_EXEC), err);
}

int exec_resize(struct request *rq, struct gantry_error *err)
{
	auto_(reply) struct reply ret = REPLY_INIT;
	int64_t width = 0, height = 0;
	int r = query_int(&rq->query, "w", &width, err);

	if (r == 0) {
		r = query_int(&rq->query, "h", &height, err);
	}
	if (r == 0) {
		r = ENGINE(rq, exec_resize,
			   &GANTRY_ENGINE_EXEC_RESIZE_ARGS(.id = rq->name, .width = width,
							   .height = height),
			   &ret, err);
	}
	return r < 0 ? r : answer_empty(rq, 200, err);
}
