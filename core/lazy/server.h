/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gantry-lazyfs: one process per engine that shows layers which are read in place, each as a
 * folder of one FUSE mount, and fetches what is missing of them.
 *
 * Node ids are slot and inode, opens keep nothing, so a server has no state but the table of
 * slots: it lies in memory that a first process shares with the server, and that process, which
 * holds /dev/fuse as well, starts a new server when one dies.
 *
 * The server ends with the last use of its mount.  It holds that itself as long as it has
 * something to fetch or was asked a moment ago; then it *retires*: gives socket and mount up and
 * goes on serving those who still use it.  A later engine starts another.
 */
#ifndef CORE_LAZY_SERVER_H
#define CORE_LAZY_SERVER_H

#include <pthread.h>

#include "core/lazy/blob.h"

#define SERVER_SLOTS 4096

struct core;
struct reader;

/* What outlives a server. */
struct server_shared {
	uint32_t n_slots;
	int retired;
	char names[SERVER_SLOTS][BLOB_NAME];
};

struct server {
	struct core *core;
	struct reader *reader;
	struct server_shared *shared;
	int device; /* /dev/fuse */
	int mount;  /* -1 once retired */
	int socket; /* listening; -1 once retired */
	int lock;   /* <run_root>/lazy/lock */
	int holder; /* a byte here tells the first process to give mount and socket up */
	pthread_mutex_t lock_slots;
	struct blob *blobs[SERVER_SLOTS];
	pthread_mutex_t lock_state;
	pthread_cond_t wake; /* something to fetch, a client came or went */
	unsigned clients;
	int64_t last_asked_ns;
};

/* The blob of a slot, opened when it is first asked for. */
int server_blob(struct server *s, uint32_t slot, struct blob **ret, struct gantry_error *err);
/* The slot of a name, taken when it has none yet.  NOT_FOUND, LIMIT. */
int server_slot(struct server *s, const char *name, uint32_t *ret, struct gantry_error *err);

/* Serves the kernel until the mount is gone.  again: a server before this one died. */
int fuse_serve(struct server *s, int again, struct gantry_error *err);

/* Starts the threads for clients and for fetching (control.c). */
int control_start(struct server *s, struct gantry_error *err);

#endif
