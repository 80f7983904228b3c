/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Published ports where bridges are in a namespace of the user's own: a process for each
 * endpoint listens on the host and carries what comes to the container.
 */
#ifndef BRIDGE_PUBLISH_H
#define BRIDGE_PUBLISH_H

#include "bridge.h"

struct address;

/* ports as ports_publish() described them; with gives, connections are given to who asks.  On the host's own ground the rules do it, and
 * there is nothing to do. */
int publish_ports(const struct bridge_driver *d, const char *endpoint, const struct address *v4,
		  const struct address *v6, struct json_object *ports, int gives,
		  struct gantry_error *err);
/* Where the carrier of an endpoint gives its connections away, into PATH_MAX bytes. */
int publish_give_path(const struct bridge_driver *d, const char *endpoint, char *path,
		      struct gantry_error *err);
void publish_end(const struct bridge_driver *d, const char *endpoint);

/* Ends those of endpoints that are not in the list. */
void publish_reconcile(const struct bridge_driver *d, const char *const *endpoints);

#endif
