/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/format/value.h"
#include "helpers/cleanup.h"

#define MAX_PRINT_DEPTH 70

int value_is_true(const struct value *v)
{
	switch (json_object_get_type(v->o)) {
	case json_type_boolean:
		return json_object_get_boolean(v->o);
	case json_type_int:
		return json_object_get_int64(v->o) != 0;
	case json_type_double:
		return json_object_get_double(v->o) != 0;
	case json_type_string:
		return json_object_get_string_len(v->o) > 0;
	case json_type_array:
		return json_object_array_length(v->o) > 0;
	case json_type_object:
		return json_object_object_length(v->o) > 0;
	default:
		return 0;
	}
}

static void print_double(double d, struct buf *out)
{
	char text[64];
	int exponent;

	if (d == 0) {
		buf_adds(out, "0");
		return;
	}
	exponent = (int)floor(log10(fabs(d)));
	if (exponent < -4 || exponent >= 21) {
		for (int digits = 0; digits < 18; digits++) {
			snprintf(text, sizeof(text), "%.*e", digits, d);
			if (strtod(text, NULL) == d) {
				break;
			}
		}
	} else {
		for (int digits = 0; digits < 24; digits++) {
			snprintf(text, sizeof(text), "%.*f", digits, d);
			if (strtod(text, NULL) == d) {
				break;
			}
		}
	}
	buf_adds(out, text);
}

static void print_any(struct json_object *o, int depth, struct buf *out);

struct print_members {
	struct buf *out;
	int depth;
	const char *separator;
};

static int print_member(void *user, const char *key, struct json_object *value)
{
	struct print_members *p = user;

	buf_addf(p->out, "%s%s:", p->separator, key);
	print_any(value, p->depth, p->out);
	p->separator = " ";
	return 0;
}

static void print_any(struct json_object *o, int depth, struct buf *out)
{
	struct print_members members = { out, depth + 1, "" };

	if (depth > MAX_PRINT_DEPTH) {
		buf_adds(out, "...");
		return;
	}
	switch (json_object_get_type(o)) {
	case json_type_null:
		buf_adds(out, "<nil>");
		return;
	case json_type_double:
		print_double(json_object_get_double(o), out);
		return;
	case json_type_array:
		buf_addc(out, '[');
		for (size_t i = 0; i < json_object_array_length(o); i++) {
			buf_adds(out, i ? " " : "");
			print_any(json_object_array_get_idx(o, i), depth + 1, out);
		}
		buf_addc(out, ']');
		return;
	case json_type_object:
		buf_adds(out, "map[");
		json_each_sorted(o, print_member, &members);
		buf_addc(out, ']');
		return;
	case json_type_string:
		buf_add(out, json_object_get_string(o), (size_t)json_object_get_string_len(o));
		return;
	default:
		buf_adds(out, json_object_get_string(o));
	}
}

void value_print(const struct value *v, struct buf *out)
{
	if (v->kind == VALUE_NIL_MAP) {
		buf_adds(out, "map[]");
	} else if (v->kind == VALUE_NIL_LIST) {
		buf_adds(out, "[]");
	} else if (v->kind == VALUE_NIL_POINTER) {
		buf_adds(out, "<nil>");
	} else if (v->kind == VALUE_NONE || !v->o) {
		buf_adds(out, "<no value>");
	} else {
		print_any(v->o, 0, out);
	}
}

const char *value_string(const struct value *v)
{
	return json_object_is_type(v->o, json_type_string) ? json_object_get_string(v->o) : NULL;
}

const char *value_type_name(const struct value *v)
{
	switch (json_object_get_type(v->o)) {
	case json_type_boolean:
		return "bool";
	case json_type_int:
		return "int";
	case json_type_double:
		return "float64";
	case json_type_string:
		return "string";
	case json_type_array:
		return "[]interface {}";
	case json_type_object:
		return "map[string]interface {}";
	default:
		return "nil";
	}
}

