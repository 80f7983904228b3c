/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The names that a request may have, so that a lint can say "HostConfg".
 */
#ifndef LUA_POLICY_FIELDS_H
#define LUA_POLICY_FIELDS_H

#include <stddef.h>

#include <json-c/json.h>

#include <gantry/error.h>

/* Is the path (n parts below the request) known for an object of this point?
 * 1: known, or nothing is said about this part; 0: unknown, and *ret_near is the
 * most similar known name or NULL. */
int field_is_known(const char *point, const char *const *path, size_t n, const char **ret_near);

/* The known name that looks most like text, or NULL when none is close. */
const char *nearest_name(const char *const *names, const char *text);

/* May a rewrite put value, in place of old_value, where path ("object.HostConfig.Memory")
 * says?  INVALID when the field is of another type, or the point has no such field and
 * nothing stood there; NULL, which removes, always may. */
int field_check(const char *point, const char *path, json_object *old_value, json_object *value,
		struct gantry_error *err);

#endif
