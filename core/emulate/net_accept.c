/* SPDX-License-Identifier: Apache-2.0 */
/*
 * accept(2) at a published port.  What comes from the host comes by a connection that a
 * carrier (gantry-usernet forward) makes into the container, and waits in the
 * listener's queue like any other.  Here it is taken out, and the carrier is asked, by
 * the address that it came from, for the connection that it stands for: the host's
 * socket is what the caller gets.  One that no carrier knows is what it seems to be.
 *
 * getsockname(2) of such a socket tells the container's own address and port.  A client
 * on the host's loopback is not handed out: 127.0.0.1 is trusted by many a server and
 * means the container to it, and such a socket could not be bolted.
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#include "core/emulate/emulate.h"
#include "core/emulate/net.h"
#include "helpers/cleanup.h"
#include "helpers/io.h"

#define CARRIER_S 5
#define MAX_DOMAINS 4096

/* Of which family the listener was, where the host's socket is of another. */
static struct {
	uint32_t inode;
	uint8_t domain;
} domains[MAX_DOMAINS];
static pthread_mutex_t domains_lock = PTHREAD_MUTEX_INITIALIZER;

static uint32_t inode_of(int fd)
{
	struct stat st;

	return fstat(fd, &st) < 0 ? 0 : (uint32_t)st.st_ino;
}

static void remember_domain(int fd, int domain)
{
	uint32_t inode = inode_of(fd);

	pthread_mutex_lock(&domains_lock);
	domains[inode % MAX_DOMAINS].inode = inode;
	domains[inode % MAX_DOMAINS].domain = (uint8_t)domain;
	pthread_mutex_unlock(&domains_lock);
}

static int domain_of(const struct net_socket *s)
{
	uint32_t inode = inode_of(s->fd);
	int domain = s->domain;

	pthread_mutex_lock(&domains_lock);
	if (inode && domains[inode % MAX_DOMAINS].inode == inode)
		domain = domains[inode % MAX_DOMAINS].domain;
	pthread_mutex_unlock(&domains_lock);
	return domain;
}

/* The published port that a host's address belongs to. */
static const struct net_port *find_port(const struct net_plan *plan, const struct address *host,
					uint16_t port)
{
	for (int i = 0; i < plan->n_ports; i++) {
		const struct net_port *p = &plan->ports[i];

		if (p->host_port == port && p->host.family == host->family &&
		    (!p->host.n || address_equal(&p->host, host)))
			return p;
	}
	return NULL;
}

static int is_published(const struct net_plan *plan, uint16_t port)
{
	for (int i = 0; i < plan->n_ports; i++) {
		if (plan->ports[i].port == port)
			return 1;
	}
	return 0;
}

/* As getsockname and accept write it: cut to the room there is, and the whole length. */
static int write_address(const struct request *rq, uint64_t where, uint64_t where_len,
			 const union net_address *a, socklen_t len)
{
	uint32_t room;
	int r;

	if (!where)
		return 0;
	r = request_read(rq, where_len, &room, sizeof(room));
	if (r < 0 || (int)room < 0)
		return r < 0 ? r : -EINVAL;
	room = room < len ? room : len;
	if (room && (r = request_write(rq, where, a, room)) < 0)
		return r;
	return request_write(rq, where_len, &(uint32_t){len}, sizeof(uint32_t));
}

/* Asks one carrier; the connection or -1. */
static int ask(const char *carrier, const char *who)
{
	const struct timeval patience = {CARRIER_S, 0};
	auto_fd int sock = unix_connect(carrier);
	size_t n_fds = 1;
	char answer;
	int fd = -1;

	if (sock < 0 || setsockopt(sock, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) < 0 ||
	    write_all(sock, who, strlen(who)) < 0 ||
	    recv_with_fds(sock, &answer, 1, &fd, &n_fds) != 1 || n_fds != 1)
		return -1;
	return fd;
}

