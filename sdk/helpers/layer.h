/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What unpacking and packing of image layers have in common: how a deletion is
 * kept on disk, and the names that stand for it inside a layer tar.
 */
#ifndef HELPERS_LAYER_H
#define HELPERS_LAYER_H

#include <stddef.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

/* How a deletion is kept on disk. */
enum layer_style {
	LAYER_PLAIN = 1,        /* the tree holds all layers: names are really removed */
	LAYER_OVERLAY = 2,      /* char device 0:0 and trusted.overlay.opaque */
	LAYER_OVERLAY_USER = 3, /* char device 0:0 and user.overlay.opaque (userxattr) */
};

#define LAYER_WHITEOUT ".wh."
#define LAYER_OPAQUE ".wh..wh..opq"
#define LAYER_META ".wh..wh." /* other names of this kind were aufs' own and are skipped */

static inline const char *layer_opaque_xattr(enum layer_style style)
{
	return style == LAYER_OVERLAY_USER ? "user.overlay.opaque" : "trusted.overlay.opaque";
}

static inline int layer_is_whiteout(const struct stat *st)
{
	return S_ISCHR(st->st_mode) && st->st_rdev == makedev(0, 0);
}

/* The same for dirfd/name, whose stat is st: with the overlay styles it may also be an
 * empty file with a mark, which stands for the device where none can be made. */
int layer_is_whiteout_at(int dirfd, const char *name, const struct stat *st, enum layer_style style);

/* Makes such a whiteout in a folder, device or file.  Negative errno. */
int layer_make_whiteout(int dirfd, const char *name, enum layer_style style);

/* Overlayfs' own notes on an inode, and ours on its owner: never taken from an archive, where they
 * could point a layer at files of another, and never put into one. */
int layer_is_private_xattr(const char *name);

/* Brings a name from an archive into the form a/b/c: no leading or doubled
 * slash, no ".".  "" is the root.  Returns the length, or -1 when it has a ".."
 * component, one longer than 255 bytes, or does not fit. */
long layer_normalise(const char *name, char *to, size_t size);

/* A name as messages show it: control characters replaced, cut to size. */
const char *layer_printable(const char *name, char *to, size_t size);

#endif
