/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The way out where no helper is installed: packets that leave the user's namespace by
 * a pair of interfaces are read at its other end, and what is UDP or a ping goes on by
 * sockets of the host.  TCP does not come here (the emulator makes its connections,
 * docs/rootless.md); what comes nevertheless is told that it may not pass.
 *
 * One socket for each port that something inside sends from, as a router that
 * translates has it: whoever is written to can answer.  Rules in the namespace pass
 * answers only.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <linux/virtio_net.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "helpers/cleanup.h"
#include "helpers/io.h"
#include "helpers/netns.h"
#include "helpers/rtnl.h"
#include "packet.h"
#include "processes.h"

#define INSIDE "out0"
#define OUTSIDE "peer0"
#define MTU 65520
#define BURST 32
#define MAX_FLOWS 4096
#define SILENCE_S 90
#define ANSWERED_S 5 /* a question that was answered */
#define RESOLVER_PORT 53

static const uint8_t inside_mac[6] = { 0x02, 0x67, 0x6e, 0x74, 0x72, 0x79 };
static const uint8_t outside_mac[6] = { 0x02, 0x67, 0x6e, 0x74, 0x72, 0x7a };

union host_address {
	struct sockaddr any;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
};

struct flow {
	struct watch watch;
	int fd;
	int family, protocol;
	uint16_t port;     /* or the identifier of pings */
	uint8_t inside[16];
	int asks_alias;    /* it speaks with the resolver by its name inside */
	int64_t until_s;
	struct flow *next;
};

static struct {
	struct watch watch;
	int fd;            /* of packets */
	int index;         /* of the interface */
	int has_resolver;
	union host_address resolver;
	struct flow *flows;
	unsigned int n_flows;
	uint8_t in[sizeof(struct virtio_net_hdr_v1) + ETHER_HDR_LEN + PACKET_MAX + 1];
	uint8_t out[PACKET_MAX];
} relay;

static const uint8_t alias4[4] = { 10, 0, 2, 3 };

/* A frame to the inside, whose end of the pair has the one address. */
static void inject(size_t len, int family)
{
	struct virtio_net_hdr no_offload = { 0 };
	struct ether_header header;
	struct iovec parts[] = { { &no_offload, sizeof(no_offload) },
				 { &header, sizeof(header) },
				 { relay.out, len } };

	memcpy(header.ether_dhost, inside_mac, sizeof(inside_mac));
	memcpy(header.ether_shost, outside_mac, sizeof(outside_mac));
	header.ether_type = htons(family == AF_INET ? ETHERTYPE_IP : ETHERTYPE_IPV6);
	if (len) {
		/* a full queue drops, as networks do */
		(void)!writev(relay.fd, parts, 3);
	}
}

static void flow_free(struct flow *f)
{
	close(f->fd);
	free(f);
	relay.n_flows--;
}

static void from_host(const union host_address *a, struct packet *p)
{
	if (a->any.sa_family == AF_INET) {
		memcpy(p->from, &a->in.sin_addr, 4);
		p->from_port = ntohs(a->in.sin_port);
	} else {
		memcpy(p->from, &a->in6.sin6_addr, 16);
		p->from_port = ntohs(a->in6.sin6_port);
	}
}

/* An answer, as a packet of whom it is from. */
static void deliver(struct flow *f, uint8_t *data, size_t len, const union host_address *from)
{
	struct packet p = { .family = f->family, .protocol = f->protocol, .to_port = f->port,
			    .payload = data, .len = len };

	memcpy(p.to, f->inside, sizeof(p.to));
	from_host(from, &p);
	if (f->protocol != IPPROTO_UDP) {
		if (len < 8) {
			return;
		}
		data[4] = (uint8_t)(f->port >> 8);
		data[5] = (uint8_t)f->port;
	} else if (f->asks_alias && p.from_port == RESOLVER_PORT) {
		memcpy(p.from, alias4, sizeof(alias4));
		f->until_s = loop_now_ms() / 1000 + ANSWERED_S;
	}
	inject(packet_make(&p, relay.out), f->family);
}

static void flow_ready(struct watch *w, uint32_t events)
{
	struct flow *f = (struct flow *)w;
	static uint8_t data[PACKET_MAX];

	(void)events;
	for (int i = 0; i < BURST; i++) {
		union host_address from = { 0 };
		socklen_t from_len = sizeof(from);
		ssize_t n = recvfrom(f->fd, data, sizeof(data), MSG_DONTWAIT, &from.any, &from_len);

		/* an error of an earlier packet is told once, and is no end */
		if (n < 0 && errno != ECONNREFUSED && errno != EHOSTUNREACH) {
			return;
		}
		if (n >= 0 && from_len) {
			f->until_s = loop_now_ms() / 1000 + SILENCE_S;
			deliver(f, data, (size_t)n, &from);
		}
	}
}

static struct flow *find_flow(const struct packet *p)
{
	struct flow **at = &relay.flows;

