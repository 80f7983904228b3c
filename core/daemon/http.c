/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/daemon/http.h"

#include "helpers/buf.h"
#include "helpers/error.h"

#define MAX_CHUNK_LINE 4096

size_t http_head_length(const char *data, size_t len)
{
	const char *p = data;

	while ((p = memchr(p, '\n', len - (size_t)(p - data)))) {
		size_t at = (size_t)(++p - data);

		if (at < len && data[at] == '\n') {
			return at + 1;
		}
		if (at + 1 < len && data[at] == '\r' && data[at + 1] == '\n') {
			return at + 2;
		}
	}
	return 0;
}

static int is_token_char(unsigned char c)
{
	return c > ' ' && c < 0x7f && !strchr("\"(),/:;<=>?@[\\]{}", c);
}

/* Cuts the next line off *rest; NULL at the end. */
static char *next_line(char **rest)
{
	char *line = *rest;
	char *end = strchr(line, '\n');

	if (!end) {
		return NULL;
	}
	*rest = end + 1;
	*end = '\0';
	if (end > line && end[-1] == '\r') {
		end[-1] = '\0';
	}
	return line;
}

static int parse_request_line(char *line, struct http_head *ret, struct gantry_error *err)
{
	char *target = strchr(line, ' ');
	char *version = target ? strchr(target + 1, ' ') : NULL;

	if (!version || target == line || version == target + 1) {
		return error_set(err, GANTRY_ERR_INVALID, "malformed request line");
	}
	*target++ = '\0';
	*version++ = '\0';
	for (const char *p = line; *p; p++) {
		if (!is_token_char((unsigned char)*p)) {
			return error_set(err, GANTRY_ERR_INVALID, "malformed request method");
		}
	}
	for (const unsigned char *p = (unsigned char *)target; *p; p++) {
		if (*p <= ' ' || *p == 0x7f) {
			return error_set(err, GANTRY_ERR_INVALID, "malformed request target");
		}
	}
	if (strncmp(version, "HTTP/1.", 7) || (strcmp(version + 7, "0") && strcmp(version + 7, "1"))) {
		return error_set(err, GANTRY_ERR_UNSUPPORTED, "only HTTP/1.0 and HTTP/1.1 are served");
	}
	ret->method = line;
	ret->target = target;
	ret->minor = version[7] - '0';
	return 0;
}

static int parse_header(char *line, struct http_header *ret, struct gantry_error *err)
{
	char *value = line;
	size_t len;

	while (is_token_char((unsigned char)*value)) {
		if (*value >= 'A' && *value <= 'Z') {
			*value |= 0x20;
		}
		value++;
	}
	if (value == line || *value != ':') {
		return error_set(err, GANTRY_ERR_INVALID, "malformed header line");
	}
	*value++ = '\0';
	value += strspn(value, " \t");
	len = strlen(value);
	while (len > 0 && strchr(" \t", value[len - 1])) {
		value[--len] = '\0';
	}
	for (const unsigned char *p = (unsigned char *)value; *p; p++) {
		if ((*p < ' ' && *p != '\t') || *p == 0x7f) {
			return error_set(err, GANTRY_ERR_INVALID, "control character in header %s", line);
		}
	}
	*ret = (struct http_header){ line, value };
	return 0;
}

/* Is word one of a comma-separated list, in any case? */
static int list_has(const char *list, const char *word)
{
	size_t len = strlen(word);

	while (list && *list) {
		list += strspn(list, ", \t");
		if (!strncasecmp(list, word, len) && (!list[len] || strchr(", \t;", list[len]))) {
			return 1;
		}
		list += strcspn(list, ",");
	}
	return 0;
}

static int parse_content_length(struct http_head *head, const char *text,
				struct gantry_error *err)
{
	int64_t length = 0;

	for (const char *p = text; *p || p == text; p++) {
		if (*p < '0' || *p > '9' || length > INT64_MAX / 10 - 1) {
			return error_set(err, GANTRY_ERR_INVALID, "malformed Content-Length");
		}
		length = length * 10 + (*p - '0');
	}
	if (head->content_length >= 0 && head->content_length != length) {
		return error_set(err, GANTRY_ERR_INVALID, "two different Content-Lengths");
	}
	head->content_length = length;
	return 0;
}

