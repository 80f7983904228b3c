/* SPDX-License-Identifier: Apache-2.0 */
/* What containers put on the wire to the relay, and the plan of a container's networks. */
#include <netinet/in.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "core/emulate/net.h"
#include "plugins/network/bridge/usernet/packet.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_packet(const uint8_t *data, size_t size)
{
	static uint8_t out[PACKET_MAX], again[PACKET_MAX];
	struct packet p, q;
	size_t n;

	if (packet_parse(data, size, &p) < 0) {
		return;
	}
	/* what it tells of lies in the packet */
	if (p.payload < data || p.payload + p.len > data + size || p.ip_len > size) {
		abort();
	}
	n = packet_prohibit(&p, out);
	if (n && (packet_parse(out, n, &q) < 0 || memcmp(q.to, p.from, p.family == AF_INET ? 4 : 16) != 0)) {
		abort();
	}
	if (p.protocol != IPPROTO_UDP && p.protocol != IPPROTO_ICMP && p.protocol != IPPROTO_ICMPV6) {
		return;
	}
	/* what is made of it is the same again */
	n = packet_make(&p, out);
	if (n && (packet_parse(out, n, &q) < 0 || q.len != p.len || q.to_port != p.to_port ||
		  (p.protocol == IPPROTO_UDP && memcmp(q.payload, p.payload, p.len) != 0))) {
		abort();
	}
	(void)packet_make(&q, again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = strndup((const char *)data, size);
	struct net_plan *plan = NULL;
	struct address a = { AF_INET, 0x0a000203 };

	check_packet(data, size);
	if (text && net_plan_parse(text, &plan) == 0) {
		(void)net_is_inside(plan, &a);
		net_plan_unref(plan);
	}
	free(text);
	return 0;
}
