/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "answer.h"

#include "helpers/buf.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "helpers/json.h"

#define COMMON_HEADERS                                                                   \
	"\"Api-Version\":\"" API_VERSION_MAX_TEXT "\",\"Docker-Experimental\":\"true\"," \
	"\"Ostype\":\"linux\",\"Server\":\"gantry/" PACKAGE_VERSION " (linux)\""

#define VERSION_MULTIPLEXED_TYPE 42 /* before, all streams were called raw */

int status_of_code(int code)
{
	switch (code) {
	case GANTRY_ERR_INVALID:
	case GANTRY_ERR_CORRUPT:
		return 400;
	case GANTRY_ERR_UNAUTHORIZED:
		return 401;
	case GANTRY_ERR_DENIED:
	case GANTRY_ERR_PERMISSION:
		return 403;
	case GANTRY_ERR_NOT_FOUND:
		return 404;
	case GANTRY_ERR_EXISTS:
	case GANTRY_ERR_IN_USE:
	case GANTRY_ERR_CONFLICT:
		return 409;
	case GANTRY_ERR_LIMIT:
		return 413;
	case GANTRY_ERR_UNSUPPORTED:
		return 501;
	case GANTRY_ERR_UNAVAILABLE:
		return 503;
	case GANTRY_ERR_TIMEOUT:
		return 504;
	default:
		return 500;
	}
}

/* Status and headers; the body follows separately. */
static int put_head(struct request *rq, int status, const char *headers, struct gantry_error *err)
{
	if (gantry_api_handle_set_status(rq->reply, status) < 0 ||
	    gantry_api_handle_set_headers(rq->reply, headers) < 0) {
		return error_no_memory(err);
	}
	return 0;
}

static int put_body(struct request *rq, const char *text, struct gantry_error *err)
{
	if (gantry_api_handle_set_body(rq->reply, text, strlen(text)) < 0) {
		return error_no_memory(err);
	}
	return 0;
}

int answer_head(struct request *rq, int status, const char *type, const char *more,
		struct gantry_error *err)
{
	auto_(buf) struct buf headers = BUF_INIT;

	buf_adds(&headers, "{" COMMON_HEADERS);
	if (type) {
		buf_addf(&headers, ",\"Content-Type\":\"%s\"", type);
	}
	if (more) {
		buf_addc(&headers, ',');
		buf_adds(&headers, more);
	}
	buf_addc(&headers, '}');
	if (buf_failed(&headers)) {
		return error_no_memory(err);
	}
	return put_head(rq, status, buf_str(&headers), err);
}

int answer_empty(struct request *rq, int status, struct gantry_error *err)
{
	return put_head(rq, status, "{" COMMON_HEADERS "}", err);
}

int answer_json(struct request *rq, int status, const char *json, struct gantry_error *err)
{
	int r = put_head(rq, status, "{" COMMON_HEADERS ",\"Content-Type\":\"" TYPE_JSON "\"}", err);

	if (r < 0) {
		return r;
	}
	if (!json) {
		return error_set(err, GANTRY_ERR_INTERNAL,
				 "the engine answered %s /%s without a result", rq->method, rq->path);
	}
	return put_body(rq, json, err);
}

int answer_text(struct request *rq, int status, const char *text, struct gantry_error *err)
{
	int r = put_head(rq, status, "{" COMMON_HEADERS ",\"Content-Type\":\"" TYPE_TEXT "\"}", err);

	return r < 0 ? r : put_body(rq, text, err);
}

int answer_typed(struct request *rq, const char *type, const char *text, struct gantry_error *err)
{
	int r;

	if (!type || !text || strpbrk(type, "\"\\\r\n")) {
		return error_set(err, GANTRY_ERR_INTERNAL, "the engine answered %s /%s without a proper type",
				 rq->method, rq->path);
	}
	r = answer_head(rq, 200, type, NULL, err);
	return r < 0 ? r : put_body(rq, text, err);
}

int answer_object(struct request *rq, int status, struct json_object *object,
		  struct gantry_error *err)
{
	auto_json struct json_object *owned = object;
	const char *text = owned ? json_text(owned) : NULL;

	if (!text) {
		return error_no_memory(err);
	}
	return answer_json(rq, status, text, err);
}

int answer_id(struct request *rq, int status, const char *key, const char *id,
	      struct gantry_error *err)
{
	auto_json struct json_object *o = json_object_new_object();

	if (!o || json_set_string(o, key, id) < 0) {
		return error_no_memory(err);
	}
	return answer_object(rq, status, steal(&o), err);
}

