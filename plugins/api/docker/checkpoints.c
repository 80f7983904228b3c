/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "answer.h"
#include "handlers.h"

#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "helpers/json.h"

int checkpoint_create(struct request *rq, struct gantry_error *err)
{
	auto_(reply) struct reply ret = REPLY_INIT;
	auto_json struct json_object *body = NULL;
	const char *text, *name;
	int r = request_json_required(rq, &text, err);

	if (r == 0) {
		r = json_parse_object(text, "body", &body, err);
	}
	if (r < 0) {
		return r;
	}
	name = json_get_string(body, "CheckpointID");
	r = ENGINE(rq, checkpoint_create,
		   &GANTRY_ENGINE_CHECKPOINT_CREATE_ARGS(
			   .name = rq->name, .checkpoint = name ? name : "",
			   .dir = json_get_string(body, "CheckpointDir"),
			   .exit = json_get_bool(body, "Exit", 0)),
		   &ret, err);
	return r < 0 ? r : answer_empty(rq, 201, err);
}

int checkpoints_list(struct request *rq, struct gantry_error *err)
{
	auto_(reply) struct reply ret = REPLY_INIT;
	int r = ENGINE(rq, checkpoint_list,
		       &GANTRY_ENGINE_CHECKPOINT_LIST_ARGS(.name = rq->name,
							   .dir = query_text(&rq->query, "dir")),
		       &ret, err);

	return r < 0 ? r : answer_json(rq, 200, reply_string(&ret, GANTRY_ENGINE_CHECKPOINT_LIST_RET_CHECKPOINTS),
				       err);
}

/* The route's wildcard is "CONTAINER/checkpoints/NAME". */
int checkpoint_remove(struct request *rq, struct gantry_error *err)
{
	static const char between[] = "/checkpoints/";
	auto_(reply) struct reply ret = REPLY_INIT;
	auto_free char *container = strdup(rq->name);
	char *name = container ? strstr(container, between) : NULL;
	int r;

	if (!container) {
		return error_no_memory(err);
	}
	if (!name) {
		return error_set(err, GANTRY_ERR_NOT_FOUND, "page not found");
	}
	*name = '\0';
	r = ENGINE(rq, checkpoint_remove,
		   &GANTRY_ENGINE_CHECKPOINT_REMOVE_ARGS(.name = container,
							 .checkpoint = name + strlen(between),
							 .dir = query_text(&rq->query, "dir")),
		   &ret, err);
	return r < 0 ? r : answer_empty(rq, 204, err);
}
