/* SPDX-License-Identifier: Apache-2.0 */
/*
 * volume/docker-plugin: volumes of plugins that speak Docker's plugin protocol, version 1.
 * The adaptor serves every name that such a plugin can be found by.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <gantry/plugin.h>
#include <gantry/volume.h>

#include "helpers/cleanup.h"
#include "helpers/docker_plugin.h"
#include "helpers/error.h"
#include "helpers/json.h"

#define INTERFACE "VolumeDriver"

/* {Name}, and what may be added to it; NULL is out of memory. */
static struct json_object *named(const char *name)
{
	struct json_object *o = json_object_new_object();

	if (o && json_set_string(o, "Name", name) < 0) {
		json_object_put(o);
		return NULL;
	}
	return o;
}

/* Does an error of Get mean that there is no such volume?  The protocol has no better
 * sign than that the plugin itself says no. */
static int is_absent(int r)
{
	return r == GANTRY_ERR_IO || r == GANTRY_ERR_UNSUPPORTED;
}

/* 1: the plugin has the volume (*ret_volume, the caller's, as it describes it). */
static int get(struct docker_plugin *p, const char *name, struct json_object **ret_volume,
	       struct gantry_error *err)
{
	auto_json struct json_object *request = named(name);
	auto_json struct json_object *answer = NULL;
	struct json_object *volume;
	int r = request ? docker_plugin_call(p, INTERFACE ".Get", request, DOCKER_PLUGIN_QUERY, &answer,
					     err)
			: error_no_memory(err);

	if (r < 0) {
		return r;
	}
	volume = json_get_object(answer, "Volume");
	if (volume && ret_volume) {
		*ret_volume = json_object_get(volume);
	}
	return volume != NULL;
}

static int docker_create(void *self, const struct gantry_volume_create_args *args,
			 struct gantry_reply *reply, struct gantry_error *err)
{
	auto_json struct json_object *request = named(args->name);
	struct json_object *options = NULL;
	struct gantry_error absent = GANTRY_ERROR_INIT;
	int r;

	/* Many a plugin makes a path of the name. */
	if (!args->name[0] || args->name[0] == '.' || strchr(args->name, '/')) {
		return error_set(err, GANTRY_ERR_INVALID, "\"%s\" is no name of a volume", args->name);
	}
	r = get(self, args->name, NULL, &absent);
	if (r > 0) {
		return 0; /* it was made before, here or elsewhere */
	}
	if (r < 0 && !is_absent(r)) {
		*err = absent;
		return r;
	}
	r = json_parse_object(args->options, "the volume's options", &options, err);
	if (r < 0) {
		return r;
	}
	if (!request || json_set(request, "Opts", options) < 0) {
		return error_no_memory(err);
	}
	return docker_plugin_call(self, INTERFACE ".Create", request, DOCKER_PLUGIN_WORK, NULL, err);
}

static int check_path(struct docker_plugin *p, const char *volume, const char *path,
		      struct gantry_error *err)
{
	struct stat st;

	if (!path || path[0] != '/') {
		return error_set(err, GANTRY_ERR_CORRUPT,
				 "plugin %s mounted volume %s at \"%.200s\", which is no absolute path",
				 docker_plugin_name(p), volume, path ? path : "");
	}
	if (stat(path, &st) < 0) {
		error_set(err, GANTRY_ERR_UNAVAILABLE, "plugin %s mounted volume %s at %.200s: %s",
			  docker_plugin_name(p), volume, path, strerror(errno));
		return error_hint(err, "does the plugin run in a mount namespace of its own?");
	}
	return 0;
}

static int docker_mount(void *self, const struct gantry_volume_mount_args *args,
			struct gantry_reply *reply, struct gantry_error *err)
{
	auto_json struct json_object *request = named(args->name);
	auto_json struct json_object *answer = NULL;
	struct gantry_error absent = GANTRY_ERROR_INIT;
	const char *path;
	int r;

	if (!request || json_set_string(request, "ID", args->user) < 0) {
		return error_no_memory(err);
	}
	r = docker_plugin_call(self, INTERFACE ".Mount", request, DOCKER_PLUGIN_WORK, &answer, err);
	if (is_absent(r) && is_absent(get(self, args->name, NULL, &absent))) {
		return err->code = GANTRY_ERR_NOT_FOUND;
	}
	if (r < 0) {
		return r;
	}
	path = json_get_string(answer, "Mountpoint");
	r = check_path(self, args->name, path, err);
	if (r < 0) {
		struct gantry_error ignored = GANTRY_ERROR_INIT;

		(void)docker_plugin_call(self, INTERFACE ".Unmount", request, DOCKER_PLUGIN_WORK, NULL,
					 &ignored);
		return r;
	}
	return gantry_volume_mount_set_path(reply, path);
}

