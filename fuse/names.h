/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What names the lower parts of a directory have, so that a search does not ask each
 * layer for each name.  Lower layers do not change while they are mounted; the index is
 * built once a directory was asked for several names, and goes with its node.
 *
 * It holds hashes only: what it says is a hint where to begin, which whoever relies on
 * it verifies; only "nowhere" is certain.
 */
#ifndef FUSE_NAMES_H
#define FUSE_NAMES_H

struct names;
struct node;
struct unionfs;

/* Counts one search of a name in dir and says in which of its parts from 1 on to begin:
 * the topmost that has the name or a ".wh." file for it; 1 when that is not known; or
 * dir->n_lower + 1: no part has it. */
unsigned names_first(struct unionfs *fs, struct node *dir, const char *name);

/* Whether the upper part is known to have no ".wh." files; none can come later. */
int names_upper_is_plain(const struct node *dir);

void names_free(struct names *names);

#endif
