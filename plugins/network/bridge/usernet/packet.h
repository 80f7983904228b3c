/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the relay knows of packets: enough of IP, UDP and ICMP to take one apart and to
 * make one.  All fields are checked against the length that came.
 */
#ifndef USERNET_PACKET_H
#define USERNET_PACKET_H

#include <stddef.h>
#include <stdint.h>

#define PACKET_MAX 65535

struct packet {
	int family;            /* AF_INET, AF_INET6 */
	int protocol;          /* IPPROTO_* of what is inside */
	uint8_t from[16], to[16];
	uint16_t from_port, to_port; /* UDP; of an echo, both are its identifier */
	const uint8_t *payload;      /* UDP's; of ICMP the whole message */
	size_t len;
	const uint8_t *ip;           /* the packet itself */
	size_t ip_len;
};

/* 0, or -1 for what is no whole packet of these; fragments are none. */
int packet_parse(const uint8_t *data, size_t len, struct packet *ret);

/* Bytes written into out, which has PACKET_MAX; 0 when it does not fit.  UDP needs the ports;
 * of ICMP the checksum is filled in. */
size_t packet_make(const struct packet *p, uint8_t *out);

/* "Communication administratively prohibited", the answer to p, in its name. */
size_t packet_prohibit(const struct packet *p, uint8_t *out);

#endif
