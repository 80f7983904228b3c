/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The record comes first and goes last, so a rule without a record cannot be: what a
 * killed process leaves is found by its record.  Two processes that claim overlapping addresses
 * (all and one) both see the other's record; at least one gives up.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "helpers/buf.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "helpers/io.h"
#include "helpers/json.h"
#include "ports.h"
#include "rules.h"

#define KEY_MAX 128
#define VALUE_MAX 400
#define PROTOCOLS_TEXT "tcp, udp or sctp"

struct claims {
	struct published *items;
	int n, room;
};

static void claims_auto(struct claims *c)
{
	free(c->items);
}

struct request {
	const char *protocol; /* one of the static names */
	struct address hosts[2];
	struct address to[2];
	int n_hosts;
	uint16_t host_port, to_port;
};

static void make_key(const struct published *p, char *ret)
{
	char host[ADDRESS_TEXT];

	snprintf(ret, KEY_MAX, "port/%s/%u/%s", p->protocol, p->host_port,
		 address_format(&p->host, host));
}

static const char *protocol_name(const char *text)
{
	static const char *const names[] = { "tcp", "udp", "sctp" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (!strcasecmp(text ? text : "tcp", names[i])) {
			return names[i];
		}
	}
	return NULL;
}

/* The record of key and value as a port; its protocol is one of the static names. */
static int parse_record(const char *key, const char *value, char *ret_endpoint,
			struct published *ret)
{
	char protocol[8], host[ADDRESS_TEXT], to[ADDRESS_TEXT];
	unsigned int host_port, to_port;

	if (sscanf(key, "port/%7[a-z]/%u/%63s", protocol, &host_port, host) != 3 ||
	    sscanf(value, "%64s %63s %u", ret_endpoint, to, &to_port) != 3 ||
	    address_parse(host, &ret->host) < 0 || address_parse(to, &ret->to) < 0) {
		return -1;
	}
	ret->protocol = protocol_name(protocol);
	ret->host_port = (uint16_t)host_port;
	ret->to_port = (uint16_t)to_port;
	return ret->protocol ? 0 : -1;
}

/* The container's name in a record's value. */
static const char *record_name(const char *value)
{
	for (int i = 0; i < 3 && value; i++) {
		value = strchr(value, ' ');
		value = value ? value + 1 : NULL;
	}
	return value && *value ? value : "?";
}

static int in_use(const struct published *p, const char *who, struct gantry_error *err)
{
	char host[ADDRESS_TEXT];

	return error_set(err, GANTRY_ERR_IN_USE, "port %u%s%s on %s is already used by %s", p->host_port,
			 strcmp(p->protocol, "tcp") ? "/" : "",
			 strcmp(p->protocol, "tcp") ? p->protocol : "", address_format(&p->host, host),
			 who);
}

static int in_use_by_container(const struct published *p, const char *value,
			       struct gantry_error *err)
{
	char who[VALUE_MAX];

	snprintf(who, sizeof(who), "container %.300s", record_name(value));
	return in_use(p, who, err);
}

/* Would a program of the host get this port? */
static int try_bind(const struct published *p, struct gantry_error *err)
{
	int is_tcp = !strcmp(p->protocol, "tcp"), is_udp = !strcmp(p->protocol, "udp");
	auto_fd int fd = socket(p->host.family, (is_udp ? SOCK_DGRAM : SOCK_STREAM) | SOCK_CLOEXEC,
				is_tcp || is_udp ? 0 : IPPROTO_SCTP);
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(p->host_port) };
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6, .sin6_port = htons(p->host_port) };
	int one = 1, is_v6 = p->host.family == AF_INET6;
	char host[ADDRESS_TEXT];

	if (fd < 0) {
		return 0; /* the host does not speak it, so nobody can hold it */
	}
	address_bytes(&p->host, is_v6 ? in6.sin6_addr.s6_addr : (uint8_t *)&in.sin_addr);
	if (!is_udp) {
		/* Closed connections do not hold a port; listen() below finds who does. */
		(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	}
	if (is_v6) {
		(void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one));
	}
	if (bind(fd, is_v6 ? (struct sockaddr *)&in6 : (struct sockaddr *)&in,
		 is_v6 ? sizeof(in6) : sizeof(in)) == 0 &&
	    (!is_tcp || listen(fd, 1) == 0)) {
		return 0;
	}
	if (errno == EADDRINUSE) {
		in_use(p, "another program of the host", err);
		return error_hint(err, "`ss -lnp 'sport = :%u'` shows it", p->host_port);
	}
	if (errno == EADDRNOTAVAIL) {
		return error_set(err, GANTRY_ERR_INVALID,
				 "cannot publish port %u on %s: it is no address of this host",
				 p->host_port, address_format(&p->host, host));
	}
	return error_errno(err, errno, "cannot publish port %u on %s", p->host_port,
			   address_format(&p->host, host));
}

