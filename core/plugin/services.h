/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The host that a driver sees: its folders and the service tables behind
 * query().  One per opened driver.
 */
#ifndef CORE_PLUGIN_SERVICES_H
#define CORE_PLUGIN_SERVICES_H

#include <gantry/plugin.h>

struct db;
struct events;
struct gantry_engine_service;
struct service_host;

int service_host_new(struct db *db, struct events *events, const struct gantry_engine_service *engine, const char *kind,
		     const char *name, const char *state_dir, const char *run_dir,
		     struct service_host **ret, struct gantry_error *err);
struct service_host *service_host_free(struct service_host *h);
const struct gantry_host *service_host_public(const struct service_host *h);

#endif
