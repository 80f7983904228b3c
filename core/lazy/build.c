/* SPDX-License-Identifier: Apache-2.0 */
/* One thread.  Names are found by a hash of their folder and text; what an entry replaces is
 * cut off its folder and left in the tables, which are written without it. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "core/lazy/build.h"
#include "core/lazy/build_internal.h"
#include "helpers/error.h"
#include "helpers/layer.h"

#define NO_NODE UINT32_MAX
#define MAX_NODES (1U << 23)
#define MAX_STRINGS (1U << 30)
#define MAX_DEPTH 64

int table_grow(struct table *t, size_t record, uint32_t limit, struct gantry_error *err)
{
	void *more;

	if (t->n < t->cap) {
		return 0;
	}
	if (t->n >= limit) {
		return error_set(err, GANTRY_ERR_LIMIT, "the layer has more than %u parts", limit);
	}
	more = reallocarray(t->items, t->cap ? t->cap * 2 : 256, record);
	if (!more) {
		return error_no_memory(err);
	}
	t->items = more;
	t->cap = t->cap ? t->cap * 2 : 256;
	return 0;
}

int build_string(struct build *b, const void *text, size_t len, uint32_t *ret,
		 struct gantry_error *err)
{
	if (b->strings.len + len > MAX_STRINGS) {
		return error_set(err, GANTRY_ERR_LIMIT, "the names of the layer are too long together");
	}
	*ret = (uint32_t)b->strings.len;
	buf_add(&b->strings, text, len);
	return buf_failed(&b->strings) ? error_no_memory(err) : 0;
}

static uint32_t hash(uint32_t folder, const char *name, size_t len)
{
	uint32_t h = 2166136261U ^ folder * 2654435761U;

	for (size_t i = 0; i < len; i++) {
		h = (h ^ (unsigned char)name[i]) * 16777619U;
	}
	return h ^ h >> 15;
}

static int rehash(struct build *b, struct gantry_error *err)
{
	uint32_t n = b->n_slots ? b->n_slots * 2 : 1024;
	uint32_t *slots = malloc(n * sizeof(*slots));

	if (!slots) {
		return error_no_memory(err);
	}
	memset(slots, 0xff, n * sizeof(*slots));
	free(b->slots);
	b->slots = slots;
	b->n_slots = n;
	for (uint32_t i = 1; i < b->nodes.n; i++) {
		struct build_node *node = node_at(b, i);
		uint32_t at = hash(node->parent, b->strings.data + node->text, node->len) & (n - 1);

		if (!node->is_dead) {
			node->next_hash = slots[at];
			slots[at] = i;
		}
	}
	return 0;
}

static uint32_t find(const struct build *b, uint32_t folder, const char *name, size_t len)
{
	uint32_t i = b->slots[hash(folder, name, len) & (b->n_slots - 1)];

	while (i != NO_NODE) {
		const struct build_node *n = node_at(b, i);

		if (!n->is_dead && n->parent == folder && n->len == len &&
		    !memcmp(b->strings.data + n->text, name, len)) {
			return i;
		}
		i = n->next_hash;
	}
	return NO_NODE;
}

static int new_inode(struct build *b, uint32_t mode, uint32_t *ret, struct gantry_error *err)
{
	int r = table_grow(&b->inodes, sizeof(struct build_inode), MAX_NODES, err);

	if (r < 0) {
		return r;
	}
	*inode_at(b, (uint32_t)b->inodes.n) = (struct build_inode){ .index.mode = mode };
	*ret = (uint32_t)b->inodes.n++;
	return 0;
}

static int new_node(struct build *b, uint32_t folder, const char *name, size_t len, uint32_t inode,
		    uint32_t *ret, struct gantry_error *err)
{
	struct build_node node = { .parent = folder, .len = (uint32_t)len, .inode = inode };
	uint32_t at;
	int r = table_grow(&b->nodes, sizeof(node), MAX_NODES, err);

	if (r == 0) {
		r = build_string(b, name, len, &node.text, err);
	}
	if (r == 0 && b->nodes.n >= b->n_slots) {
		r = rehash(b, err);
	}
	if (r < 0) {
		return r;
	}
	at = hash(folder, name, len) & (b->n_slots - 1);
	node.next_hash = b->slots[at];
	node.next = node_at(b, folder)->first;
	node_at(b, folder)->first = (uint32_t)b->nodes.n;
	b->slots[at] = (uint32_t)b->nodes.n;
	*node_at(b, (uint32_t)b->nodes.n) = node;
	*ret = (uint32_t)b->nodes.n++;
	return 0;
}

static struct index_inode *inode_of(const struct build *b, uint32_t node)
{
	return &inode_at(b, node_at(b, node)->inode)->index;
}

static int is_whiteout(const struct index_inode *n)
{
	return S_ISCHR(n->mode) && n->rdev == 0;
}

static int bad(struct gantry_error *err, const char *what)
{
	return error_set(err, GANTRY_ERR_CORRUPT, "%s", what);
}

static int make_folder(struct build *b, uint32_t parent, const char *name, size_t len,
		       int is_opaque, uint32_t *ret, struct gantry_error *err)
{
	uint32_t inode;
	int r = new_inode(b, S_IFDIR | 0755, &inode, err);

	if (r == 0) {
		inode_at(b, inode)->index.is_opaque = (uint32_t)is_opaque;
		r = new_node(b, parent, name, len, inode, ret, err);
	}
	return r;
}

static int walk(struct build *b, uint32_t from, const char *path, size_t len, int depth,
		uint32_t *ret, struct gantry_error *err);

/* A parent that is a link is followed inside the layer, as unpacking does. */
static int follow(struct build *b, uint32_t folder, uint32_t link, int depth, uint32_t *ret,
		  struct gantry_error *err)
{
	const struct index_inode *n = inode_of(b, link);
	char target[PATH_MAX];

