/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "core/plugin/jsonspan.h"

struct scan {
	const char *at;
	const char *end;
	struct buf *compact; /* gets everything but blanks; or NULL */
};

static int is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static void skip_blanks(struct scan *s)
{
	while (s->at < s->end && is_blank(*s->at)) {
		s->at++;
	}
}

/* The length of the UTF-8 sequence at p, or 0: overlong, surrogates and what lies
 * past U+10FFFF are none. */
static size_t utf8_length(const unsigned char *p, size_t room)
{
	size_t n = p[0] < 0x80	 ? 1
		   : p[0] < 0xc2 ? 0
		   : p[0] < 0xe0 ? 2
		   : p[0] < 0xf0 ? 3
		   : p[0] < 0xf5 ? 4
				 : 0;

	if (!n || n > room) {
		return 0;
	}
	for (size_t i = 1; i < n; i++) {
		if ((p[i] & 0xc0) != 0x80) {
			return 0;
		}
	}
	if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f) ||
	    (p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] > 0x8f)) {
		return 0;
	}
	return n;
}

static int hex_value(char c)
{
	return c >= '0' && c <= '9'   ? c - '0'
	       : c >= 'a' && c <= 'f' ? c - 'a' + 10
	       : c >= 'A' && c <= 'F' ? c - 'A' + 10
				      : -1;
}

static int hex4(const char *p, const char *end)
{
	int value = 0;

	if (end - p < 4) {
		return -1;
	}
	for (int i = 0; i < 4; i++) {
		int h = hex_value(p[i]);

		if (h < 0) {
			return -1;
		}
		value = value * 16 + h;
	}
	return value;
}

static int scan_escape(struct scan *s)
{
	char c;

	if (++s->at == s->end) {
		return -1;
	}
	c = *s->at++;
	if (c == 'u') {
		if (hex4(s->at, s->end) < 0) {
			return -1;
		}
		s->at += 4;
		return 0;
	}
	return c && strchr("\"\\/bfnrt", c) ? 0 : -1;
}

static int scan_string(struct scan *s)
{
	for (s->at++; s->at < s->end;) {
		unsigned char c = (unsigned char)*s->at;

		if (c == '"') {
			s->at++;
			return 0;
		}
		if (c == '\\') {
			if (scan_escape(s) < 0) {
				return -1;
			}
		} else if (c < 0x20) {
			return -1;
		} else if (c < 0x80) {
			s->at++;
		} else {
			size_t n =
				utf8_length((const unsigned char *)s->at, (size_t)(s->end - s->at));

			if (!n) {
				return -1;
			}
			s->at += n;
		}
	}
	return -1;
}

static size_t scan_digits(struct scan *s)
{
	const char *start = s->at;

	while (s->at < s->end && *s->at >= '0' && *s->at <= '9') {
		s->at++;
	}
	return (size_t)(s->at - start);
}

static int scan_number(struct scan *s)
{
	if (*s->at == '-') {
		s->at++;
	}
	if (s->at < s->end && *s->at == '0') {
		s->at++;
	} else if (!scan_digits(s)) {
		return -1;
	}
	if (s->at < s->end && *s->at == '.') {
		s->at++;
		if (!scan_digits(s)) {
			return -1;
		}
	}
	if (s->at < s->end && (*s->at | 0x20) == 'e') {
		s->at++;
		if (s->at < s->end && (*s->at == '+' || *s->at == '-')) {
			s->at++;
		}
		if (!scan_digits(s)) {
			return -1;
		}
	}
	return 0;
}

static int scan_word(struct scan *s, const char *word)
{
	size_t n = strlen(word);

	if ((size_t)(s->end - s->at) < n || memcmp(s->at, word, n)) {
		return -1;
	}
	s->at += n;
	return 0;
}

static int scan_value(struct scan *s, unsigned depth);

static void keep(struct scan *s, const char *from)
{
	if (s->compact) {
		buf_add(s->compact, from, (size_t)(s->at - from));
	}
}

static int scan_mark(struct scan *s, char c)
{
	skip_blanks(s);
	if (s->at == s->end || *s->at != c) {
		return -1;
	}
	s->at++;
	if (s->compact) {
		buf_addc(s->compact, c);
	}
	return 0;
}

static int scan_key(struct scan *s)
{
	const char *from;

	skip_blanks(s);
	from = s->at;
	if (s->at == s->end || *s->at != '"' || scan_string(s) < 0) {
		return -1;
	}
	keep(s, from);
	return scan_mark(s, ':');
}

