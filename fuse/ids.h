/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Owners and modes: what the layers store against what the mount shows.
 */
#ifndef FUSE_IDS_H
#define FUSE_IDS_H

#include <stdint.h>
#include <sys/stat.h>

struct fuse_attr;
struct loc;
struct node;
struct unionfs;

/* Turns the real stat of a node into the shown attributes. */
void ids_fill_attr(struct unionfs *fs, struct node *node, const struct stat *st,
		   struct fuse_attr *attr);

/* Replaces owner and mode in st by those that the override attribute of
 * dirfd/name holds, if overriding is on. */
void ids_apply_override(struct unionfs *fs, int dirfd, const char *name, int at_flags,
			struct stat *st);

/* Stores owner and mode (uid or gid -1: keep; mode ~0: keep) of dirfd/name: by
 * chown and chmod, or in the override attribute.  st is the current state. */
int ids_set_owner(struct unionfs *fs, int dirfd, const char *name, int at_flags,
		  const struct stat *st, int64_t uid, int64_t gid);
int ids_set_mode(struct unionfs *fs, int dirfd, const char *name, int at_flags,
		 const struct stat *st, mode_t mode);

/* The owner that a file created for the caller uid:gid gets in the layers. */
uint32_t ids_uid_out(const struct unionfs *fs, uint32_t uid);
uint32_t ids_gid_out(const struct unionfs *fs, uint32_t gid);

/* Finds out which layers keep owners in attributes, by their roots, and marks the
 * upper one's if it is to. */
void ids_find_overrides(struct unionfs *fs);

/* Gives the copy work/tmp of a lower file its owner and mode, which st holds. */
int ids_copy_override(struct unionfs *fs, const struct loc *from, const struct stat *st,
		      const char *tmp);

/* Whether an attribute is one of those, which are not shown. */
int ids_is_override(const struct unionfs *fs, const char *xattr);

/* Whether owners and modes are stored in an attribute. */
static inline int ids_overrides(const struct unionfs *fs);

#include "fuse/unionfs.h"

static inline int ids_overrides(const struct unionfs *fs)
{
	return fs->opt.xattr_permissions != OVERRIDE_NONE;
}

#endif
