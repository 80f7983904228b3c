/* SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "address.h"

static unsigned __int128 host_mask(int family, int bits)
{
	int host = address_width(family) - bits;

	return host == 128 ? ~(unsigned __int128)0 : ((unsigned __int128)1 << host) - 1;
}

void address_from_bytes(int family, const uint8_t *bytes, struct address *ret)
{
	ret->family = family;
	ret->n = 0;
	for (int i = 0; i < address_width(family) / 8; i++) {
		ret->n = ret->n << 8 | bytes[i];
	}
}

int address_bytes(const struct address *a, uint8_t *ret)
{
	int len = address_width(a->family) / 8;

	for (int i = 0; i < len; i++) {
		ret[i] = (uint8_t)(a->n >> (8 * (len - 1 - i)));
	}
	return len;
}

int address_parse(const char *text, struct address *ret)
{
	int family = strchr(text, ':') ? AF_INET6 : AF_INET;
	uint8_t bytes[16];

	if (inet_pton(family, text, bytes) != 1) {
		return -1;
	}
	address_from_bytes(family, bytes, ret);
	return 0;
}

int subnet_parse(const char *text, struct subnet *ret, struct address *ret_host)
{
	const char *slash = strchr(text, '/');
	char copy[ADDRESS_TEXT];
	struct address a;
	char *end;
	long bits;

	if (!slash || (size_t)(slash - text) >= sizeof(copy) || slash[1] < '0' || slash[1] > '9') {
		return -1;
	}
	memcpy(copy, text, (size_t)(slash - text));
	copy[slash - text] = '\0';
	bits = strtol(slash + 1, &end, 10);
	if (*end || address_parse(copy, &a) < 0 || bits > address_width(a.family)) {
		return -1;
	}
	ret->bits = (int)bits;
	ret->base.family = a.family;
	ret->base.n = a.n & ~host_mask(a.family, ret->bits);
	if (ret_host) {
		*ret_host = a;
	}
	return 0;
}

const char *address_format(const struct address *a, char *ret)
{
	uint8_t bytes[16];

	*ret = '\0';
	if (a->family) {
		address_bytes(a, bytes);
		inet_ntop(a->family, bytes, ret, ADDRESS_TEXT);
	}
	return ret;
}

const char *subnet_format(const struct subnet *s, char *ret)
{
	size_t n = strlen(address_format(&s->base, ret));

	snprintf(ret + n, ADDRESS_TEXT - n, "/%d", s->bits);
	return ret;
}

int address_equal(const struct address *a, const struct address *b)
{
	return a->family == b->family && a->n == b->n;
}

struct address subnet_first(const struct subnet *s)
{
	return s->base;
}

struct address subnet_last(const struct subnet *s)
{
	return (struct address){ s->base.family, s->base.n | host_mask(s->base.family, s->bits) };
}

int subnet_has(const struct subnet *s, const struct address *a)
{
	return a->family == s->base.family && a->n >= s->base.n && a->n <= subnet_last(s).n;
}

int subnet_overlaps(const struct subnet *a, const struct subnet *b)
{
	return a->base.family == b->base.family && a->base.n <= subnet_last(b).n &&
	       b->base.n <= subnet_last(a).n;
}

int subnet_contains(const struct subnet *outer, const struct subnet *inner)
{
	return outer->bits <= inner->bits && subnet_has(outer, &inner->base);
}
