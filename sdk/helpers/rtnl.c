/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/if_addr.h>
#include <linux/if_bridge.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "buf.h"
#include "cleanup.h"
#include "netns.h"
#include "rtnl.h"

#define ANSWER_SIZE 32768
/* Of a dump that changes while it is read; the last is taken as it is. */
#define DUMP_TRIES 8

int rtnl_open(struct rtnl *r, int netns)
{
	int type = SOCK_RAW | SOCK_CLOEXEC;

	*r = (struct rtnl){ .fd = netns < 0 ? socket(AF_NETLINK, type, NETLINK_ROUTE)
					    : netns_socket(netns, AF_NETLINK, type, NETLINK_ROUTE) };
	if (r->fd < 0) {
		int why = netns < 0 ? -errno : r->fd;

		r->fd = -1;
		return why;
	}
	return 0;
}

void rtnl_done(struct rtnl *r)
{
	cleanup_fd(&r->fd);
	r->fd = -1;
}

static struct nlmsghdr *begin(struct rtnl *r, uint16_t type, uint16_t flags)
{
	struct nlmsghdr *h = mnl_nlmsg_put_header(r->room + r->used);

	h->nlmsg_type = type;
	h->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | NLM_F_ACK | flags);
	h->nlmsg_seq = ++r->sequence;
	return h;
}

static void end(struct rtnl *r, const struct nlmsghdr *h)
{
	r->used += MNL_ALIGN(h->nlmsg_len);
}

/* A link request; flags of the interface are set where mask says. */
static struct nlmsghdr *begin_link(struct rtnl *r, uint16_t type, uint16_t flags, int index,
				   unsigned int up)
{
	struct nlmsghdr *h = begin(r, type, flags);
	struct ifinfomsg *info = mnl_nlmsg_put_extra_header(h, sizeof(*info));

	info->ifi_family = AF_UNSPEC;
	info->ifi_index = index;
	info->ifi_flags = up;
	info->ifi_change = up;
	return h;
}

int rtnl_commit(struct rtnl *r, int *ret_failed)
{
	uint32_t first = r->confirmed + 1, left = r->sequence - r->confirmed;
	char answer[ANSWER_SIZE] __attribute__((aligned(8)));
	uint32_t used = r->used;
	int result = 0;

	r->used = 0;
	r->confirmed = r->sequence;
	if (used == 0) {
		return 0;
	}
	if (send(r->fd, r->room, used, 0) < 0) {
		return -errno;
	}
	while (left > 0) {
		ssize_t n = recv(r->fd, answer, sizeof(answer), 0);
		struct nlmsghdr *h = (struct nlmsghdr *)answer;
		int len = (int)n;

		if (n < 0 && errno == EINTR) {
			continue;
		}
		if (n < 0) {
			return -errno;
		}
		for (; mnl_nlmsg_ok(h, len); h = mnl_nlmsg_next(h, &len)) {
			const struct nlmsgerr *e = mnl_nlmsg_get_payload(h);

			if (h->nlmsg_type != NLMSG_ERROR || h->nlmsg_seq < first) {
				continue;
			}
			left--;
			if (e->error < 0 && result == 0) {
				result = e->error;
				if (ret_failed) {
					*ret_failed = (int)(h->nlmsg_seq - first + 1);
				}
			}
		}
	}
	return result;
}

int rtnl_index(struct rtnl *r, const char *name)
{
	struct ifreq request = { 0 };

	strncpy(request.ifr_name, name, IFNAMSIZ - 1);
	return ioctl(r->fd, SIOCGIFINDEX, &request) < 0 ? -errno : request.ifr_ifindex;
}

void rtnl_add_veth(struct rtnl *r, const struct rtnl_veth *v)
{
	struct nlmsghdr *h = begin_link(r, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, 0, IFF_UP);
	struct nlattr *info, *data, *peer;
	struct ifinfomsg *peer_info;

	mnl_attr_put_strz(h, IFLA_IFNAME, v->name);
	mnl_attr_put_u32(h, IFLA_MASTER, (uint32_t)v->master);
	if (v->mtu) {
		mnl_attr_put_u32(h, IFLA_MTU, (uint32_t)v->mtu);
	}
	info = mnl_attr_nest_start(h, IFLA_LINKINFO);
	mnl_attr_put_str(h, IFLA_INFO_KIND, "veth");
	data = mnl_attr_nest_start(h, IFLA_INFO_DATA);
	peer = mnl_attr_nest_start(h, VETH_INFO_PEER);
	peer_info = mnl_nlmsg_put_extra_header(h, sizeof(*peer_info));
	peer_info->ifi_family = AF_UNSPEC;
	mnl_attr_put_strz(h, IFLA_IFNAME, v->peer_name);
	mnl_attr_put(h, IFLA_ADDRESS, 6, v->peer_mac);
	if (v->mtu) {
		mnl_attr_put_u32(h, IFLA_MTU, (uint32_t)v->mtu);
	}
	mnl_attr_put_u32(h, IFLA_NET_NS_FD, (uint32_t)v->peer_netns);
	mnl_attr_nest_end(h, peer);
	mnl_attr_nest_end(h, data);
	mnl_attr_nest_end(h, info);
	end(r, h);
}

