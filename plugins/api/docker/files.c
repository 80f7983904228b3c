/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A container's filesystem: what cp, diff, export and commit ask for.
 */
#include <stdlib.h>
#include <string.h>

#include "answer.h"
#include "base64.h"
#include "handlers.h"

#include "helpers/buf.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"

#define MAX_CHANGES 128

static int path_of(struct request *rq, const char **ret, struct gantry_error *err)
{
	*ret = query_text(&rq->query, "path");
	return *ret ? 0 : error_set(err, GANTRY_ERR_INVALID, "bad parameter: path cannot be empty");
}

/* The header that says what the path is, in Docker's base64 JSON. */
static int answer_path_stat(struct request *rq, const char *type, const char *stat,
			    struct gantry_error *err)
{
	auto_(buf) struct buf header = BUF_INIT;

	if (!stat) {
		return error_set(err, GANTRY_ERR_INTERNAL, "the engine gave no stat of the path");
	}
	buf_adds(&header, "\"X-Docker-Container-Path-Stat\":\"");
	base64_encode(stat, strlen(stat), &header);
	buf_addc(&header, '"');
	if (buf_failed(&header)) {
		return error_no_memory(err);
	}
	return answer_head(rq, 200, type, buf_str(&header), err);
}

int container_archive_stat(struct request *rq, struct gantry_error *err)
{
	auto_(reply) struct reply ret = REPLY_INIT;
	const char *path;
	int r = path_of(rq, &path, err);

	if (r == 0) {
		r = ENGINE(rq, container_archive_stat,
			   &GANTRY_ENGINE_CONTAINER_ARCHIVE_STAT_ARGS(.name = rq->name, .path = path),
			   &ret, err);
	}
	if (r < 0) {
		return r;
	}
	return answer_path_stat(
		rq, NULL, reply_string(&ret, GANTRY_ENGINE_CONTAINER_ARCHIVE_STAT_RET_STAT), err);
}

int container_archive_get(struct request *rq, struct gantry_error *err)
{
	auto_(reply) struct reply ret = REPLY_INIT;
	const char *path;
	int r = path_of(rq, &path, err);

	if (r == 0) {
		r = ENGINE(rq, container_archive_get,
			   &GANTRY_ENGINE_CONTAINER_ARCHIVE_GET_ARGS(.name = rq->name, .path = path),
			   &ret, err);
	}
	if (r == 0) {
		r = answer_stream(
			rq, TYPE_TAR,
			reply_take_fd(&ret, GANTRY_ENGINE_CONTAINER_ARCHIVE_GET_RET_STREAM), err);
	}
	if (r < 0) {
		return r;
	}
	return answer_path_stat(rq, TYPE_TAR,
				reply_string(&ret, GANTRY_ENGINE_CONTAINER_ARCHIVE_GET_RET_STAT), err);
}

int container_archive_put(struct request *rq, struct gantry_error *err)
{
	auto_(reply) struct reply ret = REPLY_INIT;
	auto_fd int owned = -1;
	const char *path;
	int source;
	int r = path_of(rq, &path, err);

	if (r == 0) {
		r = request_body_fd(rq, &source, &owned, err);
	}
	if (r == 0) {
		r = ENGINE(rq, container_archive_put,
			   &GANTRY_ENGINE_CONTAINER_ARCHIVE_PUT_ARGS(
				   .name = rq->name, .path = path, .source = source,
				   .no_overwrite_dir_non_dir =
					   query_bool(&rq->query, "noOverwriteDirNonDir", 0),
				   .copy_uid_gid = query_bool(&rq->query, "copyUIDGID", 0)),
			   &ret, err);
	}
	return r < 0 ? r : answer_empty(rq, 200, err);
}

int container_changes(struct request *rq, struct gantry_error *err)
{
	auto_(reply) struct reply ret = REPLY_INIT;
	int r = ENGINE(rq, container_changes,
		       &GANTRY_ENGINE_CONTAINER_CHANGES_ARGS(.name = rq->name), &ret, err);

	if (r < 0) {
		return r;
	}
	return answer_json(rq, 200,
			   reply_string(&ret, GANTRY_ENGINE_CONTAINER_CHANGES_RET_CHANGES), err);
}

int container_export(struct request *rq, struct gantry_error *err)
{
	auto_(reply) struct reply ret = REPLY_INIT;
	int r = ENGINE(rq, container_export,
		       &GANTRY_ENGINE_CONTAINER_EXPORT_ARGS(.name = rq->name), &ret, err);

	if (r < 0) {
		return r;
	}
	return answer_stream(rq, TYPE_TAR,
			     reply_take_fd(&ret, GANTRY_ENGINE_CONTAINER_EXPORT_RET_STREAM), err);
}

int container_commit(struct request *rq, struct gantry_error *err)
{
	auto_(reply) struct reply ret = REPLY_INIT;
	const struct query *q = &rq->query;
	const char *changes[MAX_CHANGES];
	const char *container = query_text(q, "container");
	const char *config;
	int r;

	if (!container) {
		return error_set(err, GANTRY_ERR_INVALID, "bad parameter: container cannot be empty");
	}
	r = request_json(rq, &config, err);
	if (r < 0) {
		return r;
	}
	query_all(q, "changes", changes, MAX_CHANGES);
	r = ENGINE(rq, container_commit,
		   &GANTRY_ENGINE_CONTAINER_COMMIT_ARGS(
			   .name = container, .repository = query_text(q, "repo"),
			   .tag = query_text(q, "tag"), .author = query_text(q, "author"),
			   .comment = query_text(q, "comment"), .changes = changes,
			   .pause = query_bool(q, "pause", 1), .config = config),
		   &ret, err);
	if (r < 0) {
		return r;
	}
	return answer_id(rq, 201, "Id", reply_string(&ret, GANTRY_ENGINE_CONTAINER_COMMIT_RET_ID),
			 err);
}
