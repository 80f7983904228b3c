/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The driver instance, and the networks: bridge interfaces with addresses, rules and
 * kernel settings.
 *
 * Its records, each written before what it records is made, and removed after that is
 * gone:
 *
 *	net/<network>            {Name, Bridge, Adopted, Options}
 *	ip/<network>/<hex>       "<endpoint> <container's name>"; 8 or 32 digits
 *	port/<proto>/<port>/<host address>  "<endpoint> <address> <port> <container's name>"
 *	sysctl/<name>            what it was before
 */
#ifndef BRIDGE_BRIDGE_H
#define BRIDGE_BRIDGE_H

#include "network.h"
#include "helpers/store.h"

struct json_object;
struct rtnl;

struct bridge_driver {
	const struct gantry_host *host;
	const struct gantry_log_service *log; /* or NULL */
	struct store store;
	char way_out[16]; /* as configured: auto, pasta, slirp4netns, relay */
};

/* One text for the log service. */
void bridge_warn(const struct bridge_driver *d, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* Serialises what changes networks, between all processes of this engine.  The
 * descriptor, to be closed, or a negative code. */
int bridge_lock(const struct bridge_driver *d, struct gantry_error *err);

/* As the operations of the kind network. *ret: the complete options, the caller's. */
int bridge_create(const struct bridge_driver *d, const char *id, const char *name,
		  const char *options, struct json_object **ret, struct gantry_error *err);
int bridge_remove(const struct bridge_driver *d, const char *id, struct gantry_error *err);

/* Makes again what a reboot or somebody removed: interface, settings, rules. */
int bridge_restore(const struct bridge_driver *d, struct rtnl *host, const struct network *n,
		   struct gantry_error *err);

/* Finishes the removal of networks that are not in the list.  The caller holds the lock. */
int bridge_reconcile(const struct bridge_driver *d, const char *const *networks,
		     struct gantry_error *err);

#endif
