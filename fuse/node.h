/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The inode cache: one node for each inode that the kernel knows, found by
 * number or by (parent, name).  A node lives as long as the kernel remembers it,
 * a child has it as parent, or a request holds a reference.
 *
 * A node's names, flags and place change only under its lock (node_lock), which
 * is shared by nodes whose ids fall together: take two only with node_lock2, and
 * hold none while opening a directory that may need its parents.
 */
#ifndef FUSE_NODE_H
#define FUSE_NODE_H

#include <stdatomic.h>
#include <stdint.h>
#include <sys/stat.h>

#include "fuse/fdcache.h"

struct listing;
struct names;
struct unionfs;

enum node_flags {
	NODE_UPPER = 1 << 0,      /* it is in the upper layer */
	NODE_MERGED = 1 << 1,     /* a directory with at least one lower part */
	NODE_NO_XATTR = 1 << 2,   /* known to have no extended attributes at all */
	NODE_IMPURE = 1 << 3,     /* an upper directory that may hold copied-up entries */
	NODE_XATTR_WHITEOUTS = 1 << 4,
	NODE_LINKED = 1 << 5,     /* may have more names: found by its real inode too */
	NODE_ORIGIN = 1 << 6,     /* its shown inode number is that of a lower file */
	NODE_NEW = 1 << 7,        /* made by this server: has no origin, redirect, ... */
	NODE_STALE = 1 << 8,      /* taken over from a dead server, not looked up yet */
	NODE_COPIED = 1 << 9,     /* copied up while nameless: node.fd is the copy */
	NODE_XATTR_SET = 1 << 10, /* an attribute was set: ask the layer from now on */
};

/* One directory entry. */
struct name {
	struct name *hash_next;
	struct name *next;     /* another name of the same node */
	struct node *node;
	struct node *parent;   /* referenced; NULL: unused */
	uint32_t text;         /* in the arena */
};

/* One real directory of a directory node.  slots[0] is the upper one, used when
 * NODE_UPPER is set; slots[1] to slots[n_lower] are lower ones, top first. */
struct slot {
	struct fdslot fd;      /* O_PATH */
	char *path;            /* in the layer, "." for its root; NULL: see the parent */
	uint16_t layer;
	uint16_t xattr_whiteouts;
};

/* A lower file whose data is elsewhere (metacopy). */
struct file_data {
	uint16_t layer;
	char path[];
};

struct node {
	struct name name;      /* the first name */
	atomic_uint refs;
	uint32_t id;
	atomic_uint flags;
	mode_t mode;           /* type and, where it matters, permissions */
	uint64_t ino;          /* as shown */
	uint64_t real_ino;     /* of an upper file with NODE_LINKED */
	struct node *linked_next;
	int fd;                /* O_PATH, once it has no name; else -1 */
	union {
		uint16_t slot;         /* files: which of the parent's slots it lies in */
		atomic_ushort asked;   /* directories: how often for a name, see names.c */
	};
	uint16_t n_lower;
	union {
		struct {       /* directories */
			struct slot *slots;
			char *redirect;  /* of the upper part: "/path" in the union of
					  * the lower layers; NULL: name below parent */
			struct listing *listing;
			_Atomic(struct names *) names;
		};
		struct {       /* the others */
			struct fdslot data;
			struct file_data *file_data;
		};
	};
};

#define ROOT_ID 1

int nodes_init(struct unionfs *fs);
void nodes_done(struct unionfs *fs);

/* The node of a number that the kernel sent, or NULL.  Borrowed: the kernel
 * remembers it while its request runs. */
struct node *node_by_id(struct unionfs *fs, uint64_t id);

/* A node with one reference and no name; NULL without memory.  n_lower counts a
 * directory's lower parts. */
struct node *node_new(struct unionfs *fs, mode_t mode, unsigned n_lower);

struct node *node_get(struct node *node);
void node_put(struct unionfs *fs, struct node *node);

/* The named child with a reference, or NULL. */
struct node *node_find(struct unionfs *fs, struct node *parent, const char *name);

/* Gives a new node its first name, unless that name got a node meanwhile: returns
 * the one that has it, with the caller's reference; the other is put.  NULL
 * without memory. */
struct node *node_insert(struct unionfs *fs, struct node *node, struct node *parent,
			 const char *name);

/* Names change under node_lock(node).  add fails with -ENOMEM; remove returns how
 * many names are left. */
int node_add_name(struct unionfs *fs, struct node *node, struct node *parent, const char *name);
unsigned node_remove_name(struct unionfs *fs, struct node *node, struct node *parent,
			  const char *name);

/* Upper files with several names. */
void node_link(struct unionfs *fs, struct node *node, uint64_t real_ino);
struct node *node_find_linked(struct unionfs *fs, uint64_t real_ino);

/* The kernel was told of the node once more; forgets what it was told. */
void node_remember(struct unionfs *fs, struct node *node);
void node_forget(struct unionfs *fs, uint64_t id, uint64_t count);

/* Readers hold the place still; writers change it. */
void node_lock_shared(struct unionfs *fs, struct node *node);
void node_lock(struct unionfs *fs, struct node *node);
void node_unlock(struct unionfs *fs, struct node *node);
/* b may be NULL or a. */
void node_lock2(struct unionfs *fs, struct node *a, struct node *b);
void node_unlock2(struct unionfs *fs, struct node *a, struct node *b);

/* Serializes copy-ups of one node. */
void node_copyup_lock(struct unionfs *fs, struct node *node);
void node_copyup_unlock(struct unionfs *fs, struct node *node);

/* A nameless node is reached through this O_PATH descriptor, which it owns; -1:
 * it has a name (again).  Under node_lock(node). */
void node_set_fd(struct unionfs *fs, struct node *node, int fd);

/* Rebuilds the table of a server that died; keep_fd is called for the descriptors
 * that nodes still own. */
void nodes_recover(struct unionfs *fs, void (*keep_fd)(void *ctx, int fd), void *ctx);

/* The text of the first name; under a lock of the node. */
const char *node_name(struct unionfs *fs, const struct node *node);

unsigned node_count(struct unionfs *fs);

/* How many nameless ones are held by a descriptor. */
unsigned node_held_count(struct unionfs *fs);

static inline int node_is(const struct node *node, unsigned flag)
{
	return (atomic_load_explicit(&node->flags, memory_order_acquire) & flag) != 0;
}

static inline void node_set(struct node *node, unsigned flag)
{
	atomic_fetch_or(&node->flags, flag);
}

static inline void node_clear(struct node *node, unsigned flag)
{
	atomic_fetch_and(&node->flags, ~flag);
}

#endif
