/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gantry-emulate: started by a shim, with its listening socket as descriptor 3, for a
 * container that wants calls emulated.  A thread for each listener that a runtime
 * hands over (one for the container, one for each exec) answers until nothing uses
 * its filter; with the last of them the program ends.
 */
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/emulate/emulate.h"
#include "core/emulate/net.h"
#include "helpers/buf.h"
#include "helpers/cleanup.h"
#include "helpers/emulate.h"
#include "helpers/io.h"

#define SOCKET 3
#define STACK_SIZE (160 * 1024)
#define MAX_PLAN (256 * 1024)
#define MAX_CONNECTIONS 64
#define SENDER_S 5

static int ended = -1; /* an eventfd that threads write to when they end */

static void *thread_main(void *arg)
{
	int listener = (int)(intptr_t)arg;
	uint64_t one = 1;

	/* a root and a working directory of its own: path.c changes them */
	if (unshare(CLONE_FS) == 0)
		emulate_serve(listener);
	close(listener);
	(void)!write(ended, &one, sizeof(one));
	return NULL;
}

static int start_thread(int listener)
{
	pthread_attr_t attr;
	pthread_t thread;
	int r;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK_SIZE);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	r = pthread_create(&thread, &attr, thread_main, (void *)(intptr_t)listener);
	pthread_attr_destroy(&attr);
	if (r != 0)
		close(listener);
	return r == 0;
}

/* A plan, up to the end of what is sent; one byte of answer. */
static void take_plan(int sock)
{
	auto_(buf) struct buf text = BUF_INIT;
	struct net_plan *plan;
	static int can_lock = -1;
	int ok;

	can_lock = can_lock < 0 ? net_lock_begin() == 0 : can_lock;
	ok = can_lock && read_to_end(sock, &text, MAX_PLAN) == 0 &&
	     net_plan_parse(buf_str(&text), &plan) == 0;
	if (ok)
		net_plan_replace(plan);
	(void)send(sock, ok ? "+" : "-", 1, MSG_NOSIGNAL);
}

/* What a connection says; the listener that comes with it, or -1.  Who has connected is
 * this user's runtime or engine. */
static int hear(int sock)
{
	const struct timeval patience = {SENDER_S, 0};
	size_t n_fds = 1;
	char word;
	int fd = -1;

	if (recv_with_fds(sock, &word, 1, &fd, &n_fds) != 1)
		return -1;
	if (word == EMULATE_PLAN && n_fds == 0 &&
	    setsockopt(sock, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) == 0)
		take_plan(sock);
	return n_fds == 1 ? fd : -1;
}

/* The first two are the socket and the end of threads; the others are connections, of
 * which a runtime's speaks when its container starts. */
struct loop {
	struct pollfd p[2 + MAX_CONNECTIONS];
	nfds_t n;
	unsigned int running, had;
};

static void hear_all(struct loop *l)
{
	for (nfds_t i = l->n; i-- > 2;) {
		int fd;

		if (!l->p[i].revents)
			continue;
		fd = hear(l->p[i].fd);
		close(l->p[i].fd);
		l->p[i] = l->p[--l->n];
		if (fd >= 0 && start_thread(fd)) {
			l->running++;
			l->had = 1;
			prctl(PR_SET_PDEATHSIG, 0);
		}
	}
}

static void turn(struct loop *l)
{
	uint64_t n = 0;
	int sock;

	l->p[0].fd = l->n < ARRAY_SIZE(l->p) ? SOCKET : -1;
	if (poll(l->p, l->n, -1) < 0)
		return;
	if ((l->p[1].revents & POLLIN) && read(ended, &n, sizeof(n)) == sizeof(n))
		l->running -= (unsigned int)n;
	hear_all(l);
	if (!(l->p[0].revents & POLLIN))
		return;
	sock = accept4(SOCKET, NULL, NULL, SOCK_CLOEXEC);
	if (sock >= 0)
		l->p[l->n++] = (struct pollfd){.fd = sock, .events = POLLIN};
}

int main(void)
{
	struct loop l = {.p = {{.fd = SOCKET, .events = POLLIN}, {.events = POLLIN}}, .n = 2};

	signal(SIGPIPE, SIG_IGN);
	mallopt(M_ARENA_MAX, 1);
	umask(0);
	ended = eventfd(0, EFD_CLOEXEC);
	if (ended < 0 || fcntl(SOCKET, F_SETFD, FD_CLOEXEC) < 0) {
		fprintf(stderr, "gantry-emulate: is started by a shim, with its socket\n");
		return 2;
	}
	l.p[1].fd = ended;
	/* until there is a container to serve, the shim's end is the end */
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	while (!l.had || l.running)
		turn(&l);
	return 0;
}
