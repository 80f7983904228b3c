/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <poll.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/emulate/emulate.h"
#include "helpers/cleanup.h"
#include "helpers/io.h"

#define MAX_WAITERS 1024
#define LOOK_EVERY_MS 100

#ifndef SECCOMP_IOCTL_NOTIF_SET_FLAGS
#define SECCOMP_IOCTL_NOTIF_SET_FLAGS SECCOMP_IOW(4, __u64)
#define SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP (1UL << 0)
#endif

/* What the kernel passes may be longer than what this was compiled for. */
struct room {
	struct seccomp_notif *in;
	struct seccomp_notif_resp *out;
	size_t in_size, out_size;
};

static int make_room(struct room *ret)
{
	struct seccomp_notif_sizes sizes;

	if (syscall(SYS_seccomp, SECCOMP_GET_NOTIF_SIZES, 0, &sizes) < 0)
		return -errno;
	ret->in_size =
		sizes.seccomp_notif > sizeof(*ret->in) ? sizes.seccomp_notif : sizeof(*ret->in);
	ret->out_size = sizes.seccomp_notif_resp > sizeof(*ret->out) ? sizes.seccomp_notif_resp
								     : sizeof(*ret->out);
	ret->in = calloc(1, ret->in_size);
	ret->out = calloc(1, ret->out_size);
	return ret->in && ret->out ? 0 : -ENOMEM;
}

/* A call that waits, in the list of its thread. */
struct waiter {
	struct request rq;
	struct waiter *next;
};

struct server {
	int listener;
	struct room room;
	struct waiter *waiters;
	unsigned int n_waiters;
	int64_t looked_ms; /* when it was last asked for signals */
};

static int64_t now_ms(void)
{
	return time_monotonic_ns() / 1000000;
}

static int keep_waiting(struct server *s, const struct request *rq)
{
	struct waiter *w = s->n_waiters < MAX_WAITERS ? malloc(sizeof(*w)) : NULL;

	if (!w)
		return -ENOBUFS;
	w->rq = *rq;
	w->next = s->waiters;
	s->waiters = w;
	s->n_waiters++;
	return 0;
}

static void send_answer(struct server *s, struct request *rq, int64_t r)
{
	struct seccomp_notif_resp *out = s->room.out;

	if (r == ANSWER_LATER) {
		r = keep_waiting(s, rq);
		if (r == 0)
			return;
		close(steal_fd(&rq->wait.fd));
	}
	if (r == ANSWER_GIVEN)
		return;
	memset(out, 0, s->room.out_size);
	out->id = rq->id;
	if (r == ANSWER_CONTINUE)
		out->flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
	else if (r < 0)
		out->error = (int)r;
	else
		out->val = r;
	/* nobody to hear it any more is no failure */
	(void)ioctl(s->listener, SECCOMP_IOCTL_NOTIF_SEND, out);
}

static void receive(struct server *s)
{
	const struct seccomp_notif *in = s->room.in;
	struct request rq = {
		.listener = s->listener,
		.id = in->id,
		.tid = (pid_t)in->pid,
		.nr = in->data.nr,
		.wait = {.fd = -1},
	};
	emulate_fn fn = emulate_find(rq.nr);

	memcpy(rq.args, in->data.args, sizeof(rq.args));
	send_answer(s, &rq, fn ? fn(&rq) : ANSWER_CONTINUE);
}

/* Takes the waiter out of the list.  With again, its call goes on, and may take the
 * descriptor. */
static void end_wait(struct server *s, struct waiter **at, int again)
{
	struct waiter *w = *at;
	int64_t r = 0;

	*at = w->next;
	s->n_waiters--;
	if (again) {
		r = w->rq.wait.again(&w->rq);
		send_answer(s, &w->rq, r);
	}
	if (r != ANSWER_LATER && w->rq.wait.fd >= 0)
		close(w->rq.wait.fd);
	free(w);
}

/* p[0] is the listener's; the others are the waiters', in their order. */
static void look_at_waiters(struct server *s, const struct pollfd *p)
{
	int64_t now = now_ms();
	/* many of them are looked at more rarely */
	int look = now - s->looked_ms >= LOOK_EVERY_MS * (1 + (int64_t)s->n_waiters / 32);
	struct waiter **at = &s->waiters;

	while (*at) {
		struct waiter *w = *at;
		struct wait *wait = &w->rq.wait;
		int ready = (++p)->revents != 0;
		int late = wait->until_ms && now >= wait->until_ms;

		wait->why = ready ? WAIT_READY : late ? WAIT_LATE : WAIT_SIGNAL;
		if (ready || late || (look && request_is_interrupted(&w->rq)))
			end_wait(s, at, 1);
		else if (look && !request_is_alive(&w->rq))
			end_wait(s, at, 0);
		else
			at = &w->next;
	}
	s->looked_ms = look ? now : s->looked_ms;
}

/* 0 when nothing uses the filter any more. */
static int serve_once(struct server *s, struct pollfd *p)
{
	nfds_t n = 0;
	int r;

	p[n++] = (struct pollfd){.fd = s->listener, .events = POLLIN};
	for (const struct waiter *w = s->waiters; w; w = w->next)
		p[n++] = (struct pollfd){.fd = w->rq.wait.fd, .events = w->rq.wait.events};
	r = poll(p, n, s->waiters ? LOOK_EVERY_MS : -1);
	if (r < 0)
		return errno == EINTR;
	if (p[0].revents & ~POLLIN)
		return 0;
	/* before new ones join them */
	look_at_waiters(s, p);
	if (p[0].revents & POLLIN) {
		memset(s->room.in, 0, s->room.in_size);
		if (ioctl(s->listener, SECCOMP_IOCTL_NOTIF_RECV, s->room.in) == 0)
			receive(s);
		else if (errno != EINTR && errno != ENOENT)
			return 0;
	}
	return 1;
}

void emulate_serve(int listener)
{
	struct pollfd *p = calloc(MAX_WAITERS + 1, sizeof(*p));
	struct server s = {.listener = listener};
	int ready = p && make_room(&s.room) == 0;

	(void)ioctl(listener, SECCOMP_IOCTL_NOTIF_SET_FLAGS, SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP);
	while (ready)
		ready = serve_once(&s, p);
	while (s.waiters)
		end_wait(&s, &s.waiters, 0);
	free(s.room.in);
	free(s.room.out);
	free(p);
}