void rtnl_add_bridge(struct rtnl *r, const char *name, const uint8_t *mac, int mtu)
{
	struct nlmsghdr *h = begin_link(r, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, 0, IFF_UP);
	struct nlattr *info;

	mnl_attr_put_strz(h, IFLA_IFNAME, name);
	/* Set, or it would change with the ports. */
	mnl_attr_put(h, IFLA_ADDRESS, 6, mac);
	if (mtu) {
		mnl_attr_put_u32(h, IFLA_MTU, (uint32_t)mtu);
	}
	info = mnl_attr_nest_start(h, IFLA_LINKINFO);
	mnl_attr_put_str(h, IFLA_INFO_KIND, "bridge");
	mnl_attr_nest_end(h, info);
	end(r, h);
}

void rtnl_set_alias(struct rtnl *r, const char *name, const char *alias)
{
	struct nlmsghdr *h = begin_link(r, RTM_NEWLINK, 0, 0, 0);

	mnl_attr_put_strz(h, IFLA_IFNAME, name);
	mnl_attr_put_str(h, IFLA_IFALIAS, alias);
	end(r, h);
}

void rtnl_remove_link(struct rtnl *r, const char *name)
{
	struct nlmsghdr *h = begin_link(r, RTM_DELLINK, 0, 0, 0);

	mnl_attr_put_strz(h, IFLA_IFNAME, name);
	end(r, h);
}

void rtnl_up(struct rtnl *r, int index)
{
	end(r, begin_link(r, RTM_NEWLINK, 0, index, IFF_UP));
}

void rtnl_down(struct rtnl *r, int index)
{
	struct nlmsghdr *h = begin_link(r, RTM_NEWLINK, 0, index, 0);
	struct ifinfomsg *info = mnl_nlmsg_get_payload(h);

	info->ifi_change |= IFF_UP;
	end(r, h);
}

void rtnl_set_mac(struct rtnl *r, int index, const uint8_t *mac)
{
	struct nlmsghdr *h = begin_link(r, RTM_NEWLINK, 0, index, 0);

	mnl_attr_put(h, IFLA_ADDRESS, 6, mac);
	end(r, h);
}

void rtnl_move_link(struct rtnl *r, int index, int netns, const char *name)
{
	struct nlmsghdr *h = begin_link(r, RTM_NEWLINK, 0, index, 0);

	mnl_attr_put_u32(h, IFLA_NET_NS_FD, (uint32_t)netns);
	mnl_attr_put_strz(h, IFLA_IFNAME, name);
	end(r, h);
}

void rtnl_add_route(struct rtnl *r, int index, const struct subnet *to, const struct address *gateway)
{
	struct nlmsghdr *h = begin(r, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE);
	struct rtmsg *m = mnl_nlmsg_put_extra_header(h, sizeof(*m));
	uint8_t bytes[16];

	m->rtm_family = (uint8_t)to->base.family;
	m->rtm_dst_len = (uint8_t)to->bits;
	m->rtm_table = RT_TABLE_MAIN;
	m->rtm_protocol = RTPROT_BOOT;
	m->rtm_scope = gateway ? RT_SCOPE_UNIVERSE : RT_SCOPE_LINK;
	m->rtm_type = RTN_UNICAST;
	mnl_attr_put(h, RTA_DST, (size_t)address_bytes(&to->base, bytes), bytes);
	if (gateway) {
		mnl_attr_put(h, RTA_GATEWAY, (size_t)address_bytes(gateway, bytes), bytes);
	}
	mnl_attr_put_u32(h, RTA_OIF, (uint32_t)index);
	end(r, h);
}

void rtnl_settle(struct rtnl *r, const char *name)
{
	struct nlmsghdr *h = begin_link(r, RTM_GETLINK, 0, 0, 0);

	mnl_attr_put_strz(h, IFLA_IFNAME, name);
	end(r, h);
}

