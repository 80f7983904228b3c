/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The workdir: where things are made before one rename(2) puts them into the
 * upper layer, and where whiteouts come from.  What a crash leaves here was never
 * visible and is removed at the next mount.
 */
#ifndef FUSE_WORKDIR_H
#define FUSE_WORKDIR_H

#include <stddef.h>

struct node;
struct unionfs;

enum { WORK_NAME_MAX = 32 };

/* A name that nothing in the workdir has. */
void work_name(struct unionfs *fs, char name[WORK_NAME_MAX]);

/* Removes a file or a whole directory from the workdir; errors leave garbage for
 * the next mount. */
void work_remove(struct unionfs *fs, const char *name);

/* Makes a whiteout under a free name; -EEXIST when it is taken.  dir is the node
 * of dirfd and gets marked when whiteouts are not devices. */
int whiteout_make(struct unionfs *fs, struct node *dir, int dirfd, const char *name);

/* Puts a whiteout in the place of a file or directory, atomically. */
int whiteout_replace(struct unionfs *fs, struct node *dir, int dirfd, const char *name,
		     int is_dir);

/* Whether dirfd/name is a whiteout: 1, 0, or a negative errno value. */
int whiteout_is(struct unionfs *fs, struct node *dir, int dirfd, const char *name);

#endif
