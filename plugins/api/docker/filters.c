/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "filters.h"

#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "helpers/json.h"

#define MAX_TEXT 65536

/* The values of one filter as an array that the caller owns, or NULL. */
static struct json_object *values_of(struct json_object *from)
{
	auto_json struct json_object *list = json_object_new_array();

	if (!list) {
		return NULL;
	}
	if (json_object_is_type(from, json_type_object)) {
		json_object_object_foreach(from, value, set) {
			(void)set;
			if (json_add_string(list, value) < 0) {
				return NULL;
			}
		}
		return steal(&list);
	}
	if (!json_object_is_type(from, json_type_array)) {
		return NULL;
	}
	for (size_t i = 0; i < json_array_size(from); i++) {
		const char *value = json_item_string(from, i);

		if (!value || json_add_string(list, value) < 0) {
			return NULL;
		}
	}
	return steal(&list);
}

/* *ret is owned by the caller, or NULL when there is no filter. */
static int parse(const char *text, struct json_object **ret, struct gantry_error *err)
{
	auto_json struct json_object *in = NULL;
	auto_json struct json_object *out = NULL;
	int r;

	if (!text || !*text) {
		return 0;
	}
	if (strlen(text) > MAX_TEXT) {
		return error_set(err, GANTRY_ERR_LIMIT, "filters is longer than %d bytes", MAX_TEXT);
	}
	r = json_parse_object(text, "filters", &in, err);
	if (r < 0) {
		return r;
	}
	out = json_object_new_object();
	if (!out) {
		return error_no_memory(err);
	}
	json_object_object_foreach(in, key, from) {
		struct json_object *values = values_of(from);

		if (!values) {
			return error_set(err, GANTRY_ERR_INVALID,
					 "invalid filter '%s': its values are neither a list of strings nor "
					 "an object",
					 key);
		}
		if (json_set(out, key, values) < 0) {
			return error_no_memory(err);
		}
	}
	*ret = steal(&out);
	return 0;
}

static int to_text(struct json_object *filters, char **ret, struct gantry_error *err)
{
	const char *text;

	if (!filters || json_member_count(filters) == 0) {
		return 0;
	}
	text = json_text(filters);
	*ret = text ? strdup(text) : NULL;
	return *ret ? 0 : error_no_memory(err);
}

int filters_normalise(const char *text, char **ret, struct gantry_error *err)
{
	auto_json struct json_object *filters = NULL;
	int r = parse(text, &filters, err);

	return r < 0 ? r : to_text(filters, ret, err);
}

int filters_with_default(const char *text, const char *key, const char *value, char **ret,
			 struct gantry_error *err)
{
	auto_json struct json_object *filters = NULL;
	struct json_object *list;
	int r = parse(text, &filters, err);

	if (r < 0) {
		return r;
	}
	if (!filters) {
		filters = json_object_new_object();
	}
	if (filters && !json_get(filters, key)) {
		list = json_object_new_array();
		if (!list || json_add_string(list, value) < 0) {
			json_object_put(list);
			return error_no_memory(err);
		}
		if (json_set(filters, key, list) < 0) {
			return error_no_memory(err);
		}
	}
	return filters ? to_text(filters, ret, err) : error_no_memory(err);
}
