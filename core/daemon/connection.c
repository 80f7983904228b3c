/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs in a thread of its own, so that every step may block.  Another thread
 * ends it by shutting the socket down.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <gantry/api.h>

#include "core/core.h"
#include "core/daemon/connection.h"
#include "core/daemon/http.h"
#include "core/daemon/upload.h"
#include "core/daemon/wire.h"

#include "helpers/buf.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "helpers/json.h"
#include "helpers/reply.h"

#define MAX_BODY (4 << 20) /* larger ones are streamed */
#define IDLE_MS (10 * 60 * 1000)
#define REQUEST_MS (60 * 1000) /* between two parts of a request's head or body */

/* What serving one request needs; lives for that request. */
struct exchange {
	struct connection *c;
	struct buf *in; /* received and not used yet */
	struct buf head_text;
	struct http_head head;
	struct buf body;
	struct upload *upload;
	int body_stream;
	int keep_alive;
};

/* Takes one head off the connection's input.  0, or a negative errno or
 * -ECONNRESET at the end of the connection. */
static int receive_head(struct exchange *x)
{
	size_t len;
	long n;

	while (!(len = http_head_length(buf_str(x->in), x->in->len))) {
		if (x->in->len > HTTP_MAX_HEAD) {
			return -EMSGSIZE;
		}
		n = wire_receive(x->c->sock, x->in, x->in->len ? REQUEST_MS : IDLE_MS);
		if (n <= 0) {
			return n < 0 ? (int)n : -ECONNRESET;
		}
	}
	if (len > HTTP_MAX_HEAD) {
		return -EMSGSIZE;
	}
	buf_add(&x->head_text, x->in->data, len);
	buf_consume(x->in, len);
	return buf_failed(&x->head_text) ? -ENOMEM : 0;
}

/* Adds one header per member of the JSON object.  The core checks what drivers
 * say; a line break would still split the answer, so it ends the value here. */
static void add_headers(struct buf *out, const char *json)
{
	struct gantry_error ignored = GANTRY_ERROR_INIT;
	auto_json struct json_object *headers = NULL;

	if (json_parse_object(json, "headers of the answer", &headers, &ignored) < 0) {
		return;
	}
	json_object_object_foreach(headers, name, value) {
		const char *text = json_object_get_string(value);

		buf_addf(out, "%s: ", name);
		buf_add(out, text, text ? strcspn(text, "\r\n") : 0);
		buf_adds(out, "\r\n");
	}
}

static int is_bodyless(int status)
{
	return status == 204 || status == 304 || status < 200;
}

static int send_whole(struct exchange *x, int status, struct buf *head, struct gantry_bytes body)
{
	int is_head = x->head.method && !strcmp(x->head.method, "HEAD");

	if (!is_bodyless(status) && !(is_head && !body.size)) {
		buf_addf(head, "Content-Length: %llu\r\n", (unsigned long long)body.size);
	}
	buf_addf(head, "Connection: %s\r\n\r\n", x->keep_alive ? "keep-alive" : "close");
	if (buf_failed(head)) {
		return -ENOMEM;
	}
	return wire_send(x->c->sock, head, body.data,
			 is_head || is_bodyless(status) ? 0 : body.size);
}

static int send_stream(struct exchange *x, struct buf *head, int fd)
{
	enum wire_framing framing = x->head.minor >= 1 ? WIRE_CHUNKED : WIRE_PLAIN;
	int r;

	if (framing == WIRE_CHUNKED) {
		buf_adds(head, "Transfer-Encoding: chunked\r\n");
	} else {
		x->keep_alive = 0;
	}
	buf_addf(head, "Connection: %s\r\n\r\n", x->keep_alive ? "keep-alive" : "close");
	if (buf_failed(head)) {
		return -ENOMEM;
	}
	r = wire_send(x->c->sock, head, NULL, 0);
	if (r < 0 || !strcmp(x->head.method, "HEAD")) {
		return r;
	}
	atomic_store(&x->c->state, CONNECTION_STREAMING);
	return wire_stream(x->c->sock, fd, framing);
}

/* The connection becomes fd and is of no use for requests afterwards. */
static int send_upgrade(struct exchange *x, struct buf *head, int fd)
{
	int r;

	x->keep_alive = 0;
	buf_adds(head, "\r\n");
	if (buf_failed(head)) {
		return -ENOMEM;
	}
	r = wire_send(x->c->sock, head, NULL, 0);
	if (r < 0) {
		return r;
	}
	wire_wait_read(x->c->sock);
	atomic_store(&x->c->state, CONNECTION_STREAMING);
	wire_tunnel(x->c->sock, fd, x->in);
	return 0;
}

static int send_answer(struct exchange *x, struct reply *reply)
{
	int status = (int)reply_integer(reply, GANTRY_API_HANDLE_RET_STATUS, 500);
	auto_fd int stream = reply_take_fd(reply, GANTRY_API_HANDLE_RET_BODY_STREAM);
	auto_fd int upgrade = reply_take_fd(reply, GANTRY_API_HANDLE_RET_UPGRADE);
	auto_(buf) struct buf head = BUF_INIT;

	buf_addf(&head, "HTTP/1.1 %d %s\r\n", status, http_reason(status));
	add_headers(&head, reply_string(reply, GANTRY_API_HANDLE_RET_HEADERS));
	if (upgrade >= 0) {
		return send_upgrade(x, &head, upgrade);
	}
	if (stream >= 0) {
		return send_stream(x, &head, stream);
	}
	return send_whole(x, status, &head, reply_bytes(reply, GANTRY_API_HANDLE_RET_BODY));
}

