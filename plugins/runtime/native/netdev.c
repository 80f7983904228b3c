/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <helpers/cleanup.h>
#include <helpers/error.h>

#include "netdev.h"
#include "spec.h"

#define MAX_ADDRESSES 64
#define MAX_TRIES 100

struct request {
	struct nlmsghdr h;
	union {
		struct ifinfomsg link;
		struct ifaddrmsg address;
		char room[512];
	};
};

struct address {
	struct ifaddrmsg m;
	unsigned char local[16], broadcast[4];
	unsigned int size;
	bool has_broadcast;
};

static void add_attr(struct request *r, unsigned short type, const void *data, size_t len)
{
	struct rtattr *a = (struct rtattr *)((char *)r + NLMSG_ALIGN(r->h.nlmsg_len));

	a->rta_type = type;
	a->rta_len = (unsigned short)RTA_LENGTH(len);
	memcpy(RTA_DATA(a), data, len);
	r->h.nlmsg_len = NLMSG_ALIGN(r->h.nlmsg_len) + RTA_ALIGN(a->rta_len);
}

/* Sends a request and reads its acknowledgement: 0 or a negative errno. */
static int transact(int sock, struct request *r)
{
	char answer[4096];
	struct nlmsghdr *h = (struct nlmsghdr *)answer;
	ssize_t n;

	r->h.nlmsg_flags |= NLM_F_REQUEST | NLM_F_ACK;
	if (send(sock, r, r->h.nlmsg_len, 0) < 0)
		return -errno;
	n = recv(sock, answer, sizeof(answer), 0);
	if (n < 0)
		return -errno;
	if (n < (ssize_t)NLMSG_LENGTH(sizeof(struct nlmsgerr)) || h->nlmsg_type != NLMSG_ERROR)
		return -EPROTO;
	return ((struct nlmsgerr *)NLMSG_DATA(h))->error;
}

static struct request link_request(int index)
{
	struct request r = { .h = { .nlmsg_len = NLMSG_LENGTH(sizeof(struct ifinfomsg)),
				    .nlmsg_type = RTM_SETLINK } };

	r.link.ifi_index = index;
	return r;
}

static void parse_address(const struct nlmsghdr *h, int index, struct address *list, size_t *n)
{
	const struct ifaddrmsg *m = NLMSG_DATA(h);
	int len = (int)IFA_PAYLOAD(h);
	struct address *a = &list[*n];

	if (h->nlmsg_type != RTM_NEWADDR || (int)m->ifa_index != index ||
	    m->ifa_scope != RT_SCOPE_UNIVERSE || *n == MAX_ADDRESSES)
		return;
	*a = (struct address){ .m = *m };
	for (struct rtattr *at = IFA_RTA(m); RTA_OK(at, len); at = RTA_NEXT(at, len)) {
		unsigned int size = (unsigned int)RTA_PAYLOAD(at);

		if ((at->rta_type == IFA_LOCAL || (at->rta_type == IFA_ADDRESS && !a->size)) &&
		    size <= sizeof(a->local)) {
			memcpy(a->local, RTA_DATA(at), size);
			a->size = size;
		}
		if (at->rta_type == IFA_BROADCAST && size == 4) {
			memcpy(a->broadcast, RTA_DATA(at), 4);
			a->has_broadcast = true;
		}
	}
	if (a->size)
		(*n)++;
}

/* The device's global addresses, which it loses on its way. */
static int list_addresses(int sock, int index, struct address *list, size_t *n)
{
	struct request r = { .h = { .nlmsg_len = NLMSG_LENGTH(sizeof(struct ifaddrmsg)),
				    .nlmsg_type = RTM_GETADDR,
				    .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP } };
	char answer[32768];

	*n = 0;
	if (send(sock, &r, r.h.nlmsg_len, 0) < 0)
		return -errno;
	for (;;) {
		ssize_t len = recv(sock, answer, sizeof(answer), 0);

		if (len < 0)
			return -errno;
		for (struct nlmsghdr *h = (struct nlmsghdr *)answer; NLMSG_OK(h, len);
		     h = NLMSG_NEXT(h, len)) {
			if (h->nlmsg_type == NLMSG_DONE)
				return 0;
			if (h->nlmsg_type == NLMSG_ERROR)
				return -EIO;
			parse_address(h, index, list, n);
		}
	}
}

