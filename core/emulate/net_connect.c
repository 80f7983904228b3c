/* SPDX-License-Identifier: Apache-2.0 */
/*
 * connect(2).  To the outside: by a new socket in the host's network, which takes the
 * place of the caller's when it is connected, or under way where the caller does not
 * wait.  What is inside is the kernel's.
 *
 * Everything that the kernel is told to go on with it does in the caller's name, with
 * the caller's sockets: those of its own network, or bolted ones.
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/time.h>
#include <unistd.h>

#include "core/emulate/emulate.h"
#include "core/emulate/net.h"
#include "helpers/cleanup.h"
#include "helpers/io.h"
#include "helpers/netns.h"

static int pending_error(int fd)
{
	int error = 0;
	socklen_t len = sizeof(error);

	return getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0 ? errno : error;
}

static int state_of(int fd)
{
	struct tcp_info info = {0};
	socklen_t len = sizeof(info);

	return getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) < 0 ? -1 : info.tcpi_state;
}

/* The new one gets the old one's settings and takes its place. */
static int replace(struct request *rq, int old, int fd, int flags)
{
	if (fcntl(fd, F_SETFL, flags & ~O_ASYNC) < 0)
		return -errno;
	return net_swap(rq, (int)rq->args[0], old, fd);
}

static int64_t connected(struct request *rq)
{
	auto_fd int fd = steal_fd(&rq->wait.fd);
	auto_fd int old = request_take_fd(rq, (int)rq->args[0]);
	int flags = old < 0 ? -1 : fcntl(old, F_GETFL), r;

	if (flags < 0)
		return -EBADF;
	if (rq->wait.why != WAIT_READY) {
		/* it goes on by itself; who asks again finds it under way */
		r = replace(rq, old, fd, flags);
		return r < 0 ? r : rq->wait.why == WAIT_LATE ? -EINPROGRESS : ANSWER_RESTART;
	}
	r = pending_error(fd);
	return r ? -r : replace(rq, old, fd, flags);
}

/* When a caller that waits is to be told that it is under way. */
static int64_t deadline(int fd)
{
	struct timeval t = {0};
	socklen_t len = sizeof(t);

	if (getsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &t, &len) < 0 || (!t.tv_sec && !t.tv_usec))
		return 0;
	return time_monotonic_ns() / 1000000 + (int64_t)t.tv_sec * 1000 + t.tv_usec / 1000;
}

static int64_t connect_new(struct request *rq, const struct net_socket *old, int fd,
			   const struct address *to, uint16_t port, int inside)
{
	auto_fd int new = fd;
	union net_address address;
	socklen_t len = net_address_set(&address, old->domain, to, port);
	int flags = fcntl(old->fd, F_GETFL), r;

	if (new < 0 || flags < 0)
		return new < 0 ? new : -errno;
	net_copy_options(old->fd, new);
	r = inside ? 0 : net_lock(new, old->domain, to);
	if (r < 0 || fcntl(new, F_SETFL, O_NONBLOCK) < 0)
		return r < 0 ? r : -errno;
	if (connect(new, &address.any, len) == 0)
		return replace(rq, old->fd, new, flags);
	if (errno != EINPROGRESS)
		return -errno;
	if (!(flags & O_NONBLOCK))
		return request_wait(rq, steal_fd(&new), POLLOUT, deadline(old->fd), connected);
	r = replace(rq, old->fd, new, flags);
	return r < 0 ? r : -EINPROGRESS;
}

/* A socket of the host that the caller has already: under way or connected it answers
 * for itself; one that failed says so once, as the kernel's own does. */
static int64_t connect_again(int fd, int *ret_is_free)
{
	int error;

	*ret_is_free = 0;
	if (state_of(fd) != TCP_CLOSE)
		return ANSWER_CONTINUE;
	error = pending_error(fd);
	*ret_is_free = !error;
	return -error;
}

static int new_socket(struct request *rq, const struct net_socket *s, int inside)
{
	auto_fd int space = -1;
	int fd;

	if (inside) {
		space = request_open_proc(rq, "ns/net", O_RDONLY);
		if (space < 0 || !request_is_alive(rq))
			return -ESRCH;
		return netns_socket(space, s->domain, SOCK_STREAM | SOCK_CLOEXEC, IPPROTO_TCP);
	}
	fd = socket(s->domain, SOCK_STREAM | SOCK_CLOEXEC, IPPROTO_TCP);
	return fd < 0 ? -errno : fd;
}

static int64_t connect_to(struct request *rq, const struct net_plan *plan,
			  const struct net_socket *s, struct address *to, uint16_t port)
{
	int inside, is_free = 1;
	int64_t r = s->place == NET_HOST ? connect_again(s->fd, &is_free) : 0;

	if (!is_free)
		return r;
	/* one on this host's loopback stays out of reach: a socket for it would reach all
	 * that listens there */
	if (plan->alias.family && address_equal(to, &plan->alias) && port == 53)
		*to = plan->resolver;
	inside = net_is_inside(plan, to);
	if (s->place == NET_ELSEWHERE || (inside && s->place == NET_CONTAINER) ||
	    (s->domain == AF_INET && to->family != AF_INET))
		return ANSWER_CONTINUE;
	return connect_new(rq, s, new_socket(rq, s, inside), to, port, inside);
}

int64_t call_connect(struct request *rq)
{
	auto_net_plan struct net_plan *plan = net_plan_get();
	union net_address address = {0};
	struct net_socket s = {.fd = -1};
	struct address to;
	uint16_t port;
	size_t len = (size_t)(int)rq->args[2];
	int64_t r;

	/* what the kernel would refuse, it refuses */
	if (!plan || len < sizeof(address.in) || len > sizeof(address) ||
	    request_read(rq, rq->args[1], &address, len) < 0 ||
	    net_address_get(&address, &to, &port) < 0 ||
	    (address.any.sa_family == AF_INET6 && len < offsetof(struct sockaddr_in6, sin6_scope_id)) ||
	    net_socket_open(rq, (int)rq->args[0], plan, &s) < 0)
		return ANSWER_CONTINUE;
	r = connect_to(rq, plan, &s, &to, port);
	close(s.fd);
	return r;
}
