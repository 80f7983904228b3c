/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What plugins of foreign protocols and files about them may say.  The first byte chooses
 * what is read.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "helpers/buf.h"
#include "helpers/cleanup.h"
#include "helpers/docker_plugin_find.h"
#include "helpers/error.h"
#include "plugins/log/docker-plugin/entry.h"
#include "plugins/network/cni/conf.h"
#include "plugins/network/cni/exec.h"
#include "plugins/network/cni/result.h"
#include "plugins/spec/cdi/device_file.h"
#include "plugins/spec/oci-hooks/hook_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void fuzz_list(const char *text, size_t size)
{
	struct gantry_error err = GANTRY_ERROR_INIT;
	struct json_object *list = NULL;

	if (cni_conf_parse(text, size, &list, &err) < 0) {
		return;
	}
	for (size_t i = 0; i < json_array_size(json_get_array(list, "plugins")); i++) {
		struct json_object *one = cni_conf_plugin(list, i, list, NULL);
		const char *type = json_get_string(one, "type");

		if (!type || strchr(type, '/') || !json_get_string(one, "name")) {
			abort();
		}
		json_object_put(one);
	}
	json_object_put(list);
}

static void fuzz_result(const char *text, size_t size)
{
	struct gantry_error err = GANTRY_ERROR_INIT;
	struct json_object *result = NULL, *endpoint = NULL;

	if (json_parse(text, size, "result", &result, &err) == 0 &&
	    cni_endpoint(result, "eth0", &endpoint, &err) == 0 && json_get_string(endpoint, "IPAddress") &&
	    strpbrk(json_get_string(endpoint, "IPAddress"), "/ \n")) {
		abort();
	}
	json_object_put(endpoint);
	json_object_put(result);
}

static void fuzz_error(const char *text, size_t size)
{
	struct cni_exec e = { .type = "t", .command = "ADD", .network = "n" };
	struct gantry_error err = GANTRY_ERROR_INIT;

	if (cni_read_error(&e, 256, text, size, text, &err) != err.code || !err.code ||
	    strchr(err.message, '\n')) {
		abort();
	}
}

static void fuzz_place(const char *text, size_t size, int is_json)
{
	auto_(http_place) struct http_place place = HTTP_PLACE_INIT;
	struct gantry_error err = GANTRY_ERROR_INIT;
	int r = is_json ? docker_plugin_parse_json(text, size, &place, &err)
			: http_place_parse(text, &place, &err);

	if (r == 0 && (!place.url || strpbrk(place.url, "@?# \r\n") || strlen(place.url) < 8)) {
		abort();
	}
}

static void fuzz_entry(const char *data, size_t size)
{
	struct buf again = BUF_INIT;
	struct entry e, other;

	if (entry_decode(data, size, &e) < 0) {
		return;
	}
	if (e.len && (e.line < data || e.line + e.len > data + size)) {
		abort();
	}
	entry_encode(&e, &again);
	if (entry_decode(again.data + 4, again.len - 4, &other) < 0 || other.len != e.len ||
	    memcmp(other.line, e.line, e.len) != 0 || other.stream != e.stream ||
	    other.time_ns != e.time_ns || other.partial != e.partial) {
		abort();
	}
	buf_done(&again);
}

static void fuzz_devices(const char *text, size_t size, int is_yaml)
{
	struct gantry_error err = GANTRY_ERROR_INIT;
	struct json_object *file = NULL;

	if (device_file_parse(text, size, is_yaml, &file, &err) == 0 &&
	    !strchr(json_get_string(file, "kind"), '/')) {
		abort();
	}
	json_object_put(file);
}

static void fuzz_hook(const char *text, size_t size)
{
	struct gantry_error err = GANTRY_ERROR_INIT;
	struct json_object *file = NULL, *spec = NULL;

	if (hook_file_parse(text, size, &file, &err) == 0) {
		if (json_get_string(json_get_object(file, "hook"), "path")[0] != '/') {
			abort();
		}
		spec = json_tokener_parse("{\"process\":{\"args\":[\"/bin/sh\"]},\"annotations\":{\"a\":\"b\"}}");
		(void)hook_file_matches(file, spec, 1, &err);
	}
	json_object_put(spec);
	json_object_put(file);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_free char *text = NULL;

	if (size < 1) {
		return 0;
	}
	text = strndup((const char *)data + 1, size - 1);
	if (!text) {
		return 0;
	}
	switch (data[0]) {
	case 'l':
		fuzz_list((const char *)data + 1, size - 1);
		break;
	case 'r':
		fuzz_result((const char *)data + 1, size - 1);
		break;
	case 'e':
		fuzz_error(text, strlen(text));
		break;
	case 'p':
		fuzz_place(text, strlen(text), 0);
		break;
	case 'j':
		fuzz_place((const char *)data + 1, size - 1, 1);
		break;
	case 'b':
		fuzz_entry((const char *)data + 1, size - 1);
		break;
	case 'd':
		fuzz_devices((const char *)data + 1, size - 1, 0);
		break;
	case 'y':
		fuzz_devices((const char *)data + 1, size - 1, 1);
		break;
	default:
		fuzz_hook((const char *)data + 1, size - 1);
	}
	return 0;
}
