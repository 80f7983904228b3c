/* SPDX-License-Identifier: Apache-2.0 */
/* The drivers of the kind spec.  A container that asks for nothing by name, has no
 * annotations and for which spec.drivers is empty costs no driver. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <gantry/calls.h>

#include "core/container/create.h"
#include "core/container/spec.h"
#include "helpers/buf.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"

/* ---- what is asked for ---- */

static int asks_for_gpu(struct json_object *request)
{
	struct json_object *alternatives = json_get_array(request, "Capabilities");

	for (size_t i = 0; i < json_array_size(alternatives); i++) {
		struct json_object *all = json_object_array_get_idx(alternatives, i);

		for (size_t k = 0; k < json_array_size(all); k++) {
			const char *one = json_item_string(all, k);

			if (one && !strcmp(one, "gpu")) {
				return 1;
			}
		}
	}
	return 0;
}

static int add_name(struct json_object *names, const char *class_name, const char *device)
{
	auto_(buf) struct buf name = BUF_INIT;

	buf_addf(&name, "%s=%s", class_name, device);
	return buf_failed(&name) ? -1 : json_add_string(names, buf_str(&name));
}

/* --gpus: all, so many, or these, of the class that spec.gpu names. */
static int add_gpus(struct core *core, struct json_object *request, struct json_object *names)
{
	const char *class_name = config_string(core->config, "spec.gpu");
	struct json_object *ids = json_get_array(request, "DeviceIDs");
	int64_t count = json_get_int(request, "Count", 0);
	int r = 0;

	for (size_t i = 0; r == 0 && i < json_array_size(ids); i++) {
		const char *id = json_item_string(ids, i);

		r = add_name(names, class_name, id ? id : "");
	}
	if (json_array_size(ids) == 0 && count < 0) {
		r = add_name(names, class_name, "all");
	}
	for (int64_t i = 0; r == 0 && json_array_size(ids) == 0 && i < count && i < 256; i++) {
		char number[24];

		snprintf(number, sizeof(number), "%lld", (long long)i);
		r = add_name(names, class_name, number);
	}
	return r;
}

static int no_driver(struct json_object *request, struct gantry_error *err)
{
	const char *driver = json_get_string(request, "Driver");
	struct json_object *capabilities = json_get_array(request, "Capabilities");

	error_set(err, GANTRY_ERR_INVALID, "could not select device driver \"%s\" with capabilities: %s",
		  driver ? driver : "", capabilities ? json_text(capabilities) : "[]");
	return error_hint(err, "devices of a vendor are described by device files (docs/foreign-plugins.md); "
			       "`--device /dev/...` passes a node");
}

/* The names of all devices that HostConfig asks for, the caller's array. */
static int asked_names(struct core *core, struct json_object *hc, struct json_object **ret,
		       struct gantry_error *err)
{
	auto_json struct json_object *names = json_object_new_array();
	struct json_object *requests = json_get_array(hc, "DeviceRequests");
	const char *devices = config_string(core->config, "spec.devices");

	for (size_t i = 0; i < json_array_size(requests); i++) {
		struct json_object *request = json_object_array_get_idx(requests, i);
		const char *driver = json_get_string(request, "Driver");
		struct json_object *ids = json_get_array(request, "DeviceIDs");
		int r = 0;

		if (devices && *devices && driver && !strcmp(driver, devices)) {
			for (size_t k = 0; r == 0 && k < json_array_size(ids); k++) {
				r = json_add_string(names, json_item_string(ids, k) ? json_item_string(ids, k) : "");
			}
		} else if (devices && *devices && asks_for_gpu(request)) {
			r = add_gpus(core, request, names);
		} else {
			return no_driver(request, err);
		}
		if (r < 0) {
			return error_no_memory(err);
		}
	}
	*ret = steal(&names);
	return 0;
}

/* A NULL-terminated view of an array's texts; the caller frees the view. */
static const char **as_list(struct json_object *array)
{
	size_t n = json_array_size(array);
	const char **list = calloc(n + 1, sizeof(*list));

	for (size_t i = 0; list && i < n; i++) {
		list[i] = json_item_string(array, i);
	}
	return list;
}

static int wants_devices(struct json_object *hc)
{
	return json_array_size(json_get_array(hc, "DeviceRequests")) > 0 ||
	       (json_get_object(hc, "Annotations") &&
		json_object_object_length(json_get_object(hc, "Annotations")) > 0);
}

