/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "helpers/netns.h"
#include "helpers/rtnl.h"
#include "remote.h"

static int is_interface_name(const char *name)
{
	return name && *name && strlen(name) < IFNAMSIZ && !strchr(name, '/') && strcmp(name, ".") &&
	       strcmp(name, "..");
}

/* The first PREFIXn that the sandbox does not have. */
static int choose_name(struct rtnl *inside, const char *prefix, char *ret)
{
	for (int i = 0; i < 256; i++) {
		if (snprintf(ret, IFNAMSIZ, "%s%d", prefix, i) >= IFNAMSIZ) {
			return -EINVAL;
		}
		if (rtnl_index(inside, ret) < 0) {
			return 0;
		}
	}
	return -EMFILE;
}

static int add_address(struct rtnl *inside, int index, const char *text)
{
	struct address a;
	struct subnet s;

	if (!text) {
		return 0;
	}
	if (subnet_parse(text, &s, &a) < 0) {
		return -EINVAL;
	}
	rtnl_add_address(inside, index, &a, s.bits);
	return 0;
}

static int add_gateway(struct rtnl *inside, int index, const char *text)
{
	struct address a;

	if (!text || !*text) {
		return 0;
	}
	if (address_parse(text, &a) < 0) {
		return -EINVAL;
	}
	rtnl_add_default_route(inside, index, &a);
	return 0;
}

/* RouteType 0: by NextHop, 1: directly. */
static int add_routes(struct rtnl *inside, int index, struct json_object *routes)
{
	for (size_t i = 0; i < json_array_size(routes) && i < 64; i++) {
		struct json_object *o = json_object_array_get_idx(routes, i);
		const char *to = json_get_string(o, "Destination"), *hop = json_get_string(o, "NextHop");
		int by_hop = json_get_int(o, "RouteType", 0) == 0;
		struct address gateway;
		struct subnet s;

		if (!to || subnet_parse(to, &s, NULL) < 0 ||
		    (by_hop && (!hop || address_parse(hop, &gateway) < 0))) {
			return -EINVAL;
		}
		rtnl_add_route(inside, index, &s, by_hop ? &gateway : NULL);
	}
	return 0;
}

static int parse_mac(const char *text, uint8_t ret[6])
{
	unsigned b[6];
	int end = 0;

	if (sscanf(text, "%2x:%2x:%2x:%2x:%2x:%2x%n", &b[0], &b[1], &b[2], &b[3], &b[4], &b[5], &end) != 6 ||
	    text[end]) {
		return -EINVAL;
	}
	for (int i = 0; i < 6; i++) {
		ret[i] = (uint8_t)b[i];
	}
	return 0;
}

static int configure(const struct interface_setup *s, struct rtnl *inside, int index)
{
	uint8_t mac[6];
	int r = 0;

	if (s->mac && *s->mac) {
		r = parse_mac(s->mac, mac);
		if (r == 0) {
			rtnl_set_mac(inside, index, mac);
		}
	}
	r = r < 0 ? r : add_address(inside, index, s->v4);
	r = r < 0 ? r : add_address(inside, index, s->v6);
	if (r < 0) {
		return r;
	}
	rtnl_up(inside, index);
	if (s->is_default) {
		r = add_gateway(inside, index, s->gateway);
		r = r < 0 ? r : add_gateway(inside, index, s->gateway6);
	}
	r = r < 0 ? r : add_routes(inside, index, s->routes);
	return r < 0 ? r : rtnl_commit(inside, NULL);
}

int interface_set_up(const struct interface_setup *s, int sandbox, char *name,
		     struct gantry_error *err)
{
	auto_(rtnl) struct rtnl host = RTNL_INIT, inside = RTNL_INIT;
	int index, r = rtnl_open(&host, -1);

	r = r < 0 ? r : rtnl_open(&inside, sandbox);
	if (r < 0) {
		return error_errno(err, -r, "cannot open a netlink socket");
	}
	index = is_interface_name(s->source) ? rtnl_index(&host, s->source) : -ENODEV;
	if (index < 0) {
		return error_set(err, GANTRY_ERR_CORRUPT,
				 "the plugin joined with an interface \"%.40s\" that is not there",
				 s->source ? s->source : "");
	}
	r = is_interface_name(s->prefix) ? choose_name(&inside, s->prefix, name) : -EINVAL;
	if (r == 0) {
		rtnl_move_link(&host, index, sandbox, name);
		r = rtnl_commit(&host, NULL);
	}
	index = r == 0 ? rtnl_index(&inside, name) : r;
	r = index < 0 ? index : configure(s, &inside, index);
	return r < 0 ? error_errno(err, -r, "cannot set up the plugin's interface %s in the container",
				   s->source)
		     : 0;
}

int interface_take_back(const char *name, const char *source, int sandbox, struct gantry_error *err)
{
	auto_(rtnl) struct rtnl inside = RTNL_INIT;
	auto_fd int home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	int index, r = home < 0 ? -errno : rtnl_open(&inside, sandbox);

	index = r < 0 ? r : rtnl_index(&inside, name);
	if (index == -ENODEV) {
		return 0;
	}
	if (index > 0) {
		rtnl_down(&inside, index);
		rtnl_move_link(&inside, index, home, source);
		r = rtnl_commit(&inside, NULL);
	}
	return r < 0 || index < 0 ? error_errno(err, r < 0 ? -r : -index,
						"cannot move interface %s out of the container", name)
				  : 0;
}
