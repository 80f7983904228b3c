/* SPDX-License-Identifier: Apache-2.0 */
/* Which host serves a registry's API, and whether it may be spoken to without TLS. */
#include <arpa/inet.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include "helpers/json.h"
#include "registry.h"

const char *host_of_api(struct json_object *endpoints, const char *host)
{
	size_t len = strlen(host);

	for (size_t i = 0; i < json_array_size(endpoints); i++) {
		const char *item = json_item_string(endpoints, i);

		if (item && !strncasecmp(item, host, len) && item[len] == '=')
			return item + len + 1;
	}
	return host;
}

/* An address of either family as bytes; their number, or 0. */
static size_t address_bytes(const char *text, unsigned char out[16])
{
	if (inet_pton(AF_INET, text, out) == 1)
		return 4;
	return inet_pton(AF_INET6, text, out) == 1 ? 16 : 0;
}

struct subnet {
	unsigned char address[16];
	size_t len;
	unsigned long bits;
};

static int subnet_parse(const char *text, struct subnet *ret)
{
	const char *slash = strchr(text, '/');
	char address[64], *end;

	if (!slash || (size_t)(slash - text) >= sizeof(address))
		return -1;
	snprintf(address, sizeof(address), "%.*s", (int)(slash - text), text);
	ret->len = address_bytes(address, ret->address);
	ret->bits = strtoul(slash + 1, &end, 10);
	return ret->len && end != slash + 1 && !*end && ret->bits <= ret->len * 8 ? 0 : -1;
}

static int subnet_has(const struct subnet *s, const unsigned char *address, size_t len)
{
	unsigned long whole = s->bits / 8, rest = s->bits % 8;
	unsigned mask = rest ? (0xff00u >> rest) & 0xff : 0;

	return len == s->len && !memcmp(s->address, address, whole) &&
	       (!rest || !((s->address[whole] ^ address[whole]) & mask));
}

/* The host without its port, and without the brackets of an address. */
static int bare_host(const char *host, char *to, size_t size)
{
	size_t len = host[0] == '[' ? strcspn(++host, "]") : strcspn(host, ":");

	return len > 0 && snprintf(to, size, "%.*s", (int)len, host) < (int)size ? 0 : -1;
}

static int resolves_into(const struct subnet *s, const char *name)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *found, *a;
	int inside = 0;

	if (getaddrinfo(name, NULL, &hints, &found) != 0)
		return 0;
	for (a = found; a && !inside; a = a->ai_next) {
		const struct sockaddr_in *four = (const void *)a->ai_addr;
		const struct sockaddr_in6 *six = (const void *)a->ai_addr;

		if (a->ai_family == AF_INET)
			inside = subnet_has(s, (const void *)&four->sin_addr, 4);
		else if (a->ai_family == AF_INET6)
			inside = subnet_has(s, (const void *)&six->sin6_addr, 16);
	}
	freeaddrinfo(found);
	return inside;
}

int host_is_listed(struct json_object *list, const char *host)
{
	char name[300];

	for (size_t i = 0; i < json_array_size(list); i++) {
		const char *item = json_item_string(list, i);
		struct subnet s;

		if (!item)
			continue;
		if (!strcasecmp(item, host))
			return 1;
		if (subnet_parse(item, &s) == 0 && bare_host(host, name, sizeof(name)) == 0 &&
		    resolves_into(&s, name))
			return 1;
	}
	return 0;
}
