/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes tar headers as they are told, also wrong ones: what a hostile image
 * may hold cannot be made with a well-behaved archiver.
 */
#ifndef TESTS_TAR_MAKER_H
#define TESTS_TAR_MAKER_H

#include <stdint.h>

#include "helpers/buf.h"

struct tar_entry {
	const char *name;
	char type;        /* '0' file, '1' hard link, '2' symlink, '3' chr, '4' blk, '5' dir, '6' fifo */
	const char *link; /* target of a link */
	const char *data;
	uint64_t size;    /* claimed; 0: the length of data */
	unsigned int mode; /* 0: 0644 or 0755 */
	unsigned int uid, gid;
	uint64_t mtime;
	const char *mtime_pax; /* "SECONDS.FRACTION" */
	const char *xattr;     /* "name=value" */
	unsigned int major, minor;
};

/* Appends an entry; fields not named are zero. */
void tar_add_entry(struct buf *tar, const struct tar_entry *e);
#define tar_add(tar, ...) tar_add_entry(tar, &(struct tar_entry){ __VA_ARGS__ })

/* The end-of-archive blocks. */
void tar_end(struct buf *tar);

/* A descriptor (memfd) that reads the archive. */
int tar_fd(const struct buf *tar);

#endif
