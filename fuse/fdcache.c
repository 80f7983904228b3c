/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hits take one of many slot locks; misses also take the ring's lock.  Order:
 * ring, then slot.  The ring is a clock: descriptors used since the hand last
 * passed stay.
 */
#include "config.h"

#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include "fuse/fdcache.h"

enum { N_LOCKS = 64 };

struct fdcache {
	pthread_mutex_t locks[N_LOCKS];
	pthread_mutex_t ring_lock;
	unsigned limit;
	unsigned hand;
	struct cfd **ring;
};

struct fdcache *fdcache_new(unsigned limit)
{
	struct fdcache *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->limit = limit;
	c->ring = calloc(limit, sizeof(struct cfd *));
	if (!c->ring) {
		free(c);
		return NULL;
	}
	for (int i = 0; i < N_LOCKS; i++)
		pthread_mutex_init(&c->locks[i], NULL);
	pthread_mutex_init(&c->ring_lock, NULL);
	return c;
}

void fdcache_free(struct fdcache *c)
{
	if (!c)
		return;
	for (unsigned i = 0; i < c->limit; i++)
		cfd_put(c->ring[i]);
	free(c->ring);
	free(c);
}

static pthread_mutex_t *slot_lock(struct fdcache *c, const struct fdslot *slot)
{
	return &c->locks[((uintptr_t)slot >> 4) % N_LOCKS];
}

struct cfd *cfd_new(int fd, int writable)
{
	struct cfd *cfd = malloc(sizeof(*cfd));

	if (!cfd) {
		close(fd);
		return NULL;
	}
	*cfd = (struct cfd){ .fd = fd, .refs = 1, .writable = writable, .ring = -1 };
	return cfd;
}

void cfd_put(struct cfd *cfd)
{
	if (!cfd || atomic_fetch_sub(&cfd->refs, 1) != 1)
		return;
	close(cfd->fd);
	free(cfd);
}

struct cfd *fdcache_get(struct fdcache *c, struct fdslot *slot)
{
	pthread_mutex_t *lock = slot_lock(c, slot);
	struct cfd *cfd;

	pthread_mutex_lock(lock);
	cfd = slot->cfd;
	if (cfd) {
		atomic_fetch_add(&cfd->refs, 1);
		if (!atomic_load_explicit(&cfd->recent, memory_order_relaxed))
			atomic_store_explicit(&cfd->recent, 1, memory_order_relaxed);
	}
	pthread_mutex_unlock(lock);
	return cfd;
}

/* Takes cfd out of its slot; ring and slot locks are held.  The slot's reference
 * passes to the caller. */
static void detach(struct fdcache *c, struct cfd *cfd)
{
	c->ring[cfd->ring] = NULL;
	cfd->ring = -1;
	cfd->slot->cfd = NULL;
	cfd->slot = NULL;
}

/* A free place in the ring; its lock is held.  What was there is returned in
 * *evicted for the caller to put after unlocking; -1 when all are in use. */
static int find_place(struct fdcache *c, struct cfd **evicted)
{
	for (unsigned tries = 0; tries < 2 * c->limit && tries < 4096; tries++) {
		unsigned at = c->hand++ % c->limit;
		struct cfd *cfd = c->ring[at];
		pthread_mutex_t *lock;

		if (!cfd)
			return (int)at;
		if (atomic_exchange(&cfd->recent, 0))
			continue;
		lock = slot_lock(c, cfd->slot);
		pthread_mutex_lock(lock);
		if (atomic_load(&cfd->refs) == 1) {
			detach(c, cfd);
			*evicted = cfd;
		}
		pthread_mutex_unlock(lock);
		if (*evicted)
			return (int)at;
	}
	return -1;
}

struct cfd *fdcache_put_in(struct fdcache *c, struct fdslot *slot, int fd, int writable)
{
	struct cfd *cfd = cfd_new(fd, writable), *evicted = NULL, *old;
	pthread_mutex_t *lock = slot_lock(c, slot);
	int at;

	if (!cfd)
		return NULL;
	pthread_mutex_lock(&c->ring_lock);
	at = find_place(c, &evicted);
	pthread_mutex_lock(lock);
	old = slot->cfd;
	if (old && (old->writable || !writable)) {
		atomic_fetch_add(&old->refs, 1);
		pthread_mutex_unlock(lock);
		pthread_mutex_unlock(&c->ring_lock);
		cfd_put(cfd);
		cfd_put(evicted);
		return old;
	}
	if (old)
		detach(c, old);
	if (at >= 0) {
		atomic_fetch_add(&cfd->refs, 1);
		atomic_store(&cfd->recent, 1);
		cfd->ring = at;
		cfd->slot = slot;
		c->ring[at] = cfd;
		slot->cfd = cfd;
	}
	pthread_mutex_unlock(lock);
	pthread_mutex_unlock(&c->ring_lock);
	cfd_put(evicted);
	cfd_put(old);
	return cfd;
}

void fdcache_drop(struct fdcache *c, struct fdslot *slot)
{
	pthread_mutex_t *lock = slot_lock(c, slot);
	struct cfd *cfd;

	if (!slot->cfd)
		return;
	pthread_mutex_lock(&c->ring_lock);
	pthread_mutex_lock(lock);
	cfd = slot->cfd;
	if (cfd)
		detach(c, cfd);
	pthread_mutex_unlock(lock);
	pthread_mutex_unlock(&c->ring_lock);
	cfd_put(cfd);
}
