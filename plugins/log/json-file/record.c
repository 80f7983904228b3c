/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "helpers/buf.h"
#include "helpers/cleanup.h"
#include "record.h"
#include "scan.h"

#define LONGEST_ESCAPE 6
#define NS_PER_S 1000000000

/* The bytes of the UTF-8 sequence at p, or 0 when it is not valid. */
static size_t utf8_len(const unsigned char *p, const unsigned char *end)
{
	size_t n = *p < 0xc2 ? 0 : *p < 0xe0 ? 2 : *p < 0xf0 ? 3 : *p < 0xf5 ? 4 : 0;

	if (n == 0 || (size_t)(end - p) < n) {
		return 0;
	}
	if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f) ||
	    (p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] > 0x8f)) {
		return 0;
	}
	for (size_t i = 1; i < n; i++) {
		if ((p[i] & 0xc0) != 0x80) {
			return 0;
		}
	}
	return n;
}

static int is_plain(unsigned char c)
{
	return c >= 0x20 && c < 0x80 && c != '"' && c != '\\' && c != '<' && c != '>' && c != '&';
}

/* Escapes the one character at *p; returns the length put into out. */
static size_t escape_one(const unsigned char **p, const unsigned char *end, char *out)
{
	static const char hex[] = "0123456789abcdef";
	unsigned char c = **p;
	size_t n;

	if (c == '"' || c == '\\' || c == '\n' || c == '\r') {
		out[0] = '\\';
		out[1] = (char)(c == '\n' ? 'n' : c == '\r' ? 'r' : c);
		(*p)++;
		return 2;
	}
	if (c < 0x80) {
		memcpy(out, "\\u00", 4);
		out[4] = hex[c >> 4];
		out[5] = hex[c & 15];
		(*p)++;
		return 6;
	}
	n = utf8_len(*p, end);
	if (n == 0) {
		memcpy(out, "\\ufffd", 6);
		(*p)++;
		return 6;
	}
	if (n == 3 && (*p)[0] == 0xe2 && (*p)[1] == 0x80 && ((*p)[2] & 0xfe) == 0xa8) {
		/* Line and paragraph separator end a line in JavaScript. */
		memcpy(out, (*p)[2] == 0xa8 ? "\\u2028" : "\\u2029", 6);
		*p += n;
		return 6;
	}
	memcpy(out, *p, n);
	*p += n;
	return n;
}

size_t json_escape(const unsigned char **data, const unsigned char *end, char *out, size_t room)
{
	const unsigned char *p = *data;
	size_t used = 0;

	while (p < end && room - used >= LONGEST_ESCAPE) {
		if (is_plain(*p)) {
			out[used++] = (char)*p++;
		} else {
			used += escape_one(&p, end, out + used);
		}
	}
	*data = p;
	return used;
}

void json_escape_buf(struct buf *out, const void *data, size_t len)
{
	const unsigned char *p = data, *end = p + len;
	char chunk[256];

	while (p < end) {
		buf_add(out, chunk, json_escape(&p, end, chunk, sizeof(chunk)));
	}
}

void time_stamp(int64_t second, char *ret)
{
	time_t t = (time_t)second;
	struct tm tm;

	if (!gmtime_r(&t, &tm) || strftime(ret, 20, "%Y-%m-%dT%H:%M:%S", &tm) == 0) {
		strcpy(ret, "1970-01-01T00:00:00");
	}
}

size_t time_fraction(int64_t ns, char *ret)
{
	size_t n = 10;

	if (ns <= 0 || ns >= NS_PER_S) {
		return 0;
	}
	ret[0] = '.';
	for (int i = 9; i > 0; i--, ns /= 10) {
		ret[i] = (char)('0' + ns % 10);
	}
	while (ret[n - 1] == '0') {
		n--;
	}
	return n;
}

static int two_digits(const char *p)
{
	if (p[0] < '0' || p[0] > '9' || p[1] < '0' || p[1] > '9') {
		return -1;
	}
	return (p[0] - '0') * 10 + p[1] - '0';
}

