/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Concurrency: the driver keeps no state in memory; what is on disk changes by
 * rename(2) (helpers/snapshots.h), so threads and processes need no lock.
 * Crash: mounts are detached and die with their descriptor.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "helpers/io.h"
#include "helpers/layer_snapshots.h"
#include "helpers/snapshot_attach.h"
#include "overlay.h"

/* The configuration is one JSON object of known keys that the host has checked;
 * a look for the only value saves the hot path a JSON parser. */
static enum overlay_mount_api parse_mount_api(const char *config)
{
	if (config && strstr(config, "\"classic\""))
		return OVERLAY_MOUNT_CLASSIC;
	if (config && strstr(config, "\"new\""))
		return OVERLAY_MOUNT_NEW;
	return OVERLAY_MOUNT_AUTO;
}

static int overlay_open(const struct gantry_host *host, const char *config, void **ret_self,
			struct gantry_error *err)
{
	auto_free struct overlay *o = calloc(1, sizeof(*o));
	int r;

	if (!o)
		return error_no_memory(err);
	o->host = host;
	o->style = layer_style_here();
	o->mount_api = parse_mount_api(config);
	r = snapshots_open(&o->snapshots, host->state_dir, err);
	if (r < 0)
		return r;
	*ret_self = steal(&o);
	return 0;
}

static void overlay_close(void *self)
{
	struct overlay *o = self;

	snapshots_done(&o->snapshots);
	free(o);
}

static int overlay_check(const char *config, struct gantry_error *err)
{
	if (!config || !strstr(config, "mount_api") || strstr(config, "\"auto\"") ||
	    parse_mount_api(config) != OVERLAY_MOUNT_AUTO)
		return 0;
	return error_set(err, GANTRY_ERR_INVALID,
			 "storage/overlay: mount_api must be auto, new or classic");
}

static int overlay_probe(const struct gantry_host *host, const char *config,
			 struct gantry_error *err)
{
	char path[4096];

	/* A host on which it worked is not tried again. */
	snprintf(path, sizeof(path), "%s/active", host->state_dir);
	if (access(path, F_OK) == 0)
		return 0;
	return overlay_try(host->state_dir, err);
}

static int overlay_prepare(void *self, const struct gantry_storage_prepare_args *args,
			   struct gantry_reply *reply, struct gantry_error *err)
{
	struct overlay *o = self;
	struct gantry_error ignored = GANTRY_ERROR_INIT;
	int r = snapshots_prepare(&o->snapshots, args->key, args->parent, NULL, NULL, err);

	if (r < 0 || args->size_limit <= 0)
		return r;
	r = overlay_set_quota(o, args->key, args->size_limit, err);
	if (r < 0)
		(void)snapshots_remove(&o->snapshots, &GANTRY_STORAGE_REMOVE_ARGS(.key = args->key), reply,
				       &ignored);
	return r;
}

static int overlay_commit(void *self, const struct gantry_storage_commit_args *args,
			  struct gantry_reply *reply, struct gantry_error *err)
{
	struct overlay *o = self;
	char work[4096];

	overlay_drop_quota(o, args->key);
	if (!strchr(args->key, '/')) {
		/* A lower layer needs no work folder; one that stays does no harm. */
		snprintf(work, sizeof(work), "active/%s/work", args->key);
		(void)remove_tree(o->snapshots.fd, work);
	}
	return snapshots_commit(&o->snapshots, args->key, args->name, err);
}

static int overlay_mount(void *self, const struct gantry_storage_mount_args *args,
			 struct gantry_reply *reply, struct gantry_error *err)
{
	struct overlay *o = self;
	auto_(snapshot) struct snapshot snap;
	struct overlay_mount_options options = { .label = args->label,
						 .userns = args->userns,
						 .attached = args->attached,
						 .transient = (int)args->transient };
	int r = snapshots_find(&o->snapshots, args->key, &snap, err);
	int fd;

