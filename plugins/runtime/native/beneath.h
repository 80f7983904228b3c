/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Paths inside a container's root.  Everything is resolved by the kernel with
 * RESOLVE_IN_ROOT, so that no symbolic link and no race leads to the host.
 */
#ifndef NATIVE_BENEATH_H
#define NATIVE_BENEATH_H

#include <stdint.h>
#include <sys/types.h>

struct gantry_error;

enum beneath_kind {
	BENEATH_DIR,
	BENEATH_FILE,
};

/* Opens path below root; O_CLOEXEC and O_NOCTTY are added.  Returns the
 * descriptor or a negative errno. */
int beneath_open(int root, const char *path, int flags);

/* Opens path (O_PATH), creating what is missing: folders with mode 0755, and at
 * the end a folder or an empty file.  Dangling symbolic links are followed
 * inside the root.  Returns the descriptor or fills err. */
int beneath_create(int root, const char *path, enum beneath_kind kind, struct gantry_error *err);

/* Opens (O_PATH) the folder that holds path's last component, creating missing
 * folders; *ret_name points into path. */
int beneath_parent(int root, const char *path, const char **ret_name, struct gantry_error *err);

#endif
