/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The few rtnetlink requests that network drivers make, on a socket in the host's or in a
 * sandbox's namespace.  Link MNL_LIBS when you use this.  Requests are collected and sent together; functions return 0 or a
 * negative errno.
 */
#ifndef HELPERS_RTNL_H
#define HELPERS_RTNL_H

#include <stdint.h>

#include "address.h"

#define RTNL_ROOM 4096

struct rtnl {
	int fd;
	uint32_t sequence;  /* of the last request in room */
	uint32_t confirmed; /* of the last request that was answered */
	uint32_t used;
	char room[RTNL_ROOM] __attribute__((aligned(8)));
};

/* In the namespace, or in the caller's with -1. */
int rtnl_open(struct rtnl *r, int netns);
void rtnl_done(struct rtnl *r);
static inline void rtnl_auto(struct rtnl *r)
{
	rtnl_done(r);
}
#define RTNL_INIT { .fd = -1 }

/* Sends what was added and waits for all answers; the first failure is returned, the
 * number of the failed request (from 1) in *ret_failed when that is not NULL. */
int rtnl_commit(struct rtnl *r, int *ret_failed);

/* An interface's index. */
int rtnl_index(struct rtnl *r, const char *name);

/* What follows is only added; rtnl_commit() does it. */

struct rtnl_veth {
	const char *name;     /* in the socket's namespace */
	int master;           /* index of its bridge */
	int mtu;              /* 0: default */
	int peer_netns;       /* where the peer is born */
	const char *peer_name;
	const uint8_t *peer_mac; /* 6 bytes */
};
void rtnl_add_veth(struct rtnl *r, const struct rtnl_veth *v);
void rtnl_add_bridge(struct rtnl *r, const char *name, const uint8_t *mac, int mtu);
void rtnl_set_alias(struct rtnl *r, const char *name, const char *alias);
void rtnl_remove_link(struct rtnl *r, const char *name);
void rtnl_up(struct rtnl *r, int index);
void rtnl_down(struct rtnl *r, int index);
void rtnl_set_mac(struct rtnl *r, int index, const uint8_t *mac);
/* Into another namespace, where it is called name. */
void rtnl_move_link(struct rtnl *r, int index, int netns, const char *name);
/* To a subnet, through a gateway or (NULL) directly. */
void rtnl_add_route(struct rtnl *r, int index, const struct subnet *to, const struct address *gateway);
/* Asks for the link: the kernel (6.8 and later) then makes a new carrier effective at once, where
 * it would drop the first packets for some milliseconds otherwise. */
void rtnl_settle(struct rtnl *r, const char *name);
/* Up, and no IPv6 address made up by the kernel. */
void rtnl_no_link_local(struct rtnl *r, int index);
void rtnl_add_address(struct rtnl *r, int index, const struct address *a, int bits);
void rtnl_add_default_route(struct rtnl *r, int index, const struct address *gateway);
/* A bridge port may send back where a frame came from; ports that are both isolated do not
 * talk to each other. */
void rtnl_set_port(struct rtnl *r, int index, int hairpin, int isolated);

/* Frames between ports of the bridge pass the IP hooks, too (br_netfilter). */
void rtnl_filter_bridged(struct rtnl *r, int index);

/* Dumps; fn returning non-zero ends it and is returned. */
struct rtnl_link {
	int index;
	int master;
	const char *name;
	const char *alias; /* or NULL */
	const char *kind;  /* or NULL */
};
int rtnl_each_link(struct rtnl *r, int (*fn)(const struct rtnl_link *l, void *arg), void *arg);
int rtnl_each_route(struct rtnl *r, int family, int (*fn)(const struct subnet *to, void *arg),
		    void *arg);

#endif
