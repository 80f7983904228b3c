/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Another version of this program takes over a mount that is in use: the holder ends the
 * server, executes the program that now lies where it came from, and hands over by
 * descriptors what must not be lost.  Its process stays the same one.
 */
#ifndef FUSE_UPGRADE_H
#define FUSE_UPGRADE_H

struct gantry_error;
struct unionfs;

/* Remembers what to execute later. */
int upgrade_prepare(struct unionfs *fs, char **argv, struct gantry_error *err);

/* Whether the program that would be executed can read what it would be handed. */
int upgrade_is_possible(struct unionfs *fs);

/* Executes it; no server runs.  Returns when that fails: then this one goes on. */
void upgrade_execute(struct unionfs *fs);

/* In the new program: takes what was handed over.  1, or 0: nothing was; or an error. */
int upgrade_inherit(struct unionfs *fs, struct gantry_error *err);

#endif
