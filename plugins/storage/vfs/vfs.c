/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Snapshots as whole copies: slow and large, but it works on every filesystem.
 * A child starts as a copy of its parent, by reflink where there is such.
 *
 * Concurrency and crashes: as for storage/overlay, see helpers/snapshots.h.
 */
#include "config.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <gantry/plugin.h>
#include <gantry/storage.h>

#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "helpers/folder_mount.h"
#include "helpers/layer_apply.h"
#include "helpers/layer_diff.h"
#include "helpers/layer_walk.h"
#include "helpers/snapshots.h"
#include "helpers/tree_copy.h"

struct vfs {
	struct snapshots snapshots;
};

static int vfs_open(const struct gantry_host *host, const char *config, void **ret_self,
		    struct gantry_error *err)
{
	auto_free struct vfs *v = calloc(1, sizeof(*v));
	int r;

	if (!v)
		return error_no_memory(err);
	r = snapshots_open(&v->snapshots, host->state_dir, err);
	if (r < 0)
		return r;
	*ret_self = steal(&v);
	return 0;
}

static void vfs_close(void *self)
{
	struct vfs *v = self;

	snapshots_done(&v->snapshots);
	free(v);
}

static int open_content(const struct vfs *v, const char *key, enum snapshot_state state,
			struct gantry_error *err)
{
	struct snapshot snap = { .state = state, .key = key };

	return snapshot_open_dir(&v->snapshots, &snap, "fs", O_RDONLY, err);
}

static int fill_from_parent(void *ctx, const char *key, const char *parent,
			    struct gantry_error *err)
{
	const struct vfs *v = ctx;
	auto_fd int from = -1;
	auto_fd int to = -1;

	if (!parent)
		return 0;
	from = open_content(v, parent, SNAPSHOT_COMMITTED, err);
	if (from < 0)
		return error_set(err, GANTRY_ERR_NOT_FOUND, "parent snapshot %s does not exist", parent);
	to = open_content(v, key, SNAPSHOT_ACTIVE, err);
	return to < 0 ? to : tree_copy(from, to, err);
}

static int vfs_prepare(void *self, const struct gantry_storage_prepare_args *args,
		       struct gantry_reply *reply, struct gantry_error *err)
{
	struct vfs *v = self;

	if (args->size_limit > 0)
		return error_set(err, GANTRY_ERR_UNSUPPORTED,
				 "storage/vfs cannot limit the size of a snapshot");
	return snapshots_prepare(&v->snapshots, args->key, args->parent, fill_from_parent, v, err);
}

static int vfs_commit(void *self, const struct gantry_storage_commit_args *args,
		      struct gantry_reply *reply, struct gantry_error *err)
{
	struct vfs *v = self;

	return snapshots_commit(&v->snapshots, args->key, args->name, err);
}

static int vfs_apply(void *self, const struct gantry_storage_apply_args *args,
		     struct gantry_reply *reply, struct gantry_error *err)
{
	struct vfs *v = self;
	struct layer_apply_options options = {
		.style = LAYER_PLAIN,
		.size_limit = args->size_limit > 0 ? (uint64_t)args->size_limit : 0,
	};
	struct layer_apply_stats stats;
	auto_fd int fd = -1;
	int r = snapshots_check_active(&v->snapshots, args->key, err);

	if (r < 0)
		return r;
	fd = open_content(v, args->key, SNAPSHOT_ACTIVE, err);
	if (fd < 0)
		return fd;
	r = layer_apply(args->archive, fd, &options, &stats, err);
	if (r < 0)
		return r;
	return gantry_storage_apply_set_size(reply, (int64_t)stats.bytes) < 0 ? error_no_memory(err) : 0;
}

static int vfs_mount(void *self, const struct gantry_storage_mount_args *args,
		     struct gantry_reply *reply, struct gantry_error *err)
{
	struct vfs *v = self;
	auto_(snapshot) struct snapshot snap;
	auto_free char *path = NULL;
	int fd, r = snapshots_find(&v->snapshots, args->key, &snap, err);