static int docker_unmount(void *self, const struct gantry_volume_unmount_args *args,
			  struct gantry_reply *reply, struct gantry_error *err)
{
	auto_json struct json_object *request = named(args->name);
	struct gantry_error absent = GANTRY_ERROR_INIT;
	int r;

	if (!request || json_set_string(request, "ID", args->user) < 0) {
		return error_no_memory(err);
	}
	r = docker_plugin_call(self, INTERFACE ".Unmount", request, DOCKER_PLUGIN_WORK, NULL, err);
	/* What is gone is not mounted. */
	if (is_absent(r) && is_absent(get(self, args->name, NULL, &absent))) {
		error_clear(err);
		return 0;
	}
	return r;
}

static int docker_inspect(void *self, const struct gantry_volume_inspect_args *args,
			  struct gantry_reply *reply, struct gantry_error *err)
{
	auto_json struct json_object *volume = NULL;
	struct json_object *status;
	const char *path;
	int r = get(self, args->name, &volume, err);

	if (r == 0 || is_absent(r)) {
		return error_set(err, GANTRY_ERR_NOT_FOUND, "plugin %s has no volume %s",
				 docker_plugin_name(self), args->name);
	}
	if (r < 0) {
		return r;
	}
	path = json_get_string(volume, "Mountpoint");
	status = json_get_object(volume, "Status");
	r = path && *path ? gantry_volume_inspect_set_mountpoint(reply, path) : 0;
	if (r == 0 && status) {
		r = gantry_volume_inspect_set_status(reply, json_text(status));
	}
	return r < 0 ? error_no_memory(err) : 0;
}

static int docker_list(void *self, const struct gantry_volume_list_args *args,
		       struct gantry_reply *reply, struct gantry_error *err)
{
	auto_json struct json_object *answer = NULL;
	struct json_object *volumes;
	int r = docker_plugin_call(self, INTERFACE ".List", NULL, DOCKER_PLUGIN_QUERY, &answer, err);

	volumes = json_get_array(answer, "Volumes");
	for (size_t i = 0; r == 0 && i < json_array_size(volumes); i++) {
		const char *name = json_get_string(json_object_array_get_idx(volumes, i), "Name");

		if (name && *name && gantry_volume_list_add_name(reply, name) < 0) {
			r = error_no_memory(err);
		}
	}
	return r;
}

static int docker_remove(void *self, const struct gantry_volume_remove_args *args,
			 struct gantry_reply *reply, struct gantry_error *err)
{
	auto_json struct json_object *request = named(args->name);
	struct gantry_error absent = GANTRY_ERROR_INIT;
	int r = get(self, args->name, NULL, &absent);

	if (r == 0 || is_absent(r)) {
		return 0;
	}
	if (r < 0) {
		*err = absent;
		return r;
	}
	return request ? docker_plugin_call(self, INTERFACE ".Remove", request, DOCKER_PLUGIN_WORK, NULL,
					    err)
		       : error_no_memory(err);
}

static int docker_discover(const char *config, const char *name, struct gantry_reply *reply,
			   struct gantry_error *err)
{
	return docker_plugin_discover(config, INTERFACE, 1, name, reply, err);
}

static int docker_open(const struct gantry_host *host, const char *config, void **ret_self,
		       struct gantry_error *err)
{
	struct docker_plugin *p;
	int r = docker_plugin_new(config, INTERFACE, &p, err);

	if (r == 0) {
		*ret_self = p;
	}
	return r;
}

static void docker_close(void *self)
{
	docker_plugin_free(self);
}

static const struct gantry_volume_ops ops = {
	.struct_size = sizeof(ops),
	.create = docker_create,
	.mount = docker_mount,
	.unmount = docker_unmount,
	.inspect = docker_inspect,
	.list = docker_list,
	.remove = docker_remove,
};

static const struct gantry_config_key keys[] = { DOCKER_PLUGIN_CONFIG, { NULL, 0, 0, NULL, NULL } };

static const struct gantry_driver driver = {
	.size = sizeof(driver),
	.threads = GANTRY_THREADS_PARALLEL,
	.kind = "volume",
	.name = "docker-plugin",
	.summary = "Docker's volume plugins, found in /run/docker/plugins and by .spec files",
	.ops = &ops,
	.config = keys,
	.open = docker_open,
	.close = docker_close,
	.discover = docker_discover,
};

GANTRY_PLUGIN(.name = "volume-docker-plugin", .version = "0.1.0", .licence = "Apache-2.0",
	      .drivers = (const struct gantry_driver *const[]){ &driver, NULL },
	      .permissions = (const char *const[]){ DOCKER_PLUGIN_PERMISSIONS, NULL });
