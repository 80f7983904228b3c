/* SPDX-License-Identifier: Apache-2.0 */
/* One lock guards the list of chunks; it is not held while one is fetched or decoded.  Who wants
 * a chunk that another thread is at waits for that one. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "core/lazy/blob.h"
#include "core/lazy/chunk.h"
#include "core/lazy/reader.h"
#include "core/lazy/source.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"

struct cached {
	struct blob *blob;
	uint32_t chunk;
	unsigned users;
	int ready;   /* 1: data is there; negative: it could not be had */
	struct gantry_error error;
	size_t size;
	struct cached *next; /* the one used before */
	unsigned char data[];
};

struct reader {
	struct core *core;
	size_t limit;
	pthread_mutex_t lock;
	pthread_cond_t done;
	struct cached *newest;
	size_t size;
	size_t loading; /* bytes of chunks that are being fetched and decoded */
};

#define MAX_LOADING (128 << 20)

struct reader *reader_new(struct core *core, size_t limit)
{
	struct reader *r = calloc(1, sizeof(*r));

	if (r) {
		r->core = core;
		r->limit = limit;
		pthread_mutex_init(&r->lock, NULL);
		pthread_cond_init(&r->done, NULL);
	}
	return r;
}

/* Takes the oldest out that nobody uses until the rest fits; the lock is held. */
static void trim(struct reader *r)
{
	while (r->size > r->limit) {
		struct cached **oldest = NULL;

		for (struct cached **p = &r->newest; *p; p = &(*p)->next) {
			if (!(*p)->users) {
				oldest = p;
			}
		}
		if (!oldest) {
			return;
		}
		struct cached *gone = *oldest;

		*oldest = gone->next;
		r->size -= gone->size;
		free(gone);
	}
}

/* Finds it, or makes an empty one: then *ret_mine is set and the caller fills it. */
static struct cached *take(struct reader *r, struct blob *b, uint32_t chunk, size_t size,
			   int *ret_mine)
{
	struct cached *c, **p;

	*ret_mine = 0;
	pthread_mutex_lock(&r->lock);
	for (p = &r->newest; *p && ((*p)->blob != b || (*p)->chunk != chunk || (*p)->ready < 0);
	     p = &(*p)->next) {
	}
	c = *p;
	if (c) {
		*p = c->next;
	} else {
		c = calloc(1, sizeof(*c) + size);
		if (!c) {
			pthread_mutex_unlock(&r->lock);
			return NULL;
		}
		c->blob = b;
		c->chunk = chunk;
		c->size = size;
		r->size += size;
		*ret_mine = 1;
	}
	c->users++;
	c->next = r->newest;
	r->newest = c;
	trim(r);
	while (!*ret_mine && !c->ready) {
		pthread_cond_wait(&r->done, &r->lock);
	}
	pthread_mutex_unlock(&r->lock);
	return c;
}

static void put(struct reader *r, struct cached *c)
{
	pthread_mutex_lock(&r->lock);
	c->users--;
	trim(r);
	pthread_mutex_unlock(&r->lock);
}

/* Fetches and decodes; bytes that are damaged are fetched once more. */
static int load(struct reader *r, struct blob *b, const struct index_chunk *c, void *to,
		struct gantry_error *err)
{
	size_t size = chunk_packed_size(c);
	auto_free unsigned char *packed = malloc(size ? size : 1);
	int code = packed ? 0 : error_no_memory(err);

	for (int try = 0; code == 0 && try < 2; try++) {
		code = blob_read(b, chunk_start(c), size, packed, err);
		if (code == 0) {
			code = chunk_decode(blob_index(b), c, packed, to, err);
		}
		if (code != GANTRY_ERR_CORRUPT) {
			return code;
		}
		if (try > 0 || !blob_forget(b, chunk_start(c), size)) {
			lazy_log(r->core, "layer %s at byte %llu: %s", blob_digest(b),
				 (unsigned long long)c->offset, err->message);
			return code;
		}
		error_clear(err);
		code = 0;
	}
	return code;
}

/* Threads that load large chunks at the same time take turns: their memory is nobody's cgroup's. */
static void begin_load(struct reader *r, size_t size)
{
	pthread_mutex_lock(&r->lock);
	while (r->loading && r->loading + size > MAX_LOADING) {
		pthread_cond_wait(&r->done, &r->lock);
	}
	r->loading += size;
	pthread_mutex_unlock(&r->lock);
}

static struct cached *get(struct reader *r, struct blob *b, uint32_t number, struct gantry_error *err)
{
	const struct index_chunk *chunk = &blob_index(b)->chunks[number];
	int mine, code;
	struct cached *c = take(r, b, number, chunk->out_size, &mine);

	if (!c) {
		error_no_memory(err);
		return NULL;
	}
	if (mine) {
		size_t size = chunk->out_size + chunk_packed_size(chunk);

		begin_load(r, size);
		code = load(r, b, chunk, c->data, err);
		pthread_mutex_lock(&r->lock);
		r->loading -= size;
		c->ready = code < 0 ? code : 1;
		if (code < 0) {
			c->error = *err;
		}
		pthread_cond_broadcast(&r->done);
		pthread_mutex_unlock(&r->lock);
	}
	if (c->ready < 0) {
		*err = c->error;
		put(r, c);
		return NULL;
	}
	return c;
}

/* Bytes of the space. */
static int read_space(struct reader *r, struct blob *b, uint64_t position, size_t size,
		      unsigned char *to, struct gantry_error *err)
{
	const struct index *x = blob_index(b);

	while (size > 0) {
		uint32_t number = index_find_chunk(x, position);
		struct cached *c = get(r, b, number, err);
		size_t from, n;

		if (!c) {
			return err->code;
		}
		from = (size_t)(position - x->chunks[number].position);
		n = c->size - from < size ? c->size - from : size;
		memcpy(to, c->data + from, n);
		put(r, c);
		to += n;
		position += n;
		size -= n;
	}
	return 0;
}

int reader_read(struct reader *r, struct blob *b, uint32_t inode, uint64_t offset, size_t size,
		void *to, size_t *ret_len, struct gantry_error *err)
{
	const struct index *x = blob_index(b);
	const struct index_inode *n = &x->inodes[inode];
	uint32_t end = n->first + n->count;
	int code = 0;

	if (offset >= n->size) {
		size = 0;
	} else if (size > n->size - offset) {
		size = (size_t)(n->size - offset);
	}
	memset(to, 0, size);
	*ret_len = size;
	for (uint32_t i = index_find_extent(x, n, offset); code == 0 && i < end; i++) {
		const struct index_extent *e = &x->extents[i];
		uint64_t from = e->offset > offset ? e->offset : offset;
		uint64_t stop = e->offset + e->length;

		stop = stop < offset + size ? stop : offset + size;
		if (from >= stop) {
			break;
		}
		code = read_space(r, b, e->position + (from - e->offset), (size_t)(stop - from),
				  (unsigned char *)to + (from - offset), err);
	}
	return code;
}
