/* SPDX-License-Identifier: Apache-2.0 */
/*
 * json-c with limits, short accessors and one way to say what is wrong with a
 * document.  Accessors borrow; a missing or wrongly typed member reads as the
 * fallback.  Link JSON_LIBS when you use this.
 */
#ifndef HELPERS_JSON_H
#define HELPERS_JSON_H

#include <json-c/json.h>

#include <gantry/error.h>

/* `auto_json struct json_object *o` puts the reference on leaving scope. */
static inline void cleanup_json(struct json_object **o)
{
	json_object_put(*o);
}
#define auto_json __attribute__((cleanup(cleanup_json)))

/* Parses one document of at most 64 levels that fills text; what names it in
 * messages.  *ret is owned by the caller. */
int json_parse(const char *text, size_t len, const char *what, struct json_object **ret,
	       struct gantry_error *err);

/* Same for NUL-terminated text; NULL or "" gives an empty object. */
int json_parse_object(const char *text, const char *what, struct json_object **ret,
		      struct gantry_error *err);

/* Members of an object; o may be NULL. */
struct json_object *json_get(struct json_object *o, const char *key);
/* A member of a given type, else NULL. */
struct json_object *json_get_object(struct json_object *o, const char *key);
struct json_object *json_get_array(struct json_object *o, const char *key);
const char *json_get_string(struct json_object *o, const char *key);
int64_t json_get_int(struct json_object *o, const char *key, int64_t fallback);
int json_get_bool(struct json_object *o, const char *key, int fallback);
size_t json_array_size(struct json_object *array);
/* How many members an object has; 0 for NULL and for what is no object. */
size_t json_member_count(struct json_object *o);
/* The i-th element as text, or NULL. */
const char *json_item_string(struct json_object *array, size_t i);

/* Sets members; NULL text sets nothing.  Return 0 or GANTRY_ERR_NO_MEMORY. */
int json_set(struct json_object *o, const char *key, struct json_object *value);
int json_set_string(struct json_object *o, const char *key, const char *text);
int json_set_int(struct json_object *o, const char *key, int64_t value);
int json_set_bool(struct json_object *o, const char *key, int value);
int json_add_string(struct json_object *array, const char *text);

/* Compact text without escaped slashes, owned by o. */
const char *json_text(struct json_object *o);

#endif