/* What the headers say about this message and connection. */
static int interpret(struct http_head *head, struct gantry_error *err)
{
	head->keep_alive = head->minor >= 1;
	for (unsigned i = 0; i < head->n_headers; i++) {
		const char *name = head->headers[i].name;
		const char *value = head->headers[i].value;
		int r = 0;

		if (!strcmp(name, "content-length")) {
			r = parse_content_length(head, value, err);
		} else if (!strcmp(name, "transfer-encoding")) {
			if (strcasecmp(value, "chunked") || head->chunked) {
				r = error_set(err, GANTRY_ERR_UNSUPPORTED,
					      "only the transfer encoding chunked is served");
			}
			head->chunked = 1;
		} else if (!strcmp(name, "connection")) {
			if (list_has(value, "close")) {
				head->keep_alive = 0;
			} else if (list_has(value, "keep-alive")) {
				head->keep_alive = 1;
			}
		} else if (!strcmp(name, "expect")) {
			head->expects_continue = !strcasecmp(value, "100-continue");
		}
		if (r < 0) {
			return r;
		}
	}
	if (head->chunked && head->content_length >= 0) {
		return error_set(err, GANTRY_ERR_INVALID,
				 "both Content-Length and Transfer-Encoding");
	}
	return 0;
}

int http_head_parse(char *data, size_t len, struct http_head *ret, struct gantry_error *err)
{
	char *rest = data;
	char *line;
	int r;

	if (memchr(data, '\0', len)) {
		return error_set(err, GANTRY_ERR_INVALID, "NUL byte in the request head");
	}
	data[len - 1] = '\n'; /* the end of its empty line; strchr stops there */
	ret->n_headers = 0;
	ret->content_length = -1;
	ret->chunked = ret->expects_continue = 0;
	line = next_line(&rest);
	r = line ? parse_request_line(line, ret, err) :
		   error_set(err, GANTRY_ERR_INVALID, "malformed request line");
	if (r < 0) {
		return r;
	}
	while (rest < data + len && (line = next_line(&rest)) && *line) {
		if (ret->n_headers == HTTP_MAX_HEADERS) {
			return error_set(err, GANTRY_ERR_LIMIT, "more than %d headers", HTTP_MAX_HEADERS);
		}
		r = parse_header(line, &ret->headers[ret->n_headers], err);
		if (r < 0) {
			return r;
		}
		ret->n_headers++;
	}
	return interpret(ret, err);
}

const char *http_header(const struct http_head *head, const char *name)
{
	for (unsigned i = 0; i < head->n_headers; i++) {
		if (!strcmp(head->headers[i].name, name)) {
			return head->headers[i].value;
		}
	}
	return NULL;
}

static void add_escaped(struct buf *out, const char *text)
{
	for (const char *p = text; *p; p++) {
		if (*p == '"' || *p == '\\') {
			buf_addc(out, '\\');
		}
		if (*p == '\t') {
			buf_adds(out, "\\t");
		} else {
			buf_addc(out, *p);
		}
	}
}

static int seen_before(const struct http_head *head, unsigned i)
{
	for (unsigned j = 0; j < i; j++) {
		if (!strcmp(head->headers[j].name, head->headers[i].name)) {
			return 1;
		}
	}
	return 0;
}

void http_headers_json(const struct http_head *head, struct buf *out)
{
	const char *separator = "{\"";

	for (unsigned i = 0; i < head->n_headers; i++) {
		if (seen_before(head, i)) {
			continue;
		}
		buf_adds(out, separator);
		buf_adds(out, head->headers[i].name);
		buf_adds(out, "\":\"");
		add_escaped(out, head->headers[i].value);
		for (unsigned j = i + 1; j < head->n_headers; j++) {
			if (!strcmp(head->headers[j].name, head->headers[i].name)) {
				buf_adds(out, ", ");
				add_escaped(out, head->headers[j].value);
			}
		}
		buf_addc(out, '"');
		separator = ",\"";
	}
	buf_adds(out, head->n_headers ? "}" : "{}");
}

