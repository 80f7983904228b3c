/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kernel overlay driver: one folder per snapshot, whose `fs` is the upper
 * layer while it is active and a lower layer once it is committed.
 */
#ifndef OVERLAY_H
#define OVERLAY_H

#include <gantry/plugin.h>
#include <gantry/storage.h>

#include "helpers/layer.h"
#include "helpers/snapshots.h"

enum overlay_mount_api {
	OVERLAY_MOUNT_AUTO = 0,    /* lowerdir+ where the kernel has it (6.5) */
	OVERLAY_MOUNT_NEW = 1,
	OVERLAY_MOUNT_CLASSIC = 2, /* mount(2) with one option string */
};

/* Immutable after open, so all operations may run at once. */
struct overlay {
	const struct gantry_host *host;
	struct snapshots snapshots;
	enum layer_style style; /* OVERLAY, or OVERLAY_USER inside a user namespace */
	enum overlay_mount_api mount_api;
};

enum overlay_view {
	OVERLAY_WRITABLE,  /* an active snapshot with its upper layer */
	OVERLAY_READ_ONLY, /* the snapshot's own layer as the topmost lower */
	OVERLAY_PARENT,    /* what the snapshot stands on, read-only */
};

struct overlay_mount_options {
	enum overlay_view view;
	const char *label; /* SELinux context, or NULL */
	int userns;        /* id-map for this user namespace; -1: none */
	int attached;      /* folder of the attached snapshots' content; -1: none */
	int transient;     /* never to be mounted again after a crash */
};

/* Returns a detached mount's descriptor, which the caller owns. */
int overlay_mount_snapshot(const struct overlay *o, const struct snapshot *snap,
			   const struct overlay_mount_options *options, struct gantry_error *err);

/* Mounts a new attached snapshot for a try; UNSUPPORTED when the kernel refuses. */
int overlay_try_attached(const struct overlay *o, const char *key, int attached,
			 struct gantry_error *err);

/* Below the driver's folder: the layer of mount points (places.c). */
#define OVERLAY_PLACES "places"
/* Is it there?  Makes it.  A container can do without. */
int overlay_have_places(const struct overlay *o);

/* Can the kernel mount overlay with layers below dir?  Leaves nothing. */
int overlay_try(const char *dir, struct gantry_error *err);

/* The operations on content (content.c). */
int overlay_apply(void *self, const struct gantry_storage_apply_args *args,
		  struct gantry_reply *reply, struct gantry_error *err);
int overlay_diff(void *self, const struct gantry_storage_diff_args *args,
		 struct gantry_reply *reply, struct gantry_error *err);
int overlay_changes(void *self, const struct gantry_storage_changes_args *args,
		    struct gantry_reply *reply, struct gantry_error *err);
int overlay_usage(void *self, const struct gantry_storage_usage_args *args,
		  struct gantry_reply *reply, struct gantry_error *err);

/* Limits a new snapshot's folder (quota.c); UNSUPPORTED where the filesystem
 * has no project quotas. */
int overlay_set_quota(const struct overlay *o, const char *key, int64_t bytes,
		      struct gantry_error *err);
/* Frees the project id of a snapshot. Nothing happens if it has none. */
void overlay_drop_quota(const struct overlay *o, const char *key);

#endif
