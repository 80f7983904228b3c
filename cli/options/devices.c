/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "cli/options/options.h"
#include "helpers/buf.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "helpers/io.h"

#define MAX_PROFILE ((size_t)4 << 20)

/* "vendor/class=name" names a device of a CDI file rather than a node. */
static int is_cdi(const char *text)
{
	const char *equals = strchr(text, '=');

	return equals && *text != '/' && memchr(text, '/', (size_t)(equals - text)) && equals[1];
}

static int valid_mode(const char *mode)
{
	return *mode && strspn(mode, "rwm") == strlen(mode);
}

/* "/dev/x[:/dev/y][:rwm]". */
static int add_device(struct json_object *list, const char *text, struct gantry_error *err)
{
	struct json_object *device;
	auto_free char *copy = strdup(text);
	char *rest = copy;
	char *parts[3] = { NULL, NULL, NULL };
	size_t n = 0;
	const char *target, *mode = "rwm";

	while (rest && n < 3) {
		parts[n++] = strsep(&rest, ":");
	}
	if (!copy || rest || !n || !*parts[0]) {
		return error_set(err, GANTRY_ERR_INVALID, "invalid device specification: %s", text);
	}
	target = parts[0];
	if (n == 3) {
		target = *parts[1] ? parts[1] : parts[0];
		mode = parts[2];
	} else if (n == 2 && valid_mode(parts[1])) {
		mode = parts[1];
	} else if (n == 2) {
		target = parts[1];
	}
	if (!valid_mode(mode)) {
		return error_set(err, GANTRY_ERR_INVALID,
				 "bad mode specified: %s", mode);
	}
	device = json_object_new_object();
	json_set_string(device, "PathOnHost", parts[0]);
	json_set_string(device, "PathInContainer", target);
	json_set_string(device, "CgroupPermissions", mode);
	return json_object_array_add(list, device);
}

static void add_request(struct json_object *host, struct json_object *request)
{
	struct json_object *list = json_get_array(host, "DeviceRequests");

	if (!list) {
		list = json_object_new_array();
		json_set(host, "DeviceRequests", list);
	}
	json_object_array_add(list, request);
}

static void add_cdi(struct json_object *host, struct json_object *ids)
{
	struct json_object *request = json_object_new_object();

	json_set_string(request, "Driver", "cdi");
	json_set(request, "DeviceIDs", ids);
	add_request(host, request);
}

static struct json_object *split_list(const char *text)
{
	auto_free char *copy = strdup(text);
	struct json_object *list = json_object_new_array();
	char *rest = copy, *one;

	while (rest && (one = strsep(&rest, ","))) {
		json_add_string(list, one);
	}
	return list;
}

static int gpu_field(void *user, const char *key, const char *value, int has_value,
		     struct gantry_error *err)
{
	struct json_object *request = user;
	const char *count = has_value ? (strcmp(key, "count") == 0 ? value : NULL) : key;
	struct json_object *capabilities;
	char *end;

	if (count) {
		long n = strcmp(count, "all") == 0 ? -1 : strtol(count, &end, 10);

		if (n != -1 && (!isdigit((unsigned char)*count) || *end)) {
			return error_set(err, GANTRY_ERR_INVALID,
					 "invalid argument \"%s\" for \"--gpus\" flag: invalid count "
					 "(%s): value must be either \"all\" or an integer: "
					 "invalid syntax",
					 count, count);
		}
		return json_set_int(request, "Count", n);
	}
	if (strcmp(key, "driver") == 0) {
		return json_set_string(request, "Driver", value);
	}
	if (strcmp(key, "device") == 0) {
		return json_set(request, "DeviceIDs", split_list(value));
	}
	if (strcmp(key, "capabilities") == 0) {
		capabilities = split_list(value);
		json_add_string(capabilities, "gpu");
		json_object_array_put_idx(json_get_array(request, "Capabilities"), 0, capabilities);
		return 0;
	}
	if (strcmp(key, "options") == 0) {
		return 0;
	}
	return error_set(err, GANTRY_ERR_INVALID,
			 "invalid argument \"%s=%s\" for \"--gpus\" flag: unexpected key '%s' in "
			 "'%s=%s'",
			 key, value, key, key, value);
}

