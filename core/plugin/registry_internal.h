/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the rooms of the registry share: finding and opening drivers (registry.c), and
 * telling of them (describe.c).
 */
#ifndef CORE_PLUGIN_REGISTRY_INTERNAL_H
#define CORE_PLUGIN_REGISTRY_INTERNAL_H

#include <pthread.h>

#include "core/plugin/registry.h"

struct entry {
	struct entry *next;
	char *kind;
	char *name;
	char *table; /* the driver's name in the plugin; an adaptor's differs from name */
	struct json_object *manifest;
	char *file;
	char *state_dir;
	char *run_dir;
	char *config;
	int isolated;
	unsigned long long reloads;      /* of its page, when it was loaded */
	struct native_plugin *plugin;    /* of one that is not isolated */
	struct process_driver *process;  /* of one that is; the driver's once it is opened */
	struct service_host *host;
	struct driver *driver; /* NULL until opened */
};

struct registry {
	pthread_mutex_t lock;
	struct entry *retired; /* replaced by a reload; calls may be under way in them */
	const struct paths *paths;
	const struct config *config;
	struct db *db;
	struct events *events;
	const struct gantry_engine_service *engine;
	struct entry *entries;
};

const struct gantry_driver *entry_table(const struct entry *e);
const struct gantry_plugin *entry_descriptor(const struct entry *e);
int entry_is_exec(const struct entry *e);

/* The entry of a driver, loaded.  Called with the lock held. */
int registry_entry(struct registry *r, const char *kind, const char *name, struct entry **ret,
		   struct gantry_error *err);

#endif
