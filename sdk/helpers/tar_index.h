/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where each file of an uncompressed tar lies, so that it can be read in any
 * order without unpacking.  libarchive reads in sequence only.
 */
#ifndef HELPERS_TAR_INDEX_H
#define HELPERS_TAR_INDEX_H

#include <stddef.h>
#include <stdint.h>

#include <gantry/error.h>

struct tar_item {
	char *name;   /* normalised; owned */
	char *link;   /* target of a symbolic or hard link; owned, or NULL */
	int64_t offset;
	int64_t size;
};

struct tar_index {
	int fd; /* borrowed; read with pread(2) only */
	struct tar_item *items; /* sorted by name */
	size_t n;
	size_t cap;
};

/* Reads all headers.  Errors: CORRUPT, LIMIT. tar_index_done also after one. */
int tar_index_read(int fd, struct tar_index *ret, struct gantry_error *err);
void tar_index_done(struct tar_index *index);

/* A regular file by its normalised name; links are followed inside the archive.
 * NULL: there is none. */
const struct tar_item *tar_index_find(const struct tar_index *index, const char *name);

#endif