int answer_stream(struct request *rq, const char *type, int fd, struct gantry_error *err)
{
	auto_fd int stream = fd;
	int r;

	if (stream < 0) {
		return error_set(err, GANTRY_ERR_INTERNAL,
				 "the engine answered %s /%s without a stream", rq->method, rq->path);
	}
	r = answer_head(rq, 200, type, NULL, err);
	if (r < 0) {
		return r;
	}
	if (gantry_api_handle_set_body_stream(rq->reply, steal_fd(&stream)) < 0) {
		return error_no_memory(err);
	}
	return 0;
}

/* Looks at what lies in a pipe without taking it; 0 where that is not possible. */
static size_t peek(int fd, char *to, size_t size)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };
	auto_fd int out = -1;
	auto_fd int in = -1;
	int ends[2];
	ssize_t n;

	while (poll(&pfd, 1, -1) < 0 && errno == EINTR) {
	}
	if (pipe2(ends, O_CLOEXEC) < 0) {
		return 0;
	}
	out = ends[0];
	in = ends[1];
	n = tee(fd, in, size, 0);
	n = n > 0 ? read(out, to, (size_t)n) : 0;
	return n > 0 ? (size_t)n : 0;
}

int answer_progress(struct request *rq, int fd, struct gantry_error *err)
{
	auto_fd int stream = fd;
	auto_json struct json_object *o = NULL;
	struct gantry_error ignored = GANTRY_ERROR_INIT;
	char line[4096];
	size_t len = stream < 0 ? 0 : peek(stream, line, sizeof(line) - 1);
	const char *message;

	line[len] = '\0';
	line[strcspn(line, "\r\n")] = '\0';
	if (*line && json_parse(line, strlen(line), "a line of progress", &o, &ignored) == 0 &&
	    (message = json_get_string(o, "error"))) {
		int code = (int)json_get_int(o, "code", GANTRY_ERR_INTERNAL);

		return error_set(err, code < 0 ? code : GANTRY_ERR_INTERNAL, "%s", message);
	}
	return answer_stream(rq, TYPE_JSON, steal_fd(&stream), err);
}

const char *output_type(const struct request *rq, enum stream_framing framing)
{
	if (framing == STREAM_MULTIPLEXED && rq->version >= VERSION_MULTIPLEXED_TYPE) {
		return TYPE_MULTIPLEXED;
	}
	return TYPE_RAW_STREAM;
}

int answer_upgrade(struct request *rq, enum stream_framing framing, int fd,
		   struct gantry_error *err)
{
	auto_fd int connection = fd;
	const char *protocol = request_header(rq, "upgrade");
	int r;

	if (connection < 0) {
		return error_set(err, GANTRY_ERR_INTERNAL,
				 "the engine answered %s /%s without a connection", rq->method, rq->path);
	}
	if (protocol && *protocol) {
		r = answer_head(rq, 101, output_type(rq, framing),
				"\"Connection\":\"Upgrade\",\"Upgrade\":\"tcp\"", err);
	} else {
		/* The type that tells the framings apart came with the upgrade. */
		r = answer_head(rq, 200, TYPE_RAW_STREAM, NULL, err);
	}
	if (r < 0) {
		return r;
	}
	if (gantry_api_handle_set_upgrade(rq->reply, steal_fd(&connection)) < 0) {
		return error_no_memory(err);
	}
	return 0;
}

/* Docker's own command line prints the message only, so the remedy goes there. */
static int wants_hint_in_message(struct request *rq)
{
	const char *agent = request_header(rq, "user-agent");

	return agent && !strncmp(agent, "Docker-Client/", strlen("Docker-Client/"));
}

int answer_error_as(struct request *rq, int status, const struct gantry_error *failure,
		    struct gantry_error *err)
{
	auto_json struct json_object *o = json_object_new_object();
	auto_(buf) struct buf message = BUF_INIT;

	buf_adds(&message, failure->message);
	if (failure->hint[0] && wants_hint_in_message(rq)) {
		buf_addf(&message, " (%s)", failure->hint);
	}
	if (!o || buf_failed(&message) || json_set_string(o, "message", buf_str(&message)) < 0 ||
	    (failure->hint[0] && json_set_string(o, "hint", failure->hint) < 0)) {
		return error_no_memory(err);
	}
	return answer_json(rq, status, json_text(o), err);
}

int answer_error(struct request *rq, const struct gantry_error *failure, struct gantry_error *err)
{
	return answer_error_as(rq, status_of_code(failure->code), failure, err);
}
