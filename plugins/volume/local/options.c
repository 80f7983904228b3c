/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "helpers/json.h"
#include "helpers/quantity.h"
#include "options.h"

void volume_options_done(struct volume_options *o)
{
	free(o->type);
	free(o->device);
	free(o->o);
	*o = (struct volume_options){ 0 };
}

static int set_option(struct volume_options *o, const char *key, const char *value,
		      struct gantry_error *err)
{
	char **slot = !strcmp(key, "type")     ? &o->type
		      : !strcmp(key, "device") ? &o->device
		      : !strcmp(key, "o")      ? &o->o
					       : NULL;

	if (!strcmp(key, "size")) {
		if (parse_bytes(value, &o->size) < 0 || o->size < 1) {
			return error_set(err, GANTRY_ERR_INVALID,
					 "volume option size has the value \"%s\"; give one such as 10g",
					 value);
		}
		return 0;
	}
	if (!slot) {
		error_set(err, GANTRY_ERR_INVALID, "volume driver local has no option \"%s\"", key);
		return error_hint(err, "its options are type, o, device and size");
	}
	if (*value) {
		free(*slot);
		*slot = strdup(value);
		return *slot ? 0 : error_no_memory(err);
	}
	return 0;
}

static int check(const struct volume_options *o, struct gantry_error *err)
{
	if ((o->o || o->type || o->device) && (!o->type || !o->device)) {
		error_set(err, GANTRY_ERR_INVALID, "volume option %s is missing",
			  o->type ? "device" : "type");
		return error_hint(err, "type, device and o go together, for example "
				       "type=tmpfs device=tmpfs o=size=100m");
	}
	if (o->size && o->type) {
		error_set(err, GANTRY_ERR_INVALID,
			  "volume option size is for folders, not for what is mounted");
		return error_hint(err, "for a tmpfs write o=size=...");
	}
	return 0;
}

int volume_options_parse(const char *json, struct volume_options *ret, struct gantry_error *err)
{
	auto_(volume_options) struct volume_options o = { 0 };
	auto_json struct json_object *object = NULL;
	int r = json_parse_object(json, "the volume's options", &object, err);

	if (r < 0) {
		return r;
	}
	json_object_object_foreach(object, key, value) {
		if (!json_object_is_type(value, json_type_string)) {
			return error_set(err, GANTRY_ERR_INVALID, "volume option %s is not a string",
					 key);
		}
		r = set_option(&o, key, json_object_get_string(value), err);
		if (r < 0) {
			return r;
		}
	}
	r = check(&o, err);
	if (r < 0) {
		return r;
	}
	*ret = o;
	o = (struct volume_options){ 0 };
	return 0;
}
