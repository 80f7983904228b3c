/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes the changes of a snapshot, or a whole tree, as a layer tar.  The same
 * content gives the same bytes: names are sorted, and nothing that depends on
 * the host (inode numbers, access times, user names) is written.
 */
#ifndef HELPERS_LAYER_DIFF_H
#define HELPERS_LAYER_DIFF_H

#include <gantry/error.h>

#include "layer.h"

/* From an overlay's upper folder. All descriptors here are borrowed. */
int layer_diff_overlay(int upper_fd, enum layer_style style, int archive_fd,
		       struct gantry_error *err);

/* By comparing two trees; lower_fd -1 writes all of upper_fd (export). */
int layer_diff_trees(int lower_fd, int upper_fd, int archive_fd, struct gantry_error *err);

#endif
