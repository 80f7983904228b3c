/* SPDX-License-Identifier: Apache-2.0 */
#include <limits.h>
#include <string.h>

#include "cleanup.h"
#include "error.h"
#include "json.h"

#define MAX_DEPTH 64

int json_parse(const char *text, size_t len, const char *what, struct json_object **ret,
	       struct gantry_error *err)
{
	struct json_tokener *tok;
	struct json_object *o;
	enum json_tokener_error why;
	size_t end;

	if (len > INT_MAX) {
		return error_set(err, GANTRY_ERR_LIMIT, "%s is larger than 2 GiB", what);
	}
	tok = json_tokener_new_ex(MAX_DEPTH);
	if (!tok) {
		return error_no_memory(err);
	}
	o = json_tokener_parse_ex(tok, text, (int)len);
	why = json_tokener_get_error(tok);
	end = json_tokener_get_parse_end(tok);
	if (why == json_tokener_continue && len > 0) {
		/* A bare number at the very end needs a terminator. */
		o = json_tokener_parse_ex(tok, "", 1);
		why = json_tokener_get_error(tok);
	}
	json_tokener_free(tok);
	if (why != json_tokener_success) {
		json_object_put(o);
		return error_set(err, GANTRY_ERR_INVALID, "%s is not valid JSON: %s at byte %zu", what,
				 json_tokener_error_desc(why), end);
	}
	while (end < len && strchr(" \t\r\n", text[end])) {
		end++;
	}
	if (end < len) {
		json_object_put(o);
		return error_set(err, GANTRY_ERR_INVALID,
				 "%s is not valid JSON: more text after the end at byte %zu", what, end);
	}
	*ret = o;
	return 0;
}

int json_parse_object(const char *text, const char *what, struct json_object **ret,
		      struct gantry_error *err)
{
	auto_json struct json_object *o = NULL;
	int r;

	if (!text || !*text) {
		o = json_object_new_object();
		if (!o) {
			return error_no_memory(err);
		}
	} else {
		r = json_parse(text, strlen(text), what, &o, err);
		if (r < 0) {
			return r;
		}
		if (!json_object_is_type(o, json_type_object)) {
			return error_set(err, GANTRY_ERR_INVALID, "%s is not a JSON object", what);
		}
	}
	*ret = steal(&o);
	return 0;
}

struct json_object *json_get(struct json_object *o, const char *key)
{
	struct json_object *value;

	if (!json_object_is_type(o, json_type_object) ||
	    !json_object_object_get_ex(o, key, &value)) {
		return NULL;
	}
	return value;
}

static struct json_object *get_typed(struct json_object *o, const char *key, enum json_type type)
{
	struct json_object *value = json_get(o, key);

	return value && json_object_is_type(value, type) ? value : NULL;
}

struct json_object *json_get_object(struct json_object *o, const char *key)
{
	return get_typed(o, key, json_type_object);
}

struct json_object *json_get_array(struct json_object *o, const char *key)
{
	return get_typed(o, key, json_type_array);
}

const char *json_get_string(struct json_object *o, const char *key)
{
	struct json_object *value = get_typed(o, key, json_type_string);

	return value ? json_object_get_string(value) : NULL;
}

int64_t json_get_int(struct json_object *o, const char *key, int64_t fallback)
{
	struct json_object *value = json_get(o, key);

	if (!value || (!json_object_is_type(value, json_type_int) &&
		       !json_object_is_type(value, json_type_double))) {
		return fallback;
	}
	return json_object_get_int64(value);
}

int json_get_bool(struct json_object *o, const char *key, int fallback)
{
	struct json_object *value = get_typed(o, key, json_type_boolean);

	return value ? json_object_get_boolean(value) : fallback;
}

size_t json_array_size(struct json_object *array)
{
	return json_object_is_type(array, json_type_array) ? json_object_array_length(array) : 0;
}

size_t json_member_count(struct json_object *o)
{
	/* json-c aborts where we say 0. */
	return json_object_is_type(o, json_type_object) ? (size_t)json_object_object_length(o) : 0;
}

const char *json_item_string(struct json_object *array, size_t i)
{
	struct json_object *item;

	if (i >= json_array_size(array)) {
		return NULL;
	}
	item = json_object_array_get_idx(array, i);
	return json_object_is_type(item, json_type_string) ? json_object_get_string(item) : NULL;
}

int json_set(struct json_object *o, const char *key, struct json_object *value)
{
	if (json_object_object_add(o, key, value) < 0) {
		json_object_put(value);
		return GANTRY_ERR_NO_MEMORY;
	}
	return 0;
}

static int set_new(struct json_object *o, const char *key, struct json_object *value)
{
	return value ? json_set(o, key, value) : GANTRY_ERR_NO_MEMORY;
}

int json_set_string(struct json_object *o, const char *key, const char *text)
{
	return text ? set_new(o, key, json_object_new_string(text)) : 0;
}

int json_set_int(struct json_object *o, const char *key, int64_t value)
{
	return set_new(o, key, json_object_new_int64(value));
}

int json_set_bool(struct json_object *o, const char *key, int value)
{
	return set_new(o, key, json_object_new_boolean(value));
}

int json_add_string(struct json_object *array, const char *text)
{
	struct json_object *item = json_object_new_string(text);

	if (!item || json_object_array_add(array, item) < 0) {
		json_object_put(item);
		return GANTRY_ERR_NO_MEMORY;
	}
	return 0;
}

const char *json_text(struct json_object *o)
{
	return json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN |
							JSON_C_TO_STRING_NOSLASHESCAPE);
}
