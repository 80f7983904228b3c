/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What of HTTP/1.1 a client of the Engine API needs to understand: the head of
 * an answer and where its body ends.  Pure parsing with limits, no I/O.
 */
#ifndef CLI_CLIENT_HTTP_H
#define CLI_CLIENT_HTTP_H

#include <stddef.h>
#include <stdint.h>

#include <gantry/error.h>

struct json_object;

#define HTTP_MAX_HEAD (64 * 1024)
#define HTTP_MAX_HEADERS 200

enum http_framing {
	HTTP_UNTIL_CLOSE,
	HTTP_LENGTH,
	HTTP_CHUNKED,
};

enum http_chunk_state {
	HTTP_CHUNK_SIZE,
	HTTP_CHUNK_EXTENSION,
	HTTP_CHUNK_DATA,
	HTTP_CHUNK_AFTER_DATA,
	HTTP_CHUNK_TRAILER,
};

struct http_body {
	enum http_framing framing;
	enum http_chunk_state state;
	uint64_t left; /* bytes of this chunk, or of the whole body */
	unsigned int digits;
	unsigned int line_len; /* of the trailer line being read */
	int done;
};

struct http_head {
	int status;
	struct json_object *headers; /* names in lower case; owned */
	struct http_body body;
	int keep_alive;
};

/* Length of the head that data starts with, with its empty line; 0 when it is not complete. */
size_t http_head_length(const char *data, size_t len);
/* Parses a complete head; method decides whether a body follows. */
int http_parse_head(const char *data, size_t len, const char *method, struct http_head *ret,
		    struct gantry_error *err);
void http_head_done(struct http_head *head);

/* Is the next byte part of the framing rather than of the content? */
int http_body_wants_framing(const struct http_body *body);
/* Takes one byte of framing; -1 when it is malformed. */
int http_body_framing(struct http_body *body, char c);
/* n bytes of content were taken, n <= left. */
void http_body_took(struct http_body *body, size_t n);

#endif
