/* SPDX-License-Identifier: Apache-2.0 */
/*
 * IPv4 and IPv6 addresses and subnets as numbers, so that both are allocated by the
 * same code.
 */
#ifndef HELPERS_ADDRESS_H
#define HELPERS_ADDRESS_H

#include <stdint.h>
#include <sys/socket.h>

#define ADDRESS_TEXT 64 /* room for any address or subnet as text */

struct address {
	int family; /* AF_INET, AF_INET6; 0: none */
	unsigned __int128 n;
};

struct subnet {
	struct address base; /* host bits are 0 */
	int bits;
};

static inline int address_width(int family)
{
	return family == AF_INET ? 32 : 128;
}

/* 0, or -1 when text is no address. */
int address_parse(const char *text, struct address *ret);
/* "ADDRESS/BITS"; *ret_host (may be NULL) is the address as written. */
int subnet_parse(const char *text, struct subnet *ret, struct address *ret_host);

/* Into ADDRESS_TEXT bytes; returns ret. */
const char *address_format(const struct address *a, char *ret);
const char *subnet_format(const struct subnet *s, char *ret);

/* Network byte order; returns 4 or 16. */
int address_bytes(const struct address *a, uint8_t *ret);
void address_from_bytes(int family, const uint8_t *bytes, struct address *ret);

int address_equal(const struct address *a, const struct address *b);
struct address subnet_first(const struct subnet *s);
struct address subnet_last(const struct subnet *s);
int subnet_has(const struct subnet *s, const struct address *a);
int subnet_overlaps(const struct subnet *a, const struct subnet *b);
/* Is inner, whole, in outer? */
int subnet_contains(const struct subnet *outer, const struct subnet *inner);

#endif
