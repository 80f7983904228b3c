/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A bounded cache of open descriptors.  Whoever can reopen a file keeps a slot;
 * the cache fills it, hands out references, and empties slots that were not used
 * lately when the limit is reached.
 */
#ifndef FUSE_FDCACHE_H
#define FUSE_FDCACHE_H

#include <stdatomic.h>

struct fdcache;

/* A shared descriptor; closed with the last reference. */
struct cfd {
	int fd;
	atomic_int refs;
	atomic_int recent;
	int writable;        /* what the owner of the slot wants to know */
	int ring;            /* place in the cache, or -1 */
	struct fdslot *slot; /* NULL once taken out */
};

/* A zeroed slot is empty. */
struct fdslot {
	struct cfd *cfd;
};

struct fdcache *fdcache_new(unsigned limit);
void fdcache_free(struct fdcache *c);

/* A reference to what the slot holds, or NULL. */
struct cfd *fdcache_get(struct fdcache *c, struct fdslot *slot);

/* Takes fd over and puts it into the slot; when another thread was first and its
 * descriptor serves (writable covers read-only), fd is closed and the other one
 * returned.  NULL (fd closed) without memory. */
struct cfd *fdcache_put_in(struct fdcache *c, struct fdslot *slot, int fd, int writable);

/* Empties the slot; users of the descriptor keep it until they are done. */
void fdcache_drop(struct fdcache *c, struct fdslot *slot);

/* A descriptor that no slot holds; takes fd over.  NULL (fd closed) without memory. */
struct cfd *cfd_new(int fd, int writable);
void cfd_put(struct cfd *cfd);

static inline void cfd_auto(struct cfd **cfd)
{
	cfd_put(*cfd);
}
#define auto_cfd __attribute__((cleanup(cfd_auto)))

#endif
