/* SPDX-License-Identifier: Apache-2.0 */
/* Reading the entries of one real directory. */
#ifndef FUSE_DENTS_H
#define FUSE_DENTS_H

#include <stdint.h>

struct node;
struct unionfs;

/* As the kernel gives them. */
struct linux_dirent64 {
	uint64_t d_ino;
	int64_t d_off;
	unsigned short d_reclen;
	unsigned char d_type;
	char d_name[];
};

/* 62 bits. */
uint64_t dents_hash(const char *name);

/* A descriptor that reads one part of a directory from its beginning, or a negative errno
 * value. */
int dents_open(struct unionfs *fs, struct node *dir, unsigned slot);

/* Calls visit for each entry but "." and "..", until it returns a negative errno value;
 * returns that, or 0. */
int dents_read(int fd, int (*visit)(void *ctx, const struct linux_dirent64 *d), void *ctx);

#endif
