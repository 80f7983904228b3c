/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HTTP/1.1 as text: requests taken apart, bodies decoded, answers' heads
 * written.  Nothing here reads or writes a descriptor.
 *
 * The daemon has its own server because the Engine API is not quite HTTP: a
 * connection becomes a raw stream also without 101, streams go on in both
 * directions at once (an upload is answered while it arrives), and half-closed
 * connections mean something.  Server libraries do not offer these.
 */
#ifndef CORE_DAEMON_HTTP_H
#define CORE_DAEMON_HTTP_H

#include <stddef.h>
#include <stdint.h>

#include <gantry/error.h>

struct buf;

#define HTTP_MAX_HEAD 65536
#define HTTP_MAX_HEADERS 128

struct http_header {
	char *name; /* in lower case */
	char *value;
};

struct http_head {
	char *method;
	char *target;
	int minor; /* of HTTP/1.x */
	unsigned n_headers;
	struct http_header headers[HTTP_MAX_HEADERS];
	int64_t content_length; /* -1: none said */
	int chunked;
	int keep_alive;
	int expects_continue;
};

/* How many bytes of data a complete head takes, its empty line included; 0 when
 * there is more to come. */
size_t http_head_length(const char *data, size_t len);

/* Takes a complete head apart in place.  INVALID (400), LIMIT (431) or
 * UNSUPPORTED (501) for what is malformed or ambiguous. */
int http_head_parse(char *data, size_t len, struct http_head *ret, struct gantry_error *err);

/* A header by its name in lower case, or NULL. */
const char *http_header(const struct http_head *head, const char *name);

/* Appends the headers as a JSON object; repeated ones are joined by ", ". */
void http_headers_json(const struct http_head *head, struct buf *out);

/* A body on its way in, by length or in chunks. */
struct http_body {
	enum { HTTP_BODY_DATA, HTTP_BODY_SIZE, HTTP_BODY_DATA_END, HTTP_BODY_TRAILER,
	       HTTP_BODY_DONE } state;
	int chunked;
	uint64_t left; /* of this chunk or of the whole */
};

void http_body_init(struct http_body *body, const struct http_head *head);

/* Takes what it can from data: *ret_used bytes, of which *ret_payload (maybe
 * NULL) of *ret_len bytes belong to the body.  Call again until it uses
 * nothing.  INVALID for malformed chunks. */
int http_body_take(struct http_body *body, const char *data, size_t len, size_t *ret_used,
		   const char **ret_payload, size_t *ret_len, struct gantry_error *err);

/* The words that belong to a status. */
const char *http_reason(int status);

#endif