void http_body_init(struct http_body *body, const struct http_head *head)
{
	body->chunked = head->chunked;
	body->left = head->content_length > 0 ? (uint64_t)head->content_length : 0;
	if (head->chunked) {
		body->state = HTTP_BODY_SIZE;
	} else {
		body->state = body->left ? HTTP_BODY_DATA : HTTP_BODY_DONE;
	}
}

static int hex_value(char c)
{
	if (c >= '0' && c <= '9') {
		return c - '0';
	}
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* "SIZE[;extension]" up to its line feed; sizes the next chunk. */
static int parse_chunk_size(struct http_body *body, const char *line, size_t len,
			    struct gantry_error *err)
{
	size_t i = 0;

	body->left = 0;
	for (; i < len && hex_value(line[i]) >= 0; i++) {
		if (body->left >> 56) {
			return error_set(err, GANTRY_ERR_INVALID, "a chunk is too large");
		}
		body->left = body->left << 4 | (uint64_t)hex_value(line[i]);
	}
	if (i == 0 || (i < len && !strchr("; \t\r\n", line[i]))) {
		return error_set(err, GANTRY_ERR_INVALID, "malformed chunk size");
	}
	body->state = body->left ? HTTP_BODY_DATA : HTTP_BODY_TRAILER;
	return 0;
}

/* A whole line of the framing. */
static int take_line(struct http_body *body, const char *line, size_t len,
		     struct gantry_error *err)
{
	int empty = len == 1 || (len == 2 && line[0] == '\r');

	switch (body->state) {
	case HTTP_BODY_SIZE:
		return parse_chunk_size(body, line, len, err);
	case HTTP_BODY_DATA_END:
		body->state = HTTP_BODY_SIZE;
		return empty ? 0 : error_set(err, GANTRY_ERR_INVALID, "malformed chunk end");
	default:
		if (empty) {
			body->state = HTTP_BODY_DONE;
		}
		return 0;
	}
}

int http_body_take(struct http_body *body, const char *data, size_t len, size_t *ret_used,
		   const char **ret_payload, size_t *ret_len, struct gantry_error *err)
{
	const char *end;

	*ret_used = *ret_len = 0;
	*ret_payload = NULL;
	if (body->state == HTTP_BODY_DONE || len == 0) {
		return 0;
	}
	if (body->state == HTTP_BODY_DATA) {
		size_t n = len < body->left ? len : (size_t)body->left;

		body->left -= n;
		if (body->left == 0) {
			body->state = body->chunked ? HTTP_BODY_DATA_END : HTTP_BODY_DONE;
		}
		*ret_used = *ret_len = n;
		*ret_payload = data;
		return 0;
	}
	end = memchr(data, '\n', len);
	if (!end && len >= MAX_CHUNK_LINE) {
		return error_set(err, GANTRY_ERR_INVALID, "a chunk's line is too long");
	}
	if (!end) {
		return 0;
	}
	*ret_used = (size_t)(end + 1 - data);
	return take_line(body, data, *ret_used, err);
}

const char *http_reason(int status)
{
	static const struct {
		int status;
		const char *reason;
	} reasons[] = {
		{ 101, "UPGRADED" }, /* what Docker says, and its clients look for */
		{ 200, "OK" },
		{ 201, "Created" },
		{ 204, "No Content" },
		{ 304, "Not Modified" },
		{ 400, "Bad Request" },
		{ 401, "Unauthorized" },
		{ 403, "Forbidden" },
		{ 404, "Not Found" },
		{ 409, "Conflict" },
		{ 413, "Content Too Large" },
		{ 431, "Request Header Fields Too Large" },
		{ 500, "Internal Server Error" },
		{ 501, "Not Implemented" },
		{ 503, "Service Unavailable" },
		{ 504, "Gateway Timeout" },
	};

	for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++) {
		if (reasons[i].status == status) {
			return reasons[i].reason;
		}
	}
	return status < 400 ? "OK" : "Error";
}