/* Another endpoint's record that overlaps with p. */
static int check_overlap(const struct store *s, const char *endpoint, const struct published *p,
			 struct gantry_error *err)
{
	auto_(reply) struct reply records = REPLY_INIT;
	const char *const *keys, *const *values;
	char prefix[KEY_MAX];
	int r;

	snprintf(prefix, sizeof(prefix), "port/%s/%u/", p->protocol, p->host_port);
	r = store_list(s, prefix, &records, err);
	keys = reply_list(&records, 0);
	values = reply_list(&records, 1);
	for (size_t i = 0; r == 0 && keys[i] && values[i]; i++) {
		struct published other;
		char holder[65];

		if (parse_record(keys[i], values[i], holder, &other) < 0 ||
		    !strcmp(holder, endpoint) || other.host.family != p->host.family) {
			continue;
		}
		if (!other.host.n || !p->host.n || address_equal(&other.host, &p->host)) {
			return in_use_by_container(p, values[i], err);
		}
	}
	return r;
}

/* Records p for the owner.  A record that is the owner's already is written again. */
static int record(const struct store *s, const struct port_owner *owner, const struct published *p,
		  struct gantry_error *err)
{
	struct gantry_error why = GANTRY_ERROR_INIT;
	auto_free char *holder = NULL;
	char key[KEY_MAX], value[VALUE_MAX], to[ADDRESS_TEXT];
	size_t n = strlen(owner->endpoint);
	int r;

	make_key(p, key);
	snprintf(value, sizeof(value), "%s %s %u %.200s", owner->endpoint, address_format(&p->to, to),
		 p->to_port, owner->name);
	r = store_put_new(s, key, value, &why);
	if (r != GANTRY_ERR_EXISTS) {
		*err = r < 0 ? why : *err;
		return r;
	}
	error_clear(&why);
	if (store_get(s, key, &holder, &why) < 0) {
		return in_use(p, "another container", err);
	}
	if (strncmp(holder, owner->endpoint, n) || holder[n] != ' ') {
		return in_use_by_container(p, holder, err);
	}
	/* A second try of ours: its rule may point elsewhere. */
	r = rules_remove_ports(p, 1, err);
	return r < 0 ? r : store_put(s, key, value, err);
}

static int add_claim(struct claims *c, const struct published *p, struct gantry_error *err)
{
	if (c->n == c->room) {
		int room = c->room ? c->room * 2 : 8;
		struct published *items = realloc(c->items, (size_t)room * sizeof(*items));

		if (!items) {
			return error_no_memory(err);
		}
		c->items = items;
		c->room = room;
	}
	c->items[c->n++] = *p;
	return 0;
}

/* Drops the claims behind the first n; no rule stands for them. */
static void drop_claims(const struct store *s, struct claims *c, int n)
{
	while (c->n > n) {
		struct gantry_error ignored = GANTRY_ERROR_INIT;
		char key[KEY_MAX];

		make_key(&c->items[--c->n], key);
		(void)store_remove(s, key, &ignored);
	}
}

/* Claims one host port on all addresses of the request: all or none. */
static int claim(const struct store *s, const struct port_owner *owner, const struct request *q,
		 uint16_t host_port, struct claims *c, struct gantry_error *err)
{
	int before = c->n, r = 0;

	for (int i = 0; r == 0 && i < q->n_hosts; i++) {
		struct published p = { q->protocol, q->hosts[i], host_port, q->to[i], q->to_port };

		r = check_overlap(s, owner->endpoint, &p, err);
		if (r == 0) {
			r = try_bind(&p, err);
		}
		if (r == 0) {
			r = record(s, owner, &p, err);
		}
		if (r == 0) {
			r = add_claim(c, &p, err);
		}
		if (r == 0) {
			r = check_overlap(s, owner->endpoint, &p, err);
		}
	}
	if (r < 0) {
		drop_claims(s, c, before);
	}
	return r;
}

