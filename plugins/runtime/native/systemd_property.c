/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <json-c/json.h>

#include <helpers/buf.h>
#include <helpers/cleanup.h>
#include <helpers/error.h>

#include "dbus.h"
#include "systemd_property.h"

#define MAX_ITEMS 64

struct value {
	char type; /* of D-Bus: s, b, d, or a number's: y, n, q, i, u, x, t */
	char text[256];
	int64_t number;
	uint64_t positive; /* of type t, where number is too small */
	double real;
};

static const struct {
	const char *name;
	char type;
	int64_t min;
	uint64_t max;
} numbers[] = {
	{ "byte", 'y', 0, UINT8_MAX },
	{ "int16", 'n', INT16_MIN, INT16_MAX },
	{ "uint16", 'q', 0, UINT16_MAX },
	{ "int32", 'i', INT32_MIN, INT32_MAX },
	{ "uint32", 'u', 0, UINT32_MAX },
	{ "int64", 'x', INT64_MIN, INT64_MAX },
	{ "uint64", 't', 0, UINT64_MAX },
};

static const char *skip_space(const char *p)
{
	return p + strspn(p, " \t");
}

/* 'text' or "text"; a backslash takes the next character as it is. */
static const char *parse_text(const char *p, struct value *v)
{
	char quote = *p++;
	size_t n = 0;

	for (; *p && *p != quote; p++) {
		if (*p == '\\' && p[1])
			p++;
		if (n == sizeof(v->text) - 1)
			return NULL;
		v->text[n++] = *p;
	}
	v->text[n] = '\0';
	v->type = 's';
	return *p ? p + 1 : NULL;
}

/* The type's word before a number; without one it is a 32-bit number. */
static size_t number_type(const char **p)
{
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
		size_t len = strlen(numbers[i].name);

		if (!strncmp(*p, numbers[i].name, len) && isspace((unsigned char)(*p)[len])) {
			*p = skip_space(*p + len);
			return i;
		}
	}
	return 3;
}

static const char *parse_number(const char *p, struct value *v)
{
	size_t type = number_type(&p);
	char *end;

	errno = 0;
	v->type = numbers[type].type;
	v->number = strtoll(p, &end, 0);
	if (*p != '-' && v->type == 't') {
		errno = 0;
		v->positive = strtoull(p, &end, 0);
	} else if (v->number < numbers[type].min ||
		   (v->number > 0 && (uint64_t)v->number > numbers[type].max)) {
		return NULL;
	}
	return end == p || errno || isalnum((unsigned char)*end) || *end == '.' ? NULL : end;
}

static const char *parse_real(const char *p, struct value *v)
{
	char *end;

	v->real = strtod(p, &end);
	v->type = 'd';
	return end == p || !isfinite(v->real) ? NULL : end;
}

static const char *parse_one(const char *p, struct value *v)
{
	if (*p == '\'' || *p == '"')
		return parse_text(p, v);
	if (!strncmp(p, "true", 4) || !strncmp(p, "false", 5)) {
		v->type = 'b';
		v->number = *p == 't';
		return p + (*p == 't' ? 4 : 5);
	}
	if (!strncmp(p, "double ", 7))
		return parse_real(skip_space(p + 7), v);
	if (isdigit((unsigned char)*p) && strcspn(p, ".,] ") < strlen(p) && p[strcspn(p, ".,] ")] == '.')
		return parse_real(p, v);
	return parse_number(p, v);
}

static void put_sized(struct buf *b, const void *data, size_t size)
{
	dbus_align(b, size);
	buf_add(b, data, size);
}

static void put_value(struct buf *b, const struct value *v)
{
	uint16_t half = (uint16_t)v->number;

	switch (v->type) {
	case 's':
		dbus_put_string(b, v->text);
		break;
	case 'y':
		buf_addc(b, (char)v->number);
		break;
	case 'n':
	case 'q':
		put_sized(b, &half, sizeof(half));
		break;
	case 'b':
	case 'i':
	case 'u':
		dbus_put_u32(b, (uint32_t)v->number);
		break;
	case 'd':
		put_sized(b, &v->real, sizeof(v->real));
		break;
	case 't':
		dbus_put_u64(b, v->positive);
		break;
	default:
		dbus_put_u64(b, (uint64_t)v->number);
		break;
	}
}

