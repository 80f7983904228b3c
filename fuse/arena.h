/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What must survive the server: which inode numbers the kernel knows, how often,
 * and under which name.  It lies in shared memory that the holder keeps, written
 * so that a server killed between any two instructions leaves a usable table: a
 * record points to one text, and a text is complete before a record points to it.
 */
#ifndef FUSE_ARENA_H
#define FUSE_ARENA_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

enum {
	/* Of all that lies in it.  Another version of this program takes a mount over only
	 * where it has the same: change it with anything that is laid out here. */
	ARENA_FORMAT = 1,
	ARENA_SETTLED_BYTES = 48,
	ARENA_MAX_IDS = 1 << 24,
	RECORD_FREE = 0,
	RECORD_USED = 1,
	RECORD_UPPER = 2,        /* a nameless inode is in the upper layer */
	RECORD_MODE_SHIFT = 4,   /* the type, as in st_mode */
};

/* One inode that the kernel may know. */
struct record {
	_Atomic uint64_t lookups;  /* how often the kernel was told of it */
	_Atomic uint32_t text;     /* parent and name; 0: it has none */
	_Atomic uint32_t state;    /* RECORD_ bits and the type */
	_Atomic int32_t fd;        /* O_PATH descriptor of a nameless inode, or -1 */
	uint32_t generation;
	int32_t backing_id;        /* with passthrough: what the kernel opened */
	uint16_t opens_cached;     /* guarded in op-open.c */
	uint16_t opens_passthrough;
};

struct text {
	uint32_t parent;
	uint16_t len;
	uint8_t used;
	uint8_t size_class;
	char name[];
};

struct arena;

/* NULL when there is no memory. */
struct arena *arena_new(void);
void arena_free(struct arena *a);

/* The memory behind it, and an arena of the memory that another program left there: NULL
 * when it is not one.  arena_recover() must follow. */
int arena_fd(const struct arena *a);
struct arena *arena_attach(int fd);

/* Room for what was settled with the kernel. */
void *arena_settled(struct arena *a);

/* The descriptor of a nameless inode, or -1. */
int arena_held_fd(struct arena *a, uint32_t id);

/* A new id (2 or more) with an empty record, or 0 when all are in use. */
uint32_t arena_id_new(struct arena *a, uint32_t mode);

/* Frees the record and its text. */
void arena_id_free(struct arena *a, uint32_t id);
struct record *arena_record(struct arena *a, uint32_t id);

/* All ids that were ever handed out are below this. */
uint32_t arena_ids_end(const struct arena *a);

/* Stores a name; returns its handle, or 0 without memory. */
uint32_t arena_text_new(struct arena *a, uint32_t parent, const char *name, size_t len);
void arena_text_free(struct arena *a, uint32_t text);
const struct text *arena_text(struct arena *a, uint32_t text);

/* After the server died: calls back for each record that the kernel knows and for
 * their parents, and rebuilds the free lists from what those refer to. */
void arena_recover(struct arena *a, void (*found)(void *ctx, uint32_t id, struct record *record),
		   void *ctx);

#endif