static int add_address(int sock, int index, const struct address *a)
{
	struct request r = { .h = { .nlmsg_len = NLMSG_LENGTH(sizeof(struct ifaddrmsg)),
				    .nlmsg_type = RTM_NEWADDR,
				    .nlmsg_flags = NLM_F_CREATE | NLM_F_REPLACE } };

	r.address = a->m;
	r.address.ifa_index = (unsigned int)index;
	r.address.ifa_flags = 0;
	add_attr(&r, IFA_LOCAL, a->local, a->size);
	add_attr(&r, IFA_ADDRESS, a->local, a->size);
	if (a->has_broadcast)
		add_attr(&r, IFA_BROADCAST, a->broadcast, 4);
	return transact(sock, &r);
}

static int route_socket(void)
{
	return socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
}

/* A socket of pid's network namespace: made there, it stays there. */
static int socket_inside(pid_t pid)
{
	auto_fd int home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	auto_fd int there = -1;
	char path[64];
	int sock;

	snprintf(path, sizeof(path), "/proc/%d/ns/net", pid);
	there = open(path, O_RDONLY | O_CLOEXEC);
	if (home < 0 || there < 0 || setns(there, CLONE_NEWNET) < 0)
		return -1;
	sock = route_socket();
	return setns(home, CLONE_NEWNET) < 0 ? -1 : sock;
}

/* The number of a device in the socket's namespace: inside, the kernel may have
 * had to choose another one. */
static int device_index(int sock, const char *name)
{
	struct request r = link_request(0);
	char answer[8192];
	struct nlmsghdr *h = (struct nlmsghdr *)answer;
	ssize_t n;

	r.h.nlmsg_type = RTM_GETLINK;
	r.h.nlmsg_flags = NLM_F_REQUEST;
	add_attr(&r, IFLA_IFNAME, name, strlen(name) + 1);
	if (send(sock, &r, r.h.nlmsg_len, 0) < 0)
		return -errno;
	n = recv(sock, answer, sizeof(answer), 0);
	if (n < (ssize_t)sizeof(*h))
		return n < 0 ? -errno : -EPROTO;
	if (h->nlmsg_type == NLMSG_ERROR)
		return ((struct nlmsgerr *)NLMSG_DATA(h))->error;
	return ((struct ifinfomsg *)NLMSG_DATA(h))->ifi_index;
}

/* Moves and renames a device; returns its number there.  For "eth%d" the kernel chooses
 * the name, so the number is chosen here: the first free one from what it has now. */
static int move_device(const struct net_device *d, int sock, int inside, int index, pid_t pid)
{
	bool template = strchr(d->name, '%') != NULL;
	int e;

	for (int32_t number = index; number < index + MAX_TRIES; number++) {
		struct request r = link_request(index);

		add_attr(&r, IFLA_NET_NS_PID, &pid, sizeof(pid));
		add_attr(&r, IFLA_IFNAME, d->name, strlen(d->name) + 1);
		if (template)
			add_attr(&r, IFLA_NEW_IFINDEX, &number, sizeof(number));
		e = transact(sock, &r);
		if (e == 0)
			return template ? number : device_index(inside, d->name);
		if (!template || e != -EBUSY)
			return e;
	}
	return -EBUSY;
}

static int move_one(const struct net_device *d, int sock, int inside, pid_t pid)
{
	struct address addresses[MAX_ADDRESSES];
	int index = device_index(sock, d->host_name);
	struct request r;
	size_t n;
	int e;

	if (index < 0)
		return index;
	e = list_addresses(sock, index, addresses, &n);
	if (e < 0)
		return e;
	/* only a device that is down can be renamed */
	r = link_request(index);
	r.link.ifi_change = IFF_UP;
	if ((e = transact(sock, &r)) < 0)
		return e;
	index = move_device(d, sock, inside, index, pid);
	if (index < 0)
		return index;
	r = link_request(index);
	r.link.ifi_flags = r.link.ifi_change = IFF_UP;
	if ((e = transact(inside, &r)) < 0)
		return e;
	for (size_t i = 0; i < n && e == 0; i++)
		e = add_address(inside, index, &addresses[i]);
	return e;
}

int netdev_move(const struct spec *s, pid_t pid, struct gantry_error *err)
{
	auto_fd int sock = -1;
	auto_fd int inside = -1;

	if (!s->n_net_devices)
		return 0;
	sock = route_socket();
	inside = socket_inside(pid);
	if (sock < 0 || inside < 0)
		return error_errno(err, errno, "linux.netDevices: cannot talk to the network");
	for (size_t i = 0; i < s->n_net_devices; i++) {
		int r = move_one(&s->net_devices[i], sock, inside, pid);

		if (r < 0)
			return error_errno(err, -r, "linux.netDevices: cannot move %s",
					   s->net_devices[i].host_name);
	}
	return 0;
}
