/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gantry-unionfs --explain: which features are on for these options on this
 * host, and why the others are not.
 */
#ifndef FUSE_EXPLAIN_H
#define FUSE_EXPLAIN_H

struct gantry_error;
struct unionfs;

int explain_print(struct unionfs *fs, struct gantry_error *err);

#endif
