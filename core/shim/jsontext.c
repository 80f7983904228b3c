/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "core/shim/jsontext.h"

#define MAX_DEPTH 64

/* The length of the UTF-8 sequence at p, or 0 when it is none. */
static size_t utf8_length(const unsigned char *p, size_t left)
{
	size_t n = p[0] < 0x80 ? 1 : p[0] >= 0xc2 && p[0] < 0xe0 ? 2 : p[0] >= 0xe0 && p[0] < 0xf0 ? 3
		 : p[0] >= 0xf0 && p[0] < 0xf5 ? 4 : 0;

	if (!n || n > left) {
		return 0;
	}
	for (size_t i = 1; i < n; i++) {
		if ((p[i] & 0xc0) != 0x80) {
			return 0;
		}
	}
	/* Overlong forms, surrogates and what is above U+10FFFF. */
	if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] >= 0xa0) ||
	    (p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] >= 0x90)) {
		return 0;
	}
	return n;
}

void jsontext_add_string(struct buf *out, const char *text, size_t len)
{
	const unsigned char *p = (const unsigned char *)text;

	buf_addc(out, '"');
	for (size_t i = 0; i < len;) {
		size_t n = utf8_length(p + i, len - i);

		if (n == 1 && p[i] == '\n') {
			buf_adds(out, "\\n");
		} else if (n == 1 && (p[i] == '"' || p[i] == '\\')) {
			buf_addc(out, '\\');
			buf_addc(out, (char)p[i]);
		} else if (n == 1 && p[i] < 0x20) {
			buf_addf(out, "\\u%04x", p[i]);
		} else if (n) {
			buf_add(out, p + i, n);
		} else {
			buf_adds(out, "\xef\xbf\xbd");
		}
		i += n ? n : 1;
	}
	buf_addc(out, '"');
}

static const char *skip_space(const char *p)
{
	return p + strspn(p, " \t\r\n");
}

/* Past the string whose opening quote is at p, or NULL. */
static const char *skip_string(const char *p)
{
	for (p++; *p && *p != '"'; p++) {
		if (*p == '\\' && !*++p) {
			return NULL;
		}
	}
	return *p ? p + 1 : NULL;
}

/* Past the value at p, or NULL.  The inside of nested values is not checked: what
 * uses them does that. */
static const char *skip_value(const char *p)
{
	unsigned depth = 0;

	do {
		if (*p == '"') {
			p = skip_string(p);
			if (!p) {
				return NULL;
			}
			continue;
		}
		if (*p == '{' || *p == '[') {
			if (++depth > MAX_DEPTH) {
				return NULL;
			}
			p++;
		} else if (*p == '}' || *p == ']') {
			if (!depth--) {
				return NULL;
			}
			p++;
		} else if (depth) {
			p++;
		} else {
			size_t n = strcspn(p, ",}] \t\r\n");

			return n ? p + n : NULL;
		}
	} while (depth && *p);
	return depth ? NULL : p;
}

int jsontext_next(const char *object, const char **at, struct jsontext_member *ret)
{
	const char *p = skip_space(*at ? *at : object);
	const char *end;

	if (!*at) {
		if (*p != '{') {
			return -1;
		}
		p = skip_space(p + 1);
	} else if (*p == ',') {
		p = skip_space(p + 1);
	} else {
		return *p == '}' ? 0 : -1;
	}
	if (*p == '}') {
		return *at ? -1 : 0;
	}
	end = *p == '"' ? skip_string(p) : NULL;
	if (!end) {
		return -1;
	}
	ret->key = p;
	ret->key_len = (size_t)(end - p);
	p = skip_space(end);
	if (*p != ':') {
		return -1;
	}
	p = skip_space(p + 1);
	end = skip_value(p);
	if (!end) {
		return -1;
	}
	ret->value = p;
	ret->value_len = (size_t)(end - p);
	*at = end;
	return 1;
}

int jsontext_key_is(const struct jsontext_member *m, const char *key)
{
	size_t n = strlen(key);

	return m->key_len == n + 2 && !memcmp(m->key + 1, key, n);
}
