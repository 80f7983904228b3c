/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A name in the hash does not keep its node alive: finders take a reference only
 * while it is above zero, under the bucket's lock, and the last reference takes
 * the names out under the same lock before the memory goes.
 */
#include "config.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fuse/arena.h"
#include "fuse/listing.h"
#include "fuse/names.h"
#include "fuse/node.h"
#include "fuse/rwlock.h"
#include "fuse/unionfs.h"

enum {
	HASH_BITS = 18,
	N_BUCKETS = 1 << HASH_BITS,
	N_HASH_LOCKS = 512,
	N_NODE_LOCKS = 512,
	N_COPYUP_LOCKS = 64,
	N_LINKED = 4096,
};

struct node_table {
	_Atomic(struct node *) *by_id; /* sparse */
	struct name **buckets;     /* sparse */
	pthread_mutex_t hash_locks[N_HASH_LOCKS];
	struct rwlock node_locks[N_NODE_LOCKS];
	pthread_mutex_t copyup_locks[N_COPYUP_LOCKS];
	pthread_mutex_t linked_lock;
	struct node *linked[N_LINKED];
	atomic_uint count;
	atomic_uint held;
};

static void *sparse(size_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return p == MAP_FAILED ? NULL : p;
}

int nodes_init(struct unionfs *fs)
{
	struct node_table *t = calloc(1, sizeof(*t));

	if (!t)
		return -ENOMEM;
	fs->nodes = t;
	t->by_id = sparse(ARENA_MAX_IDS * sizeof(*t->by_id));
	t->buckets = sparse(N_BUCKETS * sizeof(*t->buckets));
	if (!t->by_id || !t->buckets)
		return -ENOMEM;
	for (int i = 0; i < N_HASH_LOCKS; i++)
		pthread_mutex_init(&t->hash_locks[i], NULL);
	for (int i = 0; i < N_COPYUP_LOCKS; i++)
		pthread_mutex_init(&t->copyup_locks[i], NULL);
	pthread_mutex_init(&t->linked_lock, NULL);
	return 0;
}

void nodes_done(struct unionfs *fs)
{
	struct node_table *t = fs->nodes;

	if (!t)
		return;
	/* The process ends: nodes that the kernel never forgot go with it. */
	munmap(t->by_id, ARENA_MAX_IDS * sizeof(*t->by_id));
	munmap(t->buckets, N_BUCKETS * sizeof(*t->buckets));
	free(t);
	fs->nodes = NULL;
}

unsigned node_count(struct unionfs *fs)
{
	return atomic_load(&fs->nodes->count);
}

unsigned node_held_count(struct unionfs *fs)
{
	return atomic_load(&fs->nodes->held);
}

struct node *node_by_id(struct unionfs *fs, uint64_t id)
{
	return id < ARENA_MAX_IDS ?
		       atomic_load_explicit(&fs->nodes->by_id[id], memory_order_acquire) :
		       NULL;
}

static void free_slots(struct unionfs *fs, struct node *node)
{
	for (unsigned i = 0; node->slots && i <= node->n_lower; i++) {
		fdcache_drop(fs->fds, &node->slots[i].fd);
		free(node->slots[i].path);
	}
	free(node->slots);
	free(node->redirect);
	listing_put(node->listing);
	names_free(atomic_load(&node->names));
}

struct node *node_new(struct unionfs *fs, mode_t mode, unsigned n_lower)
{
	struct node *node = calloc(1, sizeof(*node));

	if (!node)
		return NULL;
	atomic_init(&node->refs, 1);
	node->mode = mode;
	node->fd = -1;
	node->n_lower = (uint16_t)n_lower;
	node->name.node = node;
	if (S_ISDIR(mode)) {
		node->slots = calloc(n_lower + 1, sizeof(*node->slots));
		if (!node->slots) {
			free(node);
			return NULL;
		}
	}
	node->id = fs->root ? arena_id_new(fs->arena, mode & S_IFMT) : ROOT_ID;
	if (!node->id) {
		free(S_ISDIR(mode) ? node->slots : NULL);
		free(node);
		return NULL;
	}
	atomic_store_explicit(&fs->nodes->by_id[node->id], node, memory_order_release);
	atomic_fetch_add(&fs->nodes->count, 1);
	return node;
}

struct node *node_get(struct node *node)
{
	atomic_fetch_add(&node->refs, 1);
	return node;
}

