/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "cli/client/http.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "helpers/json.h"

size_t http_head_length(const char *data, size_t len)
{
	const char *end;

	for (size_t i = 0; i < len; i++) {
		end = memchr(data + i, '\n', len - i);
		if (!end) {
			return 0;
		}
		i = (size_t)(end - data);
		if (i + 1 < len && data[i + 1] == '\n') {
			return i + 2;
		}
		if (i + 2 < len && data[i + 1] == '\r' && data[i + 2] == '\n') {
			return i + 3;
		}
	}
	return 0;
}

static int malformed(struct gantry_error *err, const char *what)
{
	return error_set(err, GANTRY_ERR_CORRUPT, "the engine's answer is malformed: %s", what);
}

static int parse_status(const char *line, size_t len, struct http_head *head,
			struct gantry_error *err)
{
	if (len < 12 || strncmp(line, "HTTP/1.", 7) != 0 || line[8] != ' ' ||
	    !isdigit((unsigned char)line[9]) || !isdigit((unsigned char)line[10]) ||
	    !isdigit((unsigned char)line[11])) {
		return malformed(err, "no HTTP/1.1 status line");
	}
	head->status = (line[9] - '0') * 100 + (line[10] - '0') * 10 + (line[11] - '0');
	head->keep_alive = line[7] != '0';
	return 0;
}

static int parse_header(const char *line, size_t len, struct http_head *head,
			struct gantry_error *err)
{
	const char *colon = memchr(line, ':', len);
	size_t name_len, value_len;
	auto_free char *name = NULL;
	auto_free char *value = NULL;

	if (!colon || colon == line) {
		return malformed(err, "a header without a name");
	}
	name_len = (size_t)(colon - line);
	name = strndup(line, name_len);
	colon++;
	value_len = len - name_len - 1;
	while (value_len && (*colon == ' ' || *colon == '\t')) {
		colon++;
		value_len--;
	}
	while (value_len && (colon[value_len - 1] == ' ' || colon[value_len - 1] == '\t')) {
		value_len--;
	}
	value = strndup(colon, value_len);
	if (!name || !value) {
		return error_no_memory(err);
	}
	for (char *p = name; *p; p++) {
		*p = (char)tolower((unsigned char)*p);
	}
	return json_set_string(head->headers, name, value) < 0 ? error_no_memory(err) : 0;
}

static int choose_framing(const char *method, struct http_head *head, struct gantry_error *err)
{
	const char *encoding = json_get_string(head->headers, "transfer-encoding");
	const char *length = json_get_string(head->headers, "content-length");
	const char *connection = json_get_string(head->headers, "connection");
	struct http_body *body = &head->body;
	char *end;

	*body = (struct http_body){ .framing = HTTP_UNTIL_CLOSE };
	if (connection && strcasecmp(connection, "close") == 0) {
		head->keep_alive = 0;
	}
	if (head->status == 101) {
		return 0;
	}
	if (strcmp(method, "HEAD") == 0 || head->status == 204 || head->status == 304) {
		*body = (struct http_body){ .framing = HTTP_LENGTH, .done = 1 };
	} else if (encoding && strcasecmp(encoding, "chunked") == 0) {
		body->framing = HTTP_CHUNKED;
	} else if (encoding && strcasecmp(encoding, "identity") != 0) {
		return malformed(err, "an unknown transfer encoding");
	} else if (length) {
		body->framing = HTTP_LENGTH;
		body->left = strtoull(length, &end, 10);
		if (!isdigit((unsigned char)*length) || *end) {
			return malformed(err, "its Content-Length is not a number");
		}
		body->done = body->left == 0;
	}
	return 0;
}

int http_parse_head(const char *data, size_t len, const char *method, struct http_head *ret,
		    struct gantry_error *err)
{
	struct http_head head = { 0 };
	size_t pos = 0, lines = 0;
	int r = 0;

	head.headers = json_object_new_object();
	if (!head.headers) {
		return error_no_memory(err);
	}
	while (r == 0 && pos < len) {
		const char *line = data + pos;
		const char *end = memchr(line, '\n', len - pos);
		size_t n = end ? (size_t)(end - line) : len - pos;

		pos += n + 1;
		n -= n && line[n - 1] == '\r';
		if (n == 0) {
			break;
		}
		if (lines++ > HTTP_MAX_HEADERS) {
			r = malformed(err, "too many headers");
		} else if (memchr(line, '\0', n)) {
			r = malformed(err, "a NUL byte in its headers");
		} else {
			r = lines == 1 ? parse_status(line, n, &head, err)
				       : parse_header(line, n, &head, err);
		}
	}
	if (r == 0 && lines == 0) {
		r = malformed(err, "it is empty");
	}
	if (r == 0) {
		r = choose_framing(method, &head, err);
	}
	if (r < 0) {
		http_head_done(&head);
		return r;
	}
	*ret = head;
	return 0;
}

void http_head_done(struct http_head *head)
{
	json_object_put(head->headers);
	*head = (struct http_head){ 0 };
}

int http_body_wants_framing(const struct http_body *body)
{
	return body->framing == HTTP_CHUNKED && !body->done && body->state != HTTP_CHUNK_DATA;
}

static void size_line_done(struct http_body *body)
{
	body->state = body->left ? HTTP_CHUNK_DATA : HTTP_CHUNK_TRAILER;
	body->line_len = 0;
}

static int framing_size(struct http_body *body, char c)
{
	int digit;

	if (isxdigit((unsigned char)c)) {
		digit = isdigit((unsigned char)c) ? c - '0' : tolower((unsigned char)c) - 'a' + 10;
		body->left = body->left * 16 + (uint64_t)digit;
		return ++body->digits > 15 ? -1 : 0;
	}
	if (body->digits == 0) {
		return -1;
	}
	if (c == '\n') {
		size_line_done(body);
	} else {
		body->state = HTTP_CHUNK_EXTENSION;
		body->line_len = 0;
	}
	return c == '\n' || c == '\r' || c == ';' || c == ' ' || c == '\t' ? 0 : -1;
}

int http_body_framing(struct http_body *body, char c)
{
	switch (body->state) {
	case HTTP_CHUNK_SIZE:
		return framing_size(body, c);
	case HTTP_CHUNK_EXTENSION:
		if (c == '\n') {
			size_line_done(body);
			return 0;
		}
		return ++body->line_len > 4096 ? -1 : 0;
	case HTTP_CHUNK_AFTER_DATA:
		if (c == '\n') {
			body->state = HTTP_CHUNK_SIZE;
			body->digits = 0;
			body->left = 0;
			return 0;
		}
		return c == '\r' ? 0 : -1;
	case HTTP_CHUNK_TRAILER:
		if (c == '\n') {
			body->done = body->line_len == 0;
			body->line_len = 0;
			return 0;
		}
		if (c != '\r') {
			body->line_len++;
		}
		return body->line_len > 4096 ? -1 : 0;
	default:
		return -1;
	}
}

void http_body_took(struct http_body *body, size_t n)
{
	body->left -= n;
	if (body->left > 0) {
		return;
	}
	if (body->framing == HTTP_CHUNKED) {
		body->state = HTTP_CHUNK_AFTER_DATA;
	} else {
		body->done = 1;
	}
}
