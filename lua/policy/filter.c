/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Match filters: conditions on the request that are read once, when a script is
 * loaded, and evaluated on the JSON without entering Lua.  In doubt (a text too
 * long to compare) they match: the hook itself then decides.
 */
#include <stdlib.h>
#include <string.h>

#include "helpers/error.h"

#include "lua/policy/internal.h"
#include "lua/sandbox/match.h"

#define TEXT_MAX 4096

void filters_free(struct filter *filters, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		free(filters[i].path[0]); /* the parts share one block */
		json_object_put(filters[i].values);
	}
	free(filters);
}

/* "a.b.c" into parts; \. keeps a dot in a name. */
static int read_path(const char *text, struct filter *filter, struct gantry_error *err)
{
	char *copy = strdup(text), *from = copy, *to = copy;
	int n = 1;

	if (!copy) {
		return error_no_memory(err);
	}
	filter->path[0] = copy;
	while (*from) {
		if (*from == '\\' && from[1]) {
			from++;
			*to++ = *from++;
		} else if (*from == '.') {
			if (n == POLICY_FILTER_DEPTH) {
				return error_set(err, GANTRY_ERR_INVALID,
						 "match '%s' has more than %d parts", text,
						 POLICY_FILTER_DEPTH);
			}
			*to++ = '\0';
			from++;
			filter->path[n++] = to;
		} else {
			*to++ = *from++;
		}
	}
	*to = '\0';
	return 0;
}

static int check_value(const char *path, json_object *value, struct gantry_error *err)
{
	switch (json_object_get_type(value)) {
	case json_type_string:
		if (json_object_get_string_len(value) <= 1024) {
			return 0;
		}
		return error_set(err, GANTRY_ERR_INVALID, "match '%s': the glob is too long", path);
	case json_type_boolean:
	case json_type_int:
	case json_type_double:
		return 0;
	default:
		return error_set(err, GANTRY_ERR_INVALID,
				 "match '%s' takes a text, number or boolean, or a list of them",
				 path);
	}
}

static int read_values(const char *path, json_object *value, struct filter *filter,
		       struct gantry_error *err)
{
	size_t i;
	int r;

	if (json_object_is_type(value, json_type_array)) {
		filter->values = json_object_get(value);
	} else if (json_object_is_type(value, json_type_object) &&
		   json_object_object_length(value) == 0) {
		filter->values = json_object_new_array(); /* {} of a script: an empty list */
	} else {
		filter->values = json_object_new_array();
		if (!filter->values ||
		    json_object_array_add(filter->values, json_object_get(value)) < 0) {
			return error_no_memory(err);
		}
	}
	if (!filter->values) {
		return error_no_memory(err);
	}
	for (i = 0; i < json_object_array_length(filter->values); i++) {
		r = check_value(path, json_object_array_get_idx(filter->values, i), err);
		if (r < 0) {
			return r;
		}
	}
	return 0;
}

int filters_read(json_object *match, struct filter **ret, size_t *ret_n, struct gantry_error *err)
{
	struct filter *filters;
	size_t n = 0;
	int r = 0;

	if (match && !json_object_is_type(match, json_type_object)) {
		return error_set(err, GANTRY_ERR_INVALID,
				 "match must be a table of paths and values");
	}
	filters = calloc((size_t)(match ? json_object_object_length(match) : 0) + 1,
			 sizeof(*filters));
	if (!filters) {
		return error_no_memory(err);
	}
	if (match) {
		json_object_object_foreach(match, path, value)
		{
			struct filter *filter = &filters[n++];

			r = read_path(path, filter, err);
			if (r == 0) {
				r = read_values(path, value, filter, err);
			}
			if (r < 0) {
				filters_free(filters, n);
				return r;
			}
		}
	}
	*ret = filters;
	*ret_n = n;
	return 0;
}

static int value_matches(json_object *want, json_object *value)
{
	enum json_type type = json_object_get_type(value);

	switch (json_object_get_type(want)) {
	case json_type_string:
		if (type != json_type_string) {
			return 0;
		}
		if (json_object_get_string_len(value) > TEXT_MAX) {
			return 1;
		}
		return glob_match(json_object_get_string(want), json_object_get_string(value));
	case json_type_boolean:
		/* An absent flag is a false one. */
		return (type == json_type_boolean || type == json_type_null) &&
		       json_object_get_boolean(want) == json_object_get_boolean(value);
	default:
		return (type == json_type_int || type == json_type_double) &&
		       json_object_get_double(want) == json_object_get_double(value);
	}
}

/* A list matches when one of its elements does. */
static int filter_matches(const struct filter *filter, json_object *request)
{
	json_object *value = request;
	size_t i, k, n = json_object_array_length(filter->values);
	int part;

	for (part = 0; filter->path[part] && value; part++) {
		json_object *next = NULL;

		json_object_object_get_ex(value, filter->path[part], &next);
		value = next;
	}
	for (i = 0; i < n; i++) {
		json_object *want = json_object_array_get_idx(filter->values, i);

		if (value_matches(want, value)) {
			return 1;
		}
		if (!json_object_is_type(value, json_type_array)) {
			continue;
		}
		for (k = 0; k < json_object_array_length(value); k++) {
			if (value_matches(want, json_object_array_get_idx(value, k))) {
				return 1;
			}
		}
	}
	return 0;
}

int filters_match(const struct filter *filters, size_t n, json_object *request)
{
	size_t i;

	for (i = 0; i < n; i++) {
		if (!filter_matches(&filters[i], request)) {
			return 0;
		}
	}
	return 1;
}
