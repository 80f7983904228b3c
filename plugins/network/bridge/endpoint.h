/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Endpoints: a veth pair between a bridge and a sandbox, its addresses, routes and
 * published ports.
 */
#ifndef BRIDGE_ENDPOINT_H
#define BRIDGE_ENDPOINT_H

#include <gantry/network.h>

#include "bridge.h"

/* As the operations of the kind network. */
int endpoint_attach(const struct bridge_driver *d, const struct gantry_network_attach_args *args,
		    struct gantry_reply *reply, struct gantry_error *err);
int endpoint_detach(const struct bridge_driver *d, const struct gantry_network_detach_args *args,
		    struct gantry_error *err);

/* Frees what belongs to endpoints that are not in the list.  The caller holds the lock. */
int endpoint_reconcile(const struct bridge_driver *d, const char *const *endpoints,
		       struct gantry_error *err);

#endif