void rtnl_no_link_local(struct rtnl *r, int index)
{
	struct nlmsghdr *h = begin_link(r, RTM_NEWLINK, 0, index, 0);
	struct nlattr *spec = mnl_attr_nest_start(h, IFLA_AF_SPEC);
	struct nlattr *inet6 = mnl_attr_nest_start(h, AF_INET6);

	mnl_attr_put_u8(h, IFLA_INET6_ADDR_GEN_MODE, IN6_ADDR_GEN_MODE_NONE);
	mnl_attr_nest_end(h, inet6);
	mnl_attr_nest_end(h, spec);
	end(r, h);
}

void rtnl_add_address(struct rtnl *r, int index, const struct address *a, int bits)
{
	struct nlmsghdr *h = begin(r, RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE);
	struct ifaddrmsg *m = mnl_nlmsg_put_extra_header(h, sizeof(*m));
	uint8_t bytes[16];
	size_t len = (size_t)address_bytes(a, bytes);

	m->ifa_family = (uint8_t)a->family;
	m->ifa_prefixlen = (uint8_t)bits;
	m->ifa_scope = RT_SCOPE_UNIVERSE;
	m->ifa_index = (uint32_t)index;
	mnl_attr_put(h, IFA_LOCAL, len, bytes);
	mnl_attr_put(h, IFA_ADDRESS, len, bytes);
	if (a->family == AF_INET6) {
		/* It is ours by record; nobody shall wait for duplicates. */
		mnl_attr_put_u32(h, IFA_FLAGS, IFA_F_NODAD);
	} else if (bits < 31) {
		struct subnet s = { *a, bits };
		struct address broadcast = subnet_last(&s);

		address_bytes(&broadcast, bytes);
		mnl_attr_put(h, IFA_BROADCAST, len, bytes);
	}
	end(r, h);
}

void rtnl_add_default_route(struct rtnl *r, int index, const struct address *gateway)
{
	struct nlmsghdr *h = begin(r, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE);
	struct rtmsg *m = mnl_nlmsg_put_extra_header(h, sizeof(*m));
	uint8_t bytes[16];

	m->rtm_family = (uint8_t)gateway->family;
	m->rtm_table = RT_TABLE_MAIN;
	m->rtm_protocol = RTPROT_BOOT;
	m->rtm_scope = RT_SCOPE_UNIVERSE;
	m->rtm_type = RTN_UNICAST;
	mnl_attr_put(h, RTA_GATEWAY, (size_t)address_bytes(gateway, bytes), bytes);
	mnl_attr_put_u32(h, RTA_OIF, (uint32_t)index);
	end(r, h);
}

void rtnl_set_port(struct rtnl *r, int index, int hairpin, int isolated)
{
	struct nlmsghdr *h = begin(r, RTM_SETLINK, 0);
	struct ifinfomsg *info = mnl_nlmsg_put_extra_header(h, sizeof(*info));
	struct nlattr *port;

	info->ifi_family = AF_BRIDGE;
	info->ifi_index = index;
	port = mnl_attr_nest_start(h, IFLA_PROTINFO);
	mnl_attr_put_u8(h, IFLA_BRPORT_MODE, (uint8_t)hairpin);
	mnl_attr_put_u8(h, IFLA_BRPORT_ISOLATED, (uint8_t)isolated);
	mnl_attr_nest_end(h, port);
	end(r, h);
}

void rtnl_filter_bridged(struct rtnl *r, int index)
{
	struct nlmsghdr *h = begin_link(r, RTM_NEWLINK, 0, index, 0);
	struct nlattr *info = mnl_attr_nest_start(h, IFLA_LINKINFO);
	struct nlattr *data;

	mnl_attr_put_str(h, IFLA_INFO_KIND, "bridge");
	data = mnl_attr_nest_start(h, IFLA_INFO_DATA);
	mnl_attr_put_u8(h, IFLA_BR_NF_CALL_IPTABLES, 1);
	mnl_attr_put_u8(h, IFLA_BR_NF_CALL_IP6TABLES, 1);
	mnl_attr_nest_end(h, data);
	mnl_attr_nest_end(h, info);
	end(r, h);
}

/* Adds one datagram of a dump to what was read; *ret_done after the last. */
static void take_part(const struct rtnl *r, char *part, int left, struct buf *all, int *changed,
		      int *ret_done)
{
	struct nlmsghdr *h = (struct nlmsghdr *)(void *)part;

	for (; mnl_nlmsg_ok(h, left); h = mnl_nlmsg_next(h, &left)) {
		if (h->nlmsg_seq != r->sequence) {
			continue;
		}
		*changed |= h->nlmsg_flags & NLM_F_DUMP_INTR;
		*ret_done |= h->nlmsg_type == NLMSG_DONE || h->nlmsg_type == NLMSG_ERROR;
		h->nlmsg_flags &= (uint16_t)~NLM_F_DUMP_INTR;
		buf_add(all, h, MNL_ALIGN(h->nlmsg_len));
	}
}

