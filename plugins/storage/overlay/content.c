/* SPDX-License-Identifier: Apache-2.0 */
/* Operations that read or write what is in a snapshot. */
#include <fcntl.h>
#include <unistd.h>

#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "helpers/layer_apply.h"
#include "helpers/layer_diff.h"
#include "helpers/layer_walk.h"
#include "overlay.h"

/* Opens the snapshot's own layer; *ret is to be done also after an error. */
static int open_layer(const struct overlay *o, const char *key, struct snapshot *ret,
		      struct gantry_error *err)
{
	int r = snapshots_find(&o->snapshots, key, ret, err);

	return r < 0 ? r : snapshot_open_dir(&o->snapshots, ret, "fs", O_RDONLY, err);
}

int overlay_apply(void *self, const struct gantry_storage_apply_args *args,
		  struct gantry_reply *reply, struct gantry_error *err)
{
	struct overlay *o = self;
	struct layer_apply_options options = {
		.style = o->style,
		.size_limit = args->size_limit > 0 ? (uint64_t)args->size_limit : 0,
	};
	struct layer_apply_stats stats;
	struct snapshot snap = { .state = SNAPSHOT_ACTIVE, .key = args->key };
	auto_fd int fd = -1;
	int r;

	/* Not found by snapshots_find(): that would want the whole chain, and a
	 * parent may still be on its way. */
	r = snapshots_check_active(&o->snapshots, args->key, err);
	if (r < 0)
		return r;
	fd = snapshot_open_dir(&o->snapshots, &snap, "fs", O_RDONLY, err);
	if (fd < 0)
		return fd;
	r = layer_apply(args->archive, fd, &options, &stats, err);
	if (r < 0)
		return r;
	return gantry_storage_apply_set_size(reply, (int64_t)stats.bytes) < 0 ? error_no_memory(err) : 0;
}

int overlay_diff(void *self, const struct gantry_storage_diff_args *args,
		 struct gantry_reply *reply, struct gantry_error *err)
{
	struct overlay *o = self;
	auto_(snapshot) struct snapshot snap;
	auto_fd int fd = open_layer(o, args->key, &snap, err);

	return fd < 0 ? fd : layer_diff_overlay(fd, o->style, args->archive, err);
}

int overlay_changes(void *self, const struct gantry_storage_changes_args *args,
		    struct gantry_reply *reply, struct gantry_error *err)
{
	struct overlay *o = self;
	struct overlay_mount_options view = { .view = OVERLAY_PARENT, .userns = -1 };
	auto_(snapshot) struct snapshot snap;
	auto_fd int upper = open_layer(o, args->key, &snap, err);
	auto_fd int lower = -1;

	if (upper < 0)
		return upper;
	if (snap.n_parents > 0) {
		lower = overlay_mount_snapshot(o, &snap, &view, err);
		if (lower < 0)
			return lower;
	}
	return layer_list_changes(lower, upper, o->style, reply, err);
}

int overlay_usage(void *self, const struct gantry_storage_usage_args *args,
		  struct gantry_reply *reply, struct gantry_error *err)
{
	struct overlay *o = self;
	auto_(snapshot) struct snapshot snap;
	auto_fd int fd = open_layer(o, args->key, &snap, err);

	return fd < 0 ? fd : tree_usage_reply(fd, reply, err);
}
