/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A detached mount of one folder: nothing is left when its descriptor closes.
 */
#ifndef HELPERS_FOLDER_MOUNT_H
#define HELPERS_FOLDER_MOUNT_H

#include <gantry/error.h>

/* Clones the mount that path is on, at path, private; id-mapped for a user
 * namespace unless userns is -1.  Returns a descriptor that the caller owns. */
int folder_mount(const char *path, int read_only, int userns, struct gantry_error *err);

#endif
