/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The folder of a storage driver that keeps snapshots as trees:
 *
 *	active/KEY/{fs,chain,...}      writable
 *	committed/KEY/{fs,chain,...}   read-only
 *	trash/...                      being deleted
 *
 * A snapshot changes its state by one rename(2), so that a crash leaves the old
 * or the new state.  `chain` lists the parents, one a line; prepare makes it
 * last, and a folder without it is half made: preparing its key again completes
 * it.  It is the text of a symbolic link, because one call makes that whole or
 * not at all, also across a power cut, and one call reads it.
 */
#ifndef HELPERS_SNAPSHOTS_H
#define HELPERS_SNAPSHOTS_H

#include <stddef.h>

#include <gantry/error.h>
#include <gantry/interface.h>
#include <gantry/storage.h>

#include "buf.h"

/* overlayfs takes 500 lower layers. */
#define SNAPSHOT_MAX_PARENTS 499

struct snapshots {
	const char *path; /* the driver's state_dir; borrowed */
	int fd;
};

enum snapshot_state {
	SNAPSHOT_ACTIVE = 1,
	SNAPSHOT_COMMITTED = 2,
};

/* One snapshot as read from disk. */
struct snapshot {
	enum snapshot_state state;
	const char *key;  /* borrowed */
	size_t n_parents; /* nearest first */
	const char *parents[SNAPSHOT_MAX_PARENTS];
	struct buf text;  /* what parents point into */
};

static inline const char *snapshot_folder(enum snapshot_state state)
{
	return state == SNAPSHOT_ACTIVE ? "active" : "committed";
}

int snapshots_open(struct snapshots *s, const char *state_dir, struct gantry_error *err);
void snapshots_done(struct snapshots *s);

/* Reads a snapshot and its chain.  NOT_FOUND names the key or the missing
 * parent.  snapshot_done also after an error. */
int snapshots_find(const struct snapshots *s, const char *key, struct snapshot *ret,
		   struct gantry_error *err);
void snapshot_done(struct snapshot *snap);
static inline void snapshot_auto(struct snapshot *snap)
{
	snapshot_done(snap);
}

/* Is there an active snapshot of this key that may be written?  NOT_FOUND, or
 * CONFLICT when it is committed. */
int snapshots_check_active(const struct snapshots *s, const char *key, struct gantry_error *err);

/* Opens NAME ("fs") inside a snapshot's folder, O_DIRECTORY plus flags. */
int snapshot_open_dir(const struct snapshots *s, const struct snapshot *snap, const char *name,
		      int flags, struct gantry_error *err);

/* Makes active/KEY/fs, calls fill (which may put content there; NULL: nothing),
 * then makes the snapshot valid.  A parent that is not committed yet is looked up
 * when the snapshot is used.  Repeating it with the same parent before anything
 * was written is fine.  Errors: EXISTS, INVALID. */
typedef int (*snapshot_fill)(void *ctx, const char *key, const char *parent,
			     struct gantry_error *err);
int snapshots_prepare(const struct snapshots *s, const char *key, const char *parent,
		      snapshot_fill fill, void *ctx, struct gantry_error *err);

/* Renames an active snapshot to a committed one; content and name are on disk
 * when it returns.  Repeating it is fine. */
int snapshots_commit(const struct snapshots *s, const char *key, const char *name,
		     struct gantry_error *err);

/* The operation `remove`: a missing key is no error, a committed snapshot that others
 * stand on is IN_USE. */
int snapshots_remove(const struct snapshots *s, const struct gantry_storage_remove_args *args,
		     struct gantry_reply *reply, struct gantry_error *err);

/* Puts all keys as items of field 0, and deletes what a crash left in trash/. */
int snapshots_list(const struct snapshots *s, struct gantry_reply *reply,
		   struct gantry_error *err);

/* Allocated bytes and inodes below a folder (borrowed); hard links count once. */
int tree_usage(int fd, int64_t *ret_bytes, int64_t *ret_inodes, struct gantry_error *err);

/* The same as the answer to storage's `usage`. */
int tree_usage_reply(int fd, struct gantry_reply *reply, struct gantry_error *err);

/* What `info` calls the filesystem that holds path: "extfs", "xfs", ... */
const char *filesystem_name(const char *path);

#endif