static int scan_members(struct scan *s, unsigned depth, char open, char close)
{
	if (depth == 0 || scan_mark(s, open) < 0) {
		return -1;
	}
	if (scan_mark(s, close) == 0) {
		return 0;
	}
	for (;;) {
		if ((open == '{' && scan_key(s) < 0) || scan_value(s, depth - 1) < 0) {
			return -1;
		}
		if (scan_mark(s, close) == 0) {
			return 0;
		}
		if (scan_mark(s, ',') < 0) {
			return -1;
		}
	}
}

static int scan_value(struct scan *s, unsigned depth)
{
	const char *from;
	int r;

	skip_blanks(s);
	if (s->at == s->end) {
		return -1;
	}
	from = s->at;
	switch (*s->at) {
	case '{':
		return scan_members(s, depth, '{', '}');
	case '[':
		return scan_members(s, depth, '[', ']');
	case '"':
		r = scan_string(s);
		break;
	case 't':
		r = scan_word(s, "true");
		break;
	case 'f':
		r = scan_word(s, "false");
		break;
	case 'n':
		r = scan_word(s, "null");
		break;
	default:
		r = *s->at == '-' || (*s->at >= '0' && *s->at <= '9') ? scan_number(s) : -1;
	}
	if (r == 0) {
		keep(s, from);
	}
	return r;
}

int jsonspan_check(const char *text, size_t len, struct jsonspan *ret)
{
	struct scan s = {text, text + len, NULL};
	const char *start;

	skip_blanks(&s);
	start = s.at;
	if (scan_value(&s, JSONSPAN_DEPTH) < 0) {
		return -1;
	}
	*ret = (struct jsonspan){start, (size_t)(s.at - start)};
	skip_blanks(&s);
	return s.at == s.end ? 0 : -1;
}

int json_add_compact(struct buf *out, const char *text, size_t len)
{
	struct scan s = {text, text + len, out};

	if (scan_value(&s, JSONSPAN_DEPTH) < 0) {
		return -1;
	}
	skip_blanks(&s);
	return s.at == s.end ? 0 : -1;
}

static const char *skip_string(const char *p)
{
	for (p++; *p != '"'; p++) {
		if (*p == '\\') {
			p++;
		}
	}
	return p + 1;
}

/* Past the value at p, which was checked and ends before end. */
static const char *skip_value(const char *p, const char *end)
{
	int depth = 0;

	do {
		char c = *p;

		if (c == '"') {
			p = skip_string(p);
			continue;
		}
		if (depth == 0 && (c == ',' || c == '}' || c == ']' || is_blank(c))) {
			return p;
		}
		depth += (c == '{' || c == '[') - (c == '}' || c == ']');
		p++;
		if (depth == 0 && (c == '}' || c == ']')) {
			return p;
		}
	} while (p < end && (depth > 0 || p[-1] != '"'));
	return p;
}

static const char *next_part(struct jsonspan whole, const char *at)
{
	const char *p = at ? at : whole.at + 1;
	const char *end = whole.at + whole.len;

	while (p < end && (is_blank(*p) || *p == ',')) {
		p++;
	}
	return p < end && *p != '}' && *p != ']' ? p : NULL;
}

static struct jsonspan take_value(const char **at, const char *end)
{
	struct jsonspan value;

	while (is_blank(**at)) {
		(*at)++;
	}
	value.at = *at;
	*at = skip_value(*at, end);
	value.len = (size_t)(*at - value.at);
	return value;
}

int jsonspan_next(struct jsonspan object, const char **at, struct jsonspan *ret_key,
		  struct jsonspan *ret_value)
{
	const char *p = jsonspan_kind(object) == '{' ? next_part(object, *at) : NULL;

	if (!p) {
		return 0;
	}
	ret_key->at = p;
	p = skip_string(p);
	ret_key->len = (size_t)(p - ret_key->at);
	while (*p != ':') {
		p++;
	}
	p++;
	*ret_value = take_value(&p, object.at + object.len);
	*at = p;
	return 1;
}

struct jsonspan jsonspan_get(struct jsonspan object, const char *name)
{
	struct jsonspan key, value;
	const char *at = NULL;

	while (jsonspan_next(object, &at, &key, &value)) {
		if (jsonspan_key_is(key, name)) {
			return value;
		}
	}
	return (struct jsonspan){NULL, 0};
}

int jsonspan_item(struct jsonspan array, const char **at, struct jsonspan *ret_value)
{
	const char *p = jsonspan_kind(array) == '[' ? next_part(array, *at) : NULL;

	if (!p) {
		return 0;
	}
	*ret_value = take_value(&p, array.at + array.len);
	*at = p;
	return 1;
}

