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
#include "helpers/cleanup.h"
#include "helpers/io.h"

#define SOCKET 3
#define STACK_SIZE (160 * 1024)

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

/* Takes one connection and the listener that comes with it. */
static int accept_listener(void)
{
	auto_fd int sock = accept4(SOCKET, NULL, NULL, SOCK_CLOEXEC);
	size_t n_fds = 1;
	char word;
	int fd;

	if (sock < 0)
		return -1;
	/* who has connected comes from this user's runtime and sends when it is ready */
	if (recv_with_fds(sock, &word, 1, &fd, &n_fds) != 1 || n_fds != 1)
		return -1;
	return fd;
}

int main(void)
{
	struct pollfd p[2] = {{.fd = SOCKET, .events = POLLIN}, {.events = POLLIN}};
	unsigned int running = 0, had = 0;

	signal(SIGPIPE, SIG_IGN);
	mallopt(M_ARENA_MAX, 1);
	umask(0);
	ended = eventfd(0, EFD_CLOEXEC);
	if (ended < 0 || fcntl(SOCKET, F_SETFD, FD_CLOEXEC) < 0) {
		fprintf(stderr, "gantry-emulate: is started by a shim, with its socket\n");
		return 2;
	}
	p[1].fd = ended;
	/* until there is a container to serve, the shim's end is the end */
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	while (!had || running) {
		uint64_t n = 0;

		if (poll(p, 2, -1) < 0 && errno != EINTR)
			return 1;
		if ((p[1].revents & POLLIN) && read(ended, &n, sizeof(n)) == sizeof(n))
			running -= (unsigned int)n;
		if (p[0].revents & POLLIN) {
			int fd = accept_listener();

			if (fd >= 0 && start_thread(fd)) {
				running++;
				had = 1;
				prctl(PR_SET_PDEATHSIG, 0);
			}
		}
	}
	return 0;
}
