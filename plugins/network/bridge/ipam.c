/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "helpers/json.h"
#include "ipam.h"
#include "helpers/rtnl.h"

#define KEY_MAX 160

/* Where default subnets are cut from: Docker's. */
static const struct {
	const char *first;
	unsigned int count;
} defaults[] = { { "172.17.0.0/16", 15 }, { "192.168.0.0/20", 16 } };

struct taken {
	const struct subnet *wanted;
	struct subnet other;
};

static int route_overlaps(const struct subnet *to, void *arg)
{
	struct taken *t = arg;

	if (!subnet_overlaps(to, t->wanted)) {
		return 0;
	}
	t->other = *to;
	return 1;
}

/* The network of ours that overlaps with s: its name into text, else "". */
static int find_overlap(const struct reply *networks, const char *id, const struct subnet *s,
			char *text, size_t size, struct gantry_error *err)
{
	const char *const *keys = reply_list(networks, 0);
	const char *const *values = reply_list(networks, 1);

	*text = '\0';
	for (size_t i = 0; keys[i] && values[i]; i++) {
		auto_json struct json_object *record = NULL;
		struct json_object *list;
		int r;

		if (!strcmp(keys[i] + strlen("net/"), id)) {
			continue;
		}
		r = json_parse_object(values[i], keys[i], &record, err);
		if (r < 0) {
			return r;
		}
		list = json_get_array(json_get_object(json_get_object(record, "Options"), "IPAM"),
				      "Config");
		for (size_t j = 0; j < json_array_size(list); j++) {
			const char *other =
				json_get_string(json_object_array_get_idx(list, j), "Subnet");
			struct subnet o;

			if (other && subnet_parse(other, &o, NULL) == 0 && subnet_overlaps(&o, s)) {
				snprintf(text, size, "%s (%s)", json_get_string(record, "Name"), other);
				return 0;
			}
		}
	}
	return 0;
}

static int check_chosen(const struct reply *networks, const struct network *n,
			const struct pool *pool, const char *name, struct gantry_error *err)
{
	char other[300], text[ADDRESS_TEXT];
	int r = find_overlap(networks, n->id, &pool->subnet, other, sizeof(other), err);

	if (r < 0 || !*other) {
		return r;
	}
	error_set(err, GANTRY_ERR_IN_USE, "cannot create network %s: subnet %s overlaps with network %s",
		  name, subnet_format(&pool->subnet, text), other);
	return error_hint(err, "choose another --subnet, or leave it out");
}

/* 1 when free, 0 when taken. */
static int is_free(const struct reply *networks, struct rtnl *host, const struct network *n,
		   const struct subnet *s, struct gantry_error *err)
{
	struct taken t = { .wanted = s };
	char other[300];
	int r = find_overlap(networks, n->id, s, other, sizeof(other), err);

	if (r < 0) {
		return r;
	}
	if (*other) {
		return 0;
	}
	r = rtnl_each_route(host, s->base.family, route_overlaps, &t);
	return r < 0 ? error_errno(err, -r, "cannot read the host's routes") : !r;
}

static int choose_v4(const struct reply *networks, struct rtnl *host, struct network *n,
		     const char *name, struct gantry_error *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(defaults); i++) {
		struct subnet s;

		(void)subnet_parse(defaults[i].first, &s, NULL);
		for (unsigned int k = 0; k < defaults[i].count; k++) {
			int r = is_free(networks, host, n, &s, err);

			if (r < 0) {
				return r;
			}
			if (r > 0) {
				n->v4.subnet = s;
				return 0;
			}
			s.base.n += (unsigned __int128)1 << (32 - s.bits);
		}
	}
	error_set(err, GANTRY_ERR_NO_SPACE,
		  "cannot create network %s: all default subnets are in use", name);
	return error_hint(err, "name one with --subnet, or remove networks that are not used "
			       "(`gantry network prune`)");
}

