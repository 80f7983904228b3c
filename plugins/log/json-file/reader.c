/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs in any process, for a reader of its own: no state is shared, and nothing is
 * locked.  The writer is never waited for.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <time.h>

#include "files.h"
#include "helpers/buf.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "helpers/io.h"
#include "reader.h"
#include "record.h"
#include "writer.h"

#define BLOCK 65536
#define LONGEST_LINE (1 << 20)
#define SEND_AT 32768
#define POLL_WITHOUT_INOTIFY_MS 200
#define NS_PER_MS 1000000

struct reader {
	const struct gantry_log_read_args *args;
	const char *name;
	int dir;
	int fd;          /* the file being read */
	int64_t offset;  /* of what in has not got yet */
	int64_t last_ns; /* of the last record sent */
	int64_t floor_ns; /* records up to it were sent already; 0: none */
	struct buf in;   /* lines, the last one perhaps not whole */
	struct buf data; /* one record's */
	struct buf out;  /* for the sink */
	int skips;       /* inside a line that is too long */
	int inotify;     /* -1: poll */
	int watch;       /* of fd */
	enum { GOES_ON, UNTIL_REACHED, SINK_GONE } state;
};

static void reader_auto(struct reader *r)
{
	buf_done(&r->in);
	buf_done(&r->data);
	buf_done(&r->out);
	cleanup_fd(&r->dir);
	cleanup_fd(&r->fd);
	cleanup_fd(&r->inotify);
}

static int send_out(struct reader *r)
{
	int n = r->out.len ? write_all(r->args->sink, r->out.data, r->out.len) : 0;

	buf_clear(&r->out);
	if (n == -EPIPE || n == -ECONNRESET) {
		r->state = SINK_GONE;
		return 0;
	}
	return n;
}

static void add_record(struct reader *r, const struct record *rec)
{
	uint32_t stream = (uint32_t)rec->stream, flags = rec->partial ? 1 : 0;
	uint32_t len = (uint32_t)r->data.len;
	int64_t time = rec->time_ns;
	unsigned char head[20];

	for (int i = 0; i < 4; i++) {
		head[i] = (unsigned char)(stream >> 8 * i);
		head[12 + i] = (unsigned char)(flags >> 8 * i);
		head[16 + i] = (unsigned char)(len >> 8 * i);
	}
	for (int i = 0; i < 8; i++) {
		head[4 + i] = (unsigned char)((uint64_t)time >> 8 * i);
	}
	buf_add(&r->out, head, sizeof(head));
	buf_add(&r->out, r->data.data, r->data.len);
}

static int take_line(struct reader *r, const char *line, size_t len)
{
	struct record rec;

	/* What is no record (a half one, another's text) is passed over. */
	if (record_parse(line, len, &rec, &r->data) < 0) {
		return 0;
	}
	if (rec.time_ns < r->args->since_ns || (r->floor_ns && rec.time_ns <= r->floor_ns)) {
		return 0;
	}
	if (r->args->until_ns > 0 && rec.time_ns > r->args->until_ns) {
		r->state = UNTIL_REACHED;
		return 0;
	}
	r->last_ns = rec.time_ns;
	add_record(r, &rec);
	if (buf_failed(&r->out) || buf_failed(&r->data)) {
		return -ENOMEM;
	}
	return r->out.len >= SEND_AT ? send_out(r) : 0;
}

/* Takes all whole lines out of in. */
static int take_lines(struct reader *r)
{
	size_t at = 0;
	int n = 0;

	while (n == 0 && r->state == GOES_ON) {
		const char *line = r->in.data + at;
		const char *newline = memchr(line, '\n', r->in.len - at);

		if (!newline) {
			break;
		}
		if (!r->skips) {
			n = take_line(r, line, (size_t)(newline - line));
		}
		r->skips = 0;
		at = (size_t)(newline + 1 - r->in.data);
	}
	buf_consume(&r->in, at);
	if (r->in.len > LONGEST_LINE) {
		r->skips = 1;
		buf_clear(&r->in);
	}
	return n;
}

/* Reads on to the file's present end. */
static int drain(struct reader *r)
{
	struct stat st;
	int n = 0;

	if (fstat(r->fd, &st) == 0 && st.st_size < r->offset) {
		/* Cut by its owner or by others: what is there now is new. */
		r->offset = 0;
		r->skips = 0;
		buf_clear(&r->in);
	}
	while (n == 0 && r->state == GOES_ON) {
		char *to = buf_reserve(&r->in, BLOCK);
		ssize_t got;

		if (!to) {
			return -ENOMEM;
		}
		got = pread(r->fd, to, BLOCK, r->offset);
		if (got < 0 && errno == EINTR) {
			continue;
		}
		if (got < 0) {
			return -errno;
		}
		if (got == 0) {
			break;
		}
		r->in.len += (size_t)got;
		r->offset += got;
		n = take_lines(r);
	}
	return n;
}

static void switch_to(struct reader *r, int fd)
{
	replace_fd(&r->fd, fd);
	r->offset = 0;
	r->skips = 0;
	buf_clear(&r->in);
}

