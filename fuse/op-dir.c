/* SPDX-License-Identifier: Apache-2.0 */
/* Looking up, forgetting and listing names. */
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "helpers/cleanup.h"

#include "fuse/crew.h"
#include "fuse/fdcache.h"
#include "fuse/ids.h"
#include "fuse/listing.h"
#include "fuse/loc.h"
#include "fuse/lookup.h"
#include "fuse/node.h"
#include "fuse/request.h"
#include "fuse/unionfs.h"

int op_lookup(struct request *rq)
{
	struct unionfs *fs = rq->fs;
	struct node *parent = request_node(rq), *node;
	struct stat st;
	int r;

	if (!parent)
		return -ESTALE;
	r = lookup_child(fs, parent, rq->arg, &node, &st);
	if (r == -ENOENT && fs->opt.timeout > 0) {
		/* The kernel may remember that there is nothing. */
		struct fuse_entry_out *out = (struct fuse_entry_out *)rq->out;

		memset(out, 0, sizeof(*out));
		out->entry_valid = (uint64_t)fs->opt.timeout;
		return sizeof(*out);
	}
	return r < 0 ? r : request_reply_entry(rq, node, &st, 0);
}

int op_forget(struct request *rq)
{
	const struct fuse_forget_in *in = (const struct fuse_forget_in *)rq->arg;

	node_forget(rq->fs, rq->in->nodeid, in->nlookup);
	return REPLY_NONE;
}

int op_batch_forget(struct request *rq)
{
	const struct fuse_batch_forget_in *in = (const struct fuse_batch_forget_in *)rq->arg;
	const struct fuse_forget_one *one = (const struct fuse_forget_one *)(in + 1);

	for (uint32_t i = 0; i < in->count; i++)
		node_forget(rq->fs, one[i].nodeid, one[i].nlookup);
	return REPLY_NONE;
}

/* The inode number that stat() would show for an entry. */
static uint64_t entry_ino(struct unionfs *fs, struct node *dir, const struct listing_entry *e,
			  const char *name)
{
	struct node *node;
	struct stat st;
	uint64_t ino = e->ino;

	/* Only names in an upper directory that took things over can differ. */
	if (e->slot || (!node_is(dir, NODE_IMPURE) && !(e->type == DT_DIR && dir->n_lower)))
		return ino;
	if (lookup_listed(fs, dir, name, e->slot, &node, &st) == 0) {
		ino = node->ino;
		node_put(fs, node);
	}
	return ino;
}

static int emit(struct request *rq, size_t *at, size_t limit, uint64_t ino, uint64_t cookie,
		uint8_t type, const char *name)
{
	size_t len = strlen(name);
	size_t size = FUSE_DIRENT_ALIGN(FUSE_NAME_OFFSET + len);
	struct fuse_dirent *d = (struct fuse_dirent *)(rq->out + *at);

	if (*at + size > limit)
		return 0;
	d->ino = ino;
	d->off = cookie;
	d->namelen = (uint32_t)len;
	d->type = type;
	memcpy(d->name, name, len);
	memset(d->name + len, 0, size - FUSE_NAME_OFFSET - len);
	*at += size;
	return 1;
}

/* With the entry that a LOOKUP would give.  What cannot be looked up right now is
 * listed without. */
static int emit_plus(struct request *rq, struct node *dir, size_t *at, size_t limit,
		     const struct listing_entry *e, const char *name)
{
	struct fuse_direntplus *d = (struct fuse_direntplus *)(rq->out + *at);
	size_t inner = *at + FUSE_NAME_OFFSET_DIRENTPLUS - FUSE_NAME_OFFSET;
	struct node *node = NULL;
	struct stat st;
	uint64_t ino = e->ino;
	uint8_t type = e->type;
	int r = 0;

	if (inner + FUSE_DIRENT_ALIGN(FUSE_NAME_OFFSET + strlen(name)) > limit)
		return 0;
	memset(&d->entry_out, 0, sizeof(d->entry_out));
	if (e->cookie >= 3)
		r = lookup_listed(rq->fs, dir, name, e->slot, &node, &st);
	if (r == -ENOENT)
		return 1; /* hidden after all */
	if (node) {
		request_fill_entry(rq, node, &st, &d->entry_out);
		ino = node->ino;
		type = (uint8_t)IFTODT(d->entry_out.attr.mode);
		node_put(rq->fs, node);
	}
	emit(rq, &inner, limit, ino, e->cookie, type, name);
	*at = inner;
	return 1;
}

static uint64_t dot_ino(struct unionfs *fs, struct node *dir, int parent)
{
	uint64_t ino;

	node_lock_shared(fs, dir);
	ino = parent && dir->name.parent ? dir->name.parent->ino : dir->ino;
	node_unlock(fs, dir);
	return ino;
}

static int list(struct request *rq, int plus)
{
	const struct fuse_read_in *in = (const struct fuse_read_in *)rq->arg;
	struct unionfs *fs = rq->fs;
	struct node *dir = request_node(rq);
	size_t at = 0, limit = in->size < rq->out_size ? in->size : rq->out_size;
	struct listing *l;
	unsigned i;
	int r;

	if (!dir)
		return -ESTALE;
	if (node_is(dir, NODE_STALE) && (r = lookup_revive(fs, dir)) < 0)
		return r;
	r = listing_of(fs, dir, &l);
	if (r < 0)
		return r;
	for (uint64_t dot = in->offset + 1; dot < 3; dot++) {
		struct listing_entry e = { .cookie = dot, .ino = dot_ino(fs, dir, dot == 2),
					   .type = DT_DIR };
		const char *name = dot == 1 ? "." : "..";

		if (plus)
			emit_plus(rq, dir, &at, limit, &e, name);
		else
			emit(rq, &at, limit, e.ino, dot, DT_DIR, name);
	}
	for (i = listing_seek(l, in->offset); i < l->count; i++) {
		const struct listing_entry *e = &l->entries[i];
		const char *name = l->names + e->name;

		if (atomic_load(&l->entries[i].gone))
			continue;
		if (plus ? !emit_plus(rq, dir, &at, limit, e, name) :
			   !emit(rq, &at, limit, entry_ino(fs, dir, e, name), e->cookie, e->type,
				 name))
			break;
	}
	/* Read to its end: the next reader is the kernel's cache. */
	if (!at)
		listing_changed(fs, dir, NULL);
	listing_put(l);
	return (int)at;
}

int op_readdir(struct request *rq)
{
	return list(rq, 0);
}

int op_readdirplus(struct request *rq)
{
	return list(rq, 1);
}

/* Directories are read without being opened: the kernel stops asking. */
int op_opendir(struct request *rq)
{
	return -ENOSYS;
}

int op_fsyncdir(struct request *rq)
{
	struct node *dir = request_node(rq);
	auto_cfd struct cfd *cfd = NULL;
	auto_fd int fd = -1;
	int r;

	if (!dir)
		return -ESTALE;
	crew_may_block();
	if (!rq->fs->opt.sync || !node_is(dir, NODE_UPPER) || dir->fd >= 0)
		return 0;
	r = dir_open_upper(rq->fs, dir, &cfd);
	if (r < 0)
		return r;
	fd = openat(cfd->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 || fsync(fd) < 0 ? -errno : 0;
}
