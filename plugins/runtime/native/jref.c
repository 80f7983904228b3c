/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <json-c/json.h>

#include <helpers/error.h>

#include "arena.h"
#include "jref.h"

#define MAX_TEXT (4 << 20)
#define MAX_DEPTH 64

int jref_parse(const char *text, size_t len, const char *what, struct json_object **ret,
	       struct gantry_error *err)
{
	struct json_tokener *tok;
	struct json_object *obj;
	enum json_tokener_error e;
	size_t end;

	if (len > MAX_TEXT)
		return error_set(err, GANTRY_ERR_LIMIT, "%s: larger than %d bytes", what, MAX_TEXT);
	tok = json_tokener_new_ex(MAX_DEPTH);
	if (!tok)
		return error_no_memory(err);
	obj = json_tokener_parse_ex(tok, text, (int)len);
	e = json_tokener_get_error(tok);
	end = json_tokener_get_parse_end(tok);
	json_tokener_free(tok);
	if (e == json_tokener_success) {
		while (end < len && strchr(" \t\r\n", text[end]) && text[end])
			end++;
		if (end == len && json_object_is_type(obj, json_type_object)) {
			*ret = obj;
			return 0;
		}
		json_object_put(obj);
		return error_set(err, GANTRY_ERR_INVALID, "%s: must be one JSON object", what);
	}
	json_object_put(obj);
	return error_set(err, GANTRY_ERR_INVALID, "%s: not valid JSON at byte %zu: %s", what, end,
			 e == json_tokener_continue ? "unexpected end of data"
						    : json_tokener_error_desc(e));
}

/* Writes the path of `at` to the end of out and returns its length. */
static size_t format_path(const struct jref *at, char *out, size_t size)
{
	size_t n = at->up ? format_path(at->up, out, size) : 0;

	if (n >= size)
		return n;
	if (!at->key)
		n += (size_t)snprintf(out + n, size - n, "[%d]", at->index);
	else if (!at->up)
		n += (size_t)snprintf(out + n, size - n, "%s: ", at->key);
	else
		n += (size_t)snprintf(out + n, size - n, "%s%s", at->up->up ? "." : "", at->key);
	return n;
}

int jref_fail(const struct jref *at, struct gantry_error *err, const char *fmt, ...)
{
	char path[256], message[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(message, sizeof(message), fmt, ap);
	va_end(ap);
	format_path(at, path, sizeof(path));
	return error_set(err, GANTRY_ERR_INVALID, "%s: %s", path, message);
}

static const char *type_name(enum json_type type)
{
	switch (type) {
	case json_type_object:
		return "an object";
	case json_type_array:
		return "an array";
	case json_type_string:
		return "a string";
	case json_type_boolean:
		return "true or false";
	case json_type_int:
		return "an integer";
	default:
		return "a number";
	}
}

static int check_type(const struct jref *at, enum json_type type, struct gantry_error *err)
{
	if (!json_object_is_type(at->obj, type))
		return jref_fail(at, err, "must be %s", type_name(type));
	if (type == json_type_string &&
	    strlen(json_object_get_string(at->obj)) != (size_t)json_object_get_string_len(at->obj))
		return jref_fail(at, err, "must not contain a NUL character");
	return 0;
}

int jref_get(const struct jref *up, const char *key, enum json_type type, struct jref *ret,
	     struct gantry_error *err)
{
	struct json_object *obj;
	int r;

	if (!json_object_object_get_ex(up->obj, key, &obj) || !obj)
		return 0;
	*ret = (struct jref){ .obj = obj, .up = up, .key = key };
	r = check_type(ret, type, err);
	return r < 0 ? r : 1;
}

int jref_item(const struct jref *up, int index, enum json_type type, struct jref *ret,
	      struct gantry_error *err)
{
	*ret = (struct jref){
		.obj = json_object_array_get_idx(up->obj, (size_t)index),
		.up = up,
		.index = index,
	};
	return check_type(ret, type, err);
}

int jref_string(const struct jref *up, const char *key, const char **ret,
		struct gantry_error *err)
{
	struct jref at;
	int r = jref_get(up, key, json_type_string, &at, err);

	if (r > 0)
		*ret = json_object_get_string(at.obj);
	return r;
}

int jref_bool(const struct jref *up, const char *key, bool *ret, struct gantry_error *err)
{
	struct jref at;
	int r = jref_get(up, key, json_type_boolean, &at, err);

	if (r > 0)
		*ret = json_object_get_boolean(at.obj);
	return r;
}

int jref_int(const struct jref *up, const char *key, int64_t min, int64_t max, int64_t *ret,
	     struct gantry_error *err)
{
	struct jref at;
	int r = jref_get(up, key, json_type_int, &at, err);
	int64_t value;

	if (r <= 0)
		return r;
	value = json_object_get_int64(at.obj);
	if (value < min || value > max)
		return jref_fail(&at, err, "must be between %lld and %lld", (long long)min,
				 (long long)max);
	*ret = value;
	return 1;
}

int jref_uint64(const struct jref *up, const char *key, uint64_t *ret,
		struct gantry_error *err)
{
	struct jref at;
	int r = jref_get(up, key, json_type_int, &at, err);

	if (r <= 0)
		return r;
	if (json_object_get_int64(at.obj) < 0)
		return jref_fail(&at, err, "must not be negative");
	*ret = json_object_get_uint64(at.obj);
	return 1;
}

int jref_strings(const struct jref *up, const char *key, struct arena *a,
		 const char *const **ret, struct gantry_error *err)
{
	struct jref array, item;
	const char **list;
	int r = jref_get(up, key, json_type_array, &array, err);

	if (r <= 0)
		return r;
	list = arena_array(a, (size_t)jref_len(&array) + 1, sizeof(*list));
	if (!list)
		return error_no_memory(err);
	for (int i = 0; i < jref_len(&array); i++) {
		r = jref_item(&array, i, json_type_string, &item, err);
		if (r < 0)
			return r;
		list[i] = json_object_get_string(item.obj);
	}
	*ret = list;
	return 1;
}
