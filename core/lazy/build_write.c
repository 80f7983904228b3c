/* SPDX-License-Identifier: Apache-2.0 */
/* Inodes are numbered breadth first, so that a folder comes behind its parent and the names of
 * one lie together. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/content/digest.h"
#include "core/lazy/build_internal.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "helpers/io.h"

struct writing {
	struct build *b;
	struct table inodes, names, extents; /* as they go to disk */
	struct table queue;                  /* uint32_t: folders, by node */
	int fd;
	struct digester *digester;
	uint64_t at; /* bytes written */
};

struct sorting {
	const char *strings;
};

static int compare(const void *a, const void *b, void *arg)
{
	const struct build_node *x = *(struct build_node *const *)a;
	const struct build_node *y = *(struct build_node *const *)b;
	const char *strings = ((struct sorting *)arg)->strings;
	int r = memcmp(strings + x->text, strings + y->text, x->len < y->len ? x->len : y->len);

	return r ? r : x->len < y->len ? -1 : x->len > y->len;
}

/* Gives an inode its number and puts it into the table. */
static int number(struct writing *w, struct build_inode *n, uint32_t parent, struct gantry_error *err)
{
	struct index_inode *to;
	int r = table_grow(&w->inodes, sizeof(*to), 1U << 26, err);

	if (r == 0 && n->xattrs.len) {
		n->index.xattrs_size = (uint32_t)n->xattrs.len;
		r = build_string(w->b, n->xattrs.data, n->xattrs.len, &n->index.xattrs, err);
	}
	if (r < 0) {
		return r;
	}
	if (S_ISREG(n->index.mode)) {
		n->index.first = (uint32_t)w->extents.n;
		n->index.count = n->n_extents;
		for (uint32_t i = 0; i < n->n_extents; i++) {
			r = table_grow(&w->extents, sizeof(struct index_extent), 1U << 26, err);
			if (r < 0) {
				return r;
			}
			((struct index_extent *)w->extents.items)[w->extents.n++] =
				((struct index_extent *)w->b->extents.items)[n->first_extent + i];
		}
	}
	n->index.parent = parent;
	n->index.nlink = S_ISDIR(n->index.mode) ? 2 : 0;
	((struct index_inode *)w->inodes.items)[w->inodes.n++] = n->index;
	n->number = (uint32_t)w->inodes.n;
	return 0;
}

static int add_name(struct writing *w, const struct build_node *node, uint32_t node_number,
		    uint32_t parent, struct gantry_error *err)
{
	struct build_inode *n = inode_at(w->b, node->inode);
	struct index_inode *inodes;
	int r = table_grow(&w->names, sizeof(struct index_name), 1U << 26, err);

	if (r == 0 && !n->number) {
		r = number(w, n, parent, err);
	}
	if (r == 0 && S_ISDIR(n->index.mode)) {
		r = table_grow(&w->queue, sizeof(uint32_t), 1U << 26, err);
		if (r == 0) {
			((uint32_t *)w->queue.items)[w->queue.n++] = node_number;
		}
	}
	if (r < 0) {
		return r;
	}
	inodes = w->inodes.items;
	inodes[S_ISDIR(n->index.mode) ? parent : n->number - 1].nlink++;
	((struct index_name *)w->names.items)[w->names.n++] =
		(struct index_name){ node->text, node->len, n->number - 1 };
	return 0;
}

/* The names of one folder, sorted. */
static int add_folder(struct writing *w, uint32_t folder, struct gantry_error *err)
{
	struct build *b = w->b;
	uint32_t own = inode_at(b, node_at(b, folder)->inode)->number - 1;
	auto_free struct build_node **list = NULL;
	struct sorting sorting = { b->strings.data };
	size_t n = 0, first = w->names.n;
	int r = 0;

	for (uint32_t i = node_at(b, folder)->first; i; i = node_at(b, i)->next) {
		n += !node_at(b, i)->is_dead;
	}
	list = calloc(n + 1, sizeof(*list));
	if (!list) {
		return error_no_memory(err);
	}
	n = 0;
	for (uint32_t i = node_at(b, folder)->first; i; i = node_at(b, i)->next) {
		if (!node_at(b, i)->is_dead) {
			list[n++] = node_at(b, i);
		}
	}
	qsort_r(list, n, sizeof(*list), compare, &sorting);
	for (size_t i = 0; r == 0 && i < n; i++) {
		r = add_name(w, list[i], (uint32_t)(list[i] - node_at(b, 0)), own, err);
	}
	((struct index_inode *)w->inodes.items)[own].first = (uint32_t)first;
	((struct index_inode *)w->inodes.items)[own].count = (uint32_t)n;
	return r;
}

