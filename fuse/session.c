/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Each worker has its own descriptor of the connection, its own buffers, its own
 * umask and its own counters: workers share nothing but the inode cache.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include <gantry/error.h>
#include "helpers/cleanup.h"
#include "helpers/error.h"

#include "fuse/arena.h"
#include "fuse/crew.h"
#include "fuse/holder.h"
#include "fuse/ids.h"
#include "fuse/init.h"
#include "fuse/loc.h"
#include "fuse/lookup.h"
#include "fuse/mount.h"
#include "fuse/node.h"
#include "fuse/notify.h"
#include "fuse/openfile.h"
#include "fuse/place.h"
#include "fuse/request.h"
#include "fuse/session.h"
#include "fuse/unionfs.h"

enum {
	HEADER_BYTES = 4096,
	MAX_DATA = 1 << 20,
	MIN_THREADS = 4,
	MAX_THREADS = 64,
	PRUNE_EVERY = 8,      /* requests */
	SPACE_TRIES = 3,
	SPACE_WAIT_NS = 10000000,
};

struct worker {
	struct unionfs *fs;
	pthread_t thread;
	int fd;
	struct crew_member crew;
	struct place place;
	int umask_bits;       /* of this thread; -1: not set yet */
	unsigned since_prune;
	char *in;
	char *out;
	size_t in_size, out_size;
	uint64_t counts[SESSION_OPCODES];
};

struct operation {
	const char *name;
	request_handler *handler;
	size_t min_arg;       /* of the body, without names */
	int names;            /* how many NUL-terminated names follow */
};

static const struct operation operations[SESSION_OPCODES] = {
	[FUSE_LOOKUP] = { "LOOKUP", op_lookup, 0, 1 },
	[FUSE_FORGET] = { "FORGET", op_forget, sizeof(struct fuse_forget_in) },
	[FUSE_GETATTR] = { "GETATTR", op_getattr },
	[FUSE_SETATTR] = { "SETATTR", op_setattr, sizeof(struct fuse_setattr_in) },
	[FUSE_READLINK] = { "READLINK", op_readlink },
	[FUSE_SYMLINK] = { "SYMLINK", op_symlink, 0, 2 },
	[FUSE_MKNOD] = { "MKNOD", op_mknod, sizeof(struct fuse_mknod_in), 1 },
	[FUSE_MKDIR] = { "MKDIR", op_mkdir, sizeof(struct fuse_mkdir_in), 1 },
	[FUSE_UNLINK] = { "UNLINK", op_unlink, 0, 1 },
	[FUSE_RMDIR] = { "RMDIR", op_rmdir, 0, 1 },
	[FUSE_RENAME] = { "RENAME", op_rename, sizeof(struct fuse_rename_in), 2 },
	[FUSE_LINK] = { "LINK", op_link, sizeof(struct fuse_link_in), 1 },
	[FUSE_OPEN] = { "OPEN", op_open, sizeof(struct fuse_open_in) },
	[FUSE_READ] = { "READ", op_read, sizeof(struct fuse_read_in) },
	[FUSE_WRITE] = { "WRITE", op_write, sizeof(struct fuse_write_in) },
	[FUSE_STATFS] = { "STATFS", op_statfs },
	[FUSE_RELEASE] = { "RELEASE", op_release, sizeof(struct fuse_release_in) },
	[FUSE_FSYNC] = { "FSYNC", op_fsync, sizeof(struct fuse_fsync_in) },
	[FUSE_SETXATTR] = { "SETXATTR", op_setxattr, sizeof(struct fuse_setxattr_in), 1 },
	[FUSE_GETXATTR] = { "GETXATTR", op_getxattr, sizeof(struct fuse_getxattr_in), 1 },
	[FUSE_LISTXATTR] = { "LISTXATTR", op_listxattr, sizeof(struct fuse_getxattr_in) },
	[FUSE_REMOVEXATTR] = { "REMOVEXATTR", op_removexattr, 0, 1 },
	[FUSE_FLUSH] = { "FLUSH", op_flush },
	[FUSE_INIT] = { "INIT", init_handle, 16 },
	[FUSE_OPENDIR] = { "OPENDIR", op_opendir },
	[FUSE_READDIR] = { "READDIR", op_readdir, sizeof(struct fuse_read_in) },
	[FUSE_FSYNCDIR] = { "FSYNCDIR", op_fsyncdir, sizeof(struct fuse_fsync_in) },
	[FUSE_CREATE] = { "CREATE", op_create, sizeof(struct fuse_create_in), 1 },
	[FUSE_IOCTL] = { "IOCTL", op_ioctl, sizeof(struct fuse_ioctl_in) },
	[FUSE_BATCH_FORGET] = { "BATCH_FORGET", op_batch_forget,
				sizeof(struct fuse_batch_forget_in) },
	[FUSE_FALLOCATE] = { "FALLOCATE", op_fallocate, sizeof(struct fuse_fallocate_in) },
	[FUSE_READDIRPLUS] = { "READDIRPLUS", op_readdirplus, sizeof(struct fuse_read_in) },
	[FUSE_RENAME2] = { "RENAME2", op_rename2, sizeof(struct fuse_rename2_in), 2 },
	[FUSE_LSEEK] = { "LSEEK", op_lseek, sizeof(struct fuse_lseek_in) },
	[FUSE_COPY_FILE_RANGE] = { "COPY_FILE_RANGE", op_copy_file_range,
				   sizeof(struct fuse_copy_file_range_in) },
	[FUSE_SYNCFS] = { "SYNCFS", op_syncfs },
	[FUSE_TMPFILE] = { "TMPFILE", op_tmpfile, sizeof(struct fuse_create_in) },
};

