/* SPDX-License-Identifier: Apache-2.0 */
/* Operations that read or write what is in a snapshot. */
#include "helpers/layer_snapshots.h"
#include "overlay.h"

int overlay_apply(void *self, const struct gantry_storage_apply_args *args,
		  struct gantry_reply *reply, struct gantry_error *err)
{
	struct overlay *o = self;

	return layer_snapshot_apply(&o->snapshots, o->style, args, reply, err);
}

int overlay_diff(void *self, const struct gantry_storage_diff_args *args,
		 struct gantry_reply *reply, struct gantry_error *err)
{
	struct overlay *o = self;

	return layer_snapshot_diff(&o->snapshots, o->style, args, err);
}

static int mount_parents(void *ctx, const struct snapshot *snap, int attached,
			 struct gantry_error *err)
{
	struct overlay_mount_options view = { .view = OVERLAY_PARENT, .userns = -1,
					      .attached = attached };

	return overlay_mount_snapshot(ctx, snap, &view, err);
}

int overlay_changes(void *self, const struct gantry_storage_changes_args *args,
		    struct gantry_reply *reply, struct gantry_error *err)
{
	struct overlay *o = self;

	return layer_snapshot_changes(&o->snapshots, o->style, args, mount_parents, o, reply, err);
}

int overlay_usage(void *self, const struct gantry_storage_usage_args *args,
		  struct gantry_reply *reply, struct gantry_error *err)
{
	struct overlay *o = self;

	return layer_snapshot_usage(&o->snapshots, args, reply, err);
}