/* "172.17.0.1 40000\n" */
static int ask_carriers(const struct net_plan *plan, const struct address *from, uint16_t port)
{
	char who[ADDRESS_TEXT + 8], text[ADDRESS_TEXT];
	int fd = -1;

	snprintf(who, sizeof(who), "%s %u\n", address_format(from, text), port);
	for (int i = 0; i < plan->n_carriers && fd < 0; i++)
		fd = ask(plan->carriers[i], who);
	return fd;
}

static int host_domain(int fd)
{
	int domain = 0;
	socklen_t len = sizeof(domain);

	return getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &len) < 0 ? -1 : domain;
}

/* The host's connection in place of the carrier's, *fd.  *a becomes the client's. */
static void exchange(const struct net_plan *plan, int *fd, union net_address *a, socklen_t *len,
		     int domain)
{
	union net_address client;
	socklen_t client_len = sizeof(client);
	struct address from;
	uint16_t port;
	auto_fd int host = -1;

	if (net_address_get(a, &from, &port) < 0)
		return;
	host = ask_carriers(plan, &from, port);
	/* one who has hung up already has left a carrier's connection that ends, too */
	if (host < 0 || getpeername(host, &client.any, &client_len) < 0 ||
	    net_address_get(&client, &from, &port) < 0 || (domain == AF_INET && from.family != AF_INET) ||
	    net_lock(host, host_domain(host), &from) < 0)
		return;
	net_copy_options(*fd, host);
	remember_domain(host, domain);
	replace_fd(fd, steal_fd(&host));
	*len = net_address_set(a, domain, &from, port);
}

/* Takes a connection without waiting, though the listener may be one that waits: the
 * flag is the open file's, so it cannot be set for this call alone.  A thread that
 * takes what was there first leaves this one waiting for as long as the limit says. */
static int take(int listener, union net_address *a, socklen_t *len)
{
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	const struct timeval moment = {0, 1000};
	struct pollfd p = {.fd = listener, .events = POLLIN};
	struct timeval before = {0};
	socklen_t size = sizeof(before);
	int fd = -1, code = EAGAIN;

	pthread_mutex_lock(&lock);
	if (poll(&p, 1, 0) > 0) {
		(void)getsockopt(listener, SOL_SOCKET, SO_RCVTIMEO, &before, &size);
		(void)setsockopt(listener, SOL_SOCKET, SO_RCVTIMEO, &moment, sizeof(moment));
		fd = accept4(listener, &a->any, len, SOCK_CLOEXEC);
		code = errno;
		(void)setsockopt(listener, SOL_SOCKET, SO_RCVTIMEO, &before, sizeof(before));
		if (fd >= 0)
			(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &before, sizeof(before));
	}
	pthread_mutex_unlock(&lock);
	return fd < 0 ? -code : fd;
}

static int64_t accept_from(struct request *rq, int listener, int domain);

static int64_t accept_again(struct request *rq)
{
	auto_fd int listener = steal_fd(&rq->wait.fd);

	if (rq->wait.why == WAIT_SIGNAL)
		return ANSWER_RESTART;
	if (rq->wait.why == WAIT_LATE)
		return -EAGAIN;
	return accept_from(rq, listener, rq->wait.data[0]);
}

static int64_t deadline(int listener)
{
	struct timeval t = {0};
	socklen_t len = sizeof(t);

	if (getsockopt(listener, SOL_SOCKET, SO_RCVTIMEO, &t, &len) < 0 ||
	    (!t.tv_sec && !t.tv_usec))
		return 0;
	return time_monotonic_ns() / 1000000 + (int64_t)t.tv_sec * 1000 + t.tv_usec / 1000;
}

static int64_t wait_for_one(struct request *rq, int listener, int domain)
{
	int copy;

	if (fcntl(listener, F_GETFL) & O_NONBLOCK)
		return -EAGAIN;
	copy = fcntl(listener, F_DUPFD_CLOEXEC, 0);
	if (copy < 0)
		return -errno;
	rq->wait.data[0] = domain;
	return request_wait(rq, copy, POLLIN, deadline(listener), accept_again);
}