/* A unique local prefix made of the network's id: the same on every try. */
static void choose_v6(struct network *n)
{
	unsigned __int128 global = 0;

	for (int i = 0; i < 10; i++) {
		char c = n->id[i];

		global = global << 4 | (unsigned)(c <= '9' ? c - '0' : c - 'a' + 10);
	}
	n->v6.subnet.base.family = AF_INET6;
	n->v6.subnet.base.n = (unsigned __int128)0xfd << 120 | global << 80;
	n->v6.subnet.bits = 64;
}

int ipam_choose_subnets(const struct store *s, struct rtnl *host, struct network *n,
			const char *name, struct gantry_error *err)
{
	auto_(reply) struct reply networks = REPLY_INIT;
	int r = store_list(s, "net/", &networks, err);

	if (r < 0) {
		return r;
	}
	if (n->v4.subnet.base.family) {
		r = check_chosen(&networks, n, &n->v4, name, err);
	} else {
		r = choose_v4(&networks, host, n, name, err);
	}
	if (r == 0 && n->ipv6) {
		if (!n->v6.subnet.base.family) {
			choose_v6(n);
		}
		r = check_chosen(&networks, n, &n->v6, name, err);
	}
	return r;
}

static void make_prefix(const char *network, int family, char *ret)
{
	snprintf(ret, KEY_MAX, family == AF_INET ? "ip/%s/4." : "ip/%s/6.", network);
}

static void make_key(const char *network, const struct address *a, char *ret)
{
	size_t n;

	make_prefix(network, a->family, ret);
	n = strlen(ret);
	if (a->family == AF_INET) {
		snprintf(ret + n, KEY_MAX - n, "%08x", (unsigned int)a->n);
	} else {
		snprintf(ret + n, KEY_MAX - n, "%016llx%016llx", (unsigned long long)(a->n >> 64),
			 (unsigned long long)a->n);
	}
}

/* The address that a key ends with. */
static struct address key_address(const char *key, int family)
{
	struct address a = { family, 0 };
	const char *dot = strrchr(key, '.');

	for (const char *p = dot ? dot + 1 : ""; *p; p++) {
		a.n = a.n << 4 | (unsigned)(*p <= '9' ? *p - '0' : *p - 'a' + 10);
	}
	return a;
}

static int holds(const char *value, const char *endpoint)
{
	size_t n = strlen(endpoint);

	return !strncmp(value, endpoint, n) && (value[n] == ' ' || !value[n]);
}

/* May containers have it at all? */
static int is_usable(const struct pool *pool, const struct address *a)
{
	struct address last = subnet_last(&pool->subnet);
	int narrow = pool->subnet.bits >= address_width(a->family) - 1;

	if (address_equal(a, &pool->gateway) ||
	    (!narrow && (address_equal(a, &pool->subnet.base) ||
			 (a->family == AF_INET && address_equal(a, &last))))) {
		return 0;
	}
	for (int i = 0; i < pool->n_auxiliary; i++) {
		if (address_equal(a, &pool->auxiliary[i])) {
			return 0;
		}
	}
	return 1;
}

static int no_address(const struct network *n, const struct subnet *range, struct gantry_error *err)
{
	char text[ADDRESS_TEXT];

	error_set(err, GANTRY_ERR_NO_SPACE, "no address is free in %s of network %.12s",
		  subnet_format(range, text), n->id);
	return error_hint(err, "remove containers, or use a network with a larger subnet");
}

/* Takes the lowest address at or behind *from that the sorted records leave free, and is not taken
 * by another process meanwhile. */
static int take_lowest(const struct store *s, const struct network *n, const struct pool *pool,
		       const struct reply *records, const char *value, struct address *ret,
		       struct gantry_error *err)
{
	const struct subnet *range = pool->range.base.family ? &pool->range : &pool->subnet;
	const char *const *keys = reply_list(records, 0);
	struct address a = subnet_first(range), last = subnet_last(range);
	size_t i = 0;

