/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cni.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "helpers/rtnl.h"

/* 10.89.0.0/24 to 10.89.255.0/24. */
static void candidate(int i, char *ret)
{
	snprintf(ret, ADDRESS_TEXT, "10.89.%d.0/24", i);
}

static int overlaps(const struct subnet *to, void *arg)
{
	/* A default route leads everywhere and takes nothing. */
	return to->bits > 0 && subnet_overlaps(to, arg) ? 1 : 0;
}

static int is_routed(struct rtnl *host, const char *text, int *ret)
{
	struct subnet s;
	int r = subnet_parse(text, &s, NULL) < 0 ? -EINVAL : rtnl_each_route(host, AF_INET, overlaps, &s);

	*ret = r > 0;
	return r < 0 ? r : 0;
}

int cni_claim_subnet(struct cni *d, const char *network, char *ret, struct gantry_error *err)
{
	auto_(rtnl) struct rtnl host = RTNL_INIT;
	int r = rtnl_open(&host, -1);

	for (int i = 0; r == 0 && i < 256; i++) {
		char key[ADDRESS_TEXT + 8];
		int routed;

		candidate(i, ret);
		r = is_routed(&host, ret, &routed);
		if (r < 0 || routed) {
			continue;
		}
		snprintf(key, sizeof(key), "subnet/%s", ret);
		r = store_put_new(&d->store, key, network, err);
		if (r == 0) {
			return 0;
		}
		if (r != GANTRY_ERR_EXISTS) {
			return r;
		}
		error_clear(err);
		r = 0;
	}
	if (r < 0) {
		return error_errno(err, -r, "cannot read the routes of this host");
	}
	error_set(err, GANTRY_ERR_NO_SPACE, "no subnet of 10.89.0.0/16 is free");
	return error_hint(err, "choose one with --subnet");
}

int cni_release_subnets(struct cni *d, const char *network, struct gantry_error *err)
{
	auto_(reply) struct reply records = REPLY_INIT;
	const char *const *keys, *const *values;
	int r = store_list(&d->store, "subnet/", &records, err);

	keys = reply_list(&records, 0);
	values = reply_list(&records, 1);
	for (size_t i = 0; r == 0 && keys[i] && values[i]; i++) {
		if (!strcmp(values[i], network)) {
			r = store_remove(&d->store, keys[i], err);
		}
	}
	return r;
}
