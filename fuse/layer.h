/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The directories that make up the union: opened once, read or written only
 * through descriptors below their roots.
 */
#ifndef FUSE_LAYER_H
#define FUSE_LAYER_H

#include <stdint.h>
#include <sys/stat.h>

struct gantry_error;
struct unionfs;

struct layer {
	int fd;             /* O_PATH directory */
	unsigned device;    /* small number of the filesystem it is on; the upper's is 0 */
	dev_t dev;
	char *path;         /* as given, for messages */
};

/* Opens all layers and prepares the workdir.  Fills fs->layers, fs->format,
 * fs->work_fd.  Call layers_close() in any case. */
int layers_open(struct unionfs *fs, struct gantry_error *err);
void layers_close(struct unionfs *fs);

/* The same for layers whose descriptors another program handed over; what is in the
 * workdir may be in use. */
int layers_inherit(struct unionfs *fs, struct gantry_error *err);

/* Opens path (relative to the layer's root, no leading slash, "." for the root)
 * as a directory without leaving the layer or following a symlink: an O_PATH
 * descriptor or a negative errno value. */
int layer_open_dir(const struct layer *layer, const char *path);

/* The inode number to show for a file of this layer. */
uint64_t layer_ino(const struct unionfs *fs, unsigned layer, uint64_t ino);

#endif
