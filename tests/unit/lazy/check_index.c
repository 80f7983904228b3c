/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <linux/fuse.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check_index.h"
#include "core/content/digest.h"
#include "core/lazy/build.h"
#include "core/lazy/checkpoint.h"
#include "core/lazy/chunk.h"
#include "core/lazy/fuse_attr.h"
#include "core/lazy/tar.h"
#include "helpers/buf.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "helpers/io.h"

#define MAX_DECODED (4 << 20) /* of a chunk from zeros */

void check_repair_sum(unsigned char *data, size_t size)
{
	struct index_header *h = (struct index_header *)data;
	unsigned char *from = data + offsetof(struct index_header, digest);
	struct gantry_error err = GANTRY_ERROR_INIT;
	char digest[DIGEST_SIZE];

	if (size < sizeof(*h) || digest_of(from, size - (size_t)(from - data), digest, &err) < 0) {
		return;
	}
	for (size_t i = 0; i < sizeof(h->sum); i++) {
		unsigned byte;

		sscanf(digest + 7 + 2 * i, "%2x", &byte);
		h->sum[i] = (unsigned char)byte;
	}
}

static const char *check_names(const struct index *x, uint32_t number)
{
	const struct index_inode *n = &x->inodes[number];
	static char list[65536], value[70000];
	struct fuse_attr attr;
	uint32_t at = 0, len;
	const char *name;
	int r;

	lazy_fill_attr(x, number, number, &attr);
	for (uint32_t i = n->first; S_ISDIR(n->mode) && i < n->first + n->count; i++) {
		const struct index_name *e = &x->names[i];

		if (index_lookup(x, number, x->strings + e->text, e->len) != e) {
			return "a name is not found";
		}
	}
	while ((name = index_next_xattr(x, n, &at, &len))) {
		if (at > n->xattrs_size) {
			return "an attribute leads outside";
		}
	}
	r = lazy_list_xattrs(x, number, list, sizeof(list));
	for (const char *p = list; r > 0 && p < list + r; p += strlen(p) + 1) {
		(void)lazy_get_xattr(x, number, p, value, sizeof(value));
	}
	return NULL;
}

static const char *check_chunk(const struct index *x, uint32_t number, const unsigned char *blob,
			       const unsigned char *space)
{
	const struct index_chunk *c = &x->chunks[number];
	struct gantry_error err = GANTRY_ERROR_INIT;
	size_t size = chunk_packed_size(c);
	auto_free unsigned char *packed = NULL;
	auto_free unsigned char *out = NULL;
	int r;

	if (index_find_chunk(x, c->position) != number ||
	    index_find_chunk(x, c->position + c->out_size - 1) != number) {
		return "a chunk is not found";
	}
	if (!blob && (size > MAX_DECODED || (uint64_t)c->out_size + c->skip > MAX_DECODED)) {
		return NULL;
	}
	packed = calloc(1, size ? size : 1);
	out = malloc(c->out_size);
	if (!packed || !out) {
		return NULL;
	}
	if (blob) {
		memcpy(packed, blob + chunk_start(c), size);
	}
	r = chunk_decode(x, c, packed, out, &err);
	if (r != err.code) {
		return "a code is not the error's";
	}
	return space && (r < 0 || memcmp(out, space + c->position, c->out_size)) ? "a chunk decodes to something else"
										: NULL;
}

const char *check_index(const struct index *x, const unsigned char *blob, const unsigned char *space)
{
	const char *wrong = NULL;

	for (uint32_t i = 0; !wrong && i < x->n_inodes; i++) {
		const struct index_inode *n = &x->inodes[i];

		wrong = check_names(x, i);
		for (uint32_t e = n->first; !wrong && S_ISREG(n->mode) && e < n->first + n->count; e++) {
			if (index_find_extent(x, n, x->extents[e].offset) != e) {
				wrong = "an extent is not found";
			}
		}
	}
	for (uint32_t i = 0; !wrong && i < x->n_chunks; i++) {
		wrong = check_chunk(x, i, blob, space);
	}
	return wrong;
}

static int take(void *ctx, const void *data, size_t len, struct gantry_error *err)
{
	struct buf *b = ctx;

	if (b->len + len > 64 << 20) {
		return error_set(err, GANTRY_ERR_LIMIT, "too long");
	}
	buf_add(b, data, len);
	return buf_failed(b) ? error_no_memory(err) : 0;
}

static int read_through(const void *blob, size_t size, struct build *b, struct buf *space,
			struct gantry_error *err)
{
	auto_fd int fd = memfd_create("tar", MFD_CLOEXEC);
	struct checkpoint *c = NULL;
	int r = checkpoint_new(b, take, space, &c, err);

	/* In odd pieces, so that no boundary is where it would be convenient. */
	for (size_t at = 0, n; r == 0 && at < size; at += n) {
		n = size - at < 4099 ? size - at : 4099;
		r = checkpoint_feed(c, (const char *)blob + at, n, err);
	}
	if (r == 0) {
		r = checkpoint_finish(c, err);
	}
	checkpoint_free(c);
	if (r == 0 && (fd < 0 || write_all(fd, space->data, space->len) < 0 || lseek(fd, 0, SEEK_SET) < 0)) {
		r = error_errno(err, errno, "memfd");
	}
	return r < 0 ? r : tar_scan(fd, b, 0, err);
}

int check_layer(const void *blob, size_t size, const char **ret_wrong, struct gantry_error *err)
{
	auto_(buf) struct buf space = BUF_INIT;
	auto_fd int fd = memfd_create("index", MFD_CLOEXEC);
	struct build *b = NULL;
	char digest[DIGEST_SIZE];
	struct index x;
	int r = build_new(&b, err);

	*ret_wrong = NULL;
	if (r == 0) {
		r = digest_of(blob, size, digest, err);
	}
	if (r == 0) {
		r = read_through(blob, size, b, &space, err);
	}
	if (r == 0) {
		r = build_write(b, digest, size, fd, err);
	}
	if (r == 0 && index_open(fd, digest, &x, err) < 0) {
		*ret_wrong = "what was written cannot be opened";
	} else if (r == 0) {
		*ret_wrong = index_space(&x) != space.len ? "the space has another length"
							  : check_index(&x, blob, (unsigned char *)space.data);
		index_close(&x);
	}
	build_free(b);
	return r;
}
