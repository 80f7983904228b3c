/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Networks.
 */
#include <stdlib.h>

#include "answer.h"
#include "handlers.h"

#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "helpers/json.h"

int networks_list(struct request *rq, struct gantry_error *err)
{
	auto_(reply) struct reply ret = REPLY_INIT;
	auto_free char *filters = NULL;
	int r = request_filters(rq, &filters, err);

	if (r == 0) {
		r = ENGINE(rq, network_list, &GANTRY_ENGINE_NETWORK_LIST_ARGS(.filters = filters),
			   &ret, err);
	}
	if (r < 0) {
		return r;
	}
	return answer_json(rq, 200, reply_string(&ret, GANTRY_ENGINE_NETWORK_LIST_RET_NETWORKS),
			   err);
}

int network_inspect(struct request *rq, struct gantry_error *err)
{
	auto_(reply) struct reply ret = REPLY_INIT;
	int r = ENGINE(rq, network_inspect,
		       &GANTRY_ENGINE_NETWORK_INSPECT_ARGS(
			       .name = rq->name, .verbose = query_bool(&rq->query, "verbose", 0)),
		       &ret, err);

	if (r < 0) {
		return r;
	}
	return answer_json(rq, 200, reply_string(&ret, GANTRY_ENGINE_NETWORK_INSPECT_RET_NETWORK),
			   err);
}

int network_create(struct request *rq, struct gantry_error *err)
{
	auto_(reply) struct reply ret = REPLY_INIT;
	auto_json struct json_object *o = NULL;
	const char *config, *warning;
	int r = request_json_required(rq, &config, err);

	if (r == 0) {
		r = ENGINE(rq, network_create, &GANTRY_ENGINE_NETWORK_CREATE_ARGS(.config = config),
			   &ret, err);
	}
	if (r < 0) {
		return r;
	}
	warning = reply_string(&ret, GANTRY_ENGINE_NETWORK_CREATE_RET_WARNING);
	o = json_object_new_object();
	if (!o ||
	    json_set_string(o, "Id", reply_string(&ret, GANTRY_ENGINE_NETWORK_CREATE_RET_ID)) < 0 ||
	    json_set_string(o, "Warning", warning ? warning : "") < 0) {
		return error_no_memory(err);
	}
	return answer_object(rq, 201, steal(&o), err);
}

int network_remove(struct request *rq, struct gantry_error *err)
{
	auto_(reply) struct reply ret = REPLY_INIT;
	int r = ENGINE(rq, network_remove, &GANTRY_ENGINE_NETWORK_REMOVE_ARGS(.name = rq->name),
		       &ret, err);

	return r < 0 ? r : answer_empty(rq, 204, err);
}

int network_connect(struct request *rq, struct gantry_error *err)
{
	auto_(reply) struct reply ret = REPLY_INIT;
	const char *config;
	int r = request_json_required(rq, &config, err);

	if (r == 0) {
		r = ENGINE(rq, network_connect,
			   &GANTRY_ENGINE_NETWORK_CONNECT_ARGS(.name = rq->name, .config = config), &ret,
			   err);
	}
	return r < 0 ? r : answer_empty(rq, 200, err);
}

int network_disconnect(struct request *rq, struct gantry_error *err)
{
	auto_(reply) struct reply ret = REPLY_INIT;
	auto_json struct json_object *config = NULL;
	const char *text, *container;
	int r = request_json_required(rq, &text, err);

	if (r == 0) {
		r = json_parse_object(text, "the request body", &config, err);
	}
	if (r < 0) {
		return r;
	}
	container = json_get_string(config, "Container");
	if (!container || !*container) {
		return error_set(err, GANTRY_ERR_INVALID,
				 "cannot disconnect from network %s: no container is named", rq->name);
	}
	r = ENGINE(rq, network_disconnect,
		   &GANTRY_ENGINE_NETWORK_DISCONNECT_ARGS(.name = rq->name, .container = container,
							  .force = json_get_bool(config, "Force", 0)),
		   &ret, err);
	return r < 0 ? r : answer_empty(rq, 200, err);
}

int networks_prune(struct request *rq, struct gantry_error *err)
{
	auto_(reply) struct reply ret = REPLY_INIT;
	auto_free char *filters = NULL;
	int r = request_filters(rq, &filters, err);

	if (r == 0) {
		r = ENGINE(rq, network_prune, &GANTRY_ENGINE_NETWORK_PRUNE_ARGS(.filters = filters),
			   &ret, err);
	}
	if (r < 0) {
		return r;
	}
	return answer_json(rq, 200, reply_string(&ret, GANTRY_ENGINE_NETWORK_PRUNE_RET_REPORT), err);
}
