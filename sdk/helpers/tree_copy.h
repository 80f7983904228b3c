/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Copies a whole tree with owners, modes, times, attributes, hard links and
 * holes.  Content is shared where the filesystem can (reflink), copied by the
 * kernel where not; the copy never shares an inode with the original.
 */
#ifndef HELPERS_TREE_COPY_H
#define HELPERS_TREE_COPY_H

#include <gantry/error.h>

/* Copies what is in from_fd into to_fd, an empty folder, and makes that folder
 * look like the original.  Both are borrowed.  On an error to_fd holds a part. */
int tree_copy(int from_fd, int to_fd, struct gantry_error *err);

#endif
