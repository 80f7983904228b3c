/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One mounted union: its options, its layers and its inode cache.  Everything
 * here is set up before the first request and constant afterwards, except what
 * the modules keep behind their own locks.
 *
 * How the rooms hang together, from the outside in:
 *   main, options, explain   the command line
 *   mount, channel, session  the kernel's side: /dev/fuse, threads, dispatch
 *   holder                   the process that survives the server
 *   op-*.c                   one function per request, grouped by what it does
 *   lookup, listing          merging the layers: one name, one directory
 *   copyup, workdir          changing things that are not in the upper layer yet
 *   node, loc, fdcache       inodes by number; where they really are; open fds
 *   arena                    what must survive the server: ids and names
 *   layer, format, xattrat   the directories and the marks the kernel uses
 *   ids, acl                 owners, modes, access control lists
 *
 * Locks, in the order they may be taken (each is a leaf unless said):
 *   a node's copy-up lock; then node locks (striped, see node.h), parents never
 *   while a child is held; then fdcache, hash bucket or arena locks.
 */
#ifndef FUSE_UNIONFS_H
#define FUSE_UNIONFS_H

#include <stdatomic.h>
#include <stdint.h>
#include <sys/types.h>

#include "fuse/format.h"
#include "fuse/options.h"

struct arena;
struct fdcache;
struct layer;
struct node;
struct node_table;

/* What the kernel agreed to at INIT. */
struct settled {
	int done;
	atomic_int serving;  /* the server of now has begun */
	int no_open;         /* files are opened and closed without us */
	int passthrough;
	int writeback;
	int posix_acl;
	uint64_t flags;
};

struct unionfs {
	struct options opt;
	struct format format;

	/* layers[0] is the upper one; its fd is -1 in a read-only mount. */
	struct layer *layers;
	unsigned n_layers;
	int has_upper;
	int same_device;     /* all layers have one st_dev */
	int work_fd;         /* the folder "work" in workdir, or -1 */
	atomic_ulong work_serial;

	struct arena *arena;
	struct node_table *nodes;
	struct node *root;
	struct fdcache *fds;

	int privileged;      /* CAP_SYS_ADMIN in the first user namespace */
	int own_uid, own_gid;
	unsigned overrides;  /* a bit for each enum override_mode that layers use */

	int dev_fd;
	struct settled *settled; /* in the arena: a successor needs it */

	char **argv;
	char *program;       /* what an upgrade executes, or NULL */
	int inherited;       /* taken over from another program */
};

#endif