/* What was written before now, across rotations. */
static int catch_up(struct reader *r)
{
	for (;;) {
		int n = r->fd >= 0 ? drain(r) : 0;
		int skipped = 0, next;

		if (n < 0 || r->state != GOES_ON) {
			return n;
		}
		next = r->fd >= 0 ? log_files_next(r->dir, r->name, r->fd, &skipped)
				  : openat(r->dir, r->name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
		if (next < 0) {
			return send_out(r);
		}
		/* Nobody writes to the old file any more, but may have since we looked. */
		n = r->fd >= 0 ? drain(r) : 0;
		if (skipped) {
			r->floor_ns = r->last_ns;
		}
		switch_to(r, next);
		if (n < 0) {
			return n;
		}
	}
}

/* From the oldest wanted record on; fd stays at the current file. */
static int read_existing(struct reader *r)
{
	auto_(log_files) struct log_files files = { 0 };
	const struct gantry_log_read_args *args = r->args;
	int64_t offset = 0;
	size_t first = 0;
	int n = log_files_open(r->dir, r->name, args->tail < 0 ? args->since_ns : 0, &files);

	if (n == 0 && files.n > 0 && args->tail >= 0) {
		n = log_files_tail(&files, args->tail, &first, &offset);
	}
	for (size_t i = first; n == 0 && i < files.n && r->state == GOES_ON; i++) {
		if (log_files_unpack(&files, i) < 0) {
			continue;
		}
		switch_to(r, steal_fd(&files.fds[i]));
		r->offset = offset;
		offset = 0;
		n = drain(r);
		if (n == 0 && i + 1 == files.n && !args->follow && r->in.len && !r->skips &&
		    r->state == GOES_ON) {
			n = take_line(r, r->in.data, r->in.len);
		}
	}
	return n < 0 ? n : send_out(r);
}

static void watch(struct reader *r)
{
	char path[40];

	if (r->inotify < 0 || r->fd < 0) {
		return;
	}
	snprintf(path, sizeof(path), "/proc/self/fd/%d", r->fd);
	/* The same file keeps its watch; an old one's goes with its file. */
	r->watch = inotify_add_watch(r->inotify, path, IN_MODIFY);
}

static void start_watching(struct reader *r)
{
	r->inotify = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (r->inotify >= 0 &&
	    inotify_add_watch(r->inotify, r->args->directory,
			      IN_CREATE | IN_MOVED_TO | IN_ONLYDIR | IN_DELETE_SELF) < 0) {
		replace_fd(&r->inotify, -1);
	}
}

static int poll_timeout(const struct reader *r)
{
	int64_t left = INT_MAX;

	if (r->args->until_ns > 0) {
		left = (r->args->until_ns - time_now_ns()) / NS_PER_MS + 1;
	}
	if (r->inotify < 0 && left > POLL_WITHOUT_INOTIFY_MS) {
		left = POLL_WITHOUT_INOTIFY_MS;
	}
	return left < 0 ? 0 : left >= INT_MAX ? -1 : (int)left;
}

/* Waits for something new; 0 when it is time to stop. */
static int wait_for_more(struct reader *r)
{
	struct pollfd fds[] = {
		{ .fd = r->args->sink },
		{ .fd = r->args->stop, .events = POLLIN },
		{ .fd = r->inotify, .events = POLLIN },
	};
	char events[4096] __attribute__((aligned(8)));

	if (poll(fds, 3, poll_timeout(r)) < 0 && errno != EINTR) {
		return 0;
	}
	if (fds[0].revents & (POLLERR | POLLHUP | POLLNVAL)) {
		r->state = SINK_GONE;
		return 0;
	}
	while (r->inotify >= 0 && read(r->inotify, events, sizeof(events)) > 0) {
	}
	if (r->args->until_ns > 0 && time_now_ns() > r->args->until_ns) {
		return 0;
	}
	return fds[1].revents == 0;
}

static int follow(struct reader *r)
{
	int goes_on = 1, n = 0;

	start_watching(r);
	while (n == 0 && r->state == GOES_ON) {
		watch(r);
		n = catch_up(r);
		if (n < 0 || !goes_on || r->state != GOES_ON) {
			break;
		}
		watch(r);
		goes_on = wait_for_more(r);
	}
	return n < 0 ? n : send_out(r);
}

/* A sink that is a pipe must not kill the process by SIGPIPE. */
static int read_without_sigpipe(struct reader *r)
{
	sigset_t pipe_set, old, pending;
	int n, was_pending;

	sigemptyset(&pipe_set);
	sigaddset(&pipe_set, SIGPIPE);
	sigpending(&pending);
	was_pending = sigismember(&pending, SIGPIPE);
	pthread_sigmask(SIG_BLOCK, &pipe_set, &old);
	n = read_existing(r);
	if (n == 0 && r->args->follow && r->state == GOES_ON) {
		n = follow(r);
	}
	if (!was_pending) {
		(void)sigtimedwait(&pipe_set, NULL, &(struct timespec){ 0 });
	}
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return n;
}

int log_read(const struct gantry_log_read_args *args, struct gantry_error *err)
{
	auto_(reader) struct reader r = { .args = args, .dir = -1, .fd = -1, .inotify = -1 };
	char name[LOG_NAME_MAX];
	int n = log_file_name(args->container, name, err);

	if (n < 0) {
		return n;
	}
	r.name = name;
	r.dir = open(args->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (r.dir < 0) {
		return error_errno(err, errno, "cannot open the log folder %s", args->directory);
	}
	n = read_without_sigpipe(&r);
	return n < 0 ? error_errno(err, -n, "cannot read the log %s/%s", args->directory, name) : 0;
}
