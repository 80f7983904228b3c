/* SPDX-License-Identifier: Apache-2.0 */
/*
 * spec/cdi: devices by name, from the device files of the Container Device Interface.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <gantry/plugin.h>
#include <gantry/spec.h>

#include "cache.h"
#include "device_file.h"
#include "edits.h"
#include "helpers/buf.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"

#define ANNOTATION "cdi.k8s.io/"

struct cdi {
	struct json_object *config;
	struct json_object *folders;
};

/* ---- which devices ---- */

/* Those that annotations cdi.k8s.io/ANYTHING: "NAME,NAME" ask for. */
static int add_annotated(struct json_object *annotations, struct json_object *names,
			 struct gantry_error *err)
{
	if (!annotations) {
		return 0;
	}
	json_object_object_foreach(annotations, key, value)
	{
		auto_free char *copy = NULL;
		char *save = NULL;

		if (strncmp(key, ANNOTATION, strlen(ANNOTATION)) ||
		    !json_object_is_type(value, json_type_string)) {
			continue;
		}
		copy = strdup(json_object_get_string(value));
		if (!copy) {
			return error_no_memory(err);
		}
		for (char *one = strtok_r(copy, ",", &save); one; one = strtok_r(NULL, ",", &save)) {
			json_add_string(names, one);
		}
	}
	return 0;
}

static int wanted(const char *const *devices, struct json_object *annotations,
		  struct json_object **ret, struct gantry_error *err)
{
	auto_json struct json_object *names = json_object_new_array();
	int r;

	for (; devices && *devices; devices++) {
		json_add_string(names, *devices);
	}
	r = add_annotated(annotations, names, err);
	if (r == 0) {
		*ret = steal(&names);
	}
	return r;
}

/* ---- the operations ---- */

static int cdi_check(void *self, const struct gantry_spec_check_args *args,
		     struct gantry_reply *reply, struct gantry_error *err)
{
	auto_(cache) struct cache cache = CACHE_INIT;
	auto_json struct json_object *annotations = NULL, *names = NULL;
	struct cdi *d = self;
	int r = json_parse_object(args->annotations, "annotations", &annotations, err);

	if (r == 0) {
		r = wanted(args->devices, annotations, &names, err);
	}
	if (r < 0 || json_array_size(names) == 0) {
		return r;
	}
	r = cache_load(&cache, d->folders, err);
	for (size_t i = 0; r == 0 && i < json_array_size(names); i++) {
		struct json_object *device, *file;

		r = cache_find(&cache, json_item_string(names, i), &device, &file, err);
	}
	return r;
}

/* The edits of a file are made once, before those of its first device. */
static int inject(const struct cache *cache, const char *name, struct json_object *done,
		  struct json_object *spec, struct gantry_error *err)
{
	struct json_object *device, *file;
	const char *path;
	int r = cache_find(cache, name, &device, &file, err);

	if (r < 0) {
		return r;
	}
	path = json_get_string(file, "Path");
	if (!json_get(done, path)) {
		json_set_bool(done, path, 1);
		r = edits_apply(json_get_object(json_get_object(file, "Content"), "containerEdits"), spec, err);
	}
	if (r == 0) {
		r = edits_apply(json_get_object(device, "containerEdits"), spec, err);
	}
	return r < 0 ? error_prefix(err, "device %s (%s)", name, path) : 0;
}

static int cdi_apply(void *self, const struct gantry_spec_apply_args *args,
		     struct gantry_reply *reply, struct gantry_error *err)
{
	auto_(cache) struct cache cache = CACHE_INIT;
	auto_json struct json_object *spec = NULL, *names = NULL, *done = json_object_new_object();
	struct cdi *d = self;
	int r = json_parse_object(args->spec, "specification", &spec, err);

	if (r == 0) {
		r = wanted(args->devices, json_get_object(spec, "annotations"), &names, err);
	}
	if (r < 0 || json_array_size(names) == 0) {
		return r;
	}
	r = cache_load(&cache, d->folders, err);
	for (size_t i = 0; r == 0 && i < json_array_size(names); i++) {
		r = inject(&cache, json_item_string(names, i), done, spec, err);
	}
	if (r < 0) {
		return r;
	}
	edits_sort_mounts(spec);
	return gantry_spec_apply_set_spec(reply, json_text(spec));
}

