/* SPDX-License-Identifier: Apache-2.0 */
/* An index is constant once it is open: any thread may read it. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "core/content/digest.h"
#include "core/lazy/index.h"
#include "helpers/error.h"

#define MAX_RECORDS (1U << 26)

static const size_t record_sizes[INDEX_SECTIONS] = {
	[INDEX_INODES] = sizeof(struct index_inode),
	[INDEX_NAMES] = sizeof(struct index_name),
	[INDEX_EXTENTS] = sizeof(struct index_extent),
	[INDEX_CHUNKS] = sizeof(struct index_chunk),
	[INDEX_STRINGS] = 1,
	[INDEX_WINDOWS] = 1,
};

static int is_within(uint64_t start, uint64_t count, uint64_t limit)
{
	return start <= limit && count <= limit - start;
}

static uint64_t section_count(const struct index *x, enum index_section s)
{
	return x->header->sections[s].count;
}

/* NULL when all is well, else what is wrong. */
static const char *check_header(struct index *x, const char *digest)
{
	const struct index_header *h = x->header;

	if (x->size < sizeof(*h) || memcmp(h->magic, INDEX_MAGIC, sizeof(h->magic)) != 0) {
		return "it is no index";
	}
	if (h->version != INDEX_VERSION || h->header_size != sizeof(*h)) {
		return "it was written by another version";
	}
	if (h->file_size != x->size || h->digest[INDEX_DIGEST - 1] != '\0') {
		return "it is cut short";
	}
	if (digest && strcmp(h->digest, digest) != 0) {
		return "it belongs to another blob";
	}
	for (int s = 0; s < INDEX_SECTIONS; s++) {
		uint64_t offset = h->sections[s].offset, count = h->sections[s].count;
		uint64_t limit = record_sizes[s] > 1 ? MAX_RECORDS : (uint64_t)UINT32_MAX << 4;

		if (count > limit || offset % 8 || offset < sizeof(*h) ||
		    !is_within(offset, count * record_sizes[s], x->size)) {
			return "a table leads outside";
		}
	}
	return h->sections[INDEX_INODES].count ? NULL : "it has no root";
}

static void point(struct index *x)
{
	const char *base = (const char *)x->header;
	const struct index_header *h = x->header;

	x->inodes = (const void *)(base + h->sections[INDEX_INODES].offset);
	x->names = (const void *)(base + h->sections[INDEX_NAMES].offset);
	x->extents = (const void *)(base + h->sections[INDEX_EXTENTS].offset);
	x->chunks = (const void *)(base + h->sections[INDEX_CHUNKS].offset);
	x->strings = base + h->sections[INDEX_STRINGS].offset;
	x->windows = (const void *)(base + h->sections[INDEX_WINDOWS].offset);
	x->n_inodes = (uint32_t)h->sections[INDEX_INODES].count;
	x->n_names = (uint32_t)h->sections[INDEX_NAMES].count;
	x->n_extents = (uint32_t)h->sections[INDEX_EXTENTS].count;
	x->n_chunks = (uint32_t)h->sections[INDEX_CHUNKS].count;
}

static int check_sum(const struct index *x, int *ret_good, struct gantry_error *err)
{
	const unsigned char *sum = x->header->sum;
	const unsigned char *from = sum + sizeof(x->header->sum);
	char got[DIGEST_SIZE], want[DIGEST_SIZE] = "sha256:";
	int r = digest_of(from, x->size - (size_t)(from - (const unsigned char *)x->header), got, err);

	for (size_t i = 0; i < sizeof(x->header->sum); i++) {
		snprintf(want + 7 + 2 * i, 3, "%02x", sum[i]);
	}
	*ret_good = r == 0 && strcmp(want, got) == 0;
	return r;
}

static const char *check_chunks(const struct index *x)
{
	uint64_t position = 0;

	for (uint32_t i = 0; i < x->n_chunks; i++) {
		const struct index_chunk *c = &x->chunks[i];

		if (c->position != position || c->out_size == 0 ||
		    !is_within(c->skip, c->out_size, INDEX_CHUNK_MAX) ||
		    !is_within(c->offset, c->in_size, x->header->blob_size) ||
		    c->kind < CHUNK_PLAIN || c->kind > CHUNK_ZSTD || c->bits > 7 ||
		    (c->bits && c->offset == 0) || c->in_size > 2U * INDEX_CHUNK_MAX ||
		    !is_within(c->window, c->window_size, section_count(x, INDEX_WINDOWS))) {
			return "a chunk is impossible";
		}
		if (c->kind == CHUNK_PLAIN && c->in_size != (uint64_t)c->out_size + c->skip) {
			return "a plain chunk has another size than its bytes";
		}
		position += c->out_size;
	}
	return NULL;
}

