/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a packet goes:
 *
 *	prerouting, output   a published port's address is translated by two map lookups,
 *	                     however many ports there are: host address and port, then port alone.
 *	forward              into a bridge: from the same bridge, answers, and translated
 *	                     connections; else dropped (that isolates networks from each other and
 *	                     containers from the outside).  Internal networks neither send nor
 *	                     receive.
 *	postrouting          out of a bridge's subnet: masqueraded.  Into a bridge: only what came
 *	                     from the same subnet or the host's loopback by a published port, so
 *	                     that the answer comes back here.
 *	guard                route_localnet is on for bridges (for loopback), so packets
 *	                     to 127/8 that come from one are dropped.
 *
 * Each set of commands is one transaction and can be run again.
 */
#include <string.h>

#include "helpers/buf.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "nft.h"
#include "rules.h"

static const char base[] =
	"add table inet gantry\n"
	"add map inet gantry ports4 { type inet_proto . ipv4_addr . inet_service : ipv4_addr . inet_service; }\n"
	"add map inet gantry any4 { type inet_proto . inet_service : ipv4_addr . inet_service; }\n"
	"add map inet gantry ports6 { type inet_proto . ipv6_addr . inet_service : ipv6_addr . inet_service; }\n"
	"add map inet gantry any6 { type inet_proto . inet_service : ipv6_addr . inet_service; }\n"
	"add set inet gantry bridges { type ifname; }\n"
	"add map inet gantry into { type ifname : verdict; }\n"
	"add map inet gantry outof { type ifname : verdict; }\n"
	"add map inet gantry translate { type ifname : verdict; }\n"
	"add map inet gantry leaving { type ifname : verdict; }\n"
	"add chain inet gantry publish\n"
	"flush chain inet gantry publish\n"
	"add rule inet gantry publish dnat ip to meta l4proto . ip daddr . th dport map @ports4\n"
	"add rule inet gantry publish meta nfproto ipv4 dnat ip to meta l4proto . th dport map @any4\n"
	"add rule inet gantry publish dnat ip6 to meta l4proto . ip6 daddr . th dport map @ports6\n"
	"add rule inet gantry publish meta nfproto ipv6 dnat ip6 to meta l4proto . th dport map @any6\n"
	"add chain inet gantry prerouting { type nat hook prerouting priority dstnat; policy accept; }\n"
	"flush chain inet gantry prerouting\n"
	"add rule inet gantry prerouting fib daddr type local meta l4proto { tcp, udp, sctp } jump publish\n"
	"add chain inet gantry output { type nat hook output priority -100; policy accept; }\n"
	"flush chain inet gantry output\n"
	"add rule inet gantry output fib daddr type local meta l4proto { tcp, udp, sctp } jump publish\n"
	"add chain inet gantry guard { type filter hook prerouting priority raw; policy accept; }\n"
	"flush chain inet gantry guard\n"
	"add rule inet gantry guard iifname @bridges ip daddr 127.0.0.0/8 drop\n"
	"add chain inet gantry forward { type filter hook forward priority filter; policy accept; }\n"
	"flush chain inet gantry forward\n"
	"add rule inet gantry forward iifname vmap @outof\n"
	"add rule inet gantry forward oifname vmap @into\n"
	"add chain inet gantry postrouting { type nat hook postrouting priority srcnat; policy accept; }\n"
	"flush chain inet gantry postrouting\n"
	"add rule inet gantry postrouting oifname vmap @translate\n"
	"add rule inet gantry postrouting iifname vmap @leaving\n";

#define ADD_RULE "add rule inet gantry "

/* Of each bridge, named CHAIN-BRIDGE and reached by the map of that name. */
static const char *const chains[] = { "into", "outof", "translate", "leaving" };

static void add_chains(struct buf *b, const char *bridge)
{
	for (size_t i = 0; i < ARRAY_SIZE(chains); i++) {
		buf_addf(b, "add chain inet gantry %s-%s\nflush chain inet gantry %s-%s\n", chains[i],
			 bridge, chains[i], bridge);
		buf_addf(b, "add element inet gantry %s { \"%s\" : jump %s-%s }\n", chains[i], bridge,
			 chains[i], bridge);
	}
	buf_addf(b, "add element inet gantry bridges { \"%s\" }\n", bridge);
}

