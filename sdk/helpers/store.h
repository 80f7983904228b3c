/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A driver's records in the host's store: text by key, durable, safe from any thread and
 * process.
 */
#ifndef HELPERS_STORE_H
#define HELPERS_STORE_H

#include <gantry/plugin.h>

#include "reply.h"

struct store {
	const struct gantry_host *host;
	const struct gantry_store_service *service;
};

int store_init(struct store *s, const struct gantry_host *host, struct gantry_error *err);

/* *ret is the value, owned by the caller; NOT_FOUND. */
int store_get(const struct store *s, const char *key, char **ret, struct gantry_error *err);
int store_put(const struct store *s, const char *key, const char *value, struct gantry_error *err);
/* EXISTS when another process was faster. */
int store_put_new(const struct store *s, const char *key, const char *value,
		  struct gantry_error *err);
/* A missing key is no error. */
int store_remove(const struct store *s, const char *key, struct gantry_error *err);
/* Field 0: keys, field 1: values, in the order of the keys; the caller's reply. */
int store_list(const struct store *s, const char *prefix, struct reply *ret,
	       struct gantry_error *err);

#endif