static int arrange(struct writing *w, struct gantry_error *err)
{
	int r = number(w, inode_at(w->b, node_at(w->b, INDEX_ROOT)->inode), INDEX_ROOT, err);

	if (r == 0) {
		r = add_folder(w, INDEX_ROOT, err);
	}
	for (size_t i = 0; r == 0 && i < w->queue.n; i++) {
		r = add_folder(w, ((uint32_t *)w->queue.items)[i], err);
	}
	return r;
}

static int put(struct writing *w, const void *data, size_t len, struct gantry_error *err)
{
	static const char zeros[8];
	size_t pad = (8 - len % 8) % 8;
	int r = write_all(w->fd, data, len);

	if (r == 0) {
		r = write_all(w->fd, zeros, pad);
	}
	if (r < 0) {
		error_errno(err, -r, "cannot write a layer's index");
		return r == -ENOSPC ? error_hint(err, "free some space: `gantry system df` shows what takes it")
				    : err->code;
	}
	digester_add(w->digester, data, len);
	digester_add(w->digester, zeros, pad);
	w->at += len + pad;
	return 0;
}

static int write_sections(struct writing *w, struct index_header *h, struct gantry_error *err)
{
	struct build *b = w->b;
	const struct {
		const void *data;
		size_t n, record;
	} sections[INDEX_SECTIONS] = {
		[INDEX_INODES] = { w->inodes.items, w->inodes.n, sizeof(struct index_inode) },
		[INDEX_NAMES] = { w->names.items, w->names.n, sizeof(struct index_name) },
		[INDEX_EXTENTS] = { w->extents.items, w->extents.n, sizeof(struct index_extent) },
		[INDEX_CHUNKS] = { b->chunks.items, b->chunks.n, sizeof(struct index_chunk) },
		[INDEX_STRINGS] = { b->strings.data, b->strings.len, 1 },
		[INDEX_WINDOWS] = { b->windows.data, b->windows.len, 1 },
	};
	const unsigned char *after = h->sum + sizeof(h->sum);
	uint64_t at = sizeof(*h);
	int r;

	for (int s = 0; s < INDEX_SECTIONS; s++) {
		h->sections[s].offset = at;
		h->sections[s].count = sections[s].n;
		at += (sections[s].n * sections[s].record + 7) / 8 * 8;
	}
	h->file_size = at;
	if (lseek(w->fd, sizeof(*h), SEEK_SET) < 0) {
		return error_errno(err, errno, "cannot write a layer's index");
	}
	digester_add(w->digester, after, sizeof(*h) - (size_t)(after - (unsigned char *)h));
	r = 0;
	for (int s = 0; r == 0 && s < INDEX_SECTIONS; s++) {
		r = put(w, sections[s].data, sections[s].n * sections[s].record, err);
	}
	return r;
}

static int write_all_of_it(struct writing *w, const char *digest, uint64_t blob_size,
			   struct gantry_error *err)
{
	struct index_header h = {
		.magic = INDEX_MAGIC,
		.version = INDEX_VERSION,
		.header_size = sizeof(h),
		.blob_size = blob_size,
		.content_size = w->b->content_size,
	};
	char sum[DIGEST_SIZE];
	int r = digester_new(&w->digester, err);

	snprintf(h.digest, sizeof(h.digest), "%s", digest);
	if (r == 0) {
		r = arrange(w, err);
	}
	if (r == 0) {
		r = write_sections(w, &h, err);
	}
	if (r < 0) {
		return r;
	}
	digester_result(w->digester, sum);
	for (size_t i = 0; i < sizeof(h.sum); i++) {
		unsigned byte;

		sscanf(sum + 7 + 2 * i, "%2x", &byte);
		h.sum[i] = (unsigned char)byte;
	}
	r = write_at(w->fd, &h, sizeof(h), 0);
	return r < 0 ? error_errno(err, -r, "cannot write a layer's index") : 0;
}

int build_write(struct build *b, const char *digest, uint64_t blob_size, int fd,
		struct gantry_error *err)
{
	struct writing w = { .b = b, .fd = fd };
	int r = write_all_of_it(&w, digest, blob_size, err);

	free(w.inodes.items);
	free(w.names.items);
	free(w.extents.items);
	free(w.queue.items);
	digester_free(w.digester);
	return r;
}
