/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Images as objects.
 */
#include <stdlib.h>
#include <string.h>

#include "answer.h"
#include "filters.h"
#include "handlers.h"

#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "helpers/json.h"

#define VERSION_NO_VIRTUAL_SIZE 44 /* since then images have Size only */

/* Older clients read VirtualSize, which is the same number. */
static int add_virtual_size(struct json_object *image)
{
	struct json_object *size = json_get(image, "Size");

	if (!size || json_get(image, "VirtualSize")) {
		return 0;
	}
	return json_set_int(image, "VirtualSize", json_object_get_int64(size));
}

/* An image, or an array of images, as this version of the API shows it. */
static int answer_images(struct request *rq, const char *text, struct gantry_error *err)
{
	auto_json struct json_object *o = NULL;
	int r;

	if (rq->version >= VERSION_NO_VIRTUAL_SIZE || !text) {
		return answer_json(rq, 200, text, err);
	}
	r = json_parse(text, strlen(text), "the engine's answer", &o, err);
	if (r < 0) {
		return r;
	}
	r = add_virtual_size(o);
	for (size_t i = 0; r == 0 && i < json_array_size(o); i++) {
		r = add_virtual_size(json_object_array_get_idx(o, i));
	}
	return r < 0 ? error_no_memory(err) : answer_object(rq, 200, steal(&o), err);
}

int images_list(struct request *rq, struct gantry_error *err)
{
	auto_(reply) struct reply ret = REPLY_INIT;
	const struct query *q = &rq->query;
	const char *name = query_text(q, "filter"); /* how it was said up to 1.40 */
	auto_free char *filters = NULL;
	int r;

	if (name) {
		r = filters_with_default(query_get(q, "filters"), "reference", name, &filters, err);
	} else {
		r = request_filters(rq, &filters, err);
	}
	if (r == 0) {
		r = ENGINE(rq, image_list,
			   &GANTRY_ENGINE_IMAGE_LIST_ARGS(
				   .all = query_bool(q, "all", 0), .filters = filters,
				   .digests = query_bool(q, "digests", 0),
				   .shared_size = query_bool(q, "shared-size", 0)),
			   &ret, err);
	}
	if (r < 0) {
		return r;
	}
	return answer_images(rq, reply_string(&ret, GANTRY_ENGINE_IMAGE_LIST_RET_IMAGES), err);
}

int image_inspect(struct request *rq, struct gantry_error *err)
{
	auto_(reply) struct reply ret = REPLY_INIT;
	int r = ENGINE(rq, image_inspect,
		       &GANTRY_ENGINE_IMAGE_INSPECT_ARGS(
			       .name = rq->name, .platform = query_text(&rq->query, "platform")),
		       &ret, err);

	if (r < 0) {
		return r;
	}
	return answer_images(rq, reply_string(&ret, GANTRY_ENGINE_IMAGE_INSPECT_RET_IMAGE), err);
}

int image_history(struct request *rq, struct gantry_error *err)
{
	auto_(reply) struct reply ret = REPLY_INIT;
	int r = ENGINE(rq, image_history, &GANTRY_ENGINE_IMAGE_HISTORY_ARGS(.name = rq->name), &ret,
		       err);

	if (r < 0) {
		return r;
	}
	return answer_json(rq, 200, reply_string(&ret, GANTRY_ENGINE_IMAGE_HISTORY_RET_HISTORY),
			   err);
}

int image_tag(struct request *rq, struct gantry_error *err)
{
	auto_(reply) struct reply ret = REPLY_INIT;
	const char *repository = query_text(&rq->query, "repo");
	int r;

	if (!repository) {
		return error_set(err, GANTRY_ERR_INVALID, "repository name must not be empty");
	}
	r = ENGINE(rq, image_tag,
		   &GANTRY_ENGINE_IMAGE_TAG_ARGS(.name = rq->name, .repository = repository,
						 .tag = query_text(&rq->query, "tag")),
		   &ret, err);
	return r < 0 ? r : answer_empty(rq, 201, err);
}

int image_remove(struct request *rq, struct gantry_error *err)
{
	auto_(reply) struct reply ret = REPLY_INIT;
	int r = ENGINE(rq, image_remove,
		       &GANTRY_ENGINE_IMAGE_REMOVE_ARGS(
			       .name = rq->name, .force = query_bool(&rq->query, "force", 0),
			       .no_prune = query_bool(&rq->query, "noprune", 0)),
		       &ret, err);

	if (r < 0) {
		return r;
	}
	return answer_json(rq, 200, reply_string(&ret, GANTRY_ENGINE_IMAGE_REMOVE_RET_REPORT), err);
}

int images_prune(struct request *rq, struct gantry_error *err)
{
	auto_(reply) struct reply ret = REPLY_INIT;
	auto_free char *filters = NULL;
	int r = request_filters(rq, &filters, err);

	if (r == 0) {
		r = ENGINE(rq, image_prune, &GANTRY_ENGINE_IMAGE_PRUNE_ARGS(.filters = filters), &ret,
			   err);
	}
	if (r < 0) {
		return r;
	}
	return answer_json(rq, 200, reply_string(&ret, GANTRY_ENGINE_IMAGE_PRUNE_RET_REPORT), err);
}