	if (depth >= MAX_DEPTH || n->count >= sizeof(target)) {
		return bad(err, "its parent is a symbolic link that leads nowhere");
	}
	memcpy(target, b->strings.data + n->first, n->count);
	return walk(b, target[0] == '/' ? INDEX_ROOT : folder, target, n->count, depth + 1, ret, err);
}

/* One step; what is missing is made, but not at the end of a link. */
static int step(struct build *b, uint32_t folder, const char *name, size_t len, int depth,
		uint32_t *ret, struct gantry_error *err)
{
	uint32_t node = find(b, folder, name, len);
	const struct index_inode *n;

	if (node == NO_NODE) {
		return depth ? bad(err, "its parent is a symbolic link that leads outside or nowhere")
			     : make_folder(b, folder, name, len, 0, ret, err);
	}
	n = inode_of(b, node);
	if (S_ISDIR(n->mode)) {
		*ret = node;
		return 0;
	}
	if (S_ISLNK(n->mode)) {
		return follow(b, folder, node, depth, ret, err);
	}
	if (is_whiteout(n) && !depth) {
		node_at(b, node)->is_dead = 1;
		return make_folder(b, folder, name, len, 1, ret, err);
	}
	return bad(err, "its parent is not a directory");
}

static int walk(struct build *b, uint32_t from, const char *path, size_t len, int depth,
		uint32_t *ret, struct gantry_error *err)
{
	uint32_t at = from;

	for (size_t i = 0; i < len;) {
		size_t part = 0;
		int r = 0;

		while (i + part < len && path[i + part] != '/') {
			part++;
		}
		if (part == 2 && !memcmp(path + i, "..", 2)) {
			at = node_at(b, at)->parent;
		} else if (part > NAME_MAX) {
			return bad(err, "its name is too long");
		} else if (part > 0 && !(part == 1 && path[i] == '.')) {
			r = step(b, at, path + i, part, depth, &at, err);
		}
		if (r < 0) {
			return r;
		}
		i += part + 1;
	}
	*ret = at;
	return 0;
}