static unsigned hash_name(const struct node *parent, const char *name)
{
	uint64_t h = 1469598103934665603ULL ^ parent->id * 0x9E3779B97F4A7C15ULL;

	while (*name)
		h = (h ^ (unsigned char)*name++) * 1099511628211ULL;
	return (unsigned)((h ^ h >> 32) & (N_BUCKETS - 1));
}

static pthread_mutex_t *bucket_lock(struct node_table *t, unsigned bucket)
{
	return &t->hash_locks[bucket % N_HASH_LOCKS];
}

static const char *text_of(struct unionfs *fs, const struct name *name)
{
	return arena_text(fs->arena, name->text)->name;
}

const char *node_name(struct unionfs *fs, const struct node *node)
{
	return text_of(fs, &node->name);
}

static void hash_add(struct unionfs *fs, struct name *name, unsigned bucket)
{
	name->hash_next = fs->nodes->buckets[bucket];
	fs->nodes->buckets[bucket] = name;
}

static void hash_remove(struct unionfs *fs, struct name *name)
{
	struct node_table *t = fs->nodes;
	unsigned bucket = hash_name(name->parent, text_of(fs, name));
	struct name **p;

	pthread_mutex_lock(bucket_lock(t, bucket));
	for (p = &t->buckets[bucket]; *p; p = &(*p)->hash_next) {
		if (*p == name) {
			*p = name->hash_next;
			break;
		}
	}
	pthread_mutex_unlock(bucket_lock(t, bucket));
}

/* A reference unless the node is on its way out. */
static int try_get(struct node *node)
{
	unsigned refs = atomic_load(&node->refs);

	while (refs) {
		if (atomic_compare_exchange_weak(&node->refs, &refs, refs + 1))
			return 1;
	}
	return 0;
}

static struct node *find_in_bucket(struct unionfs *fs, unsigned bucket, struct node *parent,
				   const char *name)
{
	for (struct name *n = fs->nodes->buckets[bucket]; n; n = n->hash_next) {
		if (n->parent == parent && strcmp(text_of(fs, n), name) == 0 && try_get(n->node))
			return n->node;
	}
	return NULL;
}

struct node *node_find(struct unionfs *fs, struct node *parent, const char *name)
{
	unsigned bucket = hash_name(parent, name);
	struct node *node;

	pthread_mutex_lock(bucket_lock(fs->nodes, bucket));
	node = find_in_bucket(fs, bucket, parent, name);
	pthread_mutex_unlock(bucket_lock(fs->nodes, bucket));
	return node;
}

struct node *node_insert(struct unionfs *fs, struct node *node, struct node *parent,
			 const char *name)
{
	unsigned bucket = hash_name(parent, name);
	uint32_t text = arena_text_new(fs->arena, parent->id, name, strlen(name));
	struct node *other;

	if (!text) {
		node_put(fs, node);
		return NULL;
	}
	pthread_mutex_lock(bucket_lock(fs->nodes, bucket));
	other = find_in_bucket(fs, bucket, parent, name);
	if (!other) {
		node->name.text = text;
		node->name.parent = node_get(parent);
		hash_add(fs, &node->name, bucket);
		atomic_store(&arena_record(fs->arena, node->id)->text, text);
	}
	pthread_mutex_unlock(bucket_lock(fs->nodes, bucket));
	if (!other)
		return node;
	arena_text_free(fs->arena, text);
	node_put(fs, node);
	return other;
}

int node_add_name(struct unionfs *fs, struct node *node, struct node *parent, const char *text)
{
	struct name *name = &node->name;
	unsigned bucket;

	if (name->parent) {
		name = calloc(1, sizeof(*name));
		if (!name)
			return -ENOMEM;
	}
	name->text = arena_text_new(fs->arena, parent->id, text, strlen(text));
	if (!name->text) {
		free(name == &node->name ? NULL : name);
		return -ENOMEM;
	}
	name->node = node;
	name->parent = node_get(parent);
	if (name != &node->name) {
		name->next = node->name.next;
		node->name.next = name;
	} else {
		atomic_store(&arena_record(fs->arena, node->id)->text, name->text);
	}
	bucket = hash_name(parent, text);
	pthread_mutex_lock(bucket_lock(fs->nodes, bucket));
	hash_add(fs, name, bucket);
	pthread_mutex_unlock(bucket_lock(fs->nodes, bucket));
	return 0;
}