/* What follows the seconds: ".fraction" and "Z" or "+hh:mm". */
static int parse_fraction_and_zone(const char *p, const char *end, int64_t *ret_ns)
{
	int64_t ns = 0, unit = NS_PER_S / 10, offset = 0;

	if (p < end && *p == '.') {
		for (p++; p < end && *p >= '0' && *p <= '9'; p++, unit /= 10) {
			ns += (*p - '0') * unit;
		}
	}
	if (end - p == 6 && (*p == '+' || *p == '-') && p[3] == ':') {
		int hours = two_digits(p + 1), minutes = two_digits(p + 4);

		if (hours < 0 || minutes < 0) {
			return -1;
		}
		offset = (hours * 60 + minutes) * (*p == '+' ? 60 : -60);
	} else if (end - p != 1 || *p != 'Z') {
		return -1;
	}
	*ret_ns = ns - offset * NS_PER_S;
	return 0;
}

static int parse_time(const char *text, size_t len, int64_t *ret_ns)
{
	int f[6];
	static const int at[] = { 2, 5, 8, 11, 14, 17 };
	struct tm tm;
	int64_t rest;

	if (len < 20 || text[4] != '-' || text[10] != 'T') {
		return -1;
	}
	for (int i = 0; i < 6; i++) {
		f[i] = two_digits(text + at[i]);
		if (f[i] < 0) {
			return -1;
		}
	}
	if (two_digits(text) < 0 || parse_fraction_and_zone(text + 19, text + len, &rest) < 0) {
		return -1;
	}
	tm = (struct tm){
		.tm_year = two_digits(text) * 100 + f[0] - 1900,
		.tm_mon = f[1] - 1,
		.tm_mday = f[2],
		.tm_hour = f[3],
		.tm_min = f[4],
		.tm_sec = f[5],
	};
	*ret_ns = (int64_t)timegm(&tm) * NS_PER_S + rest;
	return 0;
}

int record_parse(const char *line, size_t len, struct record *ret, struct buf *data)
{
	auto_(buf) struct buf key = BUF_INIT;
	auto_(buf) struct buf text = BUF_INIT;
	struct scan s;
	int has_time = 0, r;

	*ret = (struct record){ .stream = 1 };
	buf_clear(data);
	scan_init(&s, line, len);
	if (scan_enter(&s, '{') < 0) {
		return -1;
	}
	while ((r = scan_member(&s, &key)) > 0) {
		buf_clear(&text);
		if (!strcmp(buf_str(&key), "log")) {
			buf_clear(data);
			r = scan_string(&s, data);
		} else if (!strcmp(buf_str(&key), "stream")) {
			r = scan_string(&s, &text);
			ret->stream = !strcmp(buf_str(&text), "stderr") ? 2 : 1;
		} else if (!strcmp(buf_str(&key), "time")) {
			has_time = 1;
			r = scan_string(&s, &text);
			if (r == 0) {
				r = parse_time(buf_str(&text), text.len, &ret->time_ns);
			}
		} else {
			r = scan_skip(&s);
		}
		if (r < 0) {
			return -1;
		}
	}
	ret->partial = data->len == 0 || data->data[data->len - 1] != '\n';
	return r < 0 || !has_time || scan_peek(&s) ? -1 : 0;
}

int record_ends_line(const char *line, size_t len)
{
	static const char end[] = "\\n\",\"stream\"";

	/* Inside a string no quote stands alone, so this can only be the member's end;
	 * before it, "\\\\n" would be a backslash and an n. */
	const char *at = memmem(line, len, end, sizeof(end) - 1);
	size_t backslashes = 0;

	if (!at) {
		return 0;
	}
	while (at - backslashes > line && at[-1 - (ptrdiff_t)backslashes] == '\\') {
		backslashes++;
	}
	return backslashes % 2 == 0;
}