static const char *check_extents(const struct index *x, const struct index_inode *n, uint64_t space)
{
	uint64_t end = 0;

	if (!is_within(n->first, n->count, x->n_extents) || n->size > INT64_MAX) {
		return "a file's extents lead outside";
	}
	for (uint32_t i = n->first; i < n->first + n->count; i++) {
		const struct index_extent *e = &x->extents[i];

		if (e->offset < end || e->length == 0 || !is_within(e->offset, e->length, n->size) ||
		    !is_within(e->position, e->length, space)) {
			return "an extent is impossible";
		}
		end = e->offset + e->length;
	}
	return NULL;
}

static int compare_names(const char *a, size_t a_len, const char *b, size_t b_len)
{
	int r = memcmp(a, b, a_len < b_len ? a_len : b_len);

	return r ? r : a_len < b_len ? -1 : a_len > b_len;
}

static int is_plain_name(const char *name, uint32_t len)
{
	return len > 0 && len <= NAME_MAX && !memchr(name, '/', len) && !memchr(name, '\0', len) &&
	       !(name[0] == '.' && (len == 1 || (len == 2 && name[1] == '.')));
}

/* Folders are numbered behind their parents, so that the tree has no loop. */
static const char *check_folder(const struct index *x, uint32_t number)
{
	const struct index_inode *n = &x->inodes[number];

	if (!is_within(n->first, n->count, x->n_names) || n->parent >= x->n_inodes ||
	    !S_ISDIR(x->inodes[n->parent].mode) || (number != INDEX_ROOT && n->parent >= number)) {
		return "a folder leads outside";
	}
	for (uint32_t i = n->first; i < n->first + n->count; i++) {
		const struct index_name *e = &x->names[i];

		if (!is_within(e->text, e->len, section_count(x, INDEX_STRINGS)) ||
		    !is_plain_name(x->strings + e->text, e->len) || e->inode >= x->n_inodes ||
		    e->inode == INDEX_ROOT) {
			return "a name is impossible";
		}
		if (S_ISDIR(x->inodes[e->inode].mode) && x->inodes[e->inode].parent != number) {
			return "a folder has two parents";
		}
		if (i > n->first && compare_names(x->strings + e[-1].text, e[-1].len,
						  x->strings + e->text, e->len) >= 0) {
			return "names are not sorted";
		}
	}
	return NULL;
}

static const char *check_xattrs(const struct index *x, const struct index_inode *n)
{
	uint32_t at = 0;

	if (!is_within(n->xattrs, n->xattrs_size, section_count(x, INDEX_STRINGS))) {
		return "attributes lead outside";
	}
	while (at < n->xattrs_size) {
		struct index_xattr a;

		if (!is_within(at, sizeof(a), n->xattrs_size)) {
			return "an attribute is cut short";
		}
		memcpy(&a, x->strings + n->xattrs + at, sizeof(a));
		at += sizeof(a);
		if (a.name_len == 0 || a.name_len > NAME_MAX || a.size > 65536 ||
		    !is_within(at, (uint64_t)a.name_len + a.size, n->xattrs_size)) {
			return "an attribute is impossible";
		}
		at += a.name_len + a.size;
	}
	return NULL;
}

static const char *check_inode(const struct index *x, uint32_t number, uint64_t space)
{
	const struct index_inode *n = &x->inodes[number];
	const char *wrong = check_xattrs(x, n);

	if (wrong) {
		return wrong;
	}
	if (n->mtime_ns >= 1000000000) {
		return "a time is impossible";
	}
	switch (n->mode & S_IFMT) {
	case S_IFDIR:
		return check_folder(x, number);
	case S_IFREG:
		return check_extents(x, n, space);
	case S_IFLNK:
		return n->count > 0 && n->count < PATH_MAX && n->size == n->count &&
			       is_within(n->first, n->count, section_count(x, INDEX_STRINGS)) ?
			       NULL : "a link has no text";
	case S_IFCHR:
	case S_IFBLK:
	case S_IFIFO:
	case S_IFSOCK:
		return NULL;
	default:
		return "an inode is of no kind";
	}
}

