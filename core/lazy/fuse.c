/* SPDX-License-Identifier: Apache-2.0 */
/* Threads share nothing but the slots and the reader; each reads requests with buffers of its
 * own.  Nothing changes ever, so the kernel may keep all that it learns. */
#include <errno.h>
#include <linux/fuse.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "core/engine/engine.h"
#include "core/lazy/fuse_attr.h"
#include "core/lazy/reader.h"
#include "core/lazy/server.h"
#include "core/lazy/source.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"

#define THREADS 24 /* each may wait for the network */
#define STACK (256 * 1024)
#define MAX_REPLY (1 << 20)
#define IN_SIZE (64 * 1024)
#define FOREVER (365 * 24 * 3600)
#define NOTIFY_RESEND 7 /* Linux 6.9 */

struct worker {
	struct server *s;
	char *in;
	char *out; /* MAX_REPLY */
};

struct request {
	struct worker *w;
	const struct fuse_in_header *in;
	const char *arg;
	size_t arg_len;
	struct blob *blob;            /* NULL: the root */
	const struct index *index;
	const struct index_inode *inode;
	uint32_t slot, number;
};

static int reply(struct worker *w, uint64_t unique, int error, const void *data, size_t len)
{
	struct fuse_out_header header = { .len = (uint32_t)(sizeof(header) + len), .error = error,
					  .unique = unique };
	struct iovec iov[2] = { { &header, sizeof(header) }, { (void *)data, len } };

	return writev(w->s->device, iov, len ? 2 : 1) < 0 ? -errno : 0;
}

static uint64_t node_id(uint32_t slot, uint32_t inode)
{
	return ((uint64_t)slot + 1) << 32 | inode;
}

/* Which inode of which layer a node id is.  Negative errno. */
static int find_node(struct request *rq, uint64_t id)
{
	struct gantry_error err = GANTRY_ERROR_INIT;
	int r;

	rq->blob = NULL;
	if (id == FUSE_ROOT_ID) {
		return 0;
	}
	rq->slot = (uint32_t)(id >> 32) - 1;
	rq->number = (uint32_t)id;
	r = id >> 32 ? server_blob(rq->w->s, rq->slot, &rq->blob, &err) : GANTRY_ERR_NOT_FOUND;
	if (r < 0) {
		return r == GANTRY_ERR_NOT_FOUND ? -ESTALE : -EIO;
	}
	rq->index = blob_index(rq->blob);
	if (rq->number >= rq->index->n_inodes) {
		return -ESTALE;
	}
	rq->inode = &rq->index->inodes[rq->number];
	return 0;
}

static void fill_root(struct fuse_attr *attr)
{
	memset(attr, 0, sizeof(*attr));
	attr->ino = FUSE_ROOT_ID;
	attr->mode = S_IFDIR | 0555;
	attr->nlink = 2;
	attr->blksize = 4096;
}

static void fill_entry(const struct request *rq, uint32_t number, struct fuse_entry_out *out)
{
	memset(out, 0, sizeof(*out));
	out->nodeid = node_id(rq->slot, number);
	out->entry_valid = out->attr_valid = FOREVER;
	lazy_fill_attr(rq->index, number, out->nodeid, &out->attr);
}

/* Layers are folders of the root, named by digest. */
static int lookup_layer(struct request *rq, struct fuse_entry_out *out)
{
	struct gantry_error err = GANTRY_ERROR_INIT;
	int r = server_slot(rq->w->s, rq->arg, &rq->slot, &err);

	if (r == 0) {
		r = server_blob(rq->w->s, rq->slot, &rq->blob, &err);
	}
	if (r == 0) {
		rq->index = blob_index(rq->blob);
		fill_entry(rq, INDEX_ROOT, out);
		out->entry_valid = 0; /* the same name may become another layer */
		return 0;
	}
	if (r != GANTRY_ERR_NOT_FOUND) {
		lazy_log(rq->w->s->core, "layer %.64s: %s", rq->arg, err.message);
		return -EIO;
	}
	return -ENOENT;
}

