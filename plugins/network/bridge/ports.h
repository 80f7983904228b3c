/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Published ports: claimed by a record, tried on a socket, and put into the rules.
 */
#ifndef BRIDGE_PORTS_H
#define BRIDGE_PORTS_H

#include "network.h"
#include "helpers/store.h"

struct json_object;

struct port_owner {
	const char *endpoint;
	const char *name;        /* the container's, for messages */
	struct address v4, v6;   /* family 0: none */
};

/* Publishes a JSON array of {Protocol, ContainerPort, HostIP, HostPort}: all or none.
 * *ret is the same with what was chosen, one entry per host address; the caller owns it.
 * IN_USE names who has the port. */
int ports_publish(const struct store *s, const struct network *n, const struct port_owner *owner,
		  const char *ports, struct json_object **ret, struct gantry_error *err);

/* Takes back all ports of an endpoint. */
int ports_withdraw(const struct store *s, const char *endpoint, struct gantry_error *err);

/* Takes back those of endpoints that are not in the list. */
int ports_reconcile(const struct store *s, const char *const *endpoints, struct gantry_error *err);

#endif
