/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a node really is: a directory descriptor and a name in it that stay
 * right until loc_end(), also while others rename or copy up.
 */
#ifndef FUSE_LOC_H
#define FUSE_LOC_H

#include <sys/stat.h>

struct cfd;
struct node;
struct unionfs;

struct loc {
	struct unionfs *fs;
	int fd;             /* of a nameless file, else -1 */
	int dirfd;
	const char *name;   /* "." of a directory; a /proc path of a nameless file */
	int at_flags;       /* AT_SYMLINK_NOFOLLOW, or 0 for a /proc path */
	struct node *locked;
	struct cfd *cfd;
	char buf[32];
};

/* 0 or a negative errno value.  Holds node's lock (shared) until loc_end(), except
 * for directories; so take no other node's lock in between. */
int loc_begin(struct unionfs *fs, struct node *node, struct loc *loc);
void loc_end(struct loc *loc);

/* Stat of what loc names. */
int loc_stat(const struct loc *loc, struct stat *st);

/* A reference to the O_PATH descriptor of one real part of a directory; 0 or a
 * negative errno value.  Take no node lock across this call. */
int dir_open_part(struct unionfs *fs, struct node *dir, unsigned slot, struct cfd **ret);

/* The upper part; the directory must be copied up. */
int dir_open_upper(struct unionfs *fs, struct node *dir, struct cfd **ret);

/* A descriptor for the data of a regular file: read-only, or with writable set
 * read-write (the file must be in the upper layer). */
int file_open_data(struct unionfs *fs, struct node *node, int writable, struct cfd **ret);

#endif
