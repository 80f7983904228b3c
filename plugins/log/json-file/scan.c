/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "helpers/buf.h"
#include "scan.h"

#define MAX_DEPTH 64

void scan_init(struct scan *s, const char *text, size_t len)
{
	s->p = text;
	s->end = text + len;
}

static void skip_space(struct scan *s)
{
	while (s->p < s->end && (*s->p == ' ' || *s->p == '\t' || *s->p == '\n' || *s->p == '\r')) {
		s->p++;
	}
}

char scan_peek(struct scan *s)
{
	skip_space(s);
	return s->p < s->end ? *s->p : '\0';
}

static int take(struct scan *s, char c)
{
	if (scan_peek(s) != c) {
		return -1;
	}
	s->p++;
	return 0;
}

int scan_enter(struct scan *s, char open)
{
	return take(s, open);
}

/* Passes the comma before any element but the first; 0 at the closing bracket. */
static int next_element(struct scan *s, char close)
{
	char before = s->p[-1];

	if (scan_peek(s) == close) {
		s->p++;
		return 0;
	}
	if (before != '{' && before != '[' && take(s, ',') < 0) {
		return -1;
	}
	return scan_peek(s) ? 1 : -1;
}

int scan_member(struct scan *s, struct buf *key)
{
	int r = next_element(s, '}');

	if (r <= 0) {
		return r;
	}
	buf_clear(key);
	return scan_string(s, key) < 0 || take(s, ':') < 0 ? -1 : 1;
}

int scan_item(struct scan *s)
{
	return next_element(s, ']');
}

static int hex4(struct scan *s, unsigned int *ret)
{
	unsigned int v = 0;

	if (s->end - s->p < 4) {
		return -1;
	}
	for (int i = 0; i < 4; i++) {
		char c = *s->p++;

		v <<= 4;
		if (c >= '0' && c <= '9') {
			v |= (unsigned int)(c - '0');
		} else if ((c | 32) >= 'a' && (c | 32) <= 'f') {
			v |= (unsigned int)((c | 32) - 'a' + 10);
		} else {
			return -1;
		}
	}
	*ret = v;
	return 0;
}

static void add_utf8(struct buf *out, unsigned int c)
{
	char t[4];
	size_t n;

	if (c < 0x80) {
		t[0] = (char)c, n = 1;
	} else if (c < 0x800) {
		t[0] = (char)(0xc0 | c >> 6), n = 2;
	} else if (c < 0x10000) {
		t[0] = (char)(0xe0 | c >> 12), n = 3;
	} else {
		t[0] = (char)(0xf0 | c >> 18), n = 4;
	}
	for (size_t i = 1; i < n; i++) {
		t[i] = (char)(0x80 | (c >> (6 * (n - 1 - i)) & 0x3f));
	}
	buf_add(out, t, n);
}

/* After "\u": one code point, pairing surrogates; a lone one reads as U+FFFD. */
static int unicode_escape(struct scan *s, struct buf *out)
{
	unsigned int c, low;

	if (hex4(s, &c) < 0) {
		return -1;
	}
	if (c >= 0xd800 && c < 0xdc00 && s->end - s->p >= 6 && s->p[0] == '\\' && s->p[1] == 'u') {
		const char *back = s->p;

		s->p += 2;
		if (hex4(s, &low) < 0) {
			return -1;
		}
		if (low >= 0xdc00 && low < 0xe000) {
			c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
		} else {
			s->p = back;
		}
	}
	add_utf8(out, c >= 0xd800 && c < 0xe000 ? 0xfffd : c);
	return 0;
}

static int escape(struct scan *s, struct buf *out)
{
	static const char from[] = "\"\\/bfnrt";
	static const char to[] = "\"\\/\b\f\n\r\t";
	const char *at;
	char c;

	if (s->p == s->end) {
		return -1;
	}
	c = *s->p++;
	if (c == 'u') {
		return unicode_escape(s, out);
	}
	at = c ? strchr(from, c) : NULL;
	if (!at) {
		return -1;
	}
	buf_addc(out, to[at - from]);
	return 0;
}

int scan_string(struct scan *s, struct buf *out)
{
	if (take(s, '"') < 0) {
		return -1;
	}
	for (;;) {
		const char *from = s->p;

		while (s->p < s->end && *s->p != '"' && *s->p != '\\') {
			s->p++;
		}
		if (s->p == s->end) {
			return -1;
		}
		buf_add(out, from, (size_t)(s->p - from));
		if (*s->p++ == '"') {
			return buf_failed(out) ? -1 : 0;
		}
		if (escape(s, out) < 0) {
			return -1;
		}
	}
}

static int skip_string(struct scan *s)
{
	for (s->p++; s->p < s->end; s->p++) {
		if (*s->p == '\\') {
			s->p++;
		} else if (*s->p == '"') {
			s->p++;
			return 0;
		}
	}
	s->p = s->end;
	return -1;
}

int scan_skip(struct scan *s)
{
	int depth = 0;

	do {
		switch (scan_peek(s)) {
		case '\0':
			return -1;
		case '"':
			if (skip_string(s) < 0) {
				return -1;
			}
			break;
		case '{':
		case '[':
			if (++depth > MAX_DEPTH) {
				return -1;
			}
			s->p++;
			break;
		case '}':
		case ']':
			if (--depth < 0) {
				return -1;
			}
			s->p++;
			break;
		case ',':
		case ':':
			if (depth == 0) {
				return -1;
			}
			s->p++;
			break;
		default:
			while (s->p < s->end && !strchr(",:]}[{\" \t\r\n", *s->p)) {
				s->p++;
			}
		}
	} while (depth > 0);
	return 0;
}