	if (r < 0)
		return r;
	options.view = snap.state == SNAPSHOT_ACTIVE && !args->read_only ? OVERLAY_WRITABLE
									 : OVERLAY_READ_ONLY;
	fd = overlay_mount_snapshot(o, &snap, &options, err);
	if (fd < 0)
		return fd;
	if (gantry_storage_mount_set_mount(reply, fd) < 0)
		return error_no_memory(err);
	return 0;
}

static int overlay_attach(void *self, const struct gantry_storage_attach_args *args,
			  struct gantry_reply *reply, struct gantry_error *err)
{
	struct overlay *o = self;
	int r = snapshots_attach(&o->snapshots, args->key, args->parent, args->name, args->attached,
				 err);

	if (r < 0)
		return r;
	r = overlay_try_attached(o, args->key, args->attached, err);
	if (r < 0) {
		struct gantry_error ignored = GANTRY_ERROR_INIT;

		(void)snapshots_remove(&o->snapshots, &GANTRY_STORAGE_REMOVE_ARGS(.key = args->key), reply,
				       &ignored);
	}
	return r;
}

static int overlay_remove(void *self, const struct gantry_storage_remove_args *args,
			  struct gantry_reply *reply, struct gantry_error *err)
{
	struct overlay *o = self;

	overlay_drop_quota(o, args->key);
	return snapshots_remove(&o->snapshots, args, reply, err);
}

static int overlay_list(void *self, const struct gantry_storage_list_args *args,
			struct gantry_reply *reply, struct gantry_error *err)
{
	struct overlay *o = self;

	return snapshots_list(&o->snapshots, reply, err);
}

static int overlay_status(void *self, const struct gantry_storage_status_args *args,
			  struct gantry_reply *reply, struct gantry_error *err)
{
	struct overlay *o = self;
	char details[512];

	snprintf(details, sizeof(details),
		 "{\"Backing Filesystem\":\"%s\",\"Supports d_type\":\"true\","
		 "\"Using metacopy\":\"false\",\"Native Overlay Diff\":\"true\","
		 "\"userxattr\":\"%s\"}",
		 filesystem_name(o->host->state_dir),
		 o->style == LAYER_OVERLAY_USER ? "true" : "false");
	if (gantry_storage_status_set_details(reply, details) < 0 ||
	    gantry_storage_status_set_independent_layers(reply, 1) < 0)
		return error_no_memory(err);
	return 0;
}

static const struct gantry_storage_ops ops = {
	.struct_size = sizeof(ops),
	.prepare = overlay_prepare,
	.commit = overlay_commit,
	.apply = overlay_apply,
	.mount = overlay_mount,
	.diff = overlay_diff,
	.changes = overlay_changes,
	.usage = overlay_usage,
	.remove = overlay_remove,
	.list = overlay_list,
	.status = overlay_status,
	.attach = overlay_attach,
};

static const struct gantry_config_key config_keys[] = {
	{ "mount_api", GANTRY_TYPE_STRING, 0, "auto",
	  "how overlay is mounted: new (a parameter per layer, Linux 6.5), classic (one option "
	  "string), or auto" },
	{ 0 },
};

static const struct gantry_driver driver = {
	.size = sizeof(driver),
	.threads = GANTRY_THREADS_PARALLEL,
	.kind = "storage",
	.name = "overlay",
	.summary = "snapshots on the kernel's overlayfs",
	.ops = &ops,
	.config = config_keys,
	.probe = overlay_probe,
	.check = overlay_check,
	.open = overlay_open,
	.close = overlay_close,
};

static const struct gantry_driver *const drivers[] = { &driver, NULL };

GANTRY_PLUGIN(.name = "overlay", .version = PACKAGE_VERSION, .licence = "Apache-2.0",
	      .flags = GANTRY_PLUGIN_UNLOADABLE, .drivers = drivers);
