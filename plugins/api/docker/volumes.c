/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Volumes.
 */
#include <stdlib.h>

#include "answer.h"
#include "filters.h"
#include "handlers.h"

#include "helpers/cleanup.h"
#include "helpers/error.h"

#define VERSION_PRUNE_ANONYMOUS 42 /* before, prune took named volumes, too */

int volumes_list(struct request *rq, struct gantry_error *err)
{
	auto_(reply) struct reply ret = REPLY_INIT;
	auto_free char *filters = NULL;
	int r = request_filters(rq, &filters, err);

	if (r == 0) {
		r = ENGINE(rq, volume_list, &GANTRY_ENGINE_VOLUME_LIST_ARGS(.filters = filters), &ret,
			   err);
	}
	if (r < 0) {
		return r;
	}
	return answer_json(rq, 200, reply_string(&ret, GANTRY_ENGINE_VOLUME_LIST_RET_VOLUMES), err);
}

int volume_inspect(struct request *rq, struct gantry_error *err)
{
	auto_(reply) struct reply ret = REPLY_INIT;
	int r = ENGINE(rq, volume_inspect, &GANTRY_ENGINE_VOLUME_INSPECT_ARGS(.name = rq->name),
		       &ret, err);

	if (r < 0) {
		return r;
	}
	return answer_json(rq, 200, reply_string(&ret, GANTRY_ENGINE_VOLUME_INSPECT_RET_VOLUME),
			   err);
}

int volume_create(struct request *rq, struct gantry_error *err)
{
	auto_(reply) struct reply ret = REPLY_INIT;
	const char *config;
	int r = request_json(rq, &config, err);

	if (r == 0) {
		r = ENGINE(rq, volume_create,
			   &GANTRY_ENGINE_VOLUME_CREATE_ARGS(.config = config ? config : "{}"), &ret,
			   err);
	}
	if (r < 0) {
		return r;
	}
	return answer_json(rq, 201, reply_string(&ret, GANTRY_ENGINE_VOLUME_CREATE_RET_VOLUME), err);
}

int volume_remove(struct request *rq, struct gantry_error *err)
{
	auto_(reply) struct reply ret = REPLY_INIT;
	int force = query_bool(&rq->query, "force", 0);
	int r = ENGINE(rq, volume_remove,
		       &GANTRY_ENGINE_VOLUME_REMOVE_ARGS(.name = rq->name, .force = force), &ret, err);

	if (r == GANTRY_ERR_NOT_FOUND && force) {
		return answer_empty(rq, 204, err);
	}
	return r < 0 ? r : answer_empty(rq, 204, err);
}

int volumes_prune(struct request *rq, struct gantry_error *err)
{
	auto_(reply) struct reply ret = REPLY_INIT;
	auto_free char *filters = NULL;
	int r;

	if (rq->version < VERSION_PRUNE_ANONYMOUS) {
		r = filters_with_default(query_get(&rq->query, "filters"), "all", "true", &filters, err);
	} else {
		r = request_filters(rq, &filters, err);
	}
	if (r == 0) {
		r = ENGINE(rq, volume_prune, &GANTRY_ENGINE_VOLUME_PRUNE_ARGS(.filters = filters), &ret,
			   err);
	}
	if (r < 0) {
		return r;
	}
	return answer_json(rq, 200, reply_string(&ret, GANTRY_ENGINE_VOLUME_PRUNE_RET_REPORT), err);
}