	while (*at && ((*at)->port != p->from_port || (*at)->protocol != p->protocol ||
		       (*at)->family != p->family || memcmp((*at)->inside, p->from, 16) != 0)) {
		at = &(*at)->next;
	}
	if (*at && at != &relay.flows) {
		struct flow *f = *at;

		/* who speaks is found first the next time */
		*at = f->next;
		f->next = relay.flows;
		relay.flows = f;
	}
	return *at ? relay.flows : NULL;
}

/* The one that was silent longest is last. */
static void drop_last(void)
{
	struct flow **at = &relay.flows;

	while (*at && (*at)->next) {
		at = &(*at)->next;
	}
	if (*at) {
		struct flow *f = *at;

		*at = NULL;
		flow_free(f);
	}
}

static struct flow *flow_new(const struct packet *p)
{
	struct flow *f = calloc(1, sizeof(*f));

	if (relay.n_flows == MAX_FLOWS) {
		drop_last();
	}
	if (!f) {
		return NULL;
	}
	f->watch.ready = flow_ready;
	f->family = p->family;
	f->protocol = p->protocol;
	f->port = p->from_port;
	memcpy(f->inside, p->from, sizeof(f->inside));
	f->fd = socket(f->family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC,
		       f->protocol == IPPROTO_UDP ? 0 : f->protocol);
	if (f->fd < 0 || watch_add(f->fd, EPOLLIN, &f->watch) < 0) {
		if (f->fd >= 0) {
			close(f->fd);
		}
		free(f);
		return NULL;
	}
	f->next = relay.flows;
	relay.flows = f;
	relay.n_flows++;
	return f;
}

/* Where nothing is sent: to this host's loopback, and to several receivers. */
static int is_refused(const struct packet *p)
{
	if (p->family == AF_INET) {
		return p->to[0] == 0 || p->to[0] == 127 || p->to[0] >= 224;
	}
	return IN6_IS_ADDR_UNSPECIFIED((const struct in6_addr *)p->to) ||
	       IN6_IS_ADDR_LOOPBACK((const struct in6_addr *)p->to) ||
	       IN6_IS_ADDR_V4MAPPED((const struct in6_addr *)p->to) ||
	       IN6_IS_ADDR_LINKLOCAL((const struct in6_addr *)p->to) || p->to[0] == 0xff;
}

static socklen_t to_host(const struct packet *p, struct flow *f, union host_address *ret)
{
	memset(ret, 0, sizeof(*ret));
	if (p->family == AF_INET && p->protocol == IPPROTO_UDP && p->to_port == RESOLVER_PORT &&
	    !memcmp(p->to, alias4, sizeof(alias4)) && relay.has_resolver) {
		*ret = relay.resolver;
		f->asks_alias = 1;
		return sizeof(ret->in);
	}
	if (p->family == AF_INET) {
		ret->in.sin_family = AF_INET;
		ret->in.sin_port = htons(p->protocol == IPPROTO_UDP ? p->to_port : 0);
		memcpy(&ret->in.sin_addr, p->to, 4);
		return sizeof(ret->in);
	}
	ret->in6.sin6_family = AF_INET6;
	ret->in6.sin6_port = htons(p->protocol == IPPROTO_UDP ? p->to_port : 0);
	memcpy(&ret->in6.sin6_addr, p->to, 16);
	return sizeof(ret->in6);
}

/* One that the kernel would have cut: piece is the length of each. */
static void send_out(const struct packet *p, size_t piece)
{
	struct flow *f = find_flow(p);
	union host_address to;
	socklen_t to_len;

	f = f ? f : flow_new(p);
	if (!f) {
		inject(packet_prohibit(p, relay.out), p->family);
		return;
	}
	to_len = to_host(p, f, &to);
	f->until_s = loop_now_ms() / 1000 + SILENCE_S;
	for (size_t at = 0; at < p->len || at == 0; at += piece) {
		size_t n = p->len - at < piece ? p->len - at : piece;

		(void)sendto(f->fd, p->payload + at, n, MSG_DONTWAIT, &to.any, to_len);
		if (!piece) {
			return;
		}
	}
}

static int is_echo(const struct packet *p)
{
	return p->family == AF_INET ? p->protocol == IPPROTO_ICMP && p->payload[0] == ICMP_ECHO
				    : p->protocol == IPPROTO_ICMPV6 && p->payload[0] == ICMP6_ECHO_REQUEST;
}

static void handle(const uint8_t *data, size_t len, size_t piece)
{
	struct packet p;

	if (packet_parse(data, len, &p) < 0 || is_refused(&p)) {
		return;
	}
	if (p.protocol == IPPROTO_UDP) {
		send_out(&p, piece ? piece : p.len);
	} else if (is_echo(&p)) {
		send_out(&p, p.len);
	} else if (p.protocol == IPPROTO_TCP) {
		inject(packet_prohibit(&p, relay.out), p.family);
	}
}

