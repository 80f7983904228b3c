/* SPDX-License-Identifier: Apache-2.0 */
/*
 * config.json as a container's author can write it, and process.json: the same
 * bytes are given to both parsers.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <json-c/json.h>

#include "plugins/runtime/native/jref.h"
#include "plugins/runtime/native/spec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct gantry_error err = GANTRY_ERROR_INIT;
	struct jref top = { .key = "process.json" };
	struct process_spec process;
	struct json_object *json;
	struct arena arena = { NULL };
	struct spec spec;

	if (spec_parse((const char *)data, size, &spec, &err) == 0)
		spec_done(&spec);
	else if (err.code >= 0 || !err.message[0])
		abort(); /* a failure must say what it is */
	if (jref_parse((const char *)data, size, top.key, &json, &err) < 0)
		return 0;
	top.obj = json;
	process_parse(&top, &arena, &process, &err);
	arena_done(&arena);
	json_object_put(json);
	return 0;
}
