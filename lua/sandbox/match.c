/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Globs, networks, versions.  No allocation, no recursion, no locale.
 */
#include <arpa/inet.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lua/sandbox/match.h"

/* The last `*` or `**` to come back to when the text after it does not fit. */
struct retry {
	const char *glob; /* after the stars; NULL: none */
	const char *text; /* where its next attempt starts */
};

int glob_match(const char *glob, const char *text)
{
	struct retry star = { NULL, NULL }, stars = { NULL, NULL };

	for (;;) {
		if (*glob == '*') {
			int deep = glob[1] == '*';

			glob += deep ? 2 : 1;
			star.glob = NULL;
			*(deep ? &stars : &star) = (struct retry){ glob, text };
			continue;
		}
		if (*text && (*glob == *text || (*glob == '?' && *text != '/'))) {
			glob++;
			text++;
			continue;
		}
		if (!*text && !*glob) {
			return 1;
		}
		if (star.glob && *star.text && *star.text != '/') {
			glob = star.glob;
			text = ++star.text;
		} else if (stars.glob && *stars.text) {
			star.glob = NULL;
			glob = stars.glob;
			text = ++stars.text;
		} else {
			return 0;
		}
	}
}

/* ---- networks ---- */

struct network {
	unsigned char bytes[16];
	int family;
	int bits;
};

static int parse_network(const char *text, struct network *net)
{
	const char *slash = strchr(text, '/');
	size_t len = slash ? (size_t)(slash - text) : strlen(text);
	char address[INET6_ADDRSTRLEN];
	int most;

	if (len >= sizeof(address)) {
		return -1;
	}
	memcpy(address, text, len);
	address[len] = '\0';
	memset(net, 0, sizeof(*net));
	net->family = strchr(address, ':') ? AF_INET6 : AF_INET;
	most = net->family == AF_INET6 ? 128 : 32;
	if (inet_pton(net->family, address, net->bytes) != 1) {
		return -1;
	}
	net->bits = most;
	if (slash) {
		char *end;
		long bits = strtol(slash + 1, &end, 10);

		if (!isdigit((unsigned char)slash[1]) || *end || bits > most) {
			return -1;
		}
		net->bits = (int)bits;
	}
	return 0;
}

int cidr_contains(const char *network, const char *address)
{
	struct network net, addr;
	int i;

	if (parse_network(network, &net) < 0 || parse_network(address, &addr) < 0) {
		return -1;
	}
	if (net.family != addr.family || addr.bits < net.bits) {
		return 0;
	}
	for (i = 0; i < net.bits; i++) {
		if ((net.bytes[i / 8] ^ addr.bytes[i / 8]) & (0x80 >> (i % 8))) {
			return 0;
		}
	}
	return 1;
}

/* ---- versions ---- */

struct version {
	unsigned long part[3];
	int n_parts;
	const char *pre;  /* after '-'; not terminated */
	size_t pre_len;
};

static int parse_version(const char *text, size_t len, struct version *v)
{
	const char *end = text + len;

	memset(v, 0, sizeof(*v));
	if (text < end && *text == 'v') {
		text++;
	}
	while (v->n_parts < 3 && text < end && isdigit((unsigned char)*text)) {
		unsigned long n = 0;

		while (text < end && isdigit((unsigned char)*text)) {
			if (n > 100000000) {
				return -1;
			}
			n = n * 10 + (unsigned long)(*text++ - '0');
		}
		v->part[v->n_parts++] = n;
		if (v->n_parts < 3 && text + 1 < end && *text == '.' &&
		    isdigit((unsigned char)text[1])) {
			text++;
		} else {
			break;
		}
	}
	if (v->n_parts == 0) {
		return -1;
	}
	if (text < end && *text == '-') {
		v->pre = ++text;
		while (text < end && *text != '+') {
			text++;
		}
		v->pre_len = (size_t)(text - v->pre);
	}
	return text == end || *text == '+' ? 0 : -1;
}

