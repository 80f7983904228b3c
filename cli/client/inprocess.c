/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The Engine API without a daemon: the same handlers, called in this process.
 * The core is opened with the first request.
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/client/client.h"
#include "core/core.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "helpers/io.h"
#include "helpers/json.h"
#include "helpers/reply.h"

struct inprocess {
	struct core_options options;
	struct core *core; /* NULL before the first request */
};

int inprocess_open(const struct client_options *options, void **ret, struct gantry_error *err)
{
	struct inprocess *self = calloc(1, sizeof(*self));

	if (!self) {
		return error_no_memory(err);
	}
	self->options.root = options->root;
	self->options.run_root = options->run_root;
	self->options.will_start = options->will_start;
	*ret = self;
	return 0;
}

static void inprocess_close(void *arg)
{
	struct inprocess *self = arg;

	if (self->core) {
		core_close(self->core);
	}
	free(self);
}

static char *request_headers(const struct client_request *rq, struct gantry_error *err)
{
	auto_json struct json_object *h = json_object_new_object();
	char *text;

	if (!h) {
		error_no_memory(err);
		return NULL;
	}
	if (rq->json) {
		json_set_string(h, "content-type", "application/json");
	} else if (rq->has_body_fd) {
		json_set_string(h, "content-type", "application/x-tar");
	}
	if (rq->want == CLIENT_UPGRADE) {
		json_set_string(h, "connection", "Upgrade");
		json_set_string(h, "upgrade", "tcp");
	}
	json_set_string(h, "x-registry-auth", rq->registry_auth);
	text = strdup(json_text(h));
	if (!text) {
		error_no_memory(err);
	}
	return text;
}

static int take_body(struct reply *reply, const struct client_request *rq,
		     struct client_response *ret, struct gantry_error *err)
{
	struct gantry_bytes bytes = reply_bytes(reply, GANTRY_API_HANDLE_RET_BODY);
	auto_fd int fd = reply_take_fd(reply, GANTRY_API_HANDLE_RET_BODY_STREAM);
	int r;

	if (ret->status < 400 && rq->want != CLIENT_BODY) {
		buf_add(&ret->stream.ahead, bytes.data, bytes.size);
		ret->stream.fd = steal_fd(&fd);
		return buf_failed(&ret->stream.ahead) ? error_no_memory(err) : 0;
	}
	buf_add(&ret->body, bytes.data, bytes.size);
	if (buf_failed(&ret->body)) {
		return error_no_memory(err);
	}
	if (fd >= 0) {
		r = read_to_end(fd, &ret->body, CLIENT_MAX_BODY);
		if (r < 0) {
			return error_errno(err, -r, "cannot read the answer to %s %s", rq->method,
					   rq->target);
		}
	}
	return 0;
}

/* The same object with names in lower case, as they come from a socket. */
static int take_headers(const char *text, struct json_object **ret, struct gantry_error *err)
{
	auto_json struct json_object *in = NULL;
	int r = json_parse_object(text, "the answer's headers", &in, err);

	if (r < 0) {
		return r;
	}
	*ret = json_object_new_object();
	json_object_object_foreach(in, name, value) {
		auto_free char *lower = strdup(name);

		for (char *p = lower; p && *p; p++) {
			*p = (char)tolower((unsigned char)*p);
		}
		if (!lower || !*ret || json_set(*ret, lower, json_object_get(value)) < 0) {
			return error_no_memory(err);
		}
	}
	return 0;
}

static int take_reply(struct reply *reply, const struct client_request *rq,
		      struct client_response *ret, struct gantry_error *err)
{
	const char *headers = reply_string(reply, GANTRY_API_HANDLE_RET_HEADERS);
	auto_fd int upgrade = reply_take_fd(reply, GANTRY_API_HANDLE_RET_UPGRADE);
	int r;

	ret->status = (int)reply_integer(reply, GANTRY_API_HANDLE_RET_STATUS, 500);
	if (headers) {
		r = take_headers(headers, &ret->headers, err);
		if (r < 0) {
			return r;
		}
	}
	if (upgrade >= 0 && rq->want == CLIENT_UPGRADE) {
		stream_open_fd(&ret->stream, steal_fd(&upgrade));
		return 0;
	}
	return take_body(reply, rq, ret, err);
}

/* Something is left of an earlier process; that is no reason not to do what was asked. */
static void print_warning(const struct gantry_error *warning)
{
	if (!warning) {
		return;
	}
	fprintf(stderr, "WARNING: %s\n", warning->message);
	if (warning->hint[0]) {
		fprintf(stderr, "hint: %s\n", warning->hint);
	}
}

static int inprocess_request(void *arg, const char *version, const struct client_request *rq,
			     struct client_response *ret, struct gantry_error *err)
{
	struct inprocess *self = arg;
	auto_(reply) struct reply reply = REPLY_INIT;
	auto_free char *headers = NULL;
	auto_(buf) struct buf target = BUF_INIT;
	const char *body = rq->json ? json_text(rq->json) : NULL;
	int r;

	if (!self->core) {
		r = core_open(&self->options, &self->core, err);
		if (r < 0) {
			return r;
		}
		print_warning(core_warning(self->core));
	}
	headers = request_headers(rq, err);
	if (!headers) {
		return err->code;
	}
	buf_addf(&target, "/v%s%s", version, rq->target);
	if (buf_failed(&target)) {
		return error_no_memory(err);
	}
	r = core_handle(self->core, NULL,
			&(struct gantry_api_handle_args){
				.struct_size = sizeof(struct gantry_api_handle_args),
				.method = rq->method,
				.target = target.data,
				.headers = headers,
				.body = { body, body ? strlen(body) : 0 },
				.body_stream = rq->has_body_fd ? rq->body_fd : -1,
			},
			&reply, err);
	r = r < 0 ? r : take_reply(&reply, rq, ret, err);
	if (r < 0) {
		client_response_done(ret);
	}
	return r;
}

const struct client_ops inprocess_ops = {
	.request = inprocess_request,
	.close = inprocess_close,
};
