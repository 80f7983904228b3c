/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rewrites as JSON merge patches (RFC 7386): members of the patch replace those
 * of the object, null removes, objects merge, arrays are replaced whole.  Each
 * difference is recorded, and a member keeps its type: a limit that becomes a
 * text is an error of the hook, not of whoever reads it later.
 */
#include <string.h>

#include "helpers/buf.h"
#include "helpers/error.h"
#include "helpers/json.h"

#include "lua/policy/fields.h"
#include "lua/policy/internal.h"

#define DEPTH_MAX 64

struct merge {
	const char *point;
	const char *hook;
	json_object *changes;
	struct buf path;
	int depth;
	struct gantry_error *err;
};

static int record(struct merge *merge, json_object *old_value, json_object *new_value)
{
	json_object *change = json_object_new_object();

	if (!change) {
		return error_no_memory(merge->err);
	}
	json_set_string(change, "hook", merge->hook);
	json_set_string(change, "path", buf_str(&merge->path));
	json_object_object_add(change, "old", json_object_get(old_value));
	json_object_object_add(change, "new", json_object_get(new_value));
	if (json_object_array_add(merge->changes, change) < 0) {
		json_object_put(change);
		return error_no_memory(merge->err);
	}
	return 0;
}

static int is_number(enum json_type type)
{
	return type == json_type_int || type == json_type_double;
}

/* May new_value stand where old_value stood? */
static int check_type(struct merge *merge, json_object *old_value, json_object *new_value)
{
	enum json_type was = json_object_get_type(old_value);
	enum json_type is = json_object_get_type(new_value);

	if (was == json_type_null || is == json_type_null || was == is ||
	    (is_number(was) && is_number(is))) {
		return 0;
	}
	return error_set(merge->err, GANTRY_ERR_INVALID,
			 "a rewrite of %s makes a %s of what is a %s", buf_str(&merge->path),
			 json_type_to_name(is), json_type_to_name(was));
}

/* An empty table of a script is an object; where an array stands it means the
 * empty array. */
static json_object *fit(json_object *old_value, json_object *new_value)
{
	if (json_object_is_type(old_value, json_type_array) &&
	    json_object_is_type(new_value, json_type_object) &&
	    json_object_object_length(new_value) == 0) {
		return json_object_new_array();
	}
	return json_object_get(new_value);
}

static int merge_member(struct merge *merge, json_object *into, const char *key,
			json_object *patch);

/* Drops the nulls of a patch that has nothing to merge into. */
static int merge_object(struct merge *merge, json_object *into, json_object *patch)
{
	int r = 0;

	if (++merge->depth > DEPTH_MAX) {
		return error_set(merge->err, GANTRY_ERR_INVALID, "a rewrite is nested too deeply");
	}
	json_object_object_foreach(patch, key, value)
	{
		size_t len = merge->path.len;

		buf_addf(&merge->path, "%s%s", len ? "." : "", key);
		r = merge_member(merge, into, key, value);
		merge->path.len = len;
		if (merge->path.data) {
			merge->path.data[len] = '\0';
		}
		if (r < 0) {
			break;
		}
	}
	merge->depth--;
	return r;
}

static int replace_member(struct merge *merge, json_object *into, const char *key,
			  json_object *old_value, json_object *patch)
{
	json_object *value = fit(old_value, patch);
	int r = field_check(merge->point, buf_str(&merge->path), old_value, value, merge->err);

	if (r == 0) {
		r = check_type(merge, old_value, value);
	}
	if (r == 0 && !json_object_equal(old_value, value)) {
		r = record(merge, old_value, value);
		if (r == 0 && !value) {
			json_object_object_del(into, key);
		} else if (r == 0 &&
			   json_object_object_add(into, key, json_object_get(value)) < 0) {
			r = error_no_memory(merge->err);
		}
	}
	json_object_put(value);
	return r;
}

static int merge_member(struct merge *merge, json_object *into, const char *key,
			json_object *patch)
{
	json_object *old_value = NULL;
	int present = json_object_object_get_ex(into, key, &old_value);

	if (!patch && !present) {
		return 0;
	}
	if (json_object_is_type(patch, json_type_object) && !old_value &&
	    json_object_object_length(patch) > 0) {
		old_value = json_object_new_object();
		if (!old_value || json_object_object_add(into, key, old_value) < 0) {
			json_object_put(old_value);
			return error_no_memory(merge->err);
		}
	}
	if (json_object_is_type(patch, json_type_object) &&
	    json_object_is_type(old_value, json_type_object)) {
		return merge_object(merge, old_value, patch);
	}
	return replace_member(merge, into, key, old_value, patch);
}

/* A list (the answer that lists containers) is replaced whole. */
static int replace_list(struct merge *merge, json_object **object, json_object *patch)
{
	json_object *list = fit(*object, patch);
	int r = check_type(merge, *object, list);

	if (r == 0 && !json_object_equal(*object, list)) {
		r = record(merge, *object, list);
	}
	if (r < 0) {
		json_object_put(list);
		return r;
	}
	json_object_put(*object);
	*object = list;
	return 0;
}

int merge_patch(json_object **object, json_object *patch, const char *point, const char *root,
		const char *hook, json_object *changes, struct gantry_error *err)
{
	struct merge merge = { point, hook, changes, BUF_INIT, 0, err };
	size_t before = json_object_array_length(changes);
	json_object *copy = NULL;
	int r;

	buf_adds(&merge.path, root);
	if (json_object_is_type(*object, json_type_array)) {
		r = replace_list(&merge, object, patch);
		buf_done(&merge.path);
		return r;
	}
	if (*object && json_object_deep_copy(*object, &copy, NULL) < 0) {
		buf_done(&merge.path);
		return error_no_memory(err);
	}
	if (!copy) {
		copy = json_object_new_object();
	}
	r = json_object_is_type(copy, json_type_object) &&
			    json_object_is_type(patch, json_type_object) ?
		    merge_object(&merge, copy, patch) :
		    error_set(err, GANTRY_ERR_INVALID, "a rewrite of %s takes named fields", root);
	buf_done(&merge.path);
	if (r < 0) {
		json_object_array_del_idx(changes, before,
					  json_object_array_length(changes) - before);
		json_object_put(copy);
		return r;
	}
	json_object_put(*object);
	*object = copy;
	return 0;
}
