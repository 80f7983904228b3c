/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All nftables rules of gantry: one table, inet gantry.  What belongs to a network
 * is named by its bridge, what belongs to a published port is one element of a map, so everything
 * can be put back or taken away without looking for it.
 */
#ifndef BRIDGE_RULES_H
#define BRIDGE_RULES_H

#include <stdint.h>

#include "network.h"

/* Makes the table where missing and (again) the rules of a network. */
int rules_add_network(const struct network *n, struct gantry_error *err);

/* Removes the rules of a bridge. */
int rules_remove_network(const char *bridge, struct gantry_error *err);

/* One published port: to the host's address (0: all of the family) and port, from there
 * to the container. */
struct published {
	const char *protocol; /* "tcp", "udp", "sctp" */
	struct address host;
	uint16_t host_port;
	struct address to;
	uint16_t to_port;
};

/* All or none.  NOT_FOUND when the table is gone (somebody flushed the ruleset), EXISTS when
 * one is published already, by whoever. */
int rules_add_ports(const struct published *ports, int n, struct gantry_error *err);
/* Those that are gone already are no error. */
int rules_remove_ports(const struct published *ports, int n, struct gantry_error *err);

#endif