int jsonspan_key_is(struct jsonspan key, const char *name)
{
	size_t n = strlen(name);

	return key.len == n + 2 && !memcmp(key.at + 1, name, n);
}

char jsonspan_kind(struct jsonspan value)
{
	if (!value.len) {
		return 0;
	}
	switch (value.at[0]) {
	case '{':
	case '[':
	case '"':
	case 'n':
		return value.at[0];
	case 't':
	case 'f':
		return 't';
	default:
		return '0';
	}
}

static void add_utf8(struct buf *out, unsigned c)
{
	if (c < 0x80) {
		buf_addc(out, (char)c);
		return;
	}
	if (c < 0x800) {
		buf_addc(out, (char)(0xc0 | c >> 6));
	} else {
		if (c < 0x10000) {
			buf_addc(out, (char)(0xe0 | c >> 12));
		} else {
			buf_addc(out, (char)(0xf0 | c >> 18));
			buf_addc(out, (char)(0x80 | (c >> 12 & 0x3f)));
		}
		buf_addc(out, (char)(0x80 | (c >> 6 & 0x3f)));
	}
	buf_addc(out, (char)(0x80 | (c & 0x3f)));
}

/* \uXXXX at p, or a pair of them; a lone surrogate becomes U+FFFD. */
static const char *unescape_unicode(const char *p, const char *end, struct buf *out, int *failed)
{
	int c = hex4(p, end);

	p += 4;
	if (c >= 0xd800 && c < 0xdc00 && end - p >= 6 && p[0] == '\\' && p[1] == 'u') {
		int low = hex4(p + 2, end);

		if (low >= 0xdc00 && low < 0xe000) {
			add_utf8(out,
				 0x10000 + (((unsigned)c - 0xd800) << 10) + (unsigned)low - 0xdc00);
			return p + 6;
		}
	}
	if (c == 0) {
		*failed = 1;
	}
	add_utf8(out, c >= 0xd800 && c < 0xe000 ? 0xfffd : (unsigned)c);
	return p;
}

int jsonspan_text(struct jsonspan value, struct buf *out)
{
	static const char from[] = "bfnrt", to[] = "\b\f\n\r\t";
	const char *p, *end;
	int failed = 0;

	if (jsonspan_kind(value) != '"') {
		return -1;
	}
	p = value.at + 1;
	end = value.at + value.len - 1;
	while (p < end) {
		const char *escape = memchr(p, '\\', (size_t)(end - p));
		const char *found;

		buf_add(out, p, (size_t)((escape ? escape : end) - p));
		if (!escape) {
			break;
		}
		p = escape + 2;
		if (escape[1] == 'u') {
			p = unescape_unicode(p, end, out, &failed);
			continue;
		}
		found = strchr(from, escape[1]);
		buf_addc(out, found ? to[found - from] : escape[1]);
	}
	return failed || buf_failed(out) ? -1 : 0;
}

int jsonspan_integer(struct jsonspan value, int64_t *ret)
{
	const char *p = value.at;
	const char *end;
	int64_t n = 0;
	int minus;

	if (jsonspan_kind(value) != '0') {
		return -1;
	}
	end = p + value.len;
	minus = *p == '-';
	for (p += minus; p < end; p++) {
		if (*p < '0' || *p > '9' || __builtin_mul_overflow(n, 10, &n) ||
		    __builtin_sub_overflow(n, *p - '0', &n)) {
			return -1;
		}
	}
	if (!minus && n == INT64_MIN) {
		return -1;
	}
	*ret = minus ? n : -n;
	return 0;
}

int json_add_text(struct buf *out, const char *text, size_t len)
{
	const unsigned char *p = (const unsigned char *)text;
	const unsigned char *end = p + len;
	const unsigned char *plain = p;

	buf_addc(out, '"');
	while (p < end) {
		size_t n;

		if (*p >= 0x20 && *p < 0x80 && *p != '"' && *p != '\\') {
			p++;
			continue;
		}
		n = utf8_length(p, (size_t)(end - p));
		if (!n) {
			return -1;
		}
		if (n > 1) {
			p += n;
			continue;
		}
		buf_add(out, plain, (size_t)(p - plain));
		if (*p < 0x20) {
			buf_addf(out, "\\u%04x", *p);
		} else {
			buf_addc(out, '\\');
			buf_addc(out, (char)*p);
		}
		plain = ++p;
	}
	buf_add(out, plain, (size_t)(p - plain));
	buf_addc(out, '"');
	return 0;
}
