/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/commands/ports.h"
#include "helpers/cleanup.h"
#include "helpers/json.h"

struct port {
	const char *ip, *type;
	int64_t private, public;
};

/* A run of consecutive ports of one address and protocol. */
struct run {
	struct port first;
	int64_t last_private, last_public;
};

static int compare_ports(const void *a, const void *b)
{
	const struct port *x = a, *y = b;
	int order;

	if (x->private != y->private) {
		return x->private < y->private ? -1 : 1;
	}
	order = strcmp(x->ip, y->ip);
	if (order) {
		return order;
	}
	if (x->public != y->public) {
		return x->public < y->public ? -1 : 1;
	}
	return strcmp(x->type, y->type);
}

static void print_run(const struct run *run, struct buf *out)
{
	const struct port *p = &run->first;

	buf_adds(out, out->len ? ", " : "");
	if (p->public) {
		if (*p->ip) {
			buf_addf(out, strchr(p->ip, ':') ? "[%s]:" : "%s:", p->ip);
		}
		buf_addf(out, "%lld", (long long)p->public);
		if (run->last_public != p->public) {
			buf_addf(out, "-%lld", (long long)run->last_public);
		}
		buf_adds(out, "->");
	}
	buf_addf(out, "%lld", (long long)p->private);
	if (run->last_private != p->private) {
		buf_addf(out, "-%lld", (long long)run->last_private);
	}
	buf_addf(out, "/%s", p->type);
}

static int compare_runs(const void *a, const void *b)
{
	const struct run *x = a, *y = b;

	return compare_ports(&x->first, &y->first);
}

/* Does p continue the run? */
static int continues(const struct run *run, const struct port *p)
{
	if (strcmp(run->first.ip, p->ip) != 0 || strcmp(run->first.type, p->type) != 0 ||
	    p->private != run->last_private + 1) {
		return 0;
	}
	if (!run->first.public) {
		return !p->public;
	}
	/* Docker joins only ports that are published under their own number. */
	return p->public == p->private && run->last_public == run->last_private;
}

void ports_print(struct json_object *ports, struct buf *out)
{
	size_t n = json_array_size(ports), n_runs = 0, k;
	auto_free struct port *list = calloc(n + 1, sizeof(*list));
	auto_free struct run *runs = calloc(n + 1, sizeof(*runs));

	if (!list || !runs) {
		return;
	}
	for (size_t i = 0; i < n; i++) {
		struct json_object *o = json_object_array_get_idx(ports, i);

		list[i].ip = json_get_string(o, "IP") ? json_get_string(o, "IP") : "";
		list[i].type = json_get_string(o, "Type") ? json_get_string(o, "Type") : "tcp";
		list[i].private = json_get_int(o, "PrivatePort", 0);
		list[i].public = json_get_int(o, "PublicPort", 0);
	}
	qsort(list, n, sizeof(*list), compare_ports);
	for (size_t i = 0; i < n; i++) {
		for (k = 0; k < n_runs && !continues(&runs[k], &list[i]); k++) {
		}
		if (k == n_runs) {
			runs[n_runs++].first = list[i];
		}
		runs[k].last_private = list[i].private;
		runs[k].last_public = list[i].public;
	}
	qsort(runs, n_runs, sizeof(*runs), compare_runs);
	for (size_t i = 0; i < n_runs; i++) {
		print_run(&runs[i], out);
	}
}