static int add_link_text(struct build *b, const char *target, struct index_inode *n,
			 struct gantry_error *err)
{
	size_t len = target ? strlen(target) : 0;

	if (len == 0 || len >= PATH_MAX) {
		return bad(err, "a symbolic link without a target");
	}
	n->size = n->count = (uint32_t)len;
	return build_string(b, target, len, &n->first, err);
}

static int fill_inode(struct build *b, const struct build_entry *e, uint32_t number,
		      struct gantry_error *err)
{
	struct index_inode *n = &inode_at(b, number)->index;

	n->uid = e->uid;
	n->gid = e->gid;
	n->mtime = e->mtime;
	n->mtime_ns = e->mtime_ns < 1000000000 ? e->mtime_ns : 0;
	switch (e->mode & S_IFMT) {
	case S_IFREG:
		if (e->size < 0) {
			return bad(err, "its size is impossible");
		}
		n->size = (uint64_t)e->size;
		if (b->content_size + n->size < b->content_size) {
			return bad(err, "its size is impossible");
		}
		b->content_size += n->size;
		return 0;
	case S_IFLNK:
		return add_link_text(b, e->target, n, err);
	case S_IFCHR:
	case S_IFBLK:
		if (e->major > 0xfff || e->minor > 0xfffff) {
			return bad(err, "its device number is impossible");
		}
		n->rdev = (e->minor & 0xff) | e->major << 8 | (e->minor & ~0xffU) << 12;
		if (is_whiteout(n)) {
			return bad(err, "character device 0:0 is reserved for whiteouts");
		}
		return 0;
	case S_IFIFO:
	case S_IFDIR:
		return 0;
	default:
		return bad(err, "a kind of file that layers do not have");
	}
}

/* A folder over a folder keeps what is in it. */
static int add_folder(struct build *b, const struct build_entry *e, const char *path, size_t len,
		      struct gantry_error *err)
{
	const char *slash = memrchr(path, '/', len);
	const char *base = slash ? slash + 1 : path;
	size_t base_len = len - (size_t)(base - path);
	uint32_t parent, node = INDEX_ROOT;
	int opaque = 0, r = 0;

	if (len > 0) {
		r = walk(b, INDEX_ROOT, path, slash ? (size_t)(slash - path) : 0, 0, &parent, err);
		node = r == 0 ? find(b, parent, base, base_len) : NO_NODE;
		if (node != NO_NODE && !S_ISDIR(inode_of(b, node)->mode)) {
			opaque = is_whiteout(inode_of(b, node));
			node_at(b, node)->is_dead = 1;
			node = NO_NODE;
		}
		if (r == 0 && node == NO_NODE) {
			r = make_folder(b, parent, base, base_len, opaque, &node, err);
		}
	}
	if (r < 0) {
		return r;
	}
	b->last = node_at(b, node)->inode;
	inode_at(b, b->last)->index.mode = S_IFDIR | (e->mode & 07777);
	inode_at(b, b->last)->xattrs.len = 0;
	return fill_inode(b, e, b->last, err);
}

static int add_whiteout(struct build *b, uint32_t folder, const char *base, struct gantry_error *err)
{
	const char *name = base + strlen(LAYER_WHITEOUT);
	uint32_t node, inode;
	int r;

	if (!strcmp(base, LAYER_OPAQUE)) {
		inode_of(b, folder)->is_opaque = 1;
		return 0;
	}
	if (!strncmp(base, LAYER_META, strlen(LAYER_META))) {
		return 0;
	}
	if (!*name || !strcmp(name, ".") || !strcmp(name, "..")) {
		return bad(err, "a whiteout without a name");
	}
	node = find(b, folder, name, strlen(name));
	if (node != NO_NODE) {
		/* It hides what lower layers have, not what its own brings. */
		if (S_ISDIR(inode_of(b, node)->mode)) {
			inode_of(b, node)->is_opaque = 1;
		}
		return 0;
	}
	r = new_inode(b, S_IFCHR, &inode, err);
	return r < 0 ? r : new_node(b, folder, name, strlen(name), inode, &node, err);
}

