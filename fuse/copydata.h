/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Copying the data and the extended attributes of one file, by the fastest way
 * that the two filesystems have.
 */
#ifndef FUSE_COPYDATA_H
#define FUSE_COPYDATA_H

#include <stdint.h>

struct unionfs;

/* Copies size bytes: reflink, else copy_file_range over data extents (holes stay
 * holes), else read and write.  0 or a negative errno value. */
int copy_data(int from, int to, uint64_t size);

/* Copies all attributes except the overlay's own marks. */
int copy_xattrs(struct unionfs *fs, int from_dir, const char *from, int from_flags, int to_dir,
		const char *to);

#endif