static void ephemeral_range(unsigned int *ret_first, unsigned int *ret_last)
{
	auto_(buf) struct buf b = BUF_INIT;

	if (read_file(AT_FDCWD, "/proc/sys/net/ipv4/ip_local_port_range", &b, 100) < 0 ||
	    sscanf(buf_str(&b), "%u %u", ret_first, ret_last) != 2) {
		*ret_first = 32768;
		*ret_last = 60999;
	}
}

static int claim_any(const struct store *s, const struct port_owner *owner,
		     const struct request *q, struct claims *c, struct gantry_error *err)
{
	unsigned int first, last;

	ephemeral_range(&first, &last);
	for (unsigned int port = first; port <= last && port <= 65535; port++) {
		struct gantry_error why = GANTRY_ERROR_INIT;
		int r = claim(s, owner, q, (uint16_t)port, c, &why);

		if (r != GANTRY_ERR_IN_USE) {
			*err = r < 0 ? why : *err;
			return r;
		}
	}
	error_set(err, GANTRY_ERR_NO_SPACE, "no host port from %u to %u is free", first, last);
	return error_hint(err, "name one: -p HOST_PORT:%u", q->to_port);
}

static int bad_port(struct gantry_error *err, const char *what, int64_t value)
{
	return error_set(err, GANTRY_ERR_INVALID, "%s %lld is not in 1-65535", what,
			 (long long)value);
}

/* Where it is published: the given address, or the default of each family there is. */
static int choose_hosts(const struct network *n, const struct port_owner *owner, const char *host,
			struct request *q, struct gantry_error *err)
{
	struct address a;

	if (!host || !*host) {
		if (owner->v4.family) {
			q->to[q->n_hosts] = owner->v4;
			q->hosts[q->n_hosts++] = n->host_binding;
		}
		if (owner->v6.family && !n->host_binding.n) {
			q->to[q->n_hosts] = owner->v6;
			q->hosts[q->n_hosts++] = (struct address){ AF_INET6, 0 };
		}
		return 0;
	}
	if (address_parse(host, &a) < 0) {
		return error_set(err, GANTRY_ERR_INVALID, "host address \"%s\" is not an IP address",
				 host);
	}
	q->hosts[0] = a;
	q->to[0] = a.family == AF_INET ? owner->v4 : owner->v6;
	q->n_hosts = 1;
	if (!q->to[0].family) {
		error_set(err, GANTRY_ERR_UNSUPPORTED,
			  "cannot publish port %u on %s: the container has no address of that family",
			  q->to_port, host);
		return error_hint(err, "create the network with --ipv6");
	}
	return 0;
}

static int parse_request(const struct network *n, const struct port_owner *owner,
			 struct json_object *o, struct request *q, struct gantry_error *err)
{
	int64_t to = json_get_int(o, "ContainerPort", 0), from = json_get_int(o, "HostPort", 0);
	const char *protocol = json_get_string(o, "Protocol");

	*q = (struct request){ .protocol = protocol_name(protocol) };
	if (!q->protocol) {
		return error_set(err, GANTRY_ERR_INVALID, "port protocol \"%s\" is not " PROTOCOLS_TEXT,
				 protocol);
	}
	if (to < 1 || to > 65535) {
		return bad_port(err, "container port", to);
	}
	if (from < 0 || from > 65535) {
		return bad_port(err, "host port", from);
	}
	q->to_port = (uint16_t)to;
	q->host_port = (uint16_t)from;
	return choose_hosts(n, owner, json_get_string(o, "HostIP"), q, err);
}

