/* SPDX-License-Identifier: Apache-2.0 */
#include <stddef.h>

#include "core/plugin/request_ops.h"
#include "helpers/cleanup.h"

#define TEXT(n, name, type, flags) { name, type, flags, offsetof(struct request_args, text[n]) }

static const struct gantry_field key_args[] = { TEXT(0, "key", GANTRY_TYPE_STRING, 0) };
static const struct gantry_field put_args[] = {
	TEXT(0, "key", GANTRY_TYPE_STRING, 0),
	TEXT(1, "value", GANTRY_TYPE_STRING, 0),
};
static const struct gantry_field prefix_args[] = { TEXT(0, "prefix", GANTRY_TYPE_STRING, 0) };
static const struct gantry_field value_results[] = { { "value", GANTRY_TYPE_BYTES, 0, 0 } };
static const struct gantry_field list_results[] = {
	{ "key", GANTRY_TYPE_LIST, 0, 0 },
	{ "value", GANTRY_TYPE_LIST, 0, 1 },
};
static const struct gantry_field publish_args[] = {
	TEXT(0, "type", GANTRY_TYPE_STRING, 0),
	TEXT(1, "action", GANTRY_TYPE_STRING, 0),
	TEXT(2, "id", GANTRY_TYPE_STRING, 0),
	TEXT(3, "attributes", GANTRY_TYPE_JSON, GANTRY_FIELD_OPTIONAL),
};


#define OP(name, args, results, n_results) \
	{ name, args, results, ARRAY_SIZE(args), n_results, sizeof(struct request_args), 0, 0, 0, 0 }
const struct gantry_op request_ops[REQUEST_N] = {
	[REQUEST_STORE_GET] = OP("store.get", key_args, value_results, 1),
	[REQUEST_STORE_PUT] = OP("store.put", put_args, NULL, 0),
	[REQUEST_STORE_PUT_NEW] = OP("store.put_new", put_args, NULL, 0),
	[REQUEST_STORE_REMOVE] = OP("store.remove", key_args, NULL, 0),
	[REQUEST_STORE_LIST] = OP("store.list", prefix_args, list_results, 2),
	[REQUEST_EVENTS_PUBLISH] = OP("events.publish", publish_args, NULL, 0),
};
