/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Containers as objects, and their lifecycle.
 */
#include <stdlib.h>
#include <string.h>

#include "answer.h"
#include "handlers.h"

#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "helpers/json.h"

int containers_list(struct request *rq, struct gantry_error *err)
{
	auto_(reply) struct reply ret = REPLY_INIT;
	auto_free char *filters = NULL;
	int64_t limit = 0;
	int r = request_filters(rq, &filters, err);

	if (r == 0) {
		r = query_int(&rq->query, "limit", &limit, err);
	}
	if (r == 0) {
		r = ENGINE(rq, container_list,
			   &GANTRY_ENGINE_CONTAINER_LIST_ARGS(
				   .all = query_bool(&rq->query, "all", 0),
				   .limit = limit < 0 ? 0 : limit,
				   .size = query_bool(&rq->query, "size", 0), .filters = filters),
			   &ret, err);
	}
	if (r < 0) {
		return r;
	}
	return answer_json(rq, 200,
			   reply_string(&ret, GANTRY_ENGINE_CONTAINER_LIST_RET_CONTAINERS), err);
}

/* A list of warnings as an array; NULL is out of memory. */
static struct json_object *warnings_array(const char *const *warnings)
{
	auto_json struct json_object *array = json_object_new_array();

	for (; array && *warnings; warnings++) {
		if (json_add_string(array, *warnings) < 0) {
			return NULL;
		}
	}
	return steal(&array);
}

/* {"Id":...,"Warnings":[...]}, without Id when it is NULL. */
static int answer_warnings(struct request *rq, int status, const char *id,
			   const char *const *warnings, struct gantry_error *err)
{
	auto_json struct json_object *o = json_object_new_object();
	struct json_object *array = o ? warnings_array(warnings) : NULL;

	if (!array || json_set_string(o, "Id", id) < 0) {
		json_object_put(array);
		return error_no_memory(err);
	}
	if (json_set(o, "Warnings", array) < 0) {
		return error_no_memory(err);
	}
	return answer_object(rq, status, steal(&o), err);
}

int container_create(struct request *rq, struct gantry_error *err)
{
	auto_(reply) struct reply ret = REPLY_INIT;
	const char *config;
	int r = request_json(rq, &config, err);

	if (r == 0 && !config) {
		r = error_set(err, GANTRY_ERR_INVALID,
			      "config cannot be empty in order to create a container");
	}
	if (r == 0) {
		r = ENGINE(rq, container_create,
			   &GANTRY_ENGINE_CONTAINER_CREATE_ARGS(
				   .name = query_text(&rq->query, "name"), .config = config,
				   .platform = query_text(&rq->query, "platform")),
			   &ret, err);
	}
	if (r < 0) {
		return r;
	}
	return answer_warnings(rq, 201, reply_string(&ret, GANTRY_ENGINE_CONTAINER_CREATE_RET_ID),
			       reply_list(&ret, GANTRY_ENGINE_CONTAINER_CREATE_RET_WARNING), err);
}

int container_inspect(struct request *rq, struct gantry_error *err)
{
	auto_(reply) struct reply ret = REPLY_INIT;
	int r = ENGINE(rq, container_inspect,
		       &GANTRY_ENGINE_CONTAINER_INSPECT_ARGS(
			       .name = rq->name, .size = query_bool(&rq->query, "size", 0)),
		       &ret, err);

	if (r < 0) {
		return r;
	}
	return answer_json(rq, 200,
			   reply_string(&ret, GANTRY_ENGINE_CONTAINER_INSPECT_RET_CONTAINER), err);
}

int container_start(struct request *rq, struct gantry_error *err)
{
	auto_(reply) struct reply ret = REPLY_INIT;
	int64_t width = 0, height = 0;
	int r = query_int(&rq->query, "w", &width, err);

	if (r == 0) {
		r = query_int(&rq->query, "h", &height, err);
	}
	if (r < 0) {
		return r;
	}
	r = ENGINE(rq, container_start,
		   &GANTRY_ENGINE_CONTAINER_START_ARGS(
			   .name = rq->name, .checkpoint = query_text(&rq->query, "checkpoint"),
			   .checkpoint_dir = query_text(&rq->query, "checkpoint-dir"),
			   .width = width, .height = height),
		   &ret, err);
	if (r == GANTRY_ERR_CONFLICT) {
		return answer_empty(rq, 304, err); /* it runs */
	}
	return r < 0 ? r : answer_empty(rq, 204, err);
}

/* t=SECONDS of stop and restart. */
static int stop_timeout(struct request *rq, int64_t *ret_timeout, int *ret_has,
			struct gantry_error *err)
{
	*ret_timeout = 0;
	*ret_has = query_text(&rq->query, "t") != NULL;
	return query_int(&rq->query, "t", ret_timeout, err);
}

int container_stop(struct request *rq, struct gantry_error *err)
{
	auto_(reply) struct reply ret = REPLY_INIT;
	int64_t timeout;
	int has_timeout;
	int r = stop_timeout(rq, &timeout, &has_timeout, err);

	if (r < 0) {
		return r;
	}
	r = ENGINE(rq, container_stop,
		   &GANTRY_ENGINE_CONTAINER_STOP_ARGS(
			   .name = rq->name, .signal = query_text(&rq->query, "signal"),
			   .timeout = timeout, .has_timeout = has_timeout),
		   &ret, err);
	if (r == GANTRY_ERR_CONFLICT) {
		return answer_empty(rq, 304, err); /* it does not run */
	}
	return r < 0 ? r : answer_empty(rq, 204, err);
}