static int op_lookup(struct request *rq)
{
	struct fuse_entry_out *out = (struct fuse_entry_out *)rq->w->out;
	const struct index_name *name;
	int r;

	if (!rq->blob) {
		r = lookup_layer(rq, out);
		return r < 0 ? r : (int)sizeof(*out);
	}
	name = index_lookup(rq->index, rq->number, rq->arg, strlen(rq->arg));
	if (name) {
		fill_entry(rq, name->inode, out);
	} else {
		/* Never here: the kernel may know that as well. */
		memset(out, 0, sizeof(*out));
		out->entry_valid = FOREVER;
	}
	return sizeof(*out);
}

static int op_getattr(struct request *rq)
{
	struct fuse_attr_out *out = (struct fuse_attr_out *)rq->w->out;

	memset(out, 0, sizeof(*out));
	out->attr_valid = FOREVER;
	if (rq->blob) {
		lazy_fill_attr(rq->index, rq->number, rq->in->nodeid, &out->attr);
	} else {
		fill_root(&out->attr);
	}
	return sizeof(*out);
}

static int op_readlink(struct request *rq)
{
	if (!rq->blob || !S_ISLNK(rq->inode->mode)) {
		return -EINVAL;
	}
	memcpy(rq->w->out, rq->index->strings + rq->inode->first, rq->inode->count);
	return (int)rq->inode->count;
}

static int op_read(struct request *rq)
{
	const struct fuse_read_in *in = (const struct fuse_read_in *)rq->arg;
	size_t size = in->size < MAX_REPLY ? in->size : MAX_REPLY, len;
	struct gantry_error err = GANTRY_ERROR_INIT;

	if (!rq->blob || !S_ISREG(rq->inode->mode)) {
		return rq->blob && S_ISDIR(rq->inode->mode) ? -EISDIR : -EINVAL;
	}
	if (reader_read(rq->w->s->reader, rq->blob, rq->number, in->offset, size, rq->w->out, &len,
			&err) < 0) {
		return err.code == GANTRY_ERR_NO_MEMORY ? -ENOMEM : -EIO;
	}
	return (int)len;
}

/* One entry of a listing; 0 when there is no room for it. */
static size_t put_entry(struct request *rq, char *to, size_t room, int plus, uint64_t next,
			const char *name, size_t len, uint32_t number)
{
	size_t head = plus ? sizeof(struct fuse_entry_out) : 0;
	size_t size = FUSE_DIRENT_ALIGN(head + offsetof(struct fuse_dirent, name) + len);
	struct fuse_dirent *d = (struct fuse_dirent *)(to + head);

	if (size > room) {
		return 0;
	}
	memset(to, 0, size);
	/* The kernel looks at "." and ".." itself. */
	if (plus && next > 2) {
		fill_entry(rq, number, (struct fuse_entry_out *)to);
	}
	d->ino = node_id(rq->slot, number);
	d->off = next;
	d->namelen = (uint32_t)len;
	d->type = (rq->index->inodes[number].mode & S_IFMT) >> 12;
	memcpy(d->name, name, len);
	return size;
}

static int list(struct request *rq, int plus)
{
	const struct fuse_read_in *in = (const struct fuse_read_in *)rq->arg;
	size_t room = in->size < MAX_REPLY ? in->size : MAX_REPLY, len = 0;
	const struct index_inode *n = rq->inode;
	uint64_t at = in->offset;

	if (!rq->blob) {
		return 0;
	}
	if (!S_ISDIR(n->mode)) {
		return -ENOTDIR;
	}
	for (; at < (uint64_t)n->count + 2; at++) {
		const struct index_name *e = at < 2 ? NULL : &rq->index->names[n->first + at - 2];
		size_t size = e ? put_entry(rq, rq->w->out + len, room - len, plus, at + 1,
					    rq->index->strings + e->text, e->len, e->inode)
				: put_entry(rq, rq->w->out + len, room - len, plus, at + 1, "..",
					    at + 1, at ? n->parent : rq->number);

		if (size == 0) {
			break;
		}
		len += size;
	}
	return (int)len;
}