static size_t alignment(char type)
{
	return type == 'y' ? 1 : strchr("nq", type) ? 2 : strchr("xtd", type) ? 8 : 4;
}

/* [a, b, c], all of one type; NULL when it is malformed. */
static const char *parse_list(const char *p, struct value *list, size_t *n)
{
	p = skip_space(p + 1);
	while (*p != ']') {
		if (*n == MAX_ITEMS)
			return NULL;
		p = parse_one(p, &list[*n]);
		if (!p || list[*n].type != list[0].type)
			return NULL;
		(*n)++;
		p = skip_space(p);
		if (*p == ',')
			p = skip_space(p + 1);
		else if (*p != ']')
			return NULL;
	}
	return *n ? p + 1 : NULL;
}

static int fail(const char *key, const char *text, const char *why, struct gantry_error *err)
{
	error_set(err, GANTRY_ERR_INVALID, "config.json: annotations[\"%s\"]: \"%.64s\" %s", key, text, why);
	return error_hint(err, "the value is in GVariant's text format: 'text', true, 5, uint64 5, "
			       "['a', 'b']");
}

/* Seconds become microseconds. */
static int to_microseconds(const char *key, const char *text, struct value *v,
			   struct gantry_error *err)
{
	double seconds = v->type == 'd' ? v->real : v->type == 't' ? (double)v->positive
								   : (double)v->number;

	if (v->type == 's' || v->type == 'b' || seconds < 0 || seconds > 1e12)
		return fail(key, text, "is not a time in seconds", err);
	v->positive = (uint64_t)(seconds * 1e6);
	v->type = 't';
	return 0;
}

static int put_property(struct buf *b, const char *key, const char *text, struct gantry_error *err)
{
	const char *name = key + strlen(SYSTEMD_PROPERTY_PREFIX);
	auto_free struct value *list = calloc(MAX_ITEMS, sizeof(*list));
	size_t len = strlen(name), n = 0;
	bool is_list = text[0] == '[', is_time = len > 3 && !strcmp(name + len - 3, "Sec");
	char property[80], signature[3] = "";
	const char *end;

	if (!list)
		return error_no_memory(err);
	if (len < 3 || len > 64 || strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ") != len)
		return fail(key, name, "is not the name of a property", err);
	end = is_list ? parse_list(text, list, &n) : parse_one(text, &list[0]);
	if (!end || *skip_space(end))
		return fail(key, text, "is not a value", err);
	if (is_time && (is_list || to_microseconds(key, text, &list[0], err) < 0))
		return is_list ? fail(key, text, "is not a time in seconds", err) : err->code;
	/* RuntimeMaxSec is RuntimeMaxUSec on the bus */
	snprintf(property, sizeof(property), "%.*s%s", (int)(len - (is_time ? 3 : 0)), name,
		 is_time ? "USec" : "");
	snprintf(signature, sizeof(signature), "%s%c", is_list ? "a" : "", list[0].type);
	dbus_align(b, 8);
	dbus_put_string(b, property);
	dbus_put_signature(b, signature);
	if (!is_list) {
		put_value(b, &list[0]);
	} else {
		size_t mark = dbus_begin_array(b, alignment(list[0].type));

		for (size_t i = 0; i < n; i++)
			put_value(b, &list[i]);
		dbus_end_array(b, mark, alignment(list[0].type));
	}
	return 0;
}

int systemd_put_annotations(struct buf *b, struct json_object *annotations,
			    struct gantry_error *err)
{
	int r;

	if (!annotations)
		return 0;
	json_object_object_foreach(annotations, key, value) {
		if (strncmp(key, SYSTEMD_PROPERTY_PREFIX, strlen(SYSTEMD_PROPERTY_PREFIX)) != 0)
			continue;
		r = put_property(b, key, skip_space(json_object_get_string(value)), err);
		if (r < 0)
			return r;
	}
	return 0;
}
