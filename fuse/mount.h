/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Attaching the connection to the mount point: mount(2) where allowed, else
 * fusermount3.
 */
#ifndef FUSE_MOUNT_H
#define FUSE_MOUNT_H

struct gantry_error;
struct unionfs;

/* Opens /dev/fuse and mounts; sets fs->dev_fd.  The mount point "/dev/fd/N" stands
 * for an open /dev/fuse that the caller mounts. */
int mount_union(struct unionfs *fs, struct gantry_error *err);

/* Lets the kernel read ahead in the largest requests; only root may.  Needs a server
 * that answers. */
void mount_set_readahead(struct unionfs *fs);

#endif