/* The first name is embedded: a further one moves into its place. */
static void remove_first(struct unionfs *fs, struct node *node)
{
	struct name *second = node->name.next;
	unsigned bucket;

	if (!second) {
		atomic_store(&arena_record(fs->arena, node->id)->text, 0);
		node->name.parent = NULL;
		node->name.text = 0;
		return;
	}
	hash_remove(fs, second);
	bucket = hash_name(second->parent, text_of(fs, second));
	pthread_mutex_lock(bucket_lock(fs->nodes, bucket));
	node->name.parent = second->parent;
	node->name.text = second->text;
	node->name.next = second->next;
	hash_add(fs, &node->name, bucket);
	pthread_mutex_unlock(bucket_lock(fs->nodes, bucket));
	atomic_store(&arena_record(fs->arena, node->id)->text, node->name.text);
	free(second);
}

unsigned node_remove_name(struct unionfs *fs, struct node *node, struct node *parent,
			  const char *text)
{
	unsigned left = 0;

	for (struct name *n = &node->name, *prev = NULL; n && n->parent; prev = n, n = n->next) {
		struct node *old_parent = n->parent;
		uint32_t old_text = n->text;

		if (n->parent != parent || strcmp(text_of(fs, n), text) != 0)
			continue;
		hash_remove(fs, n);
		if (prev) {
			prev->next = n->next;
			free(n);
		} else {
			remove_first(fs, node);
		}
		arena_text_free(fs->arena, old_text);
		node_put(fs, old_parent);
		break;
	}
	for (struct name *n = &node->name; n && n->parent; n = n->next)
		left++;
	return left;
}

static void unlink_linked(struct unionfs *fs, struct node *node)
{
	struct node_table *t = fs->nodes;

	pthread_mutex_lock(&t->linked_lock);
	for (struct node **p = &t->linked[node->real_ino % N_LINKED]; *p; p = &(*p)->linked_next) {
		if (*p == node) {
			*p = node->linked_next;
			break;
		}
	}
	pthread_mutex_unlock(&t->linked_lock);
}

void node_link(struct unionfs *fs, struct node *node, uint64_t real_ino)
{
	struct node_table *t = fs->nodes;

	pthread_mutex_lock(&t->linked_lock);
	if (!node_is(node, NODE_LINKED)) {
		node->real_ino = real_ino;
		node->linked_next = t->linked[real_ino % N_LINKED];
		t->linked[real_ino % N_LINKED] = node;
		node_set(node, NODE_LINKED);
	}
	pthread_mutex_unlock(&t->linked_lock);
}

struct node *node_find_linked(struct unionfs *fs, uint64_t real_ino)
{
	struct node_table *t = fs->nodes;
	struct node *node;

	pthread_mutex_lock(&t->linked_lock);
	for (node = t->linked[real_ino % N_LINKED]; node; node = node->linked_next) {
		if (node->real_ino == real_ino && try_get(node))
			break;
	}
	pthread_mutex_unlock(&t->linked_lock);
	return node;
}

/* Frees a node without references; returns its first parent, whose reference
 * passes to the caller. */
static struct node *destroy(struct unionfs *fs, struct node *node)
{
	struct node *parent = node->name.parent;

	if (parent)
		hash_remove(fs, &node->name);
	while (node->name.next) {
		struct name *n = node->name.next;

		node->name.next = n->next;
		hash_remove(fs, n);
		arena_text_free(fs->arena, n->text);
		node_put(fs, n->parent);
		free(n);
	}
	if (node_is(node, NODE_LINKED))
		unlink_linked(fs, node);
	atomic_store_explicit(&fs->nodes->by_id[node->id], NULL, memory_order_release);
	if (S_ISDIR(node->mode)) {
		free_slots(fs, node);
	} else {
		fdcache_drop(fs->fds, &node->data);
		free(node->file_data);
	}
	arena_id_free(fs->arena, node->id);
	if (node->fd >= 0) {
		close(node->fd);
		atomic_fetch_sub(&fs->nodes->held, 1);
	}
	free(node);
	atomic_fetch_sub(&fs->nodes->count, 1);
	return parent;
}

void node_put(struct unionfs *fs, struct node *node)
{
	while (node && atomic_fetch_sub(&node->refs, 1) == 1)
		node = destroy(fs, node);
}

void node_remember(struct unionfs *fs, struct node *node)
{
	if (node->id == ROOT_ID)
		return;
	if (atomic_fetch_add(&arena_record(fs->arena, node->id)->lookups, 1) == 0)
		node_get(node);
}

