/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The host that a native driver sees when it runs in a process of its own: its
 * services are requests to the engine, and its log is messages.
 */
#ifndef CORE_PLUGINHOST_SERVICES_H
#define CORE_PLUGINHOST_SERVICES_H

#include <gantry/engine.h>
#include <gantry/plugin.h>

#include "core/plugin/peer.h"

struct host_services {
	struct gantry_host public; /* first */
	struct peer *peer;
	int engine_allowed;
	struct gantry_engine_ops engine_ops;
	struct gantry_engine_service engine;
};

void services_init(struct host_services *s, struct peer *peer, const char *kind, const char *state_dir,
		   const char *run_dir);

/* engine.c: the engine's operations as requests. */
void services_fill_engine(struct host_services *s);
/* Sends a request and waits for its answer. */
int services_request(struct host_services *s, const char *name, const struct gantry_op *op, const void *args,
		     struct gantry_reply *reply, struct gantry_error *err);

#endif
