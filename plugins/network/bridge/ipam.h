/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which subnet a network gets and which address an endpoint gets.  Addresses are
 * taken by creating their record, so that processes which attach at once never share one.
 */
#ifndef BRIDGE_IPAM_H
#define BRIDGE_IPAM_H

#include "network.h"
#include "helpers/store.h"

struct rtnl;

/* Chooses subnets that n leaves open and refuses those that overlap with another network of this
 * engine.  The caller holds the driver's lock.  IN_USE, NO_SPACE. */
int ipam_choose_subnets(const struct store *s, struct rtnl *host, struct network *n,
			const char *name, struct gantry_error *err);

/* Takes wanted, or the lowest free address (wanted NULL), for an endpoint; the one it holds
 * already is returned again.  IN_USE names the holder, NO_SPACE. */
int ipam_take(const struct store *s, const struct network *n, const struct pool *pool,
	      const char *endpoint, const char *owner, const struct address *wanted,
	      struct address *ret, struct gantry_error *err);

/* Frees all addresses of an endpoint. */
int ipam_release(const struct store *s, const char *network, const char *endpoint,
		 struct gantry_error *err);

#endif
