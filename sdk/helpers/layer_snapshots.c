/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "cleanup.h"
#include "error.h"
#include "io.h"
#include "layer_apply.h"
#include "layer_diff.h"
#include "layer_snapshots.h"
#include "layer_walk.h"
#include "privilege.h"

enum layer_style layer_style_here(void)
{
	return in_initial_userns() ? LAYER_OVERLAY : LAYER_OVERLAY_USER;
}

/* Opens the snapshot's own layer; *ret is to be done also after an error. */
static int open_layer(const struct snapshots *s, const char *key, struct snapshot *ret,
		      struct gantry_error *err)
{
	int r = snapshots_find(s, key, ret, err);

	return r < 0 ? r : snapshot_open_dir(s, ret, "fs", O_RDONLY, err);
}

int layer_snapshot_apply(const struct snapshots *s, enum layer_style style,
			 const struct gantry_storage_apply_args *args, struct gantry_reply *reply,
			 struct gantry_error *err)
{
	struct layer_apply_options options = {
		.style = style,
		.size_limit = args->size_limit > 0 ? (uint64_t)args->size_limit : 0,
	};
	struct layer_apply_stats stats;
	struct snapshot snap = { .state = SNAPSHOT_ACTIVE, .key = args->key };
	auto_fd int fd = -1;
	int r;

	/* Not found by snapshots_find(): that would want the whole chain, and a
	 * parent may still be on its way. */
	r = snapshots_check_active(s, args->key, err);
	if (r < 0)
		return r;
	fd = snapshot_open_dir(s, &snap, "fs", O_RDONLY, err);
	if (fd < 0)
		return fd;
	r = layer_apply(args->archive, fd, &options, &stats, err);
	if (r < 0)
		return r;
	return gantry_storage_apply_set_size(reply, (int64_t)stats.bytes) < 0 ? error_no_memory(err) : 0;
}

int layer_snapshot_diff(const struct snapshots *s, enum layer_style style,
			const struct gantry_storage_diff_args *args, struct gantry_error *err)
{
	auto_(snapshot) struct snapshot snap;
	auto_fd int fd = open_layer(s, args->key, &snap, err);

	return fd < 0 ? fd : layer_diff_overlay(fd, style, args->archive, err);
}

int layer_snapshot_changes(const struct snapshots *s, enum layer_style style,
			   const struct gantry_storage_changes_args *args,
			   layer_mount_parents mount_parents, void *ctx,
			   struct gantry_reply *reply, struct gantry_error *err)
{
	auto_(snapshot) struct snapshot snap;
	auto_fd int upper = open_layer(s, args->key, &snap, err);
	auto_fd int lower = -1;

	if (upper < 0)
		return upper;
	if (snap.n_parents > 0) {
		lower = mount_parents(ctx, &snap, args->attached, err);
		if (lower < 0)
			return lower;
	}
	return layer_list_changes(lower, upper, style, reply, err);
}

int layer_snapshot_usage(const struct snapshots *s, const struct gantry_storage_usage_args *args,
			 struct gantry_reply *reply, struct gantry_error *err)
{
	auto_(snapshot) struct snapshot snap;
	auto_fd int fd = open_layer(s, args->key, &snap, err);

	return fd < 0 ? fd : tree_usage_reply(fd, reply, err);
}
