/* SPDX-License-Identifier: Apache-2.0 */
/* Which host serves a registry's API, and whether it may be spoken to without TLS. */
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include "helpers/address.h"
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

/* The host without its port, and without the brackets of an address. */
static int bare_host(const char *host, char *to, size_t size)
{
	size_t len = host[0] == '[' ? strcspn(++host, "]") : strcspn(host, ":");

	return len > 0 && snprintf(to, size, "%.*s", (int)len, host) < (int)size ? 0 : -1;
}

static int resolves_into(const struct subnet *s, const char *name)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *found;
	int inside = 0;

	if (getaddrinfo(name, NULL, &hints, &found) != 0)
		return 0;
	for (struct addrinfo *i = found; i && !inside; i = i->ai_next) {
		const void *any = i->ai_addr;
		const struct sockaddr_in *four = any;
		const struct sockaddr_in6 *six = any;
		struct address a;

		address_from_bytes(i->ai_family,
				   i->ai_family == AF_INET ? (const uint8_t *)&four->sin_addr
							   : six->sin6_addr.s6_addr,
				   &a);
		inside = subnet_has(s, &a);
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
		if (subnet_parse(item, &s, NULL) == 0 && bare_host(host, name, sizeof(name)) == 0 &&
		    resolves_into(&s, name))
			return 1;
	}
	return 0;
}