void node_forget(struct unionfs *fs, uint64_t id, uint64_t count)
{
	struct node *node = id == ROOT_ID ? NULL : node_by_id(fs, id);

	if (node && count && atomic_fetch_sub(&arena_record(fs->arena, node->id)->lookups, count) ==
				     count)
		node_put(fs, node);
}

static unsigned lock_index(const struct node *node)
{
	return node->id % N_NODE_LOCKS;
}

void node_lock_shared(struct unionfs *fs, struct node *node)
{
	rwlock_read(&fs->nodes->node_locks[lock_index(node)]);
}

void node_lock(struct unionfs *fs, struct node *node)
{
	rwlock_write(&fs->nodes->node_locks[lock_index(node)]);
}

void node_unlock(struct unionfs *fs, struct node *node)
{
	rwlock_unlock(&fs->nodes->node_locks[lock_index(node)]);
}

void node_lock2(struct unionfs *fs, struct node *a, struct node *b)
{
	if (b && lock_index(b) < lock_index(a))
		node_lock(fs, b);
	node_lock(fs, a);
	if (b && lock_index(b) > lock_index(a))
		node_lock(fs, b);
}

void node_unlock2(struct unionfs *fs, struct node *a, struct node *b)
{
	if (b && lock_index(b) != lock_index(a))
		node_unlock(fs, b);
	node_unlock(fs, a);
}

void node_copyup_lock(struct unionfs *fs, struct node *node)
{
	pthread_mutex_lock(&fs->nodes->copyup_locks[node->id % N_COPYUP_LOCKS]);
}

void node_copyup_unlock(struct unionfs *fs, struct node *node)
{
	pthread_mutex_unlock(&fs->nodes->copyup_locks[node->id % N_COPYUP_LOCKS]);
}

void node_set_fd(struct unionfs *fs, struct node *node, int fd)
{
	struct record *r = arena_record(fs->arena, node->id);

	if ((fd >= 0) != (node->fd >= 0))
		atomic_fetch_add(&fs->nodes->held, fd >= 0 ? 1U : -1U);
	node->fd = fd;
	if (fd >= 0 && node_is(node, NODE_UPPER))
		atomic_fetch_or(&r->state, RECORD_UPPER);
	atomic_store(&r->fd, fd);
}

static void adopt(void *ctx, uint32_t id, struct record *r)
{
	struct unionfs *fs = ctx;
	struct node *node = calloc(1, sizeof(*node));
	uint32_t state = atomic_load(&r->state);
	struct stat st;

	if (!node)
		return;
	atomic_init(&node->refs, atomic_load(&r->lookups) ? 1 : 0);
	node->id = id;
	node->mode = state >> RECORD_MODE_SHIFT & S_IFMT;
	node->name.node = node;
	node->fd = atomic_load(&r->text) ? -1 : atomic_load(&r->fd);
	node_set(node, NODE_STALE | NODE_XATTR_SET);
	if (node->fd >= 0)
		atomic_fetch_add(&fs->nodes->held, 1);
	if (node->fd >= 0 && fstat(node->fd, &st) == 0) {
		node->mode = st.st_mode;
		node->ino = st.st_ino;
		node_clear(node, NODE_STALE);
		if (state & RECORD_UPPER)
			node_set(node, NODE_UPPER);
		if (S_ISDIR(node->mode))
			node->slots = calloc(1, sizeof(*node->slots));
	}
	fs->nodes->by_id[id] = node;
	atomic_fetch_add(&fs->nodes->count, 1);
}

void nodes_recover(struct unionfs *fs, void (*keep_fd)(void *ctx, int fd), void *ctx)
{
	arena_recover(fs->arena, adopt, fs);
	for (uint32_t id = ROOT_ID + 1; id < arena_ids_end(fs->arena); id++) {
		struct node *node = fs->nodes->by_id[id], *parent;
		uint32_t text;

		if (!node)
			continue;
		if (node->fd >= 0)
			keep_fd(ctx, node->fd);
		text = atomic_load(&arena_record(fs->arena, id)->text);
		parent = text ? node_by_id(fs, arena_text(fs->arena, text)->parent) : NULL;
		if (!parent)
			continue;
		node->name.text = text;
		node->name.parent = node_get(parent);
		hash_add(fs, &node->name, hash_name(parent, text_of(fs, &node->name)));
	}
}
