/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Concurrency and crashes: as for storage/overlay, see helpers/snapshots.h.  The
 * servers are not this process's children for long; a mount keeps its own alive.
 */
#include "config.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "helpers/io.h"
#include "helpers/json.h"
#include "helpers/layer_snapshots.h"
#include "helpers/snapshot_attach.h"
#include "unionfs.h"

static const char program_name[] = "gantry-unionfs";

/* Configured, beside the build tree that this plugin was loaded from, or
 * installed. */
static char *find_program(const char *configured)
{
	char path[PATH_MAX], *slash;
	Dl_info info;

	if (configured && *configured)
		return strdup(configured);
	if (dladdr(program_name, &info) && realpath(info.dli_fname, path)) {
		for (int up = 0; up < 4 && (slash = strrchr(path, '/')); up++)
			*slash = '\0';
		if (strlen(path) + sizeof(program_name) + 1 < sizeof(path)) {
			strcat(strcat(path, "/"), program_name);
			if (access(path, X_OK) == 0)
				return strdup(path);
		}
	}
	snprintf(path, sizeof(path), BINDIR "/%s", program_name);
	return strdup(path);
}

static void unionfs_close(void *self)
{
	struct unionfs *u = self;

	snapshots_done(&u->snapshots);
	free(u->program);
	free(u);
}

static int parse_config(struct unionfs *u, const char *text, struct gantry_error *err)
{
	auto_json struct json_object *config = NULL;
	int r = json_parse_object(text, "the configuration of storage/unionfs", &config, err);

	if (r < 0)
		return r;
	u->program = find_program(json_get_string(config, "program"));
	u->memory_max = json_get_int(config, "memory_max", 0);
	return u->program ? 0 : error_no_memory(err);
}

static int unionfs_open(const struct gantry_host *host, const char *config, void **ret_self,
			struct gantry_error *err)
{
	struct unionfs *u = calloc(1, sizeof(*u));
	int r;

	if (!u)
		return error_no_memory(err);
	u->host = host;
	u->snapshots.fd = -1;
	u->style = layer_style_here();
	r = parse_config(u, config, err);
	if (r == 0)
		r = snapshots_open(&u->snapshots, host->state_dir, err);
	if (r < 0) {
		free(u->program);
		free(u);
		return r;
	}
	*ret_self = u;
	return 0;
}

static int unionfs_probe(const struct gantry_host *host, const char *config,
			 struct gantry_error *err)
{
	struct unionfs u = { 0 };
	auto_free char *program = NULL;
	int r = parse_config(&u, config, err);

	program = u.program;
	if (r < 0)
		return r;
	if (access(program, X_OK) < 0) {
		error_set(err, GANTRY_ERR_UNSUPPORTED, "%s is not installed", program);
		return error_hint(err, "set `program` of storage/unionfs");
	}
	return unionfs_try(err);
}

static int unionfs_prepare(void *self, const struct gantry_storage_prepare_args *args,
			   struct gantry_reply *reply, struct gantry_error *err)
{
	struct unionfs *u = self;

	if (args->size_limit > 0)
		return error_set(err, GANTRY_ERR_UNSUPPORTED,
				 "storage/unionfs cannot limit the size of a snapshot");
	return snapshots_prepare(&u->snapshots, args->key, args->parent, NULL, NULL, err);
}

static int unionfs_commit(void *self, const struct gantry_storage_commit_args *args,
			  struct gantry_reply *reply, struct gantry_error *err)
{
	struct unionfs *u = self;

	return snapshots_commit(&u->snapshots, args->key, args->name, err);
}

static int unionfs_apply(void *self, const struct gantry_storage_apply_args *args,
			 struct gantry_reply *reply, struct gantry_error *err)
{
	struct unionfs *u = self;

	return layer_snapshot_apply(&u->snapshots, u->style, args, reply, err);
}

static int unionfs_mount(void *self, const struct gantry_storage_mount_args *args,
			 struct gantry_reply *reply, struct gantry_error *err)
{
	struct unionfs *u = self;
	auto_(snapshot) struct snapshot snap;
	int fd, r = snapshots_find(&u->snapshots, args->key, &snap, err);