static void packets_ready(struct watch *w, uint32_t events)
{
	const struct virtio_net_hdr *offload = (const struct virtio_net_hdr *)relay.in;
	const size_t head = sizeof(*offload) + ETHER_HDR_LEN;

	(void)w;
	(void)events;
	for (int i = 0; i < BURST; i++) {
		ssize_t n = read(relay.fd, relay.in, sizeof(relay.in));

		if (n < 0) {
			return;
		}
		if ((size_t)n > head) {
			handle(relay.in + head, (size_t)n - head,
			       offload->gso_type != VIRTIO_NET_HDR_GSO_NONE ? offload->gso_size : 0);
		}
	}
}

void relay_expire(int64_t now_s)
{
	for (struct flow **at = &relay.flows; *at;) {
		struct flow *f = *at;

		if (now_s < f->until_s) {
			at = &f->next;
			continue;
		}
		*at = f->next;
		flow_free(f);
	}
}

/* A namespace with nothing in it but the far end. */
static int make_far_end(void *arg)
{
	int *ret = arg;

	if (unshare(CLONE_NEWNET) < 0) {
		return -errno;
	}
	*ret = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	return *ret < 0 ? -errno : 0;
}

/* No address is asked for or told: whatever leaves by it reaches the other end. */
static int set_noarp(int space)
{
	auto_fd int fd = netns_socket(space, AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq request = { .ifr_name = INSIDE };

	if (fd < 0 || ioctl(fd, SIOCGIFFLAGS, &request) < 0) {
		return fd < 0 ? fd : -errno;
	}
	request.ifr_flags |= IFF_NOARP;
	return ioctl(fd, SIOCSIFFLAGS, &request) < 0 ? -errno : 0;
}

static int configure_inside(int space)
{
	auto_(rtnl) struct rtnl r = RTNL_INIT;
	struct address own4, gateway4, own6, gateway6;
	int index, result = rtnl_open(&r, space);

	if (result < 0 || (index = rtnl_index(&r, INSIDE)) < 0) {
		return result < 0 ? result : index;
	}
	(void)address_parse("10.0.2.100", &own4);
	(void)address_parse("10.0.2.2", &gateway4);
	(void)address_parse("fd67:6e74:7279::100", &own6);
	(void)address_parse("fd67:6e74:7279::2", &gateway6);
	result = set_noarp(space);
	rtnl_add_address(&r, index, &own4, 24);
	rtnl_up(&r, index);
	rtnl_add_default_route(&r, index, &gateway4);
	result = result < 0 ? result : rtnl_commit(&r, NULL);
	if (result < 0) {
		return result;
	}
	/* a host without IPv6 is no failure */
	rtnl_add_address(&r, index, &own6, 64);
	rtnl_add_default_route(&r, index, &gateway6);
	(void)rtnl_commit(&r, NULL);
	return 0;
}

/* The pair: one end in the user's namespace, the other in one of its own. */
static int make_pair(int space, int far)
{
	auto_(rtnl) struct rtnl r = RTNL_INIT;
	struct rtnl_veth veth = { .name = OUTSIDE, .mtu = MTU, .peer_netns = space,
				  .peer_name = INSIDE, .peer_mac = inside_mac };
	int index, result = rtnl_open(&r, far);

	if (result < 0) {
		return result;
	}
	rtnl_add_veth(&r, &veth);
	result = rtnl_commit(&r, NULL);
	if (result < 0) {
		return result;
	}
	index = rtnl_index(&r, OUTSIDE);
	if (index < 0) {
		return index;
	}
	rtnl_no_link_local(&r, index);
	rtnl_up(&r, index);
	result = rtnl_commit(&r, NULL);
	relay.index = index;
	return result;
}

static int open_packets(int far)
{
	struct sockaddr_ll to = { .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL),
				  .sll_ifindex = relay.index };
	int one = 1, size = 4 << 20;

	relay.fd = netns_socket(far, AF_PACKET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (relay.fd < 0) {
		return relay.fd;
	}
	(void)setsockopt(relay.fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	if (setsockopt(relay.fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &one, sizeof(one)) < 0 ||
	    setsockopt(relay.fd, SOL_PACKET, PACKET_VNET_HDR, &one, sizeof(one)) < 0 ||
	    bind(relay.fd, (struct sockaddr *)&to, sizeof(to)) < 0) {
		return -errno;
	}
	relay.watch.ready = packets_ready;
	return watch_add(relay.fd, EPOLLIN, &relay.watch);
}

static void raise_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &limit);
	}
}

int relay_serve(int space, const char *resolver)
{
	auto_fd int far = -1;
	int r;

	relay.resolver.in.sin_family = AF_INET;
	relay.resolver.in.sin_port = htons(RESOLVER_PORT);
	relay.has_resolver = inet_pton(AF_INET, resolver, &relay.resolver.in.sin_addr) == 1;
	raise_limit();
	r = namespace_run(space, CLONE_NEWNET, make_far_end, &far);
	if (r == 0) {
		r = make_pair(space, far);
	}
	if (r == 0) {
		r = configure_inside(space);
	}
	return r < 0 ? r : open_packets(far);
}
