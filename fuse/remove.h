/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What rename and remove share: emptiness, and nodes that lose their last name.
 */
#ifndef FUSE_REMOVE_H
#define FUSE_REMOVE_H

struct node;
struct unionfs;

/* Whether the merged directory shows no names: 1, 0 or a negative errno value. */
int remove_is_empty(struct unionfs *fs, struct node *dir);

/* A descriptor that keeps what a node is; negative errno value on failure.  Take
 * no node lock across it. */
int remove_hold(struct unionfs *fs, struct node *node, struct node *parent);

/* Drops one name of a node; when it was the last, *hold moves into the node.
 * Under node_lock(node). */
void remove_name(struct unionfs *fs, struct node *node, struct node *parent, const char *name,
		 int *hold);

#endif
