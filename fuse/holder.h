/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The process that outlives the server.  It shares the table of descriptors with
 * it, so /dev/fuse, the layers and the open files of a server that dies stay
 * open, and its successor takes them over under the same numbers.
 */
#ifndef FUSE_HOLDER_H
#define FUSE_HOLDER_H

struct gantry_error;
struct unionfs;

/* To be called by a new server when the kernel was told to send again. */
void holder_close_old_devices(void);

/* Serves until unmounted.  0 or a code with err filled. */
int holder_run(struct unionfs *fs, struct gantry_error *err);

#endif