static int64_t accept_from(struct request *rq, int listener, int domain)
{
	auto_net_plan struct net_plan *plan = net_plan_get();
	int flags = rq->nr == SYS_accept4 ? (int)rq->args[3] : 0, r;
	union net_address address;
	socklen_t len = sizeof(address);
	auto_fd int fd = take(listener, &address, &len);

	if (fd == -EAGAIN)
		return wait_for_one(rq, listener, domain);
	if (fd < 0)
		return fd;
	if (plan)
		exchange(plan, &fd, &address, &len, domain);
	if (fcntl(fd, F_SETFL, flags & SOCK_NONBLOCK ? O_NONBLOCK : 0) < 0)
		return -errno;
	r = write_address(rq, rq->args[1], rq->args[2], &address, len);
	return r < 0 ? r : request_give_fd(rq, fd, (flags & SOCK_CLOEXEC) != 0);
}

static uint16_t local_port(int fd, struct address *ret)
{
	union net_address address;
	socklen_t len = sizeof(address);
	uint16_t port;

	if (getsockname(fd, &address.any, &len) < 0 || net_address_get(&address, ret, &port) < 0)
		return 0;
	return port;
}

static int64_t do_accept(struct request *rq)
{
	auto_net_plan struct net_plan *plan = net_plan_get();
	struct net_socket s = {.fd = -1};
	struct address local;
	int64_t r = ANSWER_CONTINUE;

	if (!plan || net_socket_open(rq, (int)rq->args[0], plan, &s) < 0)
		return ANSWER_CONTINUE;
	if (s.place == NET_CONTAINER && s.listens && is_published(plan, local_port(s.fd, &local)))
		r = accept_from(rq, s.fd, s.domain);
	close(s.fd);
	return r;
}

int64_t call_accept(struct request *rq)
{
	return do_accept(rq);
}

int64_t call_accept4(struct request *rq)
{
	/* bad flags are the kernel's to refuse */
	return (int)rq->args[3] & ~(SOCK_CLOEXEC | SOCK_NONBLOCK) ? ANSWER_CONTINUE : do_accept(rq);
}

/* The container's own address of a family. */
static struct address own_address(const struct net_plan *plan, int family)
{
	for (int i = 0; i < plan->n_self; i++) {
		if (plan->self[i].family == family)
			return plan->self[i];
	}
	return plan->self[0];
}

/* One whose local end is a published port was accepted; others tell the truth. */
static int64_t tell(struct request *rq, int peer)
{
	auto_net_plan struct net_plan *plan = net_plan_get();
	struct net_socket s = {.fd = -1};
	const struct net_port *published = NULL;
	union net_address address;
	socklen_t len = sizeof(address);
	struct address a;
	uint16_t port = 0;
	int domain = 0, r = -1;

	if (!plan || !plan->n_self || net_socket_open(rq, (int)rq->args[0], plan, &s) < 0)
		return ANSWER_CONTINUE;
	if (s.place == NET_HOST && (port = local_port(s.fd, &a)) != 0) {
		published = find_port(plan, &a, port);
		domain = domain_of(&s);
	}
	if (published && peer)
		r = getpeername(s.fd, &address.any, &len) == 0
			    ? net_address_get(&address, &a, &port)
			    : -1;
	close(s.fd);
	if (!published || (peer && r < 0))
		return ANSWER_CONTINUE;
	if (!peer) {
		a = own_address(plan, a.family);
		port = published->port;
	}
	len = net_address_set(&address, domain, &a, port);
	return write_address(rq, rq->args[1], rq->args[2], &address, len);
}

int64_t call_getsockname(struct request *rq)
{
	return tell(rq, 0);
}

int64_t call_getpeername(struct request *rq)
{
	return tell(rq, 1);
}