static const char *check_all(struct index *x)
{
	const char *wrong = check_chunks(x);
	uint64_t space = index_space(x);

	if (!wrong && !S_ISDIR(x->inodes[INDEX_ROOT].mode)) {
		wrong = "its root is no folder";
	}
	for (uint32_t i = 0; !wrong && i < x->n_inodes; i++) {
		wrong = check_inode(x, i, space);
	}
	return wrong;
}

int index_open(int fd, const char *digest, struct index *ret, struct gantry_error *err)
{
	struct index x = { 0 };
	const char *wrong;
	struct stat st;
	void *map;
	int good, r;

	if (fstat(fd, &st) < 0) {
		return error_errno(err, errno, "cannot look at a layer's index");
	}
	if (!S_ISREG(st.st_mode) || (size_t)st.st_size < sizeof(struct index_header)) {
		return error_set(err, GANTRY_ERR_CORRUPT, "a layer's index is damaged: it is cut short");
	}
	map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED) {
		return error_errno(err, errno, "cannot map a layer's index");
	}
	x.header = map;
	x.size = (size_t)st.st_size;
	wrong = check_header(&x, digest);
	r = wrong ? 0 : check_sum(&x, &good, err);
	if (r == 0 && !wrong) {
		point(&x);
		wrong = good ? check_all(&x) : "its sum is another";
	}
	if (r == 0 && wrong) {
		r = error_set(err, GANTRY_ERR_CORRUPT, "the index of layer %s is damaged: %s",
			      digest ? digest : "of any blob", wrong);
	}
	if (r < 0) {
		munmap(map, x.size);
		return r;
	}
	*ret = x;
	return 0;
}

void index_close(struct index *x)
{
	if (x->header) {
		munmap((void *)x->header, x->size);
		x->header = NULL;
	}
}

const struct index_name *index_lookup(const struct index *x, uint32_t folder, const char *name,
				      size_t len)
{
	const struct index_inode *n = &x->inodes[folder];
	uint32_t low = n->first, high = n->first + n->count;

	while (S_ISDIR(n->mode) && low < high) {
		uint32_t middle = low + (high - low) / 2;
		const struct index_name *e = &x->names[middle];
		int r = compare_names(name, len, x->strings + e->text, e->len);

		if (r == 0) {
			return e;
		}
		if (r < 0) {
			high = middle;
		} else {
			low = middle + 1;
		}
	}
	return NULL;
}

const char *index_next_xattr(const struct index *x, const struct index_inode *n, uint32_t *at,
			     uint32_t *ret_len)
{
	struct index_xattr a;
	const char *p;

	if (*at >= n->xattrs_size) {
		return NULL;
	}
	p = x->strings + n->xattrs + *at;
	memcpy(&a, p, sizeof(a));
	*at += (uint32_t)sizeof(a) + a.name_len + a.size;
	*ret_len = a.name_len;
	return p + sizeof(a);
}

const void *index_xattr(const struct index *x, const struct index_inode *n, const char *name,
			size_t *ret_size)
{
	size_t len = strlen(name);
	uint32_t at = 0, from = 0, name_len;
	const char *p;

	while ((p = index_next_xattr(x, n, &at, &name_len))) {
		if (name_len == len && !memcmp(p, name, len)) {
			*ret_size = at - from - sizeof(struct index_xattr) - len;
			return p + len;
		}
		from = at;
	}
	return NULL;
}

uint32_t index_find_extent(const struct index *x, const struct index_inode *n, uint64_t offset)
{
	uint32_t low = n->first, high = n->first + n->count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (x->extents[middle].offset + x->extents[middle].length > offset) {
			high = middle;
		} else {
			low = middle + 1;
		}
	}
	return low;
}

uint32_t index_find_chunk(const struct index *x, uint64_t position)
{
	uint32_t low = 0, high = x->n_chunks;

	while (high - low > 1) {
		uint32_t middle = low + (high - low) / 2;

		if (x->chunks[middle].position <= position) {
			low = middle;
		} else {
			high = middle;
		}
	}
	return low;
}
