/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a layer holds and where it lies in its packed blob, as one file that is mapped and
 * read in place: the tree of names, the inodes, where the bytes of each regular file are,
 * and the chunks of the blob that can be decoded each by itself.
 *
 * The bytes of all chunks, decoded and put one behind another, are the layer's *space*:
 * the uncompressed tar where the layer was read through, or just the content of files where a
 * table of contents named the chunks.  Files are extents of that space.
 *
 * An index belongs to one blob, whose digest it names; a sum over all of it tells damage.
 * Whatever the file says, opening it checks every number, so that reading it needs no checks.
 */
#ifndef CORE_LAZY_INDEX_H
#define CORE_LAZY_INDEX_H

#include <stddef.h>
#include <stdint.h>

#include <gantry/error.h>

#define INDEX_MAGIC "gantrylz"
#define INDEX_VERSION 1
#define INDEX_DIGEST 72      /* "sha256:...", as core/content/digest.h */
#define INDEX_CHUNK_MAX (64 << 20) /* bytes that one chunk decodes to, with what is skipped */
#define INDEX_WINDOW (32 << 10)    /* of deflate */

enum index_section {
	INDEX_INODES,
	INDEX_NAMES,
	INDEX_EXTENTS,
	INDEX_CHUNKS,
	INDEX_STRINGS, /* bytes */
	INDEX_WINDOWS, /* bytes */
	INDEX_SECTIONS,
};

struct index_header {
	char magic[8];
	uint32_t version;
	uint32_t header_size;
	unsigned char sum[32]; /* sha256 of the file behind this field */
	char digest[INDEX_DIGEST];
	uint64_t blob_size;
	uint64_t file_size;    /* of the index */
	uint64_t content_size; /* of all regular files */
	struct {
		uint64_t offset, count;
	} sections[INDEX_SECTIONS];
};

#define INDEX_ROOT 0

struct index_inode {
	uint32_t mode;
	uint32_t uid, gid;
	uint32_t nlink;
	uint64_t size;
	int64_t mtime;
	uint32_t mtime_ns;
	uint32_t rdev;   /* as the kernel packs it for FUSE */
	uint32_t first;  /* folder: names; regular file: extents; link: its text's string */
	uint32_t count;
	uint32_t parent; /* of a folder */
	uint32_t is_opaque;
	uint32_t xattrs; /* string: index_xattr records */
	uint32_t xattrs_size;
};

/* Those of a folder lie together, sorted as memcmp(3) does. */
struct index_name {
	uint32_t text; /* string */
	uint32_t len;
	uint32_t inode;
};

/* Sorted by their place in the file; between them are holes. */
struct index_extent {
	uint64_t offset; /* in the file */
	uint64_t position; /* in the space */
	uint64_t length;
};

enum chunk_kind {
	CHUNK_PLAIN = 1,  /* as it is */
	CHUNK_GZIP = 2,   /* a gzip member from its start */
	CHUNK_DEFLATE = 3, /* the middle of a member: bits of the byte before, and a window */
	CHUNK_ZSTD = 4,   /* frames */
};

/* Sorted by position, without gaps. */
struct index_chunk {
	uint64_t position; /* in the space */
	uint64_t offset;   /* in the blob */
	uint32_t in_size;  /* bytes of the blob that suffice */
	uint32_t out_size;
	uint32_t skip;     /* decoded bytes before those that count */
	uint8_t kind;
	uint8_t bits;      /* of the byte before offset that belong to it */
	uint8_t has_digest;
	uint8_t unused;
	uint64_t window;   /* in the windows: packed by zlib */
	uint32_t window_size;
	uint32_t unused2;
	unsigned char digest[32]; /* sha256 of what counts */
};

/* Follows in a string: name_len bytes of name, then size bytes. */
struct index_xattr {
	uint32_t name_len;
	uint32_t size;
};

struct index {
	const struct index_header *header; /* the mapping */
	size_t size;
	const struct index_inode *inodes;
	const struct index_name *names;
	const struct index_extent *extents;
	const struct index_chunk *chunks;
	const char *strings;
	const unsigned char *windows;
	uint32_t n_inodes, n_names, n_extents, n_chunks;
};

/* Maps the file that fd (borrowed) is.  Errors: CORRUPT when any number in it is impossible,
 * or when it belongs to another blob (digest NULL: any).  The mapping stays valid as long as
 * nobody shortens the file; it is renamed into place when complete and never written to. */
int index_open(int fd, const char *digest, struct index *ret, struct gantry_error *err);
void index_close(struct index *index);

/* The entry of a folder, or NULL. */
const struct index_name *index_lookup(const struct index *index, uint32_t folder, const char *name,
				      size_t len);

/* The attribute's value, or NULL. */
const void *index_xattr(const struct index *index, const struct index_inode *inode,
			const char *name, size_t *ret_size);
/* Steps through the attributes: *at starts at 0; NULL at the end. */
const char *index_next_xattr(const struct index *index, const struct index_inode *inode,
			     uint32_t *at, uint32_t *ret_len);

/* The first extent that ends behind offset: its number, or inode->first + inode->count. */
uint32_t index_find_extent(const struct index *index, const struct index_inode *inode,
			   uint64_t offset);

/* The chunk that holds a position of the space. */
uint32_t index_find_chunk(const struct index *index, uint64_t position);

/* How long the space is. */
static inline uint64_t index_space(const struct index *index)
{
	const struct index_chunk *last;

	if (index->n_chunks == 0) {
		return 0;
	}
	last = &index->chunks[index->n_chunks - 1];
	return last->position + last->out_size;
}

#endif