int container_restart(struct request *rq, struct gantry_error *err)
{
	auto_(reply) struct reply ret = REPLY_INIT;
	int64_t timeout;
	int has_timeout;
	int r = stop_timeout(rq, &timeout, &has_timeout, err);

	if (r == 0) {
		r = ENGINE(rq, container_restart,
			   &GANTRY_ENGINE_CONTAINER_RESTART_ARGS(
				   .name = rq->name, .signal = query_text(&rq->query, "signal"),
				   .timeout = timeout, .has_timeout = has_timeout),
			   &ret, err);
	}
	return r < 0 ? r : answer_empty(rq, 204, err);
}

int container_kill(struct request *rq, struct gantry_error *err)
{
	auto_(reply) struct reply ret = REPLY_INIT;
	int r = ENGINE(rq, container_kill,
		       &GANTRY_ENGINE_CONTAINER_KILL_ARGS(
			       .name = rq->name, .signal = query_text(&rq->query, "signal")),
		       &ret, err);

	return r < 0 ? r : answer_empty(rq, 204, err);
}

int container_remove(struct request *rq, struct gantry_error *err)
{
	auto_(reply) struct reply ret = REPLY_INIT;
	int r;

	if (query_bool(&rq->query, "link", 0)) {
		return error_set(err, GANTRY_ERR_UNSUPPORTED,
				 "cannot remove link %s: gantry has no legacy container links", rq->name);
	}
	r = ENGINE(rq, container_remove,
		   &GANTRY_ENGINE_CONTAINER_REMOVE_ARGS(
			   .name = rq->name, .force = query_bool(&rq->query, "force", 0),
			   .volumes = query_bool(&rq->query, "v", 0)),
		   &ret, err);
	return r < 0 ? r : answer_empty(rq, 204, err);
}

int container_pause(struct request *rq, struct gantry_error *err)
{
	auto_(reply) struct reply ret = REPLY_INIT;
	int r = ENGINE(rq, container_pause, &GANTRY_ENGINE_CONTAINER_PAUSE_ARGS(.name = rq->name),
		       &ret, err);

	return r < 0 ? r : answer_empty(rq, 204, err);
}

int container_unpause(struct request *rq, struct gantry_error *err)
{
	auto_(reply) struct reply ret = REPLY_INIT;
	int r = ENGINE(rq, container_unpause,
		       &GANTRY_ENGINE_CONTAINER_UNPAUSE_ARGS(.name = rq->name), &ret, err);

	return r < 0 ? r : answer_empty(rq, 204, err);
}

int container_rename(struct request *rq, struct gantry_error *err)
{
	auto_(reply) struct reply ret = REPLY_INIT;
	const char *name = query_text(&rq->query, "name");
	int r;

	if (!name) {
		return error_set(err, GANTRY_ERR_INVALID,
				 "Neither old nor new names may be empty");
	}
	r = ENGINE(rq, container_rename,
		   &GANTRY_ENGINE_CONTAINER_RENAME_ARGS(.name = rq->name, .new_name = name), &ret,
		   err);
	return r < 0 ? r : answer_empty(rq, 204, err);
}

int container_update(struct request *rq, struct gantry_error *err)
{
	auto_(reply) struct reply ret = REPLY_INIT;
	const char *config;
	int r = request_json_required(rq, &config, err);

	if (r == 0) {
		r = ENGINE(rq, container_update,
			   &GANTRY_ENGINE_CONTAINER_UPDATE_ARGS(.name = rq->name, .config = config), &ret,
			   err);
	}
	if (r < 0) {
		return r;
	}
	return answer_warnings(rq, 200, NULL,
			       reply_list(&ret, GANTRY_ENGINE_CONTAINER_UPDATE_RET_WARNING), err);
}

int container_resize(struct request *rq, struct gantry_error *err)
{
	auto_(reply) struct reply ret = REPLY_INIT;
	int64_t width = 0, height = 0;
	int r = query_int(&rq->query, "w", &width, err);

	if (r == 0) {
		r = query_int(&rq->query, "h", &height, err);
	}
	if (r == 0) {
		r = ENGINE(rq, container_resize,
			   &GANTRY_ENGINE_CONTAINER_RESIZE_ARGS(.name = rq->name, .width = width,
								.height = height),
			   &ret, err);
	}
	return r < 0 ? r : answer_empty(rq, 200, err);
}

int container_top(struct request *rq, struct gantry_error *err)
{
	auto_(reply) struct reply ret = REPLY_INIT;
	int r = ENGINE(rq, container_top,
		       &GANTRY_ENGINE_CONTAINER_TOP_ARGS(
			       .name = rq->name, .ps_args = query_text(&rq->query, "ps_args")),
		       &ret, err);

	if (r < 0) {
		return r;
	}
	return answer_json(rq, 200, reply_string(&ret, GANTRY_ENGINE_CONTAINER_TOP_RET_PROCESSES),
			   err);
}

int containers_prune(struct request *rq, struct gantry_error *err)
{
	auto_(reply) struct reply ret = REPLY_INIT;
	auto_free char *filters = NULL;
	int r = request_filters(rq, &filters, err);

	if (r == 0) {
		r = ENGINE(rq, container_prune,
			   &GANTRY_ENGINE_CONTAINER_PRUNE_ARGS(.filters = filters), &ret, err);
	}
	if (r < 0) {
		return r;
	}
	return answer_json(rq, 200, reply_string(&ret, GANTRY_ENGINE_CONTAINER_PRUNE_RET_REPORT),
			   err);
}