static int find_target(struct build *b, const char *name, const char *own, uint32_t *ret_inode,
		       struct gantry_error *err)
{
	char path[PATH_MAX];
	const char *slash, *base;
	uint32_t folder = INDEX_ROOT, node;
	int r = 0;

	if (layer_normalise(name, path, sizeof(path)) <= 0) {
		return bad(err, "a hard link to a name that leads outside the layer");
	}
	if (!strcmp(path, own)) {
		return bad(err, "a hard link to itself");
	}
	slash = strrchr(path, '/');
	base = slash ? slash + 1 : path;
	if (slash) {
		/* At depth 1, so that nothing is made on the way. */
		r = walk(b, INDEX_ROOT, path, (size_t)(slash - path), 1, &folder, err);
	}
	node = r < 0 ? NO_NODE : find(b, folder, base, strlen(base));
	if (node == NO_NODE || S_ISDIR(inode_of(b, node)->mode) || is_whiteout(inode_of(b, node))) {
		return bad(err, "a hard link to what is no file of the layer");
	}
	*ret_inode = node_at(b, node)->inode;
	return 0;
}

static int add_other(struct build *b, const struct build_entry *e, const char *path,
		     struct gantry_error *err)
{
	const char *slash = strrchr(path, '/');
	const char *base = slash ? slash + 1 : path;
	uint32_t folder, inode = NO_NODE, old, node;
	int r = walk(b, INDEX_ROOT, path, slash ? (size_t)(slash - path) : 0, 0, &folder, err);

	if (r == 0 && !strncmp(base, LAYER_WHITEOUT, strlen(LAYER_WHITEOUT))) {
		return add_whiteout(b, folder, base, err);
	}
	if (r == 0 && e->hardlink) {
		r = find_target(b, e->hardlink, path, &inode, err);
	} else if (r == 0) {
		r = new_inode(b, e->mode & (S_IFMT | 07777), &inode, err);
		if (r == 0) {
			r = fill_inode(b, e, inode, err);
			b->last = inode;
		}
	}
	if (r < 0) {
		return r;
	}
	old = find(b, folder, base, strlen(base));
	if (old != NO_NODE) {
		node_at(b, old)->is_dead = 1;
	}
	return new_node(b, folder, base, strlen(base), inode, &node, err);
}

int build_add(struct build *b, const struct build_entry *e, struct gantry_error *err)
{
	char path[PATH_MAX], shown[256];
	const char *base;
	long len;
	int r;

	b->last = NO_NODE;
	len = layer_normalise(e->path, path, sizeof(path));
	if (len < 0) {
		r = bad(err, "its name leads outside the layer or is too long");
	} else {
		base = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;
		if (S_ISDIR(e->mode) && !e->hardlink &&
		    strncmp(base, LAYER_WHITEOUT, strlen(LAYER_WHITEOUT)) != 0) {
			r = add_folder(b, e, path, (size_t)len, err);
		} else if (len == 0) {
			r = bad(err, "the root of a layer must be a directory");
		} else {
			r = add_other(b, e, path, err);
		}
	}
	if (r < 0) {
		error_prefix(err, "layer entry %s", layer_printable(e->path, shown, sizeof(shown)));
	}
	return r;
}

int build_add_xattr(struct build *b, const char *name, const void *value, size_t size,
		    struct gantry_error *err)
{
	struct index_xattr head = { .name_len = (uint32_t)strlen(name), .size = (uint32_t)size };
	struct buf *to;