/* What --gpus could not find is said as Docker says it. */
static int explain_gpu(struct json_object *hc, int r, struct gantry_error *err)
{
	struct json_object *requests = json_get_array(hc, "DeviceRequests");

	for (size_t i = 0; r == GANTRY_ERR_NOT_FOUND && i < json_array_size(requests); i++) {
		struct json_object *request = json_object_array_get_idx(requests, i);

		if (asks_for_gpu(request)) {
			struct gantry_error why = *err;

			no_driver(request, err);
			return error_hint(err, "%s", why.message);
		}
	}
	return r;
}

/* ---- asking ---- */

int create_check_devices(struct core *core, struct json_object *hc, struct gantry_error *err)
{
	auto_json struct json_object *names = NULL;
	auto_(reply) struct reply ret = REPLY_INIT;
	auto_free const char **list = NULL;
	struct json_object *annotations = json_get_object(hc, "Annotations");
	struct driver *driver;
	int r;

	if (!wants_devices(hc)) {
		return 0;
	}
	r = asked_names(core, hc, &names, err);
	list = as_list(names);
	if (r < 0 || !list || !*config_string(core->config, "spec.devices")) {
		return r < 0 || list ? r : error_no_memory(err);
	}
	r = registry_get(core->registry, "spec", config_string(core->config, "spec.devices"), &driver, err);
	if (r == 0 && driver_has(driver, GANTRY_SPEC_OP_CHECK)) {
		r = spec_check(driver,
			       &GANTRY_SPEC_CHECK_ARGS(.devices = list,
						       .annotations = annotations ? json_text(annotations) : NULL),
			       &ret, err);
	}
	return explain_gpu(hc, r, err);
}

static int has_bind_mounts(const struct container *c)
{
	struct json_object *mounts = json_get_array(c->doc, "Mounts");

	for (size_t i = 0; i < json_array_size(mounts); i++) {
		const char *type = json_get_string(json_object_array_get_idx(mounts, i), "Type");

		if (type && !strcmp(type, "bind")) {
			return 1;
		}
	}
	return 0;
}

static int ask(struct core *core, const struct container *c, const char *name,
	       const char *const *devices, struct json_object **spec, struct gantry_error *err)
{
	auto_json struct json_object *who = json_object_new_object();
	auto_(reply) struct reply ret = REPLY_INIT;
	struct json_object *changed;
	struct driver *driver;
	const char *text;
	int r = registry_get(core->registry, "spec", name, &driver, err);

	json_set_string(who, "Id", c->id);
	json_set_string(who, "Name", c->name);
	json_set_bool(who, "HasBindMounts", has_bind_mounts(c));
	if (r == 0) {
		r = spec_apply(driver,
			       &GANTRY_SPEC_APPLY_ARGS(.container = json_text(who), .devices = devices,
						       .spec = json_text(*spec)),
			       &ret, err);
	}
	text = r == 0 ? reply_string(&ret, GANTRY_SPEC_APPLY_RET_SPEC) : NULL;
	if (!text) {
		return r;
	}
	r = json_parse_object(text, "specification", &changed, err);
	if (r < 0) {
		return error_prefix(err, "spec driver %s", name);
	}
	json_object_put(*spec);
	*spec = changed;
	return 0;
}

int spec_drivers(struct core *core, const struct container *c, struct json_object **spec,
		 struct gantry_error *err)
{
	static const char *const none[] = { NULL };
	struct json_object *always = config_list(core->config, "spec.drivers");
	struct json_object *hc = container_host_config(c);
	const char *devices = config_string(core->config, "spec.devices");
	auto_json struct json_object *names = NULL;
	auto_free const char **list = NULL;
	int r = 0;

	if (wants_devices(hc)) {
		r = asked_names(core, hc, &names, err);
		list = as_list(names);
		if (r == 0 && !list) {
			r = error_no_memory(err);
		}
		if (r == 0 && *devices) {
			r = explain_gpu(hc, ask(core, c, devices, list, spec, err), err);
		}
	}
	for (size_t i = 0; r == 0 && i < json_array_size(always); i++) {
		r = ask(core, c, json_item_string(always, i), none, spec, err);
	}
	return r;
}
