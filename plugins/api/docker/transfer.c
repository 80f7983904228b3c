/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Images that come and go: pull, push, load, save, import.
 */
#include <stdlib.h>
#include <string.h>

#include "answer.h"
#include "base64.h"
#include "handlers.h"

#include "helpers/buf.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"

#define MAX_NAMES (QUERY_MAX_PAIRS + 1)

static int registry_auth(struct request *rq, char **ret, struct gantry_error *err)
{
	return registry_auth_decode(request_header(rq, "x-registry-auth"), ret, err);
}

/* Has a reference a tag or digest of its own? */
static int names_version(const char *reference)
{
	const char *slash = strrchr(reference, '/');

	return strchr(reference, '@') || strchr(slash ? slash : reference, ':');
}

/* name, and the tag parameter, which may hold a digest. */
static void add_reference(struct buf *out, const char *name, const char *tag)
{
	buf_adds(out, name);
	if (tag) {
		buf_addc(out, strchr(tag, ':') ? '@' : ':');
		buf_adds(out, tag);
	}
}

static int pull(struct request *rq, const char *name, struct gantry_error *err)
{
	auto_(reply) struct reply ret = REPLY_INIT;
	auto_(buf) struct buf reference = BUF_INIT;
	auto_free char *auth = NULL;
	const char *tag = query_text(&rq->query, "tag");
	int r = registry_auth(rq, &auth, err);

	if (r < 0) {
		return r;
	}
	add_reference(&reference, name, tag);
	if (buf_failed(&reference)) {
		return error_no_memory(err);
	}
	r = ENGINE(rq, image_pull,
		   &GANTRY_ENGINE_IMAGE_PULL_ARGS(
			   .reference = buf_str(&reference),
			   .platform = query_text(&rq->query, "platform"), .auth = auth,
			   .all_tags = !tag && !names_version(name),
			   .lazy = query_bool(&rq->query, "lazy", 0)),
		   &ret, err);
	if (r < 0) {
		return r;
	}
	return answer_progress(rq, reply_take_fd(&ret, GANTRY_ENGINE_IMAGE_PULL_RET_STREAM), err);
}

static int import(struct request *rq, struct gantry_error *err)
{
	auto_(reply) struct reply ret = REPLY_INIT;
	const struct query *q = &rq->query;
	const char *changes[MAX_NAMES];
	auto_fd int owned = -1;
	int source;
	int r = request_body_fd(rq, &source, &owned, err);

	if (r < 0) {
		return r;
	}
	query_all(q, "changes", changes, MAX_NAMES);
	r = ENGINE(rq, image_import,
		   &GANTRY_ENGINE_IMAGE_IMPORT_ARGS(
			   .source = source, .repository = query_text(q, "repo"),
			   .tag = query_text(q, "tag"), .message = query_text(q, "message"),
			   .changes = changes, .platform = query_text(q, "platform")),
		   &ret, err);
	if (r < 0) {
		return r;
	}
	return answer_progress(rq, reply_take_fd(&ret, GANTRY_ENGINE_IMAGE_IMPORT_RET_STREAM), err);
}

int image_create(struct request *rq, struct gantry_error *err)
{
	const char *name = query_text(&rq->query, "fromImage");
	const char *source = query_text(&rq->query, "fromSrc");

	if (name) {
		return pull(rq, name, err);
	}
	if (source && !strcmp(source, "-")) {
		return import(rq, err);
	}
	if (source) {
		error_set(err, GANTRY_ERR_UNSUPPORTED, "cannot import %s: gantry fetches no URLs",
			  source);
		return error_hint(err, "download the file and import it from standard input");
	}
	return error_set(err, GANTRY_ERR_INVALID,
			 "bad parameter: neither fromImage nor fromSrc is given");
}

int image_push(struct request *rq, struct gantry_error *err)
{
	auto_(reply) struct reply ret = REPLY_INIT;
	auto_(buf) struct buf reference = BUF_INIT;
	auto_free char *auth = NULL;
	const char *tag = query_text(&rq->query, "tag");
	int r = registry_auth(rq, &auth, err);

	if (r < 0) {
		return r;
	}
	add_reference(&reference, rq->name, tag);
	if (buf_failed(&reference)) {
		return error_no_memory(err);
	}
	r = ENGINE(rq, image_push,
		   &GANTRY_ENGINE_IMAGE_PUSH_ARGS(.reference = buf_str(&reference), .auth = auth,
						  .all_tags = !tag && !names_version(rq->name)),
		   &ret, err);
	if (r < 0) {
		return r;
	}
	return answer_progress(rq, reply_take_fd(&ret, GANTRY_ENGINE_IMAGE_PUSH_RET_STREAM), err);
}

static int save(struct request *rq, const char *const *names, struct gantry_error *err)
{
	auto_(reply) struct reply ret = REPLY_INIT;
	int r = ENGINE(rq, image_save, &GANTRY_ENGINE_IMAGE_SAVE_ARGS(.names = names), &ret, err);

	if (r < 0) {
		return r;
	}
	return answer_stream(rq, TYPE_TAR,
			     reply_take_fd(&ret, GANTRY_ENGINE_IMAGE_SAVE_RET_STREAM), err);
}

int image_save(struct request *rq, struct gantry_error *err)
{
	const char *names[] = { rq->name, NULL };

	return save(rq, names, err);
}

int images_save(struct request *rq, struct gantry_error *err)
{
	const char *names[MAX_NAMES];

	if (query_all(&rq->query, "names", names, MAX_NAMES) == 0) {
		return error_set(err, GANTRY_ERR_INVALID, "bad parameter: no image to save is named");
	}
	return save(rq, names, err);
}

int images_load(struct request *rq, struct gantry_error *err)
{
	auto_(reply) struct reply ret = REPLY_INIT;
	auto_fd int owned = -1;
	int source;
	int r = request_body_fd(rq, &source, &owned, err);

	if (r == 0) {
		r = ENGINE(rq, image_load,
			   &GANTRY_ENGINE_IMAGE_LOAD_ARGS(.source = source,
							  .quiet = query_bool(&rq->query, "quiet", 0)),
			   &ret, err);
	}
	if (r < 0) {
		return r;
	}
	return answer_stream(rq, TYPE_JSON,
			     reply_take_fd(&ret, GANTRY_ENGINE_IMAGE_LOAD_RET_STREAM), err);
}
