/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The interface descriptions as data, generated from sdk/interfaces/.  One
 * table per kind, and one list of all.
 */
#ifndef HELPERS_INTERFACES_H
#define HELPERS_INTERFACES_H

#include <gantry/interface.h>

extern const struct gantry_interface interface_storage;
extern const struct gantry_interface interface_transport;
extern const struct gantry_interface interface_runtime;
extern const struct gantry_interface interface_network;
extern const struct gantry_interface interface_volume;
extern const struct gantry_interface interface_log;
extern const struct gantry_interface interface_policy;
extern const struct gantry_interface interface_api;
extern const struct gantry_interface interface_monitor;
extern const struct gantry_interface interface_cluster;
extern const struct gantry_interface interface_engine;

/* Ends with NULL. */
extern const struct gantry_interface *const interfaces_all[];

/* The interface of a kind, or NULL. */
const struct gantry_interface *interface_find(const char *kind);

#endif