	for (;; a.n++) {
		struct gantry_error why = GANTRY_ERROR_INIT;
		char key[KEY_MAX];
		int r;

		if (a.n > last.n) {
			return no_address(n, range, err);
		}
		while (keys[i] && key_address(keys[i], a.family).n < a.n) {
			i++;
		}
		if (!is_usable(pool, &a) || (keys[i] && key_address(keys[i], a.family).n == a.n)) {
			continue;
		}
		make_key(n->id, &a, key);
		r = store_put_new(s, key, value, &why);
		if (r == GANTRY_ERR_EXISTS) {
			continue;
		}
		if (r < 0) {
			*err = why;
			return r;
		}
		*ret = a;
		return 0;
	}
}

static int take_wanted(const struct store *s, const struct network *n, const struct pool *pool,
		       const char *value, const struct address *wanted, struct gantry_error *err)
{
	struct gantry_error why = GANTRY_ERROR_INIT;
	auto_free char *holder = NULL;
	char key[KEY_MAX], text[ADDRESS_TEXT], subnet[ADDRESS_TEXT];
	const char *name;
	int r;

	address_format(wanted, text);
	if (!subnet_has(&pool->subnet, wanted)) {
		return error_set(err, GANTRY_ERR_INVALID, "address %s is not in the network's subnet %s",
				 text, subnet_format(&pool->subnet, subnet));
	}
	if (!is_usable(pool, wanted)) {
		return error_set(err, GANTRY_ERR_IN_USE, "address %s is reserved in the network", text);
	}
	make_key(n->id, wanted, key);
	r = store_put_new(s, key, value, &why);
	if (r != GANTRY_ERR_EXISTS) {
		*err = r < 0 ? why : *err;
		return r;
	}
	error_clear(&why);
	if (store_get(s, key, &holder, &why) < 0) {
		return error_set(err, GANTRY_ERR_IN_USE, "address %s is already in use", text);
	}
	name = strchr(holder, ' ');
	return error_set(err, GANTRY_ERR_IN_USE, "address %s is already used by container %s", text,
			 name ? name + 1 : holder);
}

int ipam_take(const struct store *s, const struct network *n, const struct pool *pool,
	      const char *endpoint, const char *owner, const struct address *wanted,
	      struct address *ret, struct gantry_error *err)
{
	auto_(reply) struct reply records = REPLY_INIT;
	const char *const *keys, *const *values;
	char prefix[KEY_MAX], value[400];
	int family = pool->subnet.base.family;
	int r;

	make_prefix(n->id, family, prefix);
	r = store_list(s, prefix, &records, err);
	if (r < 0) {
		return r;
	}
	keys = reply_list(&records, 0);
	values = reply_list(&records, 1);
	for (size_t i = 0; keys[i] && values[i]; i++) {
		if (holds(values[i], endpoint)) {
			*ret = key_address(keys[i], family);
			return 0;
		}
	}
	snprintf(value, sizeof(value), "%s %s", endpoint, owner);
	if (!wanted) {
		return take_lowest(s, n, pool, &records, value, ret, err);
	}
	*ret = *wanted;
	return take_wanted(s, n, pool, value, wanted, err);
}

int ipam_release(const struct store *s, const char *network, const char *endpoint,
		 struct gantry_error *err)
{
	auto_(reply) struct reply records = REPLY_INIT;
	const char *const *keys, *const *values;
	char prefix[KEY_MAX];
	int r;

	snprintf(prefix, sizeof(prefix), "ip/%s/", network);
	r = store_list(s, prefix, &records, err);
	keys = reply_list(&records, 0);
	values = reply_list(&records, 1);
	for (size_t i = 0; r == 0 && keys[i] && values[i]; i++) {
		if (holds(values[i], endpoint)) {
			r = store_remove(s, keys[i], err);
		}
	}
	return r;
}
