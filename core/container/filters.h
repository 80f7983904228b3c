/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The filters of list and prune requests: {"key":["value",...]}.
 */
#ifndef CORE_CONTAINER_FILTERS_H
#define CORE_CONTAINER_FILTERS_H

#include "core/container/container.h"

/* Refuses keys that are not in the NULL-terminated list. */
int filters_check(struct json_object *filters, const char *const *known, struct gantry_error *err);

/* label=key[=value] (all must match), label!= (none may). */
int filters_match_labels(struct json_object *filters, struct json_object *labels);

/* The value of until=TIME: what is older matches; INT64_MAX without one.  Two are refused, as
 * is what helpers/quantity.h cannot read. */
int filters_until(struct json_object *filters, int64_t *ret_ns, struct gantry_error *err);
/* Is it older than until_ns, and fit its Labels? */
int filters_match_prune(struct json_object *filters, int64_t until_ns, struct json_object *labelled,
			int64_t created_ns);

/* Is there a value of this key that satisfies test?  1 also when the key is absent. */
int filters_any(struct json_object *filters, const char *key,
		int (*test)(const char *value, const void *data), const void *data);

#endif