static void json_print_string(const char *s, size_t len, int html, struct buf *out)
{
	static const char from[] = "\"\\\b\f\n\r\t";
	static const char to[] = "\"\\bfnrt";

	buf_addc(out, '"');
	for (size_t i = 0; i < len; i++) {
		const char *at = s[i] ? strchr(from, s[i]) : NULL;

		if (at) {
			buf_addf(out, "\\%c", to[at - from]);
		} else if ((unsigned char)s[i] < 0x20 || (html && strchr("<>&", s[i]))) {
			buf_addf(out, "\\u%04x", (unsigned char)s[i]);
		} else {
			buf_addc(out, s[i]);
		}
	}
	buf_addc(out, '"');
}

static void json_print_any(struct json_object *o, int depth, int html, struct buf *out)
{
	const char *separator = "";

	if (depth > MAX_PRINT_DEPTH) {
		buf_adds(out, "null");
		return;
	}
	switch (json_object_get_type(o)) {
	case json_type_string:
		json_print_string(json_object_get_string(o), (size_t)json_object_get_string_len(o),
				  html, out);
		return;
	case json_type_double:
		print_double(json_object_get_double(o), out);
		return;
	case json_type_array:
		buf_addc(out, '[');
		for (size_t i = 0; i < json_object_array_length(o); i++) {
			buf_adds(out, i ? "," : "");
			json_print_any(json_object_array_get_idx(o, i), depth + 1, html, out);
		}
		buf_addc(out, ']');
		return;
	case json_type_object:
		buf_addc(out, '{');
		json_object_object_foreach(o, key, value) {
			buf_adds(out, separator);
			json_print_string(key, strlen(key), html, out);
			buf_addc(out, ':');
			json_print_any(value, depth + 1, html, out);
			separator = ",";
		}
		buf_addc(out, '}');
		return;
	default:
		buf_adds(out, o ? json_object_get_string(o) : "null");
	}
}

static int row_mark;

void json_mark_row(struct json_object *o)
{
	json_object_set_userdata(o, &row_mark, NULL);
}

void json_print(struct json_object *o, struct buf *out)
{
	json_print_any(o, 0, o && json_object_get_userdata(o) == &row_mark, out);
}

static void indent_line(struct buf *out, const char *prefix, int depth)
{
	buf_addc(out, '\n');
	buf_adds(out, prefix);
	for (int i = 0; i < depth; i++) {
		buf_adds(out, "    ");
	}
}

void json_indent(const char *text, size_t len, const char *prefix, struct buf *out)
{
	int depth = 0, in_string = 0, opened = 0;

	for (size_t i = 0; i < len; i++) {
		char c = text[i];

		if (in_string) {
			buf_addc(out, c);
			if (c == '\\' && i + 1 < len) {
				buf_addc(out, text[++i]);
			} else if (c == '"') {
				in_string = 0;
			}
			continue;
		}
		if (isspace((unsigned char)c)) {
			continue;
		}
		if (opened && c != '}' && c != ']') {
			indent_line(out, prefix, depth);
		}
		if (c == '}' || c == ']') {
			depth--;
			if (!opened) {
				indent_line(out, prefix, depth);
			}
		}
		opened = c == '{' || c == '[';
		depth += opened;
		in_string = c == '"';
		buf_addc(out, c);
		if (c == ',') {
			indent_line(out, prefix, depth);
		} else if (c == ':') {
			buf_addc(out, ' ');
		}
	}
}

static int compare_keys(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

int json_each_sorted(struct json_object *o,
		     int (*fn)(void *user, const char *key, struct json_object *value), void *user)
{
	size_t n = 0, count = (size_t)json_object_object_length(o);
	auto_free const char **keys = calloc(count + 1, sizeof(*keys));
	int r = 0;

	if (!keys) {
		return -1;
	}
	json_object_object_foreach(o, key, value) {
		(void)value;
		keys[n++] = key;
	}
	qsort(keys, n, sizeof(*keys), compare_keys);
	for (size_t i = 0; i < n && r == 0; i++) {
		r = fn(user, keys[i], json_get(o, keys[i]));
	}
	return r;
}
