/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Committed snapshots whose content lies elsewhere: their `fs` is a symbolic link whose
 * text is the name of a folder in what each mount is given.  Beside it lies `root`,
 * an empty folder that looks like the root of that content.
 */
#ifndef HELPERS_SNAPSHOT_ATTACH_H
#define HELPERS_SNAPSHOT_ATTACH_H

#include <gantry/error.h>

#include "snapshots.h"

/* Makes it, durable on return.  Repeating it with the same name is fine.  Errors: EXISTS,
 * INVALID, NOT_FOUND. */
int snapshots_attach(const struct snapshots *s, const char *key, const char *parent,
		     const char *name, int attached, struct gantry_error *err);

/* Opens (O_PATH) the folder of a snapshot in attached; *ret_fd is -1 when it is an ordinary
 * one. */
int snapshot_open_attached(const struct snapshots *s, enum snapshot_state state, const char *key,
			   int attached, int *ret_fd, struct gantry_error *err);

/* Is there an attached one in the view?  own: the snapshot itself is a part of it. */
int snapshot_has_attached(const struct snapshots *s, const struct snapshot *snap, int own);

#endif
