/* SPDX-License-Identifier: Apache-2.0 */
/* One plan for all threads; a new one replaces it whole. */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/emulate/net.h"
#include "helpers/cleanup.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct net_plan *current;

struct net_plan *net_plan_unref(struct net_plan *plan)
{
	unsigned int left;

	if (!plan)
		return NULL;
	pthread_mutex_lock(&lock);
	left = --plan->refs;
	pthread_mutex_unlock(&lock);
	if (left)
		return NULL;
	for (int i = 0; i < plan->n_carriers; i++)
		free(plan->carriers[i]);
	free(plan);
	return NULL;
}

struct net_plan *net_plan_get(void)
{
	struct net_plan *plan;

	pthread_mutex_lock(&lock);
	plan = current;
	if (plan)
		plan->refs++;
	pthread_mutex_unlock(&lock);
	return plan;
}

void net_plan_replace(struct net_plan *plan)
{
	struct net_plan *old;

	pthread_mutex_lock(&lock);
	old = current;
	current = plan;
	pthread_mutex_unlock(&lock);
	net_plan_unref(old);
}

static int add_inside(struct net_plan *p, char *rest)
{
	if (p->n_inside == NET_MAX_INSIDE)
		return -E2BIG;
	return subnet_parse(rest, &p->inside[p->n_inside++], NULL) < 0 ? -EINVAL : 0;
}

static int add_self(struct net_plan *p, char *rest)
{
	if (p->n_self == NET_MAX_SELF)
		return -E2BIG;
	return address_parse(rest, &p->self[p->n_self++]) < 0 ? -EINVAL : 0;
}

static int add_resolver(struct net_plan *p, char *rest)
{
	char *space = strchr(rest, ' ');

	if (!space)
		return -EINVAL;
	*space = '\0';
	return address_parse(rest, &p->alias) < 0 || address_parse(space + 1, &p->resolver) < 0
		       ? -EINVAL
		       : 0;
}

static int add_carrier(struct net_plan *p, char *rest)
{
	if (p->n_carriers == NET_MAX_CARRIERS)
		return -E2BIG;
	if (*rest != '/')
		return -EINVAL;
	p->carriers[p->n_carriers] = strdup(rest);
	return p->carriers[p->n_carriers++] ? 0 : -ENOMEM;
}

/* "80 0.0.0.0 8080" belongs to the carrier that was named last. */
static int add_port(struct net_plan *p, char *rest)
{
	struct net_port *port = &p->ports[p->n_ports];
	char host[ADDRESS_TEXT];
	int end = 0;

	if (p->n_ports == NET_MAX_PORTS)
		return -E2BIG;
	if (sscanf(rest, "%hu %63s %hu%n", &port->port, host, &port->host_port, &end) != 3 ||
	    rest[end] || address_parse(host, &port->host) < 0 || !p->n_carriers)
		return -EINVAL;
	port->carrier = p->n_carriers - 1;
	p->n_ports++;
	return 0;
}

static int add_cookie(struct net_plan *p, char *rest)
{
	char *end;

	p->cookie = strtoull(rest, &end, 10);
	return *end || end == rest ? -EINVAL : 0;
}

static int add_line(struct net_plan *p, char *line)
{
	static const struct {
		const char *word;
		int (*add)(struct net_plan *p, char *rest);
	} words[] = {
		{"namespace ", add_cookie}, {"inside ", add_inside},   {"self ", add_self},
		{"resolver ", add_resolver}, {"carrier ", add_carrier}, {"port ", add_port},
	};

	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		size_t n = strlen(words[i].word);

		if (!strncmp(line, words[i].word, n))
			return words[i].add(p, line + n);
	}
	return -EINVAL;
}

int net_plan_parse(const char *text, struct net_plan **ret)
{
	auto_net_plan struct net_plan *plan = calloc(1, sizeof(*plan));
	auto_free char *copy = strdup(text);
	char *save = NULL;
	int r = 0;

	if (!plan || !copy)
		return -ENOMEM;
	plan->refs = 1;
	for (char *line = strtok_r(copy, "\n", &save); line && r == 0;
	     line = strtok_r(NULL, "\n", &save))
		r = add_line(plan, line);
	if (r == 0)
		*ret = steal(&plan);
	return r;
}

int net_address_get(const union net_address *a, struct address *ret, uint16_t *ret_port)
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
	const uint8_t *bytes = a->in6.sin6_addr.s6_addr;

	if (a->any.sa_family == AF_INET) {
		address_from_bytes(AF_INET, (const uint8_t *)&a->in.sin_addr, ret);
		*ret_port = ntohs(a->in.sin_port);
		return 0;
	}
	if (a->any.sa_family != AF_INET6)
		return -1;
	if (!memcmp(bytes, mapped, sizeof(mapped)))
		address_from_bytes(AF_INET, bytes + sizeof(mapped), ret);
	else
		address_from_bytes(AF_INET6, bytes, ret);
	*ret_port = ntohs(a->in6.sin6_port);
	return 0;
}

socklen_t net_address_set(union net_address *ret, int domain, const struct address *a,
			  uint16_t port)
{
	uint8_t *bytes = ret->in6.sin6_addr.s6_addr;

	memset(ret, 0, sizeof(*ret));
	if (domain == AF_INET) {
		ret->in.sin_family = AF_INET;
		ret->in.sin_port = htons(port);
		if (a->family == AF_INET)
			address_bytes(a, (uint8_t *)&ret->in.sin_addr);
		return sizeof(ret->in);
	}
	ret->in6.sin6_family = AF_INET6;
	ret->in6.sin6_port = htons(port);
	if (a->family == AF_INET) {
		bytes[10] = bytes[11] = 0xff;
		address_bytes(a, bytes + 12);
	} else {
		address_bytes(a, bytes);
	}
	return sizeof(ret->in6);
}

/* 0/8 and :: are this host itself, whatever the kernel makes of the rest of 0/8. */
static int is_special(const struct address *a)
{
	unsigned int first;

	if (a->family == AF_INET) {
		first = (unsigned int)(a->n >> 24) & 255;
		return first == 0 || first == 127 || first >= 224;
	}
	first = (unsigned int)(a->n >> 112) & 0xffff;
	return a->n <= 1 || first >= 0xff00 || (first & 0xffc0) == 0xfe80;
}

int net_is_inside(const struct net_plan *plan, const struct address *a)
{
	if (is_special(a))
		return 1;
	for (int i = 0; i < plan->n_self; i++) {
		if (address_equal(&plan->self[i], a))
			return 1;
	}
	for (int i = 0; i < plan->n_inside; i++) {
		if (plan->inside[i].base.family == a->family && subnet_has(&plan->inside[i], a))
			return 1;
	}
	return 0;
}