static int op_readdir(struct request *rq)
{
	return list(rq, 0);
}

static int op_readdirplus(struct request *rq)
{
	return list(rq, 1);
}

/* Size first, then the value: the kernel asks in one call or two. */
static int answer_sized(struct request *rq, uint32_t asked, int len)
{
	if (len < 0) {
		return len;
	}
	if (asked == 0) {
		struct fuse_getxattr_out *out = (struct fuse_getxattr_out *)rq->w->out;

		*out = (struct fuse_getxattr_out){ .size = (uint32_t)len };
		return sizeof(*out);
	}
	return (uint32_t)len > asked ? -ERANGE : len;
}

static int op_getxattr(struct request *rq)
{
	const struct fuse_getxattr_in *in = (const struct fuse_getxattr_in *)rq->arg;

	if (!rq->blob) {
		return -ENODATA;
	}
	return answer_sized(rq, in->size, lazy_get_xattr(rq->index, rq->number,
							 rq->arg + sizeof(*in), rq->w->out, MAX_REPLY));
}

static int op_listxattr(struct request *rq)
{
	const struct fuse_getxattr_in *in = (const struct fuse_getxattr_in *)rq->arg;

	return rq->blob ? answer_sized(rq, in->size,
				       lazy_list_xattrs(rq->index, rq->number, rq->w->out, MAX_REPLY))
			: answer_sized(rq, in->size, 0);
}

static int op_statfs(struct request *rq)
{
	struct fuse_statfs_out *out = (struct fuse_statfs_out *)rq->w->out;

	memset(out, 0, sizeof(*out));
	out->st.bsize = out->st.frsize = 4096;
	out->st.namelen = NAME_MAX;
	if (rq->blob) {
		out->st.blocks = rq->index->header->content_size / 4096;
		out->st.files = rq->index->n_inodes;
	}
	return sizeof(*out);
}

static int op_init(struct request *rq)
{
	static const uint64_t want = FUSE_ASYNC_READ | FUSE_PARALLEL_DIROPS | FUSE_MAX_PAGES |
				     FUSE_CACHE_SYMLINKS | FUSE_DO_READDIRPLUS |
				     FUSE_READDIRPLUS_AUTO | FUSE_NO_OPEN_SUPPORT |
				     FUSE_NO_OPENDIR_SUPPORT | FUSE_EXPLICIT_INVAL_DATA | FUSE_INIT_EXT |
				     FUSE_POSIX_ACL; /* without it asking fails in a user namespace */
	const struct fuse_init_in *in = (const struct fuse_init_in *)rq->arg;
	struct fuse_init_out *out = (struct fuse_init_out *)rq->w->out;

	memset(out, 0, sizeof(*out));
	out->major = FUSE_KERNEL_VERSION;
	out->minor = FUSE_KERNEL_MINOR_VERSION;
	if (in->major > FUSE_KERNEL_VERSION) {
		return sizeof(*out); /* the kernel tries again with our version */
	}
	out->max_readahead = in->max_readahead;
	out->flags = (uint32_t)(want & in->flags);
	out->max_background = 64;
	out->congestion_threshold = 48;
	out->max_write = 4096;
	out->time_gran = 1;
	out->max_pages = MAX_REPLY / 4096;
	return sizeof(*out);
}

/* Neither opens nor what belongs to them is asked for twice. */
static int op_none(struct request *rq)
{
	(void)rq;
	return -ENOSYS;
}

static int op_read_only(struct request *rq)
{
	(void)rq;
	return -EROFS;
}

static int op_destroy(struct request *rq)
{
	(void)rq;
	return 0;
}

struct operation {
	int (*handler)(struct request *rq); /* bytes in w->out, or a negative errno */
	size_t min_arg;
	int has_name; /* behind min_arg */
	int has_node;
};