static struct worker *workers[MAX_THREADS];
static unsigned n_workers;
static atomic_uint running;

uint64_t session_count(unsigned opcode)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < n_workers; i++)
		sum += workers[i]->counts[opcode];
	return sum;
}

const char *session_name(unsigned opcode)
{
	return operations[opcode].name;
}

struct node *request_other_node(struct request *rq, uint64_t id)
{
	struct node *node = node_by_id(rq->fs, id);

	if (node && node_is(node, NODE_STALE) && lookup_revive(rq->fs, node) < 0)
		return NULL;
	return node;
}

struct node *request_node(struct request *rq)
{
	return request_other_node(rq, rq->in->nodeid);
}

int request_is_resent(const struct request *rq)
{
	return (rq->in->unique & FUSE_UNIQUE_RESEND) != 0;
}

void request_set_umask(struct request *rq, mode_t umask_bits)
{
	if (rq->worker->umask_bits == (int)umask_bits)
		return;
	umask(umask_bits);
	rq->worker->umask_bits = (int)umask_bits;
}

/* The kernel answers ENOENT when the caller was killed meanwhile; the reply is
 * lost, and with it what it promised. */
static int send_reply(struct request *rq, int error, const void *data, size_t len)
{
	struct fuse_out_header header = { .len = (uint32_t)(sizeof(header) + len),
					  .error = error, .unique = rq->in->unique };
	struct iovec iov[2] = { { &header, sizeof(header) }, { (void *)data, len } };

	return writev(rq->worker->fd, iov, len ? 2 : 1) < 0 ? -errno : 0;
}

int request_reply_data(struct request *rq, const void *data, size_t len)
{
	return send_reply(rq, 0, data, len);
}

int request_reply_splice(struct request *rq, int fd, size_t len, off_t offset)
{
	return -EOPNOTSUPP;
}

static void set_valid(struct unionfs *fs, uint64_t *sec, uint32_t *nsec)
{
	*sec = (uint64_t)fs->opt.timeout;
	*nsec = (uint32_t)((fs->opt.timeout - (double)*sec) * 1e9);
}

/* Here and not where st comes from, because hardly any mount has overrides. */
static void fill_shown(struct unionfs *fs, struct node *node, const struct stat *st,
		       struct fuse_attr *attr)
{
	struct stat shown = *st;
	struct loc loc;

	if (fs->overrides && loc_begin(fs, node, &loc) == 0) {
		ids_apply_override(fs, loc.dirfd, loc.name, loc.at_flags, &shown);
		loc_end(&loc);
	}
	ids_fill_attr(fs, node, &shown, attr);
}

void request_fill_entry(struct request *rq, struct node *node, const struct stat *st,
			struct fuse_entry_out *out)
{
	out->nodeid = node->id;
	out->generation = arena_record(rq->fs->arena, node->id)->generation;
	set_valid(rq->fs, &out->entry_valid, &out->entry_valid_nsec);
	set_valid(rq->fs, &out->attr_valid, &out->attr_valid_nsec);
	fill_shown(rq->fs, node, st, &out->attr);
	node_remember(rq->fs, node);
}

