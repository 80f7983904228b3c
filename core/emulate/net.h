/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Host sockets for a container in a network namespace that leads nowhere.  A TCP
 * connection to the outside is made by this process in the host's network, and its
 * socket takes the place of the container's own; a connection to a published port is
 * handed out by accept(2) in place of the one that the carrier made for it.  So bytes
 * flow as in the host, and a server sees who its client is.
 *
 * A socket that a container is given is bolted to one peer: with anybody else the
 * kernel lets it end no handshake, so that it is of no other use, whatever call gets
 * past this process (net_lock()).
 */
#ifndef CORE_EMULATE_NET_H
#define CORE_EMULATE_NET_H

#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "helpers/address.h"

struct request;

enum { NET_MAX_INSIDE = 64, NET_MAX_SELF = 32, NET_MAX_PORTS = 512, NET_MAX_CARRIERS = 32 };

struct net_port {
	struct address host;  /* family and 0: any */
	uint16_t host_port, port;
	int carrier;
};

/* What a container's networks are.  Constant once it is in force. */
struct net_plan {
	unsigned int refs;
	uint64_t cookie;                 /* of the container's network namespace */
	struct subnet inside[NET_MAX_INSIDE];
	int n_inside;
	struct address self[NET_MAX_SELF];
	int n_self;
	struct address alias, resolver;  /* the host's resolver, and what it is called inside */
	struct net_port ports[NET_MAX_PORTS];
	int n_ports;
	char *carriers[NET_MAX_CARRIERS]; /* sockets that give connections, see net_accept.c */
	int n_carriers;
};

/* Lines of words, see docs/rootless.md.  -EINVAL for what it does not know, -E2BIG. */
int net_plan_parse(const char *text, struct net_plan **ret);
struct net_plan *net_plan_unref(struct net_plan *plan);
static inline void cleanup_net_plan(struct net_plan **p)
{
	net_plan_unref(*p);
}
#define auto_net_plan __attribute__((cleanup(cleanup_net_plan)))

/* The plan in force, or NULL; the caller's until it is unreferenced. */
struct net_plan *net_plan_get(void);
void net_plan_replace(struct net_plan *plan);

/* Addresses as the kernel passes them. */
union net_address {
	struct sockaddr any;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
	struct sockaddr_storage storage;
};

/* An IPv4 address in IPv6's clothes is IPv4.  *ret_port: host byte order.  -1 for
 * other families. */
int net_address_get(const union net_address *a, struct address *ret, uint16_t *ret_port);
/* In the form that a socket of this domain takes. */
socklen_t net_address_set(union net_address *ret, int domain, const struct address *a,
			  uint16_t port);

/* Is it the container's own affair: its loopback, its networks, several receivers? */
int net_is_inside(const struct net_plan *plan, const struct address *a);

enum net_place { NET_ELSEWHERE, NET_CONTAINER, NET_HOST };

/* What a descriptor of the caller is. */
struct net_socket {
	int fd;       /* a copy, the caller's open file */
	int domain;   /* AF_INET, AF_INET6 */
	enum net_place place;
	int listens;
};

/* 0 when it is a TCP socket, which is then to be closed; else negative. */
int net_socket_open(const struct request *rq, int fd, const struct net_plan *plan,
		    struct net_socket *ret);

/* May the container's processes connect and bind no TCP socket themselves
 * (helpers/tcp_fence.h)?  Sockets then need no bolt. */
int net_is_fenced(void);

/* Bolts a socket of this domain to its one peer.  Negative errno. */
int net_lock(int fd, int domain, const struct address *peer);
/* Once, before the first one; what is fenced needs none. */
int net_lock_begin(void);

/* What was set on one socket is set on the other. */
void net_copy_options(int from, int to);

/* Puts fd where the caller has the socket old: in its place, in those of its copies in
 * the caller's table, and in the epoll sets that wait for it. */
int net_swap(const struct request *rq, int caller_fd, int old, int fd);

#endif