	if (r < 0)
		return r;
	if (args->userns >= 0)
		return error_set(err, GANTRY_ERR_UNSUPPORTED,
				 "storage/unionfs cannot map owners for a user namespace");
	fd = unionfs_mount_snapshot(u, &snap,
				    snap.state == SNAPSHOT_ACTIVE && !args->read_only ?
					    UNIONFS_WRITABLE : UNIONFS_READ_ONLY,
				    args->label, args->attached, err);
	if (fd < 0)
		return fd;
	return gantry_storage_mount_set_mount(reply, fd) < 0 ? error_no_memory(err) : 0;
}

static int unionfs_diff(void *self, const struct gantry_storage_diff_args *args,
			struct gantry_reply *reply, struct gantry_error *err)
{
	struct unionfs *u = self;

	return layer_snapshot_diff(&u->snapshots, u->style, args, err);
}

static int mount_parents(void *ctx, const struct snapshot *snap, int attached,
			 struct gantry_error *err)
{
	return unionfs_mount_snapshot(ctx, snap, UNIONFS_PARENT, NULL, attached, err);
}

static int unionfs_changes(void *self, const struct gantry_storage_changes_args *args,
			   struct gantry_reply *reply, struct gantry_error *err)
{
	struct unionfs *u = self;

	return layer_snapshot_changes(&u->snapshots, u->style, args, mount_parents, u, reply, err);
}

static int unionfs_usage(void *self, const struct gantry_storage_usage_args *args,
			 struct gantry_reply *reply, struct gantry_error *err)
{
	struct unionfs *u = self;

	return layer_snapshot_usage(&u->snapshots, args, reply, err);
}

static int unionfs_attach(void *self, const struct gantry_storage_attach_args *args,
			  struct gantry_reply *reply, struct gantry_error *err)
{
	struct unionfs *u = self;

	return snapshots_attach(&u->snapshots, args->key, args->parent, args->name, args->attached, err);
}

static int unionfs_remove(void *self, const struct gantry_storage_remove_args *args,
			  struct gantry_reply *reply, struct gantry_error *err)
{
	struct unionfs *u = self;

	return snapshots_remove(&u->snapshots, args, reply, err);
}

static int unionfs_list(void *self, const struct gantry_storage_list_args *args,
			struct gantry_reply *reply, struct gantry_error *err)
{
	struct unionfs *u = self;

	return snapshots_list(&u->snapshots, reply, err);
}

static int unionfs_status(void *self, const struct gantry_storage_status_args *args,
			  struct gantry_reply *reply, struct gantry_error *err)
{
	struct unionfs *u = self;
	char details[256];

	snprintf(details, sizeof(details),
		 "{\"Backing Filesystem\":\"%s\",\"Supports d_type\":\"true\","
		 "\"Native Overlay Diff\":\"true\",\"userxattr\":\"%s\"}",
		 filesystem_name(u->host->state_dir),
		 u->style == LAYER_OVERLAY_USER ? "true" : "false");
	if (gantry_storage_status_set_details(reply, details) < 0 ||
	    gantry_storage_status_set_independent_layers(reply, 1) < 0)
		return error_no_memory(err);
	return 0;
}

static const struct gantry_storage_ops ops = {
	.struct_size = sizeof(ops),
	.prepare = unionfs_prepare,
	.commit = unionfs_commit,
	.apply = unionfs_apply,
	.mount = unionfs_mount,
	.diff = unionfs_diff,
	.changes = unionfs_changes,
	.usage = unionfs_usage,
	.remove = unionfs_remove,
	.list = unionfs_list,
	.status = unionfs_status,
	.attach = unionfs_attach,
};

static const struct gantry_config_key config_keys[] = {
	{ "program", GANTRY_TYPE_STRING, 0, "", "where gantry-unionfs is; empty: where it was installed" },
	{ "memory_max", GANTRY_TYPE_INTEGER, 0, "0",
	  "bytes of memory that each server may use, in a cgroup of its own; 0: no limit" },
	{ 0 },
};

static const struct gantry_driver driver = {
	.size = sizeof(driver),
	.threads = GANTRY_THREADS_PARALLEL,
	.kind = "storage",
	.name = "unionfs",
	.summary = "snapshots on a FUSE union filesystem, without the kernel's overlayfs",
	.ops = &ops,
	.config = config_keys,
	.probe = unionfs_probe,
	.open = unionfs_open,
	.close = unionfs_close,
};

static const struct gantry_driver *const drivers[] = { &driver, NULL };

GANTRY_PLUGIN(.name = "unionfs", .version = PACKAGE_VERSION, .licence = "Apache-2.0",
	      .flags = GANTRY_PLUGIN_UNLOADABLE, .drivers = drivers);
