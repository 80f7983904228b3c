/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Images in a tar file or a folder: OCI layouts, and what `docker save` writes
 * (old and new).  A reader finds manifests and blobs; a writer makes something
 * that is an OCI layout and, as a tar, a Docker archive as well.
 * Link CRYPTO_LIBS and JSON_LIBS when you use this.
 */
#ifndef HELPERS_IMAGE_ARCHIVE_H
#define HELPERS_IMAGE_ARCHIVE_H

#include <stdint.h>

#include <gantry/error.h>
#include <gantry/interface.h>

#include "digest.h"

enum archive_flavour {
	ARCHIVE_DOCKER = 1, /* names as in manifest.json */
	ARCHIVE_OCI = 2,    /* names as in index.json */
};

struct archive_reader;

/* Opens the archive at path, or, with file >= 0 (borrowed), what that descriptor
 * holds.  What is compressed or cannot be seeked is first copied to an unnamed
 * file below spool_dir, at most spool_limit bytes.  Errors: NOT_FOUND, CORRUPT,
 * LIMIT, NO_SPACE. */
int archive_reader_open(const char *path, int file, enum archive_flavour flavour,
			const char *spool_dir, int64_t spool_limit, struct archive_reader **ret,
			struct gantry_error *err);
void archive_reader_free(struct archive_reader *r);

/* Calls for each name; an image without one is "@DIGEST". */
int archive_reader_list(struct archive_reader *r, struct gantry_reply *reply,
			struct gantry_error *err);

/* A manifest by name or digest; "" when there is one image only.  The bytes are
 * the reader's and live as long as it. */
struct archive_manifest {
	const char *digest;
	const char *media_type;
	const void *data;
	size_t size;
};
int archive_reader_resolve(struct archive_reader *r, const char *reference,
			   struct archive_manifest *ret, struct gantry_error *err);

/* Copies a blob to sink, from offset on.  *ret: bytes written. */
int archive_reader_fetch(struct archive_reader *r, const char *digest, int64_t offset, int sink,
			 int64_t *ret, struct gantry_error *err);

struct archive_writer;

/* To a tar at path (completed under that name on commit), to file (>= 0,
 * borrowed) as a stream, or into the folder at path.  ARCHIVE_OCI makes a folder
 * unless path ends in ".tar" or file is given. */
int archive_writer_open(const char *path, int file, enum archive_flavour flavour,
			struct archive_writer **ret, struct gantry_error *err);
int archive_writer_has(const struct archive_writer *w, const char *digest);
/* Reads size bytes of source; they must have this digest. */
int archive_writer_put_blob(struct archive_writer *w, const char *digest, int64_t size, int source,
			    struct gantry_error *err);
/* reference: a name; "" or "@DIGEST" for an image without; a bare digest for a
 * manifest that belongs to an index. ret: its digest. */
int archive_writer_put_manifest(struct archive_writer *w, const char *reference,
				const char *media_type, const void *data, size_t size,
				char ret[DIGEST_TEXT_MAX], struct gantry_error *err);
int archive_writer_commit(struct archive_writer *w, struct gantry_error *err);
/* Gives up what was not committed. */
void archive_writer_free(struct archive_writer *w);

#endif
