/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The adaptor's instance.  A plugin makes interfaces; this side gives addresses (or lets an
 * IPAM plugin give them), moves interfaces into containers and sets them up there.
 * Records:
 *
 *	net/<network>        {Pools: [{Pool, PoolID, Space, Gateway, Driver}]}: after it was made
 *	ip/<network>/<address>  "<endpoint>"
 *	ep/<endpoint>        {Network, Interface, Source, Addresses: [{Address, PoolID, Driver}],
 *			     External}: before it is made, removed when it is gone
 *	subnet/<subnet>      "<network>": chosen here
 */
#ifndef REMOTE_REMOTE_H
#define REMOTE_REMOTE_H

#include <gantry/network.h>

#include "helpers/docker_plugin.h"
#include "helpers/store.h"

struct remote {
	const struct gantry_host *host;
	struct docker_plugin *plugin;
	struct json_object *config;
	struct store store;
};

/* ---- ipam.c ---- */

/* The pools that a network's options ask for, as in its record, the caller's array; the
 * options get what was chosen. */
int ipam_make_pools(struct remote *d, const char *network, struct json_object *options,
		    struct json_object **ret, struct gantry_error *err);
int ipam_release_pools(struct remote *d, const char *network, struct json_object *pools,
		       struct gantry_error *err);

/* An address of the pool for an endpoint, the wanted one (NULL or "": any): added to the
 * record's Addresses.  ret has room for an address as text, with its prefix's length. */
int ipam_take(struct remote *d, const char *network, const char *endpoint, struct json_object *pool,
	      const char *wanted, struct json_object *record, char *ret, struct gantry_error *err);
/* Frees all addresses of a record. */
int ipam_release(struct remote *d, struct json_object *record, struct gantry_error *err);

/* ---- endpoint.c: as the operations of the kind network ---- */

int remote_attach(struct remote *d, const struct gantry_network_attach_args *args,
		  struct gantry_reply *reply, struct gantry_error *err);
int remote_detach(struct remote *d, const char *endpoint, int sandbox, struct gantry_error *err);
int remote_reconcile(struct remote *d, const char *const *endpoints, struct gantry_error *err);

/* ---- interface.c ---- */

struct interface_setup {
	const char *source;   /* as the plugin called it */
	const char *prefix;   /* inside: PREFIX0, PREFIX1, ... */
	const char *mac, *v4, *v6; /* "10.1.0.2/24"; NULL: none */
	const char *gateway, *gateway6;
	struct json_object *routes; /* StaticRoutes, or NULL */
	int is_default;       /* the container's default route may lead here */
};

/* Moves an interface of the host into the sandbox and sets it up; name has IFNAMSIZ bytes. */
int interface_set_up(const struct interface_setup *s, int sandbox, char *name,
		     struct gantry_error *err);
/* And back, under its old name; one that is not there is no error. */
int interface_take_back(const char *name, const char *source, int sandbox, struct gantry_error *err);

#endif