static size_t identifier_len(const char *p, const char *end)
{
	const char *dot = memchr(p, '.', (size_t)(end - p));

	return dot ? (size_t)(dot - p) : (size_t)(end - p);
}

static int is_number(const char *p, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++) {
		if (!isdigit((unsigned char)p[i])) {
			return 0;
		}
	}
	return len > 0;
}

/* Numbers come before words and compare by value, words byte by byte. */
static int compare_identifiers(const char *a, size_t a_len, const char *b, size_t b_len)
{
	int a_number = is_number(a, a_len), b_number = is_number(b, b_len);
	size_t len = a_len < b_len ? a_len : b_len;
	int order;

	if (a_number != b_number) {
		return a_number ? -1 : 1;
	}
	if (a_number && a_len != b_len) {
		return a_len < b_len ? -1 : 1;
	}
	order = memcmp(a, b, len);
	if (order == 0) {
		order = (a_len > b_len) - (a_len < b_len);
	}
	return (order > 0) - (order < 0);
}

/* A version without pre-release is the later one. */
static int compare_pre(const struct version *a, const struct version *b)
{
	const char *p = a->pre, *q = b->pre, *p_end, *q_end;

	if (!a->pre_len || !b->pre_len) {
		return (b->pre_len > 0) - (a->pre_len > 0);
	}
	p_end = p + a->pre_len;
	q_end = q + b->pre_len;
	while (p < p_end && q < q_end) {
		size_t n = identifier_len(p, p_end), k = identifier_len(q, q_end);
		int order = compare_identifiers(p, n, q, k);

		if (order) {
			return order;
		}
		p += n + (p + n < p_end);
		q += k + (q + k < q_end);
	}
	return (p < p_end) - (q < q_end);
}

static int compare(const struct version *a, const struct version *b)
{
	int i;

	for (i = 0; i < 3; i++) {
		if (a->part[i] != b->part[i]) {
			return a->part[i] < b->part[i] ? -1 : 1;
		}
	}
	return compare_pre(a, b);
}

int semver_compare(const char *a, const char *b, int *ret_order)
{
	struct version va, vb;

	if (parse_version(a, strlen(a), &va) < 0 || parse_version(b, strlen(b), &vb) < 0) {
		return -1;
	}
	*ret_order = compare(&va, &vb);
	return 0;
}

/* ^ keeps the first part that is not zero, ~ keeps all but the last given one. */
static int in_series(const struct version *v, const struct version *base, char op)
{
	int keep = 0;

	if (compare(v, base) < 0) {
		return 0;
	}
	if (op == '~') {
		keep = base->n_parts > 1 ? 2 : 1;
	} else {
		while (keep < base->n_parts - 1 && base->part[keep] == 0) {
			keep++;
		}
		keep++;
	}
	return memcmp(v->part, base->part, (size_t)keep * sizeof(v->part[0])) == 0;
}

static int satisfies(const struct version *v, const char *op, const struct version *base)
{
	int order = compare(v, base);

	if (op[0] == '^' || op[0] == '~') {
		return in_series(v, base, op[0]);
	}
	if (op[0] == '>') {
		return op[1] == '=' ? order >= 0 : order > 0;
	}
	if (op[0] == '<') {
		return op[1] == '=' ? order <= 0 : order < 0;
	}
	return op[0] == '!' ? order != 0 : order == 0;
}

int semver_matches(const char *version, const char *range)
{
	struct version v, base;
	int result = 1, conditions = 0;

	if (parse_version(version, strlen(version), &v) < 0) {
		return -1;
	}
	for (;;) {
		char op[3] = "";
		size_t len;

		range += strspn(range, ", ");
		if (!*range) {
			return conditions ? result : -1;
		}
		len = strspn(range, "<>=!^~");
		if (len > 2) {
			return -1;
		}
		memcpy(op, range, len);
		range += len;
		range += strspn(range, " ");
		len = strcspn(range, ", <>=!^~");
		if (parse_version(range, len, &base) < 0) {
			return -1;
		}
		result = result && satisfies(&v, op, &base);
		conditions++;
		range += len;
	}
}
