/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Kernel settings that a bridge network needs.  What was changed for the whole host is
 * recorded under sysctl/ in the store, with its former value.
 */
#ifndef BRIDGE_SYSCTL_H
#define BRIDGE_SYSCTL_H

#include "network.h"
#include "helpers/store.h"

/* Forwarding for the host. */
int sysctl_enable_forwarding(const struct store *s, int ipv6, struct gantry_error *err);

/* For the bridge: published ports reachable from loopback, no router advertisements
 * taken from containers. */
int sysctl_prepare_bridge(const struct network *n, struct gantry_error *err);

#endif
