/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The storage operations on content for drivers whose snapshots are overlay
 * layers: one folder `fs` for each, holding what differs from its parents.
 */
#ifndef HELPERS_LAYER_SNAPSHOTS_H
#define HELPERS_LAYER_SNAPSHOTS_H

#include <gantry/storage.h>

#include "layer.h"
#include "snapshots.h"

/* The layer style that fits the user namespace of this process. */
enum layer_style layer_style_here(void);

int layer_snapshot_apply(const struct snapshots *s, enum layer_style style,
			 const struct gantry_storage_apply_args *args, struct gantry_reply *reply,
			 struct gantry_error *err);

int layer_snapshot_diff(const struct snapshots *s, enum layer_style style,
			const struct gantry_storage_diff_args *args, struct gantry_error *err);

/* Mounts what a snapshot stands on, read-only and detached; returns a descriptor.
 * attached: as the operation was given. */
typedef int (*layer_mount_parents)(void *ctx, const struct snapshot *snap, int attached,
				   struct gantry_error *err);
int layer_snapshot_changes(const struct snapshots *s, enum layer_style style,
			   const struct gantry_storage_changes_args *args,
			   layer_mount_parents mount_parents, void *ctx,
			   struct gantry_reply *reply, struct gantry_error *err);

int layer_snapshot_usage(const struct snapshots *s, const struct gantry_storage_usage_args *args,
			 struct gantry_reply *reply, struct gantry_error *err);

#endif
