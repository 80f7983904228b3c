/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Answers: a status, the headers that every answer has, and a body as JSON,
 * text, a stream or a connection.  Each function returns 0 or NO_MEMORY.
 */
#ifndef API_DOCKER_ANSWER_H
#define API_DOCKER_ANSWER_H

#include "request.h"

#define TYPE_JSON "application/json"
#define TYPE_TEXT "text/plain; charset=utf-8"
#define TYPE_TAR "application/x-tar"
#define TYPE_RAW_STREAM "application/vnd.docker.raw-stream"
#define TYPE_MULTIPLEXED "application/vnd.docker.multiplexed-stream"

struct json_object;

int answer_empty(struct request *rq, int status, struct gantry_error *err);
int answer_json(struct request *rq, int status, const char *json, struct gantry_error *err);
int answer_text(struct request *rq, int status, const char *text, struct gantry_error *err);
/* 200 with a text of a type that another driver chose. */
int answer_typed(struct request *rq, const char *type, const char *text, struct gantry_error *err);

/* Prints and releases object, also on failure; NULL is out of memory. */
int answer_object(struct request *rq, int status, struct json_object *object,
		  struct gantry_error *err);

/* {key: id}. */
int answer_id(struct request *rq, int status, const char *key, const char *id,
	      struct gantry_error *err);

/* 200 with a body that is read from fd, which the host owns from here on. */
int answer_stream(struct request *rq, const char *type, int fd, struct gantry_error *err);

/* The same with the lines of a transfer that runs.  One that fails before it has said anything
 * is answered with a status of its own and not with 200. */
int answer_progress(struct request *rq, int fd, struct gantry_error *err);

/* The connection becomes fd, which the host owns from here on: 101 when the
 * client asked for an upgrade, else 200 and raw bytes. */
enum stream_framing { STREAM_MULTIPLEXED, STREAM_RAW };
int answer_upgrade(struct request *rq, enum stream_framing framing, int fd,
		   struct gantry_error *err);

/* The content type of a container's output in this version of the API. */
const char *output_type(const struct request *rq, enum stream_framing framing);

/* Status and headers only, with further ones written as JSON members
 * ("\"Name\":\"value\"") or NULL; type may be NULL, too. */
int answer_head(struct request *rq, int status, const char *type, const char *more,
		struct gantry_error *err);

/* {"message":...} with the status that fits failure->code. */
int answer_error(struct request *rq, const struct gantry_error *failure, struct gantry_error *err);

/* The same with a status that the operation defines. */
int answer_error_as(struct request *rq, int status, const struct gantry_error *failure,
		    struct gantry_error *err);

/* The status of a code where the operation does not say otherwise. */
int status_of_code(int code);

#endif