int request_reply_entry(struct request *rq, struct node *node, const struct stat *st,
			size_t extra)
{
	struct fuse_entry_out *out = (struct fuse_entry_out *)rq->out;
	int r;

	request_fill_entry(rq, node, st, out);
	r = send_reply(rq, 0, rq->out, sizeof(*out) + extra);
	if (r == -ENOENT) {
		if (extra)
			openfile_undo(rq->fs, node, out + 1);
		node_forget(rq->fs, node->id, 1);
	}
	node_put(rq->fs, node);
	return REPLY_SENT;
}

int request_reply_attr(struct request *rq, struct node *node, const struct stat *st)
{
	struct fuse_attr_out *out = (struct fuse_attr_out *)rq->out;

	memset(out, 0, sizeof(*out));
	set_valid(rq->fs, &out->attr_valid, &out->attr_valid_nsec);
	ids_fill_attr(rq->fs, node, st, &out->attr);
	return sizeof(*out);
}

/* The kernel is trusted, but a short body must not be read past its end. */
static int is_complete(const struct operation *op, const struct request *rq)
{
	const char *p = rq->arg + op->min_arg, *end = rq->arg + rq->arg_len;

	if (rq->arg_len < op->min_arg)
		return 0;
	for (int i = 0; i < op->names; i++) {
		p = p < end ? memchr(p, '\0', (size_t)(end - p)) : NULL;
		if (!p)
			return 0;
		p++;
	}
	return 1;
}

/* The space of a removed file is free once the kernel has forgotten it, which it says in
 * a request of its own, a moment after the removal.  Nothing was done when this fails. */
static int handle(const struct operation *op, struct request *rq)
{
	const struct timespec moment = { 0, SPACE_WAIT_NS };
	int r = op->handler(rq);

	for (int i = 0; i < SPACE_TRIES && (r == -ENOSPC || r == -EDQUOT); i++) {
		if (!node_held_count(rq->fs))
			break;
		crew_may_block();
		nanosleep(&moment, NULL);
		r = op->handler(rq);
	}
	return r;
}

static void serve(struct worker *w, size_t len)
{
	struct fuse_in_header *in = (struct fuse_in_header *)w->in;
	struct request rq = { .fs = w->fs, .worker = w, .in = in, .arg = w->in + sizeof(*in),
			      .arg_len = len - sizeof(*in), .out = w->out,
			      .out_size = w->out_size };
	const struct operation *op;
	int r;

	if (len < sizeof(*in))
		return;
	op = in->opcode < SESSION_OPCODES ? &operations[in->opcode] : &operations[0];
	if (!op->handler) {
		/* An interrupt for a request that is nearly done needs no answer. */
		if (in->opcode != FUSE_INTERRUPT)
			send_reply(&rq, -ENOSYS, NULL, 0);
		return;
	}
	w->counts[in->opcode]++;
	rq.arg[rq.arg_len] = '\0';
	r = is_complete(op, &rq) ? handle(op, &rq) : -EINVAL;
	if (w->fs->opt.debug)
		fprintf(stderr, "%d %s%s node %llu %.60s = %d\n", (int)getpid(), op->name, request_is_resent(&rq) ? " (again)" : "", (unsigned long long)in->nodeid, op->names ? rq.arg + op->min_arg : "", r);
	if (r < 0 && r != REPLY_NONE && r != REPLY_SENT)
		send_reply(&rq, r, NULL, 0);
	else if (r >= 0)
		send_reply(&rq, 0, rq.out, (size_t)r);
	/* After the answer: what the kernel forgets it may have to write back first. */
	if (node_count(w->fs) > w->fs->opt.max_inodes && ++w->since_prune >= PRUNE_EVERY) {
		w->since_prune = 0;
		crew_may_block();
		notify_prune(w->fs);
	}
}