/* Sends a request and reads its whole answer; 1 where the kernel says that something changed
 * meanwhile, so that it may lack or repeat things. */
static int ask(struct rtnl *r, const struct nlmsghdr *request, struct buf *all)
{
	auto_free char *part = malloc(ANSWER_SIZE);
	int changed = 0, done = 0;

	buf_clear(all);
	if (!part) {
		return -ENOMEM;
	}
	if (send(r->fd, request, request->nlmsg_len, 0) < 0) {
		return -errno;
	}
	while (!done) {
		ssize_t got = recv(r->fd, part, ANSWER_SIZE, 0);

		if (got < 0 && errno != EINTR) {
			return -errno;
		}
		take_part(r, part, (int)got, all, &changed, &done);
	}
	return buf_failed(all) ? -ENOMEM : changed != 0;
}

static int dump(struct rtnl *r, struct nlmsghdr *request, mnl_cb_t cb, void *arg)
{
	auto_(buf) struct buf all = BUF_INIT;
	int n = 1;

	request->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	r->used = 0;
	r->confirmed = r->sequence;
	for (int i = 0; i < DUMP_TRIES && n > 0; i++) {
		n = ask(r, request, &all);
	}
	if (n < 0) {
		return n;
	}
	return mnl_cb_run(all.data, all.len, r->sequence, 0, cb, arg) < 0 ? -errno : 0;
}

struct link_dump {
	int (*fn)(const struct rtnl_link *l, void *arg);
	void *arg;
	int result;
};

static int take_link(const struct nlmsghdr *h, void *arg)
{
	const struct ifinfomsg *info = mnl_nlmsg_get_payload(h);
	struct rtnl_link link = { .index = info->ifi_index };
	struct link_dump *d = arg;
	struct nlattr *a, *b;

	if (d->result || h->nlmsg_type != RTM_NEWLINK) {
		return MNL_CB_OK;
	}
	mnl_attr_for_each(a, h, sizeof(*info)) {
		switch (mnl_attr_get_type(a)) {
		case IFLA_IFNAME:
			link.name = mnl_attr_get_str(a);
			break;
		case IFLA_IFALIAS:
			link.alias = mnl_attr_get_str(a);
			break;
		case IFLA_MASTER:
			link.master = (int)mnl_attr_get_u32(a);
			break;
		case IFLA_LINKINFO:
			mnl_attr_for_each_nested(b, a) {
				if (mnl_attr_get_type(b) == IFLA_INFO_KIND) {
					link.kind = mnl_attr_get_str(b);
				}
			}
		}
	}
	d->result = link.name ? d->fn(&link, d->arg) : 0;
	return MNL_CB_OK;
}

int rtnl_each_link(struct rtnl *r, int (*fn)(const struct rtnl_link *l, void *arg), void *arg)
{
	struct link_dump d = { fn, arg, 0 };
	int n = dump(r, begin_link(r, RTM_GETLINK, 0, 0, 0), take_link, &d);

	return n < 0 ? n : d.result;
}

struct route_dump {
	int (*fn)(const struct subnet *to, void *arg);
	void *arg;
	int result;
};

static int take_route(const struct nlmsghdr *h, void *arg)
{
	const struct rtmsg *m = mnl_nlmsg_get_payload(h);
	struct route_dump *d = arg;
	struct nlattr *a;
	struct subnet to = { .bits = m->rtm_dst_len };

	if (d->result || h->nlmsg_type != RTM_NEWROUTE || m->rtm_dst_len == 0 ||
	    m->rtm_type != RTN_UNICAST) {
		return MNL_CB_OK;
	}
	mnl_attr_for_each(a, h, sizeof(*m)) {
		if (mnl_attr_get_type(a) == RTA_DST) {
			address_from_bytes(m->rtm_family, mnl_attr_get_payload(a), &to.base);
		}
	}
	d->result = to.base.family ? d->fn(&to, d->arg) : 0;
	return MNL_CB_OK;
}

int rtnl_each_route(struct rtnl *r, int family, int (*fn)(const struct subnet *to, void *arg),
		    void *arg)
{
	struct nlmsghdr *h = begin(r, RTM_GETROUTE, 0);
	struct rtmsg *m = mnl_nlmsg_put_extra_header(h, sizeof(*m));
	struct route_dump d = { fn, arg, 0 };
	int n;

	m->rtm_family = (uint8_t)family;
	n = dump(r, h, take_route, &d);
	return n < 0 ? n : d.result;
}