/* An answer that the core had no part in; the connection ends with it. */
static int send_failure(struct exchange *x, int status, const char *message)
{
	auto_json struct json_object *o = json_object_new_object();
	auto_(buf) struct buf head = BUF_INIT;
	const char *text;

	if (!o || json_set_string(o, "message", message) < 0) {
		return -ENOMEM;
	}
	text = json_text(o);
	x->keep_alive = 0;
	buf_addf(&head, "HTTP/1.1 %d %s\r\nContent-Type: application/json\r\n", status,
		 http_reason(status));
	return send_whole(x, status, &head, (struct gantry_bytes){ text, strlen(text) });
}

/* Bodies of a known, modest length. */
static int collect_body(struct exchange *x, struct http_body *body, struct gantry_error *err)
{
	size_t want = (size_t)x->head.content_length;

	while (x->in->len < want) {
		long n = wire_receive(x->c->sock, x->in, REQUEST_MS);

		if (n <= 0) {
			return error_set(err, GANTRY_ERR_INVALID,
					 "the request body ends after %zu of %zu bytes", x->in->len, want);
		}
	}
	buf_add(&x->body, x->in->data, want);
	buf_consume(x->in, want);
	return buf_failed(&x->body) ? error_no_memory(err) : 0;
}

static int receive_body(struct exchange *x, struct gantry_error *err)
{
	static const struct buf go_on = { (char *)"HTTP/1.1 100 Continue\r\n\r\n", 25, 0, 0 };
	struct http_body body;

	http_body_init(&body, &x->head);
	if (body.state == HTTP_BODY_DONE) {
		return 0;
	}
	if (x->head.expects_continue && x->in->len == 0 &&
	    wire_send(x->c->sock, &go_on, NULL, 0) < 0) {
		return error_set(err, GANTRY_ERR_CANCELLED, "the client went");
	}
	if (!body.chunked && x->head.content_length <= MAX_BODY) {
		return collect_body(x, &body, err);
	}
	x->keep_alive = 0; /* the answer may come before the body's end */
	return upload_start(x->c->sock, x->in, &body, &x->upload, &x->body_stream, err);
}

static int call_core(struct exchange *x, struct reply *ret, struct gantry_error *err)
{
	auto_(buf) struct buf headers = BUF_INIT;
	int r;

	http_headers_json(&x->head, &headers);
	if (buf_failed(&headers)) {
		return error_no_memory(err);
	}
	r = core_handle(x->c->core, NULL,
			&GANTRY_API_HANDLE_ARGS(
				.method = x->head.method, .target = x->head.target,
				.headers = buf_str(&headers),
				.body = { x->body.data, x->body.len },
				.body_stream = x->body_stream, .peer = x->c->peer),
			ret, err);
	/* What the request did not read of its body is dropped from here on. */
	replace_fd(&x->body_stream, -1);
	return r;
}

static int status_of_failure(int code)
{
	switch (code) {
	case GANTRY_ERR_INVALID:
		return 400;
	case GANTRY_ERR_LIMIT:
		return 431;
	case GANTRY_ERR_UNSUPPORTED:
		return 501;
	default:
		return 500;
	}
}

static void serve_request(struct exchange *x)
{
	auto_(reply) struct reply reply = REPLY_INIT;
	struct gantry_error err = GANTRY_ERROR_INIT;
	int r;

	r = http_head_parse(x->head_text.data, x->head_text.len, &x->head, &err);
	if (r == 0) {
		x->keep_alive = x->head.keep_alive && !atomic_load(x->c->stopping);
		r = receive_body(x, &err);
	} else {
		x->head.method = NULL;
	}
	if (r < 0) {
		send_failure(x, status_of_failure(r), err.message);
		return;
	}
	if (call_core(x, &reply, &err) < 0) {
		send_failure(x, 500, err.message);
	} else if (send_answer(x, &reply) < 0) {
		x->keep_alive = 0;
	}
}

/* 1: the connection can take another request. */
static int serve_one(struct connection *c, struct buf *in)
{
	struct exchange x = { .c = c, .in = in, .body_stream = -1 };
	int again = 0;
	int r;

	r = receive_head(&x);
	if (r == -EMSGSIZE) {
		send_failure(&x, 431, "the request's head is too large");
	} else if (r == 0 && c->refuse) {
		send_failure(&x, 503, "too many connections are open; try again");
	} else if (r == 0) {
		atomic_store(&c->state, CONNECTION_SERVING);
		serve_request(&x);
		again = x.keep_alive && !atomic_load(c->stopping);
		atomic_store(&c->state, CONNECTION_IDLE);
	}
	upload_end(x.upload);
	replace_fd(&x.body_stream, -1);
	buf_done(&x.head_text);
	buf_done(&x.body);
	return again;
}

void connection_serve(struct connection *c)
{
	auto_(buf) struct buf in = BUF_INIT;

	while (serve_one(c, &in)) {
		if (in.len == 0) {
			buf_done(&in); /* an idle connection keeps no memory */
		}
	}
	wire_linger(c->sock);
}
