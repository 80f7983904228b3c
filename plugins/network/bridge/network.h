/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A bridge network as its options describe it: read from JSON with every value checked, completed,
 * and written back.
 */
#ifndef BRIDGE_NETWORK_H
#define BRIDGE_NETWORK_H

#include <net/if.h>

#include <gantry/error.h>

#include "helpers/address.h"

#define MAX_AUXILIARY 64

struct pool {
	struct subnet subnet;   /* family 0: to be chosen, or none */
	struct subnet range;    /* where addresses are taken from; family 0: subnet */
	struct address gateway; /* family 0: to be chosen, or none */
	struct address auxiliary[MAX_AUXILIARY];
	int n_auxiliary;
};

struct network {
	char id[65];
	char bridge[IFNAMSIZ];
	int names_bridge; /* the options do, so that an existing one may be meant */
	int internal;
	int icc;        /* containers of this network may talk to each other */
	int masquerade;
	int ipv6;
	int no_gateway_address; /* inhibit_ipv4 */
	int sockets;    /* TCP to the outside is made in the host: 1, 0, -1 not chosen */
	int mtu;        /* 0: the kernel's default */
	struct address host_binding; /* where ports are published by default */
	struct pool v4, v6;
};

struct json_object;

/* Reads options; what they leave open stays 0.  name may be NULL when the options are
 * complete. INVALID or UNSUPPORTED names the option. */
int network_parse(const char *id, const char *name, const char *options, struct network *ret,
		  struct gantry_error *err);

/* The options with what was chosen filled in; the caller owns *ret. */
int network_complete(const struct network *n, const char *options, struct json_object **ret,
		     struct gantry_error *err);

/* Gateways that were left open become the first address of their range. */
void network_choose_gateways(struct network *n);

#endif
