/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The driver's records in the host's store.  Each is written before what it records is
 * made, and removed after that is gone:
 *
 *	net/<network>            {Name, Bridge, Adopted, Options}
 *	ip/<network>/<hex>       "<endpoint> <container's name>"; 8 or 32 digits
 *	port/<proto>/<port>/<host address>  "<endpoint> <address> <port> <container's name>"
 *	sysctl/<name>            what it was before
 */
#ifndef BRIDGE_STORE_H
#define BRIDGE_STORE_H

#include <gantry/plugin.h>

#include "helpers/reply.h"

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