/* Until the crew has enough readers (1) or the filesystem is unmounted (0). */
static int read_requests(struct worker *w)
{
	int stay = 1;

	while (stay) {
		ssize_t n;

		crew_before(&w->crew);
		n = read(w->fd, w->in, w->in_size - 1);
		if (n < 0 && errno == ENODEV)
			return 0;
		stay = crew_after(&w->crew, n > 0 ? (size_t)n : 0);
		if (n > 0)
			place_follow(&w->place, ((struct fuse_in_header *)w->in)->pid,
				     crew_is_one());
		if (n >= 0)
			serve(w, (size_t)n);
		else if (errno != EINTR && errno != ENOENT && errno != EAGAIN)
			return 0;
	}
	return 1;
}

static void *work(void *arg)
{
	struct worker *w = arg;

	/* A umask of its own, so that creating a file is one system call. */
	if (unshare(CLONE_FS) == 0)
		umask(0);
	while (crew_join(&w->crew) && read_requests(w))
		;
	crew_dismiss();
	if (atomic_fetch_sub(&running, 1) == 1)
		kill(getpid(), SIGUSR2);
	return NULL;
}

static struct worker *worker_new(struct unionfs *fs, int clone)
{
	struct worker *w = calloc(1, sizeof(*w));
	uint32_t fd = (uint32_t)fs->dev_fd;
	char *room;

	if (!w)
		return NULL;
	w->fs = fs;
	w->fd = fs->dev_fd;
	w->umask_bits = -1;
	w->in_size = w->out_size = HEADER_BYTES + MAX_DATA;
	room = mmap(NULL, w->in_size + w->out_size, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (room == MAP_FAILED) {
		free(w);
		return NULL;
	}
	w->in = room;
	w->out = room + w->in_size;
	if (clone) {
		int own = open("/dev/fuse", O_RDWR | O_CLOEXEC);

		if (own >= 0 && ioctl(own, FUSE_DEV_IOC_CLONE, &fd) == 0)
			w->fd = own;
		else if (own >= 0)
			close(own);
	}
	return w;
}

static unsigned choose_threads(const struct unionfs *fs)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	unsigned n = fs->opt.threads ? fs->opt.threads : (unsigned)(cpus > 0 ? cpus : 1) * 2;

	if (!fs->opt.threads && n < MIN_THREADS)
		n = MIN_THREADS;
	return n > MAX_THREADS ? MAX_THREADS : n;
}

static void print_counts(struct unionfs *fs)
{
	for (unsigned i = 0; i < SESSION_OPCODES; i++) {
		if (session_count(i))
			fprintf(stderr, "%s %llu\n", session_name(i),
				(unsigned long long)session_count(i));
	}
	fprintf(stderr, "END inodes: %u\n", node_count(fs));
	fflush(stderr);
}

static void wait_for_end(struct unionfs *fs, const sigset_t *signals)
{
	for (;;) {
		int sig;

		if (sigwait(signals, &sig) != 0)
			continue;
		if (sig == SIGUSR2 && !atomic_load(&running))
			return;
		if (sig == SIGUSR1)
			print_counts(fs);
		if (sig == SIGTERM || sig == SIGINT)
			(void)umount2(fs->opt.mountpoint, MNT_DETACH);
	}
}

int session_run(struct unionfs *fs, int takeover, struct gantry_error *err)
{
	unsigned want = choose_threads(fs);
	sigset_t signals;
	int r;

	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGUSR1);
	sigaddset(&signals, SIGUSR2);
	sigaddset(&signals, SIGHUP);
	pthread_sigmask(SIG_BLOCK, &signals, NULL);
	atomic_store(&running, want);
	r = crew_init(want);
	if (r)
		return error_errno(err, r, "cannot start a server thread");
	for (n_workers = 0; n_workers < want; n_workers++) {
		workers[n_workers] = worker_new(fs, n_workers > 0);
		if (!workers[n_workers])
			return error_no_memory(err);
	}
	/* Before anyone reads: what this server is working on must not come twice. */
	if (takeover) {
		notify_resend(fs);
		holder_close_old_devices();
	}
	atomic_store(&fs->settled->serving, 1);
	for (unsigned i = 0; i < n_workers; i++) {
		r = pthread_create(&workers[i]->thread, NULL, work, workers[i]);
		if (r)
			return error_errno(err, r, "cannot start a server thread");
	}
	if (!takeover)
		mount_set_readahead(fs);
	wait_for_end(fs, &signals);
	for (unsigned i = 0; i < n_workers; i++)
		pthread_join(workers[i]->thread, NULL);
	return 0;
}