	if (b->last == NO_NODE || layer_is_private_xattr(name)) {
		return 0;
	}
	if (head.name_len == 0 || head.name_len > NAME_MAX || size > 65536) {
		return bad(err, "an attribute is too long");
	}
	to = &inode_at(b, b->last)->xattrs;
	buf_add(to, &head, sizeof(head));
	buf_add(to, name, head.name_len);
	buf_add(to, value, size);
	return buf_failed(to) ? error_no_memory(err) : 0;
}

int build_add_extent(struct build *b, uint64_t offset, uint64_t position, uint64_t length,
		     struct gantry_error *err)
{
	struct build_inode *n = b->last == NO_NODE ? NULL : inode_at(b, b->last);
	struct index_extent *last;
	int r;

	if (!n || !length) {
		return 0;
	}
	last = n->n_extents ? (struct index_extent *)b->extents.items + b->extents.n - 1 : NULL;
	if (!S_ISREG(n->index.mode) || offset > n->index.size || length > n->index.size - offset ||
	    (last && offset < last->offset + last->length)) {
		return bad(err, "its bytes do not fit into its size");
	}
	if (last && last->offset + last->length == offset && last->position + last->length == position) {
		last->length += length;
		return 0;
	}
	r = table_grow(&b->extents, sizeof(*last), 1U << 26, err);
	if (r < 0) {
		return r;
	}
	if (!n->n_extents) {
		n->first_extent = (uint32_t)b->extents.n;
	}
	((struct index_extent *)b->extents.items)[b->extents.n++] =
		(struct index_extent){ offset, position, length };
	n->n_extents++;
	return 0;
}

int build_add_chunk(struct build *b, const struct index_chunk *chunk, struct gantry_error *err)
{
	struct index_chunk *to;
	int r = table_grow(&b->chunks, sizeof(*chunk), 1U << 26, err);

	if (r < 0) {
		return r;
	}
	to = (struct index_chunk *)b->chunks.items + b->chunks.n;
	*to = *chunk;
	to->position = b->space;
	if (!chunk->out_size || (uint64_t)chunk->out_size + chunk->skip > INDEX_CHUNK_MAX ||
	    chunk->in_size > 2U * INDEX_CHUNK_MAX) {
		return error_set(err, GANTRY_ERR_LIMIT, "a chunk of the layer is larger than %d MiB",
				 INDEX_CHUNK_MAX >> 20);
	}
	b->chunks.n++;
	b->space += chunk->out_size;
	return 0;
}

int build_add_window(struct build *b, const void *packed, size_t size, uint64_t *ret_window,
		     struct gantry_error *err)
{
	*ret_window = b->windows.len;
	buf_add(&b->windows, packed, size);
	return buf_failed(&b->windows) ? error_no_memory(err) : 0;
}

uint64_t build_space(const struct build *b)
{
	return b->space;
}

uint64_t build_content_size(const struct build *b)
{
	return b->content_size;
}

int build_new(struct build **ret, struct gantry_error *err)
{
	struct build *b = calloc(1, sizeof(*b));
	uint32_t inode = 0;
	int r = b ? rehash(b, err) : error_no_memory(err);

	if (r == 0) {
		r = new_inode(b, S_IFDIR | 0755, &inode, err);
	}
	if (r == 0) {
		r = table_grow(&b->nodes, sizeof(struct build_node), MAX_NODES, err);
	}
	if (r < 0) {
		build_free(b);
		return r;
	}
	*node_at(b, INDEX_ROOT) = (struct build_node){ .inode = inode };
	b->nodes.n = 1;
	b->last = NO_NODE;
	*ret = b;
	return 0;
}

struct build *build_free(struct build *b)
{
	if (b) {
		for (uint32_t i = 0; i < b->inodes.n; i++) {
			buf_done(&inode_at(b, i)->xattrs);
		}
		free(b->nodes.items);
		free(b->inodes.items);
		free(b->extents.items);
		free(b->chunks.items);
		free(b->slots);
		buf_done(&b->strings);
		buf_done(&b->windows);
		free(b);
	}
	return NULL;
}
