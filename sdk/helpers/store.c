/* SPDX-License-Identifier: Apache-2.0 */
#include "cleanup.h"
#include "error.h"
#include "store.h"

int store_init(struct store *s, const struct gantry_host *host, struct gantry_error *err)
{
	s->host = host;
	s->service = gantry_service(host, "store");
	if (!s->service) {
		return error_set(err, GANTRY_ERR_UNSUPPORTED, "the host has no store for the driver's records");
	}
	return 0;
}

int store_get(const struct store *s, const char *key, char **ret, struct gantry_error *err)
{
	auto_(reply) struct reply reply = REPLY_INIT;
	int r = s->service->get(s->host, key, &reply.base, err);

	if (r < 0) {
		return r;
	}
	*ret = reply_take_string(&reply, 0);
	return *ret ? 0 : error_no_memory(err);
}

int store_put(const struct store *s, const char *key, const char *value, struct gantry_error *err)
{
	return s->service->put(s->host, key, value, err);
}

int store_put_new(const struct store *s, const char *key, const char *value,
		  struct gantry_error *err)
{
	return s->service->put_new(s->host, key, value, err);
}

int store_remove(const struct store *s, const char *key, struct gantry_error *err)
{
	struct gantry_error why = GANTRY_ERROR_INIT;
	int r = s->service->remove(s->host, key, &why);

	if (r == GANTRY_ERR_NOT_FOUND || r == 0) {
		return 0;
	}
	*err = why;
	return r;
}

int store_list(const struct store *s, const char *prefix, struct reply *ret,
	       struct gantry_error *err)
{
	return s->service->list(s->host, prefix, &ret->base, err);
}