	if (r < 0)
		return r;
	if (asprintf(&path, "%s/%s/%s/fs", v->snapshots.path, snapshot_folder(snap.state),
		     args->key) < 0)
		return error_no_memory(err);
	fd = folder_mount(path, args->read_only || snap.state == SNAPSHOT_COMMITTED, args->userns, err);
	if (fd < 0)
		return fd;
	return gantry_storage_mount_set_mount(reply, fd) < 0 ? error_no_memory(err) : 0;
}

/* Opens a snapshot's tree and, as *ret_lower, its parent's (-1: none). */
static int open_pair(const struct vfs *v, const char *key, int *ret_lower,
		     struct gantry_error *err)
{
	auto_(snapshot) struct snapshot snap;
	int fd, lower = -1, r = snapshots_find(&v->snapshots, key, &snap, err);

	if (r < 0)
		return r;
	if (snap.n_parents > 0) {
		lower = open_content(v, snap.parents[0], SNAPSHOT_COMMITTED, err);
		if (lower < 0)
			return lower;
	}
	fd = open_content(v, key, snap.state, err);
	if (fd < 0 && lower >= 0)
		close(lower);
	if (fd >= 0)
		*ret_lower = lower;
	return fd;
}

static int vfs_diff(void *self, const struct gantry_storage_diff_args *args,
		    struct gantry_reply *reply, struct gantry_error *err)
{
	auto_fd int lower = -1;
	auto_fd int upper = open_pair(self, args->key, &lower, err);

	return upper < 0 ? upper : layer_diff_trees(lower, upper, args->archive, err);
}

static int vfs_changes(void *self, const struct gantry_storage_changes_args *args,
		       struct gantry_reply *reply, struct gantry_error *err)
{
	auto_fd int lower = -1;
	auto_fd int upper = open_pair(self, args->key, &lower, err);

	return upper < 0 ? upper : layer_list_changes(lower, upper, LAYER_PLAIN, reply, err);
}

static int vfs_usage(void *self, const struct gantry_storage_usage_args *args,
		     struct gantry_reply *reply, struct gantry_error *err)
{
	auto_fd int lower = -1;
	auto_fd int fd = open_pair(self, args->key, &lower, err);

	return fd < 0 ? fd : tree_usage_reply(fd, reply, err);
}

static int vfs_remove(void *self, const struct gantry_storage_remove_args *args,
		      struct gantry_reply *reply, struct gantry_error *err)
{
	struct vfs *v = self;

	return snapshots_remove(&v->snapshots, args, reply, err);
}

static int vfs_list(void *self, const struct gantry_storage_list_args *args,
		    struct gantry_reply *reply, struct gantry_error *err)
{
	struct vfs *v = self;

	return snapshots_list(&v->snapshots, reply, err);
}

static int vfs_status(void *self, const struct gantry_storage_status_args *args,
		      struct gantry_reply *reply, struct gantry_error *err)
{
	struct vfs *v = self;
	char details[256];

	snprintf(details, sizeof(details), "{\"Backing Filesystem\":\"%s\"}",
		 filesystem_name(v->snapshots.path));
	if (gantry_storage_status_set_details(reply, details) < 0 ||
	    gantry_storage_status_set_independent_layers(reply, 0) < 0)
		return error_no_memory(err);
	return 0;
}

static const struct gantry_storage_ops ops = {
	.struct_size = sizeof(ops),
	.prepare = vfs_prepare,
	.commit = vfs_commit,
	.apply = vfs_apply,
	.mount = vfs_mount,
	.diff = vfs_diff,
	.changes = vfs_changes,
	.usage = vfs_usage,
	.remove = vfs_remove,
	.list = vfs_list,
	.status = vfs_status,
};

static const struct gantry_driver driver = {
	.size = sizeof(driver),
	.threads = GANTRY_THREADS_PARALLEL,
	.kind = "storage",
	.name = "vfs",
	.summary = "snapshots as whole copies, on any filesystem",
	.ops = &ops,
	.open = vfs_open,
	.close = vfs_close,
};

static const struct gantry_driver *const drivers[] = { &driver, NULL };

GANTRY_PLUGIN(.name = "vfs", .version = PACKAGE_VERSION, .licence = "Apache-2.0",
	      .flags = GANTRY_PLUGIN_UNLOADABLE, .drivers = drivers);
