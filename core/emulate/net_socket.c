/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <netinet/in.h>
#include <linux/tcp.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "core/emulate/emulate.h"
#include "core/emulate/net.h"
#include "helpers/cleanup.h"
#include "helpers/tcp_fence.h"

#ifndef SO_NETNS_COOKIE
#define SO_NETNS_COOKIE 71
#endif
#ifndef SO_BUF_LOCK
#define SO_BUF_LOCK 72
#endif
#define KEY_BYTES 16

#ifndef IPPROTO_MPTCP
#define IPPROTO_MPTCP 262
#endif

static int get(int fd, int level, int name)
{
	int value = 0;
	socklen_t len = sizeof(value);

	return getsockopt(fd, level, name, &value, &len) < 0 ? -1 : value;
}

static uint64_t cookie_of(int fd)
{
	uint64_t cookie = 0;
	socklen_t len = sizeof(cookie);

	return getsockopt(fd, SOL_SOCKET, SO_NETNS_COOKIE, &cookie, &len) < 0 ? 0 : cookie;
}

/* This process never leaves its own network. */
static uint64_t own_cookie(void)
{
	static _Atomic uint64_t own;
	auto_fd int fd = -1;

	if (!own) {
		fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
		own = fd < 0 ? 0 : cookie_of(fd);
	}
	return own;
}

int net_socket_open(const struct request *rq, int fd, const struct net_plan *plan,
		    struct net_socket *ret)
{
	auto_fd int copy = request_take_fd(rq, fd);
	uint64_t cookie;
	int protocol;

	if (copy < 0)
		return copy;
	ret->domain = get(copy, SOL_SOCKET, SO_DOMAIN);
	protocol = get(copy, SOL_SOCKET, SO_PROTOCOL);
	if ((ret->domain != AF_INET && ret->domain != AF_INET6) ||
	    (protocol != IPPROTO_TCP && protocol != IPPROTO_MPTCP))
		return -EPROTONOSUPPORT;
	cookie = cookie_of(copy);
	ret->place = !cookie			   ? NET_ELSEWHERE
		     : cookie == own_cookie()	   ? NET_HOST
		     : plan && cookie == plan->cookie ? NET_CONTAINER
						   : NET_ELSEWHERE;
	ret->listens = get(copy, SOL_SOCKET, SO_ACCEPTCONN) == 1;
	ret->fd = steal_fd(&copy);
	return 0;
}

int net_is_fenced(void)
{
	static _Atomic int fenced = -1;

	if (fenced < 0)
		fenced = tcp_fence_is_there();
	return fenced;
}

/* One key, for what has these leading bits. */
static int add_key(int fd, struct tcp_md5sig *key, int domain, const struct address *a, int bits)
{
	union net_address *to = (union net_address *)&key->tcpm_addr;

	net_address_set(to, domain, a, 0);
	key->tcpm_prefixlen = (uint8_t)bits;
	return setsockopt(fd, IPPROTO_TCP, TCP_MD5SIG_EXT, key, sizeof(*key)) < 0 ? -errno : 0;
}

/* Keys for all addresses of peer's family but those that share its first bits. */
static int add_others(int fd, struct tcp_md5sig *key, int domain, const struct address *peer,
		      int bits)
{
	int width = address_width(peer->family), r = 0;

	for (int i = 1; i <= bits && r == 0; i++) {
		unsigned int shift = (unsigned int)(width - i);
		struct address other = {peer->family, (peer->n >> shift ^ 1) << shift};

		r = add_key(fd, key, domain, &other, i);
	}
	return r;
}

/* A peer for whom there is a key must sign what it sends with it (RFC 2385), and nobody
 * knows this one.  So the kernel itself drops every segment from and to anybody else:
 * no handshake ends, by whatever call it is begun.  A container cannot take the keys
 * off, since its filter refuses that option; the kernel's other locks on a socket
 * (SO_LOCK_FILTER) need privileges now.  Of an IPv6 peer its network is let in. */
