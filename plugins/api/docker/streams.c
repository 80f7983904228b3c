/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a container says and is told: attach, logs, statistics, its end.
 */
#include <stdlib.h>
#include <string.h>

#include "answer.h"
#include "handlers.h"

#include "helpers/cleanup.h"
#include "helpers/error.h"

static enum stream_framing framing_of(const struct reply *ret, unsigned field)
{
	return reply_integer(ret, field, 0) ? STREAM_RAW : STREAM_MULTIPLEXED;
}

int container_attach(struct request *rq, struct gantry_error *err)
{
	auto_(reply) struct reply ret = REPLY_INIT;
	const struct query *q = &rq->query;
	int r = ENGINE(rq, container_attach,
		       &GANTRY_ENGINE_CONTAINER_ATTACH_ARGS(
			       .name = rq->name, .stdin = query_bool(q, "stdin", 0),
			       .stdout = query_bool(q, "stdout", 0), .stderr = query_bool(q, "stderr", 0),
			       .stream = query_bool(q, "stream", 0), .logs = query_bool(q, "logs", 0),
			       .detach_keys = query_text(q, "detachKeys")),
		       &ret, err);

	if (r < 0) {
		return r;
	}
	return answer_upgrade(rq, framing_of(&ret, GANTRY_ENGINE_CONTAINER_ATTACH_RET_TTY),
			      reply_take_fd(&ret, GANTRY_ENGINE_CONTAINER_ATTACH_RET_CONNECTION), err);
}

/* tail=all, a number, or absent; what is no number means all, as in Docker. */
static int64_t tail_of(const struct query *q)
{
	struct gantry_error ignored = GANTRY_ERROR_INIT;
	int64_t tail = -1;

	query_int(q, "tail", &tail, &ignored);
	return tail < 0 ? -1 : tail;
}

int container_logs(struct request *rq, struct gantry_error *err)
{
	auto_(reply) struct reply ret = REPLY_INIT;
	const struct query *q = &rq->query;
	int out = query_bool(q, "stdout", 0), errors = query_bool(q, "stderr", 0);
	int64_t since = 0, until = 0;
	enum stream_framing framing;
	int r;

	if (!out && !errors) {
		return error_set(err, GANTRY_ERR_INVALID,
				 "Bad parameters: you must choose at least one stream");
	}
	r = query_time_ns(q, "since", &since, err);
	if (r == 0) {
		r = query_time_ns(q, "until", &until, err);
	}
	if (r == 0) {
		r = ENGINE(rq, container_logs,
			   &GANTRY_ENGINE_CONTAINER_LOGS_ARGS(
				   .name = rq->name, .stdout = out, .stderr = errors, .since_ns = since,
				   .until_ns = until, .timestamps = query_bool(q, "timestamps", 0),
				   .details = query_bool(q, "details", 0), .tail = tail_of(q),
				   .follow = query_bool(q, "follow", 0)),
			   &ret, err);
	}
	if (r < 0) {
		return r;
	}
	framing = framing_of(&ret, GANTRY_ENGINE_CONTAINER_LOGS_RET_TTY);
	return answer_stream(rq, output_type(rq, framing),
			     reply_take_fd(&ret, GANTRY_ENGINE_CONTAINER_LOGS_RET_STREAM), err);
}

int container_stats(struct request *rq, struct gantry_error *err)
{
	auto_(reply) struct reply ret = REPLY_INIT;
	int stream = query_bool(&rq->query, "stream", 1);
	int one_shot = query_bool(&rq->query, "one-shot", 0);
	int r;

	if (stream && one_shot) {
		return error_set(err, GANTRY_ERR_INVALID,
				 "cannot have stream=true and one-shot=true");
	}
	r = ENGINE(rq, container_stats,
		   &GANTRY_ENGINE_CONTAINER_STATS_ARGS(.name = rq->name, .stream = stream,
						       .one_shot = one_shot),
		   &ret, err);
	if (r < 0) {
		return r;
	}
	return answer_stream(rq, TYPE_JSON,
			     reply_take_fd(&ret, GANTRY_ENGINE_CONTAINER_STATS_RET_STREAM), err);
}

int container_wait(struct request *rq, struct gantry_error *err)
{
	auto_(reply) struct reply ret = REPLY_INIT;
	const char *condition = query_text(&rq->query, "condition");
	int r;

	if (condition && strcmp(condition, "not-running") && strcmp(condition, "next-exit") &&
	    strcmp(condition, "removed")) {
		return error_set(err, GANTRY_ERR_INVALID, "invalid condition: \"%s\"", condition);
	}
	r = ENGINE(rq, container_wait,
		   &GANTRY_ENGINE_CONTAINER_WAIT_ARGS(.name = rq->name, .condition = condition), &ret,
		   err);
	if (r < 0) {
		return r;
	}
	return answer_stream(rq, TYPE_JSON,
			     reply_take_fd(&ret, GANTRY_ENGINE_CONTAINER_WAIT_RET_STREAM), err);
}
