/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The container's root: attached in the new mount namespace, made the root with
 * pivot_root(2), and the paths in it that are hidden or read-only.
 */
#ifndef NATIVE_ROOTFS_H
#define NATIVE_ROOTFS_H

#include <stdbool.h>

struct gantry_error;
struct spec;

/* A detached copy of the folder at path (relative to the bundle), to become a
 * container's root.  Returns its descriptor. */
int rootfs_open(const char *bundle, const char *path, struct gantry_error *err);

/* In the new mount namespace: stops propagation to the host and attaches the
 * detached mount `root`. */
int rootfs_attach(int root, const struct spec *s, const char *bundle, struct gantry_error *err);

/* Creates the folder that the process starts in, where it is missing. */
int rootfs_make_cwd(int root, const struct spec *s, struct gantry_error *err);

/* Hides linux.maskedPaths and protects linux.readonlyPaths. */
int rootfs_protect(int root, const struct spec *s, struct gantry_error *err);

enum rootfs_pivot {
	ROOTFS_PIVOT,
	ROOTFS_NO_PIVOT, /* for a root on an initramfs: chroot, the host stays below */
};

/* Makes `root` the root of this process and drops the host's mounts. */
int rootfs_enter(int root, const struct spec *s, enum rootfs_pivot how, struct gantry_error *err);

#endif
