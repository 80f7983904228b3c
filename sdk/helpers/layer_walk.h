/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a snapshot changed against its parent, visited in sorted order: from an
 * overlay's upper folder, or by comparing two whole trees.
 */
#ifndef HELPERS_LAYER_WALK_H
#define HELPERS_LAYER_WALK_H

#include <stddef.h>
#include <sys/stat.h>

#include <gantry/error.h>

#include "layer.h"

struct layer_change {
	char kind;        /* 'A' added, 'C' changed, 'D' deleted */
	int is_opaque;    /* a folder that hides what the parent has below it */
	const char *path; /* from the root, without a leading slash */
	int dir_fd;       /* the folder it is in, ... */
	const char *name; /* ... its name there, ... */
	const struct stat *st; /* ... and what it is; NULL when deleted */
};

struct layer_visitor {
	/* 0 goes on; everything is borrowed for the call. */
	int (*visit)(void *ctx, const struct layer_change *change, struct gantry_error *err);
	void *ctx;
	int no_hidden; /* do not visit each name that an opaque folder hides */
};

/* upper_fd is an upper folder.  lower_fd is the parent as it is seen mounted,
 * or -1 when nobody needs to know what was there: then all is 'A' or 'D'. */
int layer_walk_overlay(int lower_fd, int upper_fd, enum layer_style style,
		       const struct layer_visitor *visitor, struct gantry_error *err);

/* Compares two trees by type, owner, mode, size, time, link target and
 * attributes.  lower_fd -1 is an empty tree.  A folder in which something changed
 * is visited as well, before what is in it. */
int layer_walk_trees(int lower_fd, int upper_fd, const struct layer_visitor *visitor,
		     struct gantry_error *err);

/* Puts each change as an item of the reply's field 0: "C /path". */
struct gantry_reply;
int layer_list_changes(int lower_fd, int upper_fd, enum layer_style style,
		       struct gantry_reply *reply, struct gantry_error *err);

/* The names in a folder, sorted bytewise; free with layer_names_done.  Negative
 * errno.  fd is borrowed. */
struct layer_names {
	char **names;
	size_t n;
};
int layer_names_read(int fd, struct layer_names *ret);
void layer_names_done(struct layer_names *l);
static inline void layer_names_auto(struct layer_names *l)
{
	layer_names_done(l);
}

#endif