static int put_devices(struct json_object *content, struct gantry_reply *reply)
{
	struct json_object *devices = json_get_array(content, "devices");
	int r = 0;

	for (size_t i = 0; r == 0 && i < json_array_size(devices); i++) {
		auto_(buf) struct buf name = BUF_INIT;

		buf_addf(&name, "%s=%s", json_get_string(content, "kind"),
			 json_get_string(json_object_array_get_idx(devices, i), "name"));
		r = gantry_spec_list_add_device(reply, buf_str(&name));
	}
	return r;
}

static int cdi_list(void *self, const struct gantry_spec_list_args *args,
		    struct gantry_reply *reply, struct gantry_error *err)
{
	auto_(cache) struct cache cache = CACHE_INIT;
	struct cdi *d = self;
	int r = cache_load(&cache, d->folders, err);

	for (size_t i = 0; r == 0 && i < json_array_size(cache.files); i++) {
		struct json_object *file = json_object_array_get_idx(cache.files, i);

		r = put_devices(json_get_object(file, "Content"), reply) < 0 ? error_no_memory(err) : 0;
	}
	for (size_t i = 0; r == 0 && i < json_array_size(cache.problems); i++) {
		r = gantry_spec_list_add_problem(reply, json_item_string(cache.problems, i)) < 0
			    ? error_no_memory(err)
			    : 0;
	}
	return r;
}

/* ---- the instance ---- */

static int add_folder(struct json_object *list, const char *env, const char *home_part)
{
	const char *base = getenv(env), *home = getenv("HOME");
	auto_(buf) struct buf path = BUF_INIT;

	if (base && *base) {
		buf_addf(&path, "%s/cdi", base);
	} else if (home_part && home) {
		buf_addf(&path, "%s/%s/cdi", home, home_part);
	} else {
		return 0;
	}
	return buf_failed(&path) ? -1 : json_add_string(list, buf_str(&path));
}

/* The system's, and for a user those of his own after them. */
static int usual_folders(struct json_object *config)
{
	struct json_object *list = json_object_new_array();
	int r = json_add_string(list, "/etc/cdi");

	r = r < 0 ? r : json_add_string(list, "/var/run/cdi");
	if (r == 0 && geteuid() != 0) {
		r = add_folder(list, "XDG_CONFIG_HOME", ".config");
		r = r < 0 ? r : add_folder(list, "XDG_RUNTIME_DIR", NULL);
	}
	return r < 0 ? r : json_set(config, "folders", list);
}

static void cdi_close(void *self)
{
	struct cdi *d = self;

	json_object_put(d->config);
	free(d);
}

static int cdi_open(const struct gantry_host *host, const char *config, void **ret_self,
		    struct gantry_error *err)
{
	struct cdi *d = calloc(1, sizeof(*d));
	int r = d ? json_parse_object(config, "the driver's configuration", &d->config, err)
		  : error_no_memory(err);

	if (r == 0 && !json_get_array(d->config, "folders") && usual_folders(d->config) < 0) {
		r = error_no_memory(err);
	}
	if (r < 0) {
		if (d) {
			cdi_close(d);
		}
		return r;
	}
	d->folders = json_get_array(d->config, "folders");
	*ret_self = d;
	return 0;
}

static const struct gantry_spec_ops ops = {
	.struct_size = sizeof(ops),
	.check = cdi_check,
	.apply = cdi_apply,
	.list = cdi_list,
};

static const struct gantry_config_key keys[] = {
	{ "folders", GANTRY_TYPE_LIST, 0, NULL,
	  "folders of device files; a later one wins (default /etc/cdi, /var/run/cdi)" },
	{ NULL, 0, 0, NULL, NULL },
};

static const struct gantry_driver driver = {
	.size = sizeof(driver),
	.threads = GANTRY_THREADS_PARALLEL,
	.kind = "spec",
	.name = "cdi",
	.summary = "Devices by name, from CDI device files",
	.ops = &ops,
	.config = keys,
	.open = cdi_open,
	.close = cdi_close,
};

GANTRY_PLUGIN(.name = "spec-cdi", .version = "0.1.0", .licence = "Apache-2.0",
	      .drivers = (const struct gantry_driver *const[]){ &driver, NULL });
