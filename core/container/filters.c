/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "core/container/filters.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "helpers/quantity.h"

int filters_check(struct json_object *filters, const char *const *known, struct gantry_error *err)
{
	json_object_object_foreach(filters, key, unused)
	{
		const char *const *k = known;

		(void)unused;
		while (*k && strcmp(*k, key)) {
			k++;
		}
		if (!*k) {
			return error_set(err, GANTRY_ERR_INVALID, "invalid filter '%s'", key);
		}
	}
	return 0;
}

static int label_matches(const char *want, struct json_object *labels)
{
	const char *eq = strchr(want, '=');
	auto_free char *key = strndup(want, eq ? (size_t)(eq - want) : strlen(want));
	const char *have = key ? json_get_string(labels, key) : NULL;

	return have && (!eq || !strcmp(have, eq + 1));
}

int filters_match_labels(struct json_object *filters, struct json_object *labels)
{
	struct json_object *want = json_get_array(filters, "label");
	struct json_object *unwanted = json_get_array(filters, "label!");

	for (size_t i = 0; i < json_array_size(want); i++) {
		if (!label_matches(json_item_string(want, i), labels)) {
			return 0;
		}
	}
	for (size_t i = 0; i < json_array_size(unwanted); i++) {
		if (label_matches(json_item_string(unwanted, i), labels)) {
			return 0;
		}
	}
	return 1;
}

int filters_until(struct json_object *filters, int64_t *ret_ns, struct gantry_error *err)
{
	struct json_object *until = json_get_array(filters, "until");
	const char *text = json_item_string(until, 0);

	*ret_ns = INT64_MAX;
	if (!text) {
		return 0;
	}
	if (json_array_size(until) > 1) {
		return error_set(err, GANTRY_ERR_INVALID, "more than one until filter specified");
	}
	if (parse_when(text, ret_ns) < 0) {
		error_set(err, GANTRY_ERR_INVALID, "failed to parse value as time or duration: \"%s\"", text);
		return error_hint(err, "write until=24h or until=2024-01-02T15:04:05+02:00");
	}
	return 0;
}

int filters_match_prune(struct json_object *filters, int64_t until_ns, struct json_object *labelled,
			int64_t created_ns)
{
	return created_ns < until_ns &&
	       filters_match_labels(filters, json_get_object(labelled, "Labels"));
}

int filters_any(struct json_object *filters, const char *key,
		int (*test)(const char *value, const void *data), const void *data)
{
	struct json_object *values = json_get_array(filters, key);

	for (size_t i = 0; i < json_array_size(values); i++) {
		const char *value = json_item_string(values, i);

		if (value && test(value, data)) {
			return 1;
		}
	}
	return values == NULL;
}
