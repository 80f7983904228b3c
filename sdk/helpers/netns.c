/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cleanup.h"
#include "netns.h"
#include "privilege.h"

#define STACK_SIZE (128 * 1024)

struct job {
	int fd, type;
	int (*fn)(void *arg);
	void *arg;
	int result;
};

static void *enter_and_run(void *arg)
{
	struct job *job = arg;

	/* a mount namespace is not for threads that share root and working directory */
	if (job->type == CLONE_NEWNS && unshare(CLONE_FS) < 0) {
		job->result = -errno;
	} else {
		job->result = setns(job->fd, job->type) < 0 ? -errno : job->fn(job->arg);
	}
	return NULL;
}

/* The calling thread itself goes there and comes back, which costs less than a thread.  The
 * way back is open to whoever has power over the namespace that it comes from. */
static int visit_netns(int fd, int (*fn)(void *arg), void *arg, int *ret)
{
	auto_fd int home = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);

	if (home < 0 || !in_initial_userns()) {
		return 0;
	}
	if (setns(fd, CLONE_NEWNET) < 0) {
		*ret = -errno;
		return 1;
	}
	*ret = fn(arg);
	if (setns(home, CLONE_NEWNET) < 0) {
		abort(); /* whatever this thread did next would be done to the wrong network */
	}
	return 1;
}

int namespace_run(int fd, int type, int (*fn)(void *arg), void *arg)
{
	struct job job = { fd, type, fn, arg, 0 };
	pthread_attr_t attr;
	pthread_t thread;
	sigset_t all, old;
	int r;

	if (type == CLONE_NEWNET && visit_netns(fd, fn, arg, &r)) {
		return r;
	}
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK_SIZE);
	/* Signals are the other threads' business. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	r = pthread_create(&thread, &attr, enter_and_run, &job);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	pthread_attr_destroy(&attr);
	if (r != 0) {
		return -r;
	}
	pthread_join(thread, NULL);
	return job.result;
}

int netns_run(int netns, int (*fn)(void *arg), void *arg)
{
	return namespace_run(netns, CLONE_NEWNET, fn, arg);
}

struct socket_args {
	int domain, type, protocol;
};

static int make_socket(void *arg)
{
	const struct socket_args *a = arg;
	int fd = socket(a->domain, a->type | SOCK_CLOEXEC, a->protocol);

	return fd < 0 ? -errno : fd;
}

int netns_socket(int netns, int domain, int type, int protocol)
{
	struct socket_args args = { domain, type, protocol };

	return netns_run(netns, make_socket, &args);
}

int loopback_up(int sock)
{
	struct ifreq request = { .ifr_name = "lo" };

	if (ioctl(sock, SIOCGIFFLAGS, &request) < 0) {
		return -errno;
	}
	if (request.ifr_flags & IFF_UP) {
		return 0;
	}
	request.ifr_flags |= IFF_UP;
	return ioctl(sock, SIOCSIFFLAGS, &request) < 0 ? -errno : 0;
}

int netns_loopback_up(int netns)
{
	auto_fd int fd = netns_socket(netns, AF_INET, SOCK_DGRAM, 0);

	return fd < 0 ? fd : loopback_up(fd);
}
