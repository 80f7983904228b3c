/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The content store: immutable blobs in files named by their digest, under
 * <root>/content/.  A blob appears by rename when its digest has been verified, so
 * that a file that is there is whole.
 */
#ifndef CORE_CONTENT_CONTENT_H
#define CORE_CONTENT_CONTENT_H

#include <stdint.h>

#include <gantry/error.h>

#include "core/content/digest.h"

struct buf;
struct content_writer;

/* Is it there?  Its size, or -1. */
int64_t content_size(const char *root, const char *digest);

/* Opens a blob for reading; NOT_FOUND names it. */
int content_open(const char *root, const char *digest, int *ret_fd, struct gantry_error *err);

/* Reads a small blob whole. */
int content_read(const char *root, const char *digest, size_t limit, struct buf *out,
		 struct gantry_error *err);

/* Stores bytes; ret_digest may be NULL. */
int content_put(const char *root, const void *data, size_t len, char ret_digest[DIGEST_SIZE],
		struct gantry_error *err);

int content_remove(const char *root, const char *digest, struct gantry_error *err);

/* Streams into a new blob.  digest: what it must become, or NULL when it is only
 * known at the end.  A partial file of an earlier try is continued: *ret_offset
 * bytes are there already, the caller goes on behind them. */
int content_writer_new(const char *root, const char *digest, struct content_writer **ret,
		       int64_t *ret_offset, struct gantry_error *err);
int content_writer_add(struct content_writer *w, const void *data, size_t len,
		       struct gantry_error *err);
/* Starts again from nothing. */
int content_writer_restart(struct content_writer *w, struct gantry_error *err);
/* Drops what is there, also of earlier tries: it turned out to be damaged. */
void content_writer_discard(struct content_writer *w);
/* Verifies (CORRUPT and the file is dropped when it is not what was asked) and
 * publishes. */
int content_writer_commit(struct content_writer *w, char ret_digest[DIGEST_SIZE],
			  struct gantry_error *err);
/* Frees; what was not committed stays for another try if its digest is known. */
struct content_writer *content_writer_free(struct content_writer *w);

/* Publishes a file, open as fd (both borrowed), whose digest the caller has verified; it is there
 * already when another process was faster. */
int content_adopt(const char *root, const char *digest, const char *path, int fd,
		  struct gantry_error *err);

/* Seconds since it was stored; 0 when it is not there. */
int64_t content_age(const char *root, const char *digest);

/* Removes what is left of downloads that ended more than this ago and nobody goes on with. */
void content_sweep_partial(const char *root, int64_t older_than_s);

/* Calls fn with the digest and size of each blob. */
int content_each(const char *root, int (*fn)(const char *digest, int64_t size, void *data),
		 void *data, struct gantry_error *err);

#endif
