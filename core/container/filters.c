/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/container/filters.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "helpers/io.h"

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

int64_t filters_time(const char *text)
{
	struct tm tm = { 0 };
	char *end;
	double number = strtod(text, &end);
	int64_t total = 0;

	if (end != text && !*end) {
		return (int64_t)(number * 1e9);
	}
	if (strptime(text, "%Y-%m-%dT%H:%M:%S", &tm) || strptime(text, "%Y-%m-%d", &tm)) {
		return (int64_t)timegm(&tm) * 1000000000;
	}
	while (*text) {
		number = strtod(text, &end);
		if (end == text || !*end || !strchr("hms", *end)) {
			return -1;
		}
		total += (int64_t)(number * (*end == 'h' ? 3600 : *end == 'm' ? 60 : 1) * 1e9);
		text = end + 1;
	}
	return time_now_ns() - total;
}

int filters_match_prune(struct json_object *filters, struct json_object *labelled, int64_t created_ns)
{
	struct json_object *until = json_get_array(filters, "until");

	for (size_t i = 0; i < json_array_size(until); i++) {
		if (created_ns >= filters_time(json_item_string(until, i))) {
			return 0;
		}
	}
	return filters_match_labels(filters, json_get_object(labelled, "Labels"));
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
