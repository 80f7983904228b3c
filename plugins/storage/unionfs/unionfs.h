/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The FUSE union driver: the same folders as storage/overlay has, mounted by
 * gantry-unionfs.  For hosts and users without the kernel's overlayfs.
 */
#ifndef UNIONFS_H
#define UNIONFS_H

#include <gantry/plugin.h>
#include <gantry/storage.h>

#include "helpers/layer.h"
#include "helpers/snapshots.h"

/* Immutable after open, so all operations may run at once. */
struct unionfs {
	const struct gantry_host *host;
	struct snapshots snapshots;
	enum layer_style style; /* OVERLAY, or OVERLAY_USER in a user namespace */
	char *program;          /* gantry-unionfs */
	int64_t memory_max;     /* bytes for each server; 0: no limit */
};

enum unionfs_view {
	UNIONFS_WRITABLE,  /* an active snapshot with its upper layer */
	UNIONFS_READ_ONLY, /* the snapshot's own layer as the topmost lower */
	UNIONFS_PARENT,    /* what the snapshot stands on, read-only */
};

/* Starts a server for the snapshot and returns a detached mount's descriptor,
 * which the caller owns.  The server ends with the last use of the mount.  attached: the
 * folder of the attached snapshots' content, or -1. */
int unionfs_mount_snapshot(const struct unionfs *u, const struct snapshot *snap,
			   enum unionfs_view view, const char *label, int attached,
			   struct gantry_error *err);

/* Can FUSE be mounted here? */
int unionfs_try(struct gantry_error *err);

#endif
