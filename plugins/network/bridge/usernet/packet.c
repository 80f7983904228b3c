/* SPDX-License-Identifier: Apache-2.0 */
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "packet.h"

#define IP4_HEADER 20
#define IP6_HEADER 40
#define UDP_HEADER 8
#define ICMP_HEADER 8
#define TTL 64

static uint16_t get16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static void put16(uint8_t *p, size_t value)
{
	p[0] = (uint8_t)(value >> 8);
	p[1] = (uint8_t)value;
}

static uint32_t sum(const uint8_t *p, size_t len, uint32_t from)
{
	uint64_t total = from;

	for (; len > 1; p += 2, len -= 2) {
		total += get16(p);
	}
	total += len ? (uint32_t)p[0] << 8 : 0;
	while (total >> 16) {
		total = (total & 0xffff) + (total >> 16);
	}
	return (uint32_t)total;
}

static int parse_inner(struct packet *p)
{
	if (p->protocol == IPPROTO_UDP) {
		if (p->len < UDP_HEADER || get16(p->payload + 4) < UDP_HEADER) {
			return -1;
		}
		p->from_port = get16(p->payload);
		p->to_port = get16(p->payload + 2);
		p->len -= UDP_HEADER;
		p->payload += UDP_HEADER;
	} else if (p->protocol == IPPROTO_ICMP || p->protocol == IPPROTO_ICMPV6) {
		if (p->len < ICMP_HEADER) {
			return -1;
		}
		p->from_port = p->to_port = get16(p->payload + 4);
	}
	return 0;
}

static int parse4(const uint8_t *data, size_t len, struct packet *ret)
{
	size_t header, total;

	if (len < IP4_HEADER) {
		return -1;
	}
	header = (size_t)(data[0] & 15) * 4;
	total = get16(data + 2);
	/* one that the kernel has yet to cut in pieces may not say how long it is */
	total = total ? total : len;
	if (header < IP4_HEADER || total < header || total > len || (get16(data + 6) & 0x3fff)) {
		return -1;
	}
	ret->family = AF_INET;
	ret->protocol = data[9];
	memcpy(ret->from, data + 12, 4);
	memcpy(ret->to, data + 16, 4);
	ret->payload = data + header;
	ret->len = total - header;
	ret->ip_len = total;
	return 0;
}

static int parse6(const uint8_t *data, size_t len, struct packet *ret)
{
	size_t total;

	if (len < IP6_HEADER) {
		return -1;
	}
	total = (size_t)get16(data + 4) + IP6_HEADER;
	total = total > IP6_HEADER ? total : len;
	if (total > len) {
		return -1;
	}
	ret->family = AF_INET6;
	ret->protocol = data[6]; /* one with extensions is of no protocol that is known here */
	memcpy(ret->from, data + 8, 16);
	memcpy(ret->to, data + 24, 16);
	ret->payload = data + IP6_HEADER;
	ret->len = total - IP6_HEADER;
	ret->ip_len = total;
	return 0;
}

int packet_parse(const uint8_t *data, size_t len, struct packet *ret)
{
	int r;

	memset(ret, 0, sizeof(*ret));
	if (len == 0) {
		return -1;
	}
	r = data[0] >> 4 == 4 ? parse4(data, len, ret) : data[0] >> 4 == 6 ? parse6(data, len, ret) : -1;
	ret->ip = data;
	return r < 0 ? r : parse_inner(ret);
}

static uint16_t identification;

/* The header; what follows is inner bytes long. */
static uint8_t *make_ip(const struct packet *p, size_t inner, uint8_t *out)
{
	memset(out, 0, p->family == AF_INET ? IP4_HEADER : IP6_HEADER);
	if (p->family == AF_INET) {
		out[0] = 0x45;
		put16(out + 2, inner + IP4_HEADER);
		/* one that is larger than what it passes next is cut there */
		put16(out + 4, ++identification);
		out[8] = TTL;
		out[9] = (uint8_t)p->protocol;
		memcpy(out + 12, p->from, 4);
		memcpy(out + 16, p->to, 4);
		put16(out + 10, (uint16_t)~sum(out, IP4_HEADER, 0));
		return out + IP4_HEADER;
	}
	out[0] = 0x60;
	put16(out + 4, inner);
	out[6] = (uint8_t)p->protocol;
	out[7] = TTL;
	memcpy(out + 8, p->from, 16);
	memcpy(out + 24, p->to, 16);
	return out + IP6_HEADER;
}

/* Of UDP and ICMPv6, which cover the addresses. */
static uint16_t checksum(const struct packet *p, const uint8_t *inner, size_t len)
{
	size_t n = p->family == AF_INET ? 4 : 16;
	uint32_t s = (uint32_t)p->protocol + (uint32_t)(len & 0xffff);

	if (p->protocol != IPPROTO_ICMP) {
		s = sum(p->from, n, s);
		s = sum(p->to, n, s);
	} else {
		s = 0;
	}
	s = (uint16_t)~sum(inner, len, s);
	return (uint16_t)(s ? s : p->protocol == IPPROTO_UDP ? 0xffff : 0);
}

size_t packet_make(const struct packet *p, uint8_t *out)
{
	size_t header = p->protocol == IPPROTO_UDP ? UDP_HEADER : 0;
	size_t inner = header + p->len;
	size_t total = inner + (p->family == AF_INET ? IP4_HEADER : IP6_HEADER);
	uint8_t *at;

	if (total > PACKET_MAX || (!header && p->len < ICMP_HEADER)) {
		return 0;
	}
	at = make_ip(p, inner, out);
	memcpy(at + header, p->payload, p->len);
	if (header) {
		put16(at, p->from_port);
		put16(at + 2, p->to_port);
		put16(at + 4, inner);
		put16(at + 6, 0);
		put16(at + 6, checksum(p, at, inner));
	} else {
		put16(at + 2, 0);
		put16(at + 2, checksum(p, at, inner));
	}
	return total;
}

size_t packet_prohibit(const struct packet *p, uint8_t *out)
{
	int is_v6 = p->family == AF_INET6;
	/* what fits into the smallest packet that everybody takes */
	size_t quoted = is_v6 ? 1280 - IP6_HEADER - ICMP_HEADER : 548, len;
	uint8_t message[1280] = { (uint8_t)(is_v6 ? 1 : 3), (uint8_t)(is_v6 ? 1 : 13) };
	struct packet answer = { .family = p->family,
				 .protocol = is_v6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP,
				 .payload = message };

	len = p->ip_len < quoted ? p->ip_len : quoted;
	memcpy(message + ICMP_HEADER, p->ip, len);
	answer.len = ICMP_HEADER + len;
	memcpy(answer.from, p->to, sizeof(answer.from));
	memcpy(answer.to, p->from, sizeof(answer.to));
	return packet_make(&answer, out);
}