static void add_forward_rules(struct buf *b, const struct network *n)
{
	const char *br = n->bridge;

	if (n->internal) {
		buf_addf(b, ADD_RULE "outof-%s oifname != \"%s\" drop\n", br, br);
	}
	if (n->icc) {
		buf_addf(b, ADD_RULE "into-%s iifname \"%s\" accept\n", br, br);
	}
	if (!n->internal) {
		buf_addf(b, ADD_RULE "into-%s ct state established,related accept\n", br);
		buf_addf(b, ADD_RULE "into-%s ct status dnat accept\n", br);
	}
	buf_addf(b, ADD_RULE "into-%s drop\n", br);
}

static void add_translation(struct buf *b, const struct network *n, const struct pool *pool)
{
	const char *family = pool->subnet.base.family == AF_INET ? "ip" : "ip6";
	char subnet[ADDRESS_TEXT];

	if (!pool->subnet.base.family) {
		return;
	}
	subnet_format(&pool->subnet, subnet);
	buf_addf(b, ADD_RULE "translate-%s ct status dnat %s saddr %s masquerade\n", n->bridge, family,
		 subnet);
	if (n->masquerade && !n->internal) {
		buf_addf(b, ADD_RULE "leaving-%s %s saddr %s masquerade\n", n->bridge, family, subnet);
	}
}

int rules_add_network(const struct network *n, struct gantry_error *err)
{
	auto_(buf) struct buf b = BUF_INIT;

	buf_adds(&b, base);
	add_chains(&b, n->bridge);
	add_forward_rules(&b, n);
	add_translation(&b, n, &n->v4);
	add_translation(&b, n, &n->v6);
	buf_addf(&b, ADD_RULE "translate-%s ip saddr 127.0.0.0/8 masquerade\n", n->bridge);
	buf_addf(&b, ADD_RULE "translate-%s accept\n", n->bridge);
	return buf_failed(&b) ? error_no_memory(err) : nft_run(buf_str(&b), NULL, err);
}

int rules_remove_network(const char *bridge, struct gantry_error *err)
{
	auto_(buf) struct buf b = BUF_INIT;

	/* Added first, so that taking them away never fails. */
	buf_adds(&b, base);
	add_chains(&b, bridge);
	for (size_t i = 0; i < ARRAY_SIZE(chains); i++) {
		buf_addf(&b, "delete element inet gantry %s { \"%s\" }\n", chains[i], bridge);
		buf_addf(&b, "delete chain inet gantry %s-%s\n", chains[i], bridge);
	}
	buf_addf(&b, "delete element inet gantry bridges { \"%s\" }\n", bridge);
	return buf_failed(&b) ? error_no_memory(err) : nft_run(buf_str(&b), NULL, err);
}

/* "add element inet gantry any4 { tcp . 8080 : 172.17.0.2 . 80 }"; without the value
 * for delete. */
static void port_command(struct buf *b, const char *verb, const struct published *p)
{
	int is_v6 = p->host.family == AF_INET6;
	char text[ADDRESS_TEXT];

	buf_addf(b, "%s element inet gantry %s%d { %s . ", verb, p->host.n ? "ports" : "any",
		 is_v6 ? 6 : 4, p->protocol);
	if (p->host.n) {
		buf_addf(b, "%s . ", address_format(&p->host, text));
	}
	buf_addf(b, "%u", p->host_port);
	if (!strcmp(verb, "add")) {
		buf_addf(b, " : %s . %u", address_format(&p->to, text), p->to_port);
	}
	buf_adds(b, " }\n");
}

/* Runs verb for each port in one transaction. */
static int run_ports(const char *verb, const struct published *ports, int n,
		     struct gantry_error *err)
{
	auto_(buf) struct buf b = BUF_INIT;

	for (int i = 0; i < n; i++) {
		port_command(&b, verb, &ports[i]);
	}
	return buf_failed(&b) ? error_no_memory(err) : nft_run(buf_str(&b), NULL, err);
}

int rules_add_ports(const struct published *ports, int n, struct gantry_error *err)
{
	return n ? run_ports("add", ports, n, err) : 0;
}

int rules_remove_ports(const struct published *ports, int n, struct gantry_error *err)
{
	struct gantry_error why = GANTRY_ERROR_INIT;
	int r = n ? run_ports("delete", ports, n, &why) : 0;

	if (r != GANTRY_ERR_NOT_FOUND) {
		*err = r < 0 ? why : *err;
		return r;
	}
	/* Some are gone; the others one by one. */
	for (int i = 0; i < n && n > 1; i++) {
		error_clear(&why);
		r = run_ports("delete", &ports[i], 1, &why);
		if (r < 0 && r != GANTRY_ERR_NOT_FOUND) {
			*err = why;
			return r;
		}
	}
	return 0;
}