static int claim_all(const struct store *s, const struct network *n, const struct port_owner *owner,
		     struct json_object *list, struct claims *c, struct gantry_error *err)
{
	for (size_t i = 0; i < json_array_size(list); i++) {
		struct request q;
		int r = parse_request(n, owner, json_object_array_get_idx(list, i), &q, err);

		if (r == 0) {
			r = q.host_port ? claim(s, owner, &q, q.host_port, c, err)
					: claim_any(s, owner, &q, c, err);
		}
		if (r < 0) {
			return r;
		}
	}
	return 0;
}

static int describe(const struct claims *c, struct json_object **ret, struct gantry_error *err)
{
	auto_json struct json_object *list = json_object_new_array();

	for (int i = 0; i < c->n && list; i++) {
		struct json_object *o = json_object_new_object();
		const struct published *p = &c->items[i];
		char host[ADDRESS_TEXT];

		if (!o || json_set_string(o, "Protocol", p->protocol) < 0 ||
		    json_set_int(o, "ContainerPort", p->to_port) < 0 ||
		    json_set_string(o, "HostIP", address_format(&p->host, host)) < 0 ||
		    json_set_int(o, "HostPort", p->host_port) < 0 ||
		    json_object_array_add(list, o) < 0) {
			json_object_put(o);
			return error_no_memory(err);
		}
	}
	*ret = steal(&list);
	return *ret ? 0 : error_no_memory(err);
}

/* The table may have been flushed by others: all is put back then. */
static int add_rules(const struct network *n, const struct claims *c, struct gantry_error *err)
{
	struct gantry_error why = GANTRY_ERROR_INIT;
	int r = rules_add_ports(c->items, c->n, &why);

	if (r == GANTRY_ERR_NOT_FOUND) {
		error_clear(&why);
		r = rules_add_network(n, &why);
		r = r < 0 ? r : rules_add_ports(c->items, c->n, &why);
	}
	if (r == GANTRY_ERR_EXISTS) {
		in_use(&c->items[0], "another engine of this host", err);
		return error_hint(err, "`nft list table inet gantry` shows what is published");
	}
	*err = r < 0 ? why : *err;
	return r;
}

int ports_publish(const struct store *s, const struct network *n, const struct port_owner *owner,
		  const char *ports, struct json_object **ret, struct gantry_error *err)
{
	auto_json struct json_object *list = NULL;
	auto_json struct json_object *result = NULL;
	auto_(claims) struct claims c = { 0 };
	int r = json_parse(ports, strlen(ports), "the list of ports", &list, err);

	if (r < 0) {
		return r;
	}
	r = claim_all(s, n, owner, list, &c, err);
	if (r == 0) {
		r = describe(&c, &result, err);
	}
	if (r == 0) {
		r = add_rules(n, &c, err);
	}
	if (r < 0) {
		drop_claims(s, &c, 0);
		return r;
	}
	*ret = steal(&result);
	return 0;
}

static int is_listed(const char *const *list, const char *text)
{
	for (; list && *list; list++) {
		if (!strcmp(*list, text)) {
			return 1;
		}
	}
	return 0;
}

/* Takes back the endpoint's ports (or those of endpoints that are not in keep). */
static int withdraw(const struct store *s, const char *endpoint, const char *const *keep,
		    struct gantry_error *err)
{
	auto_(reply) struct reply records = REPLY_INIT;
	auto_(claims) struct claims c = { 0 };
	const char *const *keys, *const *values;
	int r = store_list(s, "port/", &records, err);

	keys = reply_list(&records, 0);
	values = reply_list(&records, 1);
	for (size_t i = 0; r == 0 && keys[i] && values[i]; i++) {
		struct published p;
		char holder[65];

		if (parse_record(keys[i], values[i], holder, &p) < 0) {
			continue;
		}
		if (endpoint ? !strcmp(holder, endpoint) : !is_listed(keep, holder)) {
			r = add_claim(&c, &p, err);
		}
	}
	if (r == 0 && c.n > 0) {
		r = rules_remove_ports(c.items, c.n, err);
	}
	if (r == 0) {
		drop_claims(s, &c, 0);
	}
	return r;
}

int ports_withdraw(const struct store *s, const char *endpoint, struct gantry_error *err)
{
	return withdraw(s, endpoint, NULL, err);
}

int ports_reconcile(const struct store *s, const char *const *endpoints, struct gantry_error *err)
{
	return withdraw(s, NULL, endpoints, err);
}
