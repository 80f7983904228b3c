/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Mounts what a volume's options describe, with the mount API that says why it failed.
 */
#ifndef LOCAL_MOUNT_H
#define LOCAL_MOUNT_H

#include "options.h"

/* A detached mount; the descriptor is the caller's.  name is for messages. */
int volume_mount_detached(const char *name, const struct volume_options *o, int *ret_fd,
			  struct gantry_error *err);

/* Puts a detached mount at path. */
int volume_mount_attach(int fd, const char *path, struct gantry_error *err);

/* Is path, which is a folder, the root of a mount? */
int volume_is_mounted(const char *path);

/* Takes it away; that it is not mounted is no error. */
int volume_unmount_path(const char *path, struct gantry_error *err);

#endif