static const struct operation operations[] = {
	[FUSE_LOOKUP] = { op_lookup, 0, 1, 1 },
	[FUSE_GETATTR] = { op_getattr, 0, 0, 1 },
	[FUSE_READLINK] = { op_readlink, 0, 0, 1 },
	[FUSE_READ] = { op_read, sizeof(struct fuse_read_in), 0, 1 },
	[FUSE_READDIR] = { op_readdir, sizeof(struct fuse_read_in), 0, 1 },
	[FUSE_READDIRPLUS] = { op_readdirplus, sizeof(struct fuse_read_in), 0, 1 },
	[FUSE_GETXATTR] = { op_getxattr, sizeof(struct fuse_getxattr_in), 1, 1 },
	[FUSE_LISTXATTR] = { op_listxattr, sizeof(struct fuse_getxattr_in), 0, 1 },
	[FUSE_STATFS] = { op_statfs, 0, 0, 1 },
	[FUSE_INIT] = { op_init, 16, 0, 0 },
	[FUSE_OPEN] = { op_none, 0, 0, 0 },
	[FUSE_OPENDIR] = { op_none, 0, 0, 0 },
	[FUSE_SETATTR] = { op_read_only, 0, 0, 0 },
	[FUSE_DESTROY] = { op_destroy, 0, 0, 0 },
};

static void serve(struct worker *w, size_t len)
{
	struct request rq = { .w = w, .in = (struct fuse_in_header *)w->in,
			      .arg = w->in + sizeof(struct fuse_in_header),
			      .arg_len = len - sizeof(struct fuse_in_header) };
	const struct operation *op;
	uint32_t opcode = rq.in->opcode;
	int r;

	if (len < sizeof(*rq.in) || opcode == FUSE_FORGET || opcode == FUSE_BATCH_FORGET ||
	    opcode == FUSE_INTERRUPT) {
		return;
	}
	op = opcode < ARRAY_SIZE(operations) && operations[opcode].handler ? &operations[opcode] : NULL;
	if (!op) {
		reply(w, rq.in->unique, -ENOSYS, NULL, 0);
		return;
	}
	w->in[len] = '\0';
	r = rq.arg_len < op->min_arg || (op->has_name && rq.arg_len == op->min_arg) ? -EINVAL : 0;
	if (r == 0 && op->has_node) {
		r = find_node(&rq, rq.in->nodeid);
	}
	if (r == 0) {
		r = op->handler(&rq);
	}
	reply(w, rq.in->unique, r < 0 ? r : 0, w->out, r < 0 ? 0 : (size_t)r);
}

static void *work(void *arg)
{
	struct worker *w = arg;

	for (;;) {
		ssize_t n = read(w->s->device, w->in, IN_SIZE - 1);

		if (n > 0) {
			serve(w, (size_t)n);
		} else if (n == 0 || (errno != EINTR && errno != ENOENT && errno != EAGAIN)) {
			return NULL; /* ENODEV: nobody uses the mount any more */
		}
	}
}

/* What the dead server had read and not answered comes again. */
static int resend(struct server *s)
{
	struct fuse_out_header header = { .len = sizeof(header), .error = NOTIFY_RESEND };

	return write(s->device, &header, sizeof(header)) < 0 ? -errno : 0;
}

int fuse_serve(struct server *s, int again, struct gantry_error *err)
{
	static struct worker workers[THREADS];
	pthread_t threads[THREADS];
	pthread_attr_t attr;
	int n = 0, code = 0;

	if (again && resend(s) < 0) {
		/* Its readers would wait for ever. */
		return error_set(err, GANTRY_ERR_UNSUPPORTED, "this kernel cannot repeat requests");
	}
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK);
	for (; n < THREADS && code == 0; n++) {
		workers[n] = (struct worker){ s, malloc(IN_SIZE), malloc(MAX_REPLY) };
		code = workers[n].in && workers[n].out ?
			       pthread_create(&threads[n], &attr, work, &workers[n]) : ENOMEM;
	}
	pthread_attr_destroy(&attr);
	if (code) {
		return error_errno(err, code, "cannot start a thread");
	}
	while (n > 0) {
		pthread_join(threads[--n], NULL);
	}
	return 0;
}