int net_lock(int fd, int domain, const struct address *peer)
{
	const struct address all4 = {AF_INET, 0}, all6 = {AF_INET6, 0};
	struct tcp_md5sig key = {.tcpm_flags = TCP_MD5SIG_FLAG_PREFIX, .tcpm_keylen = KEY_BYTES};
	int r;

	if (net_is_fenced())
		return 0;
	if (getrandom(key.tcpm_key, KEY_BYTES, 0) != KEY_BYTES)
		return -EIO;
	r = add_others(fd, &key, domain, peer, peer->family == AF_INET ? 32 : 64);
	if (r == 0 && domain == AF_INET6)
		r = add_key(fd, &key, domain, peer->family == AF_INET ? &all6 : &all4, 0);
	return r;
}

/* The kernel rewrites itself for the first socket with a key and after the last one; so
 * there is always one. */
int net_lock_begin(void)
{
	const struct address loopback = {AF_INET, 127u << 24};
	int fd;

	if (net_is_fenced())
		return 0;
	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	return fd < 0 ? -errno : net_lock(fd, AF_INET, &loopback);
}

/* The kernel doubles the size of a buffer that is set, and tells the doubled one. */
static void copy_buffers(int from, int to)
{
	int locks = get(from, SOL_SOCKET, SO_BUF_LOCK);
	static const int names[] = {SO_SNDBUF, SO_RCVBUF};

	for (int i = 0; i < 2; i++) {
		int size = get(from, SOL_SOCKET, names[i]) / 2;

		if (locks > 0 && (locks >> i & 1) && size > 0)
			(void)setsockopt(to, SOL_SOCKET, names[i], &size, sizeof(size));
	}
}

/* Only what differs from a new socket is set: some settings lock what the kernel would
 * adapt, even when they are the default. */
void net_copy_options(int from, int to)
{
	static const struct {
		int level, name;
	} options[] = {
		{SOL_SOCKET, SO_KEEPALIVE},      {SOL_SOCKET, SO_OOBINLINE},
		{SOL_SOCKET, SO_LINGER},         {SOL_SOCKET, SO_RCVTIMEO},
		{SOL_SOCKET, SO_SNDTIMEO},       {SOL_SOCKET, SO_RCVLOWAT},
		{SOL_SOCKET, SO_PRIORITY},       {SOL_SOCKET, SO_TIMESTAMP},
		{SOL_SOCKET, SO_BUSY_POLL},      {SOL_SOCKET, SO_MAX_PACING_RATE},
		{SOL_SOCKET, SO_ZEROCOPY},       {SOL_SOCKET, SO_REUSEADDR},
		{IPPROTO_TCP, TCP_NODELAY},      {IPPROTO_TCP, TCP_CORK},
		{IPPROTO_TCP, TCP_KEEPIDLE},     {IPPROTO_TCP, TCP_KEEPINTVL},
		{IPPROTO_TCP, TCP_KEEPCNT},      {IPPROTO_TCP, TCP_SYNCNT},
		{IPPROTO_TCP, TCP_LINGER2},      {IPPROTO_TCP, TCP_USER_TIMEOUT},
		{IPPROTO_TCP, TCP_NOTSENT_LOWAT}, {IPPROTO_TCP, TCP_CONGESTION},
		{IPPROTO_IP, IP_TOS},            {IPPROTO_IP, IP_TTL},
		{IPPROTO_IP, IP_MTU_DISCOVER},   {IPPROTO_IP, IP_RECVERR},
		{IPPROTO_IPV6, IPV6_TCLASS},     {IPPROTO_IPV6, IPV6_UNICAST_HOPS},
		{IPPROTO_IPV6, IPV6_V6ONLY},
	};

	for (size_t i = 0; i < ARRAY_SIZE(options); i++) {
		char want[64] = {0}, have[64] = {0};
		socklen_t n = sizeof(want), m = sizeof(have);

		if (getsockopt(from, options[i].level, options[i].name, want, &n) == 0 &&
		    getsockopt(to, options[i].level, options[i].name, have, &m) == 0 &&
		    (n != m || memcmp(want, have, n) != 0))
			(void)setsockopt(to, options[i].level, options[i].name, want, n);
	}
	copy_buffers(from, to);
}
