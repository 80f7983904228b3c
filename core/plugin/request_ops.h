/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an isolated driver may ask of its host, described as operations are: the
 * services "store" and "events".  Those of "engine" are described in
 * sdk/interfaces/engine.lua.
 */
#ifndef CORE_PLUGIN_REQUEST_OPS_H
#define CORE_PLUGIN_REQUEST_OPS_H

#include <gantry/interface.h>

/* The args struct of all of them. */
struct request_args {
	uint64_t struct_size;
	const char *text[4];
};

enum {
	REQUEST_STORE_GET,
	REQUEST_STORE_PUT,
	REQUEST_STORE_PUT_NEW,
	REQUEST_STORE_REMOVE,
	REQUEST_STORE_LIST,
	REQUEST_EVENTS_PUBLISH,
	REQUEST_N
};

extern const struct gantry_op request_ops[REQUEST_N];

#endif
