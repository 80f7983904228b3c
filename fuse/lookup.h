/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Merging the layers for one name: whiteouts, opaque directories, redirects and
 * metacopies are followed here and nowhere else.
 */
#ifndef FUSE_LOOKUP_H
#define FUSE_LOOKUP_H

#include <sys/stat.h>

struct node;
struct unionfs;

/* Builds the root node from the layers; a negative errno value on failure. */
int lookup_root(struct unionfs *fs);

/* Finds or makes the node of a name.  Returns it with a reference, and its real
 * stat; 0, -ENOENT or another negative errno value. */
int lookup_child(struct unionfs *fs, struct node *parent, const char *name, struct node **ret,
		 struct stat *st);

/* The same for a name that a listing found first in the given part. */
int lookup_listed(struct unionfs *fs, struct node *parent, const char *name, unsigned slot,
		  struct node **ret, struct stat *st);

/* A node for something that this server just made in the upper part of parent.
 * The reference is the caller's. */
int lookup_made(struct unionfs *fs, struct node *parent, const char *name, const struct stat *st,
		struct node **ret);

/* Whether the lower layers of parent show something under the name: 1, 0 or a
 * negative errno value. */
int lookup_is_below(struct unionfs *fs, struct node *parent, const char *name);

/* Where a directory with lower parts is in the union of the lower layers alone: an
 * absolute path, to be freed.  NULL without memory. */
char *lookup_lower_path(struct unionfs *fs, struct node *dir);

/* Looks a node up again that was taken over from a dead server. */
int lookup_revive(struct unionfs *fs, struct node *node);

#endif
