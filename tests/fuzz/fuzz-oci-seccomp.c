/* SPDX-License-Identifier: Apache-2.0 */
/* A seccomp profile, in the OCI's or Docker's format, down to the program. */
#include <stdint.h>
#include <stdlib.h>

#include <json-c/json.h>

#include "plugins/runtime/native/jref.h"
#include "plugins/runtime/native/seccomp_filter.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct seccomp_filter filter = SECCOMP_FILTER_INIT;
	struct gantry_error err = GANTRY_ERROR_INIT;
	struct json_object *json;

	if (jref_parse((const char *)data, size, "profile", &json, &err) < 0)
		return 0;
	if (seccomp_compile(json, "profile", size, &filter, &err) < 0 && err.code >= 0)
		abort(); /* a failure must say what it is */
	seccomp_filter_done(&filter);
	json_object_put(json);
	return 0;
}
