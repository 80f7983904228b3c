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

/* A socket of the caller's own network, by this process where the container may not.
 * The open file's flag is changed for the moment of the call only. */
static int64_t connect_inside(struct request *rq, int fd, const union net_address *to,
			      socklen_t len);

static int64_t connected_inside(struct request *rq)
{
	auto_fd int fd = steal_fd(&rq->wait.fd);
	union net_address to = {0};
	socklen_t len = (socklen_t)rq->args[2];

	if (rq->wait.why == WAIT_SIGNAL)
		return ANSWER_RESTART;
	if (rq->wait.why == WAIT_LATE)
		return -EINPROGRESS;
	/* under way the kernel does not look at the address any more */
	if (len > sizeof(to) || request_read(rq, rq->args[1], &to, len) < 0)
		return -EFAULT;
	return connect_inside(rq, fd, &to, len);
}

static int64_t connect_inside(struct request *rq, int fd, const union net_address *to,
			      socklen_t len)
{
	int flags = fcntl(fd, F_GETFL), r, code, copy;

	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
		return -errno;
	r = connect(fd, &to->any, len);
	code = errno;
	(void)fcntl(fd, F_SETFL, flags);
	if (r == 0)
		return 0;
	if ((code != EINPROGRESS && code != EALREADY) || (flags & O_NONBLOCK))
		return -code;
	copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	return copy < 0 ? -errno : request_wait(rq, copy, POLLOUT, deadline(fd), connected_inside);
}

static int64_t under_way(struct request *rq)
{
	auto_fd int fd = steal_fd(&rq->wait.fd);

	return rq->wait.why == WAIT_READY  ? -pending_error(fd)
	       : rq->wait.why == WAIT_LATE ? -EINPROGRESS
					   : ANSWER_RESTART;
}

/* A socket of the host that the caller has already: what the kernel would say of it, by
 * its state.  The kernel is not asked, since it might begin anew with an address that
 * was not looked at.  One that failed says so once, and is then free. */
static int64_t connect_again(struct request *rq, int fd, int *ret_is_free)
{
	int state = state_of(fd), flags = fcntl(fd, F_GETFL), error, copy;

	*ret_is_free = 0;
	if (state == TCP_SYN_SENT && (flags & O_NONBLOCK))
		return -EALREADY;
	if (state == TCP_SYN_SENT) {
		copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
		return copy < 0 ? -errno
				: request_wait(rq, copy, POLLOUT, deadline(fd), under_way);
	}
	if (state != TCP_CLOSE)
		return -EISCONN;
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

/* The place is the kernel's own choice, or this process's in the container's stead. */
static int64_t leave_inside(struct request *rq, const struct net_socket *s,
			    const union net_address *to, socklen_t len)
{
	return net_is_fenced() ? connect_inside(rq, s->fd, to, len) : ANSWER_CONTINUE;
}

static int64_t connect_to(struct request *rq, const struct net_plan *plan,
			  const struct net_socket *s, const union net_address *address,
			  socklen_t len)
{
	struct address to;
	uint16_t port;
	int is_free = 1, is_alias, inside;
	int64_t r;

	/* what the kernel would refuse, or take for an end, it does */
	if (len < sizeof(address->in) || net_address_get(address, &to, &port) < 0 ||
	    (address->any.sa_family == AF_INET6 &&
	     len < offsetof(struct sockaddr_in6, sin6_scope_id)) ||
	    (s->domain == AF_INET && to.family != AF_INET))
		return s->place == NET_HOST ? ANSWER_CONTINUE : leave_inside(rq, s, address, len);
	r = s->place == NET_HOST ? connect_again(rq, s->fd, &is_free) : 0;
	if (!is_free)
		return r;
	is_alias = plan->alias.family && address_equal(&to, &plan->alias) && port == 53;
	if (is_alias)
		to = plan->resolver;
	/* without a fence, a socket for one on this host's loopback would reach all there */
	inside = (!is_alias || !net_is_fenced()) && net_is_inside(plan, &to);
	if (s->place == NET_ELSEWHERE || (inside && s->place == NET_CONTAINER))
		return leave_inside(rq, s, address, len);
	return connect_new(rq, s, new_socket(rq, s, inside), &to, port, inside);
}

int64_t call_connect(struct request *rq)
{
	auto_net_plan struct net_plan *plan = net_plan_get();
	union net_address address = {0};
	struct net_socket s = {.fd = -1};
	size_t len = (size_t)(int)rq->args[2];
	int64_t r;

	if (!plan || net_socket_open(rq, (int)rq->args[0], plan, &s) < 0)
		return ANSWER_CONTINUE;
	r = len > sizeof(address) ? -EINVAL : request_read(rq, rq->args[1], &address, len);
	if (r == 0)
		r = connect_to(rq, plan, &s, &address, (socklen_t)len);
	close(s.fd);
	return r;
}
