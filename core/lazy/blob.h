/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A packed layer that is read in place: its index, and its bytes as far as they are here.
 *
 *	<root>/lazy/<64 digits>/index    see index.h
 *	                       /source   {"Digest", "Size", "Location", "Options", "Anonymous"}
 *	                       /data     the blob, sparse, until it is whole
 *	                       /map      a bit for each 64 KiB of it that is there
 *	<run_root>/lazy/auth-<64 digits> what the client gave for the registry, if anything
 *
 * When all bytes are there and have the blob's digest, the file becomes a blob of the content
 * store.  Before that no byte is believed but by the digest of its chunk.
 */
#ifndef CORE_LAZY_BLOB_H
#define CORE_LAZY_BLOB_H

#include <pthread.h>
#include <stdint.h>

#include <gantry/error.h>

#include "core/lazy/index.h"

struct blob;
struct core;

#define BLOB_NAME 65 /* 64 digits and NUL */

/* Opens it; NOT_FOUND when no layer of this name is read in place. */
int blob_open(struct core *core, const char *name, struct blob **ret, struct gantry_error *err);

const struct index *blob_index(const struct blob *b);
const char *blob_digest(const struct blob *b);

/* Reads packed bytes, fetching what is missing.  UNAVAILABLE, CORRUPT, IO. */
int blob_read(struct blob *b, uint64_t offset, size_t len, void *to, struct gantry_error *err);

/* Forgets that these bytes were there: they turned out to be damaged.  0 when they are final
 * and cannot be fetched again. */
int blob_forget(struct blob *b, uint64_t offset, size_t len);

/* Fetches some of what is missing, and publishes the blob when nothing is.  1: there is more to
 * do; 0: it is whole, or was removed. */
int blob_fetch_ahead(struct blob *b, struct gantry_error *err);

int blob_is_whole(struct blob *b);
/* Its folder is gone: no image needs it any more. */
int blob_is_removed(const struct blob *b);
/* Its source has been failing: how long to wait, in ms. */
int64_t blob_rest_ms(struct blob *b);
/* Bytes that are here. */
int64_t blob_present(struct blob *b);

#endif