static int add_gpus(struct json_object *host, const char *text, struct gantry_error *err)
{
	struct json_object *request = json_object_new_object();
	struct json_object *alternatives = json_object_new_array();
	struct json_object *capabilities = json_object_new_array();

	json_add_string(capabilities, "gpu");
	json_object_array_add(alternatives, capabilities);
	json_set(request, "Capabilities", alternatives);
	add_request(host, request);
	return options_csv(text, gpu_field, request, err);
}

int options_devices(const struct args *args, struct json_object *host, struct gantry_error *err)
{
	auto_json struct json_object *cdi = NULL;
	struct json_object *list = NULL;
	const char *text;
	int r = 0;

	for (size_t i = 0; r == 0 && (text = args_item(args, "device", i)); i++) {
		if (is_cdi(text)) {
			cdi = cdi ? cdi : json_object_new_array();
			json_add_string(cdi, text);
			continue;
		}
		if (!list) {
			list = json_object_new_array();
			json_set(host, "Devices", list);
		}
		r = add_device(list, text, err);
	}
	if (r == 0 && cdi) {
		add_cdi(host, steal(&cdi));
	}
	if (r == 0 && args_has(args, "device-cgroup-rule")) {
		json_set(host, "DeviceCgroupRules", options_list(args, "device-cgroup-rule"));
	}
	for (size_t i = 0; r == 0 && (text = args_item(args, "gpus", i)); i++) {
		r = add_gpus(host, text, err);
	}
	return r;
}

/* "seccomp=FILE" carries the profile itself, since the engine may be elsewhere. */
static int security_option(struct json_object *host, struct json_object *list, const char *text,
			   struct gantry_error *err)
{
	auto_(buf) struct buf option = BUF_INIT;
	const char *file = NULL;
	int r;

	if (strcmp(text, "systempaths=unconfined") == 0) {
		json_set(host, "MaskedPaths", json_object_new_array());
		json_set(host, "ReadonlyPaths", json_object_new_array());
		return 0;
	}
	if (!strchr(text, '=') && !strchr(text, ':') && strcmp(text, "no-new-privileges") != 0) {
		return error_set(err, GANTRY_ERR_INVALID, "Invalid --security-opt: \"%s\"", text);
	}
	if (strncmp(text, "seccomp=", 8) == 0 || strncmp(text, "seccomp:", 8) == 0) {
		file = text + 8;
	}
	if (!file || strcmp(file, "unconfined") == 0 || strcmp(file, "builtin") == 0) {
		return json_add_string(list, text);
	}
	buf_adds(&option, "seccomp=");
	r = read_file(AT_FDCWD, file, &option, MAX_PROFILE);
	if (r < 0) {
		return error_set(err, GANTRY_ERR_INVALID,
				 "opening seccomp profile (%s) failed: open %s: %s", file, file,
				 strerror(-r));
	}
	return json_add_string(list, buf_str(&option));
}

int options_security(const struct args *args, struct json_object *host, struct gantry_error *err)
{
	struct json_object *list;
	const char *text;
	int r = 0;

	if (args_has(args, "security-opt")) {
		list = json_object_new_array();
		json_set(host, "SecurityOpt", list);
		for (size_t i = 0; r == 0 && (text = args_item(args, "security-opt", i)); i++) {
			r = security_option(host, list, text, err);
		}
	}
	if (args_has(args, "cap-add")) {
		json_set(host, "CapAdd", options_list(args, "cap-add"));
	}
	if (args_has(args, "cap-drop")) {
		json_set(host, "CapDrop", options_list(args, "cap-drop"));
	}
	if (args_has(args, "group-add")) {
		json_set(host, "GroupAdd", options_list(args, "group-add"));
	}
	if (args_bool(args, "privileged", 0)) {
		json_set_bool(host, "Privileged", 1);
	}
	if (args_bool(args, "read-only", 0)) {
		json_set_bool(host, "ReadonlyRootfs", 1);
	}
	return r;
}
