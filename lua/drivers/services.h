/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The real services behind gantry.* for scripts that run under a host: storage
 * in the host's store, secrets from a folder, HTTP and declared commands.
 */
#ifndef LUA_DRIVERS_SERVICES_H
#define LUA_DRIVERS_SERVICES_H

#include <gantry/error.h>
#include <gantry/plugin.h>

struct buf;
struct services;

struct script_host {
	const struct gantry_host *host;
	const char *prefix;         /* of its keys in the store, and of log lines */
	const char *secrets_folder; /* NULL: no secrets */
	const char *module_folder;  /* NULL: no require */
	const char *const *grants;
};

/* Fills *ret.  The strings of *from are copied. */
int script_services_new(const struct script_host *from, struct services *ret,
			struct gantry_error *err);
void script_services_free(struct services *services);

/* The text of a module of a package, for require. */
int script_module_read(const char *folder, const char *name, struct buf *ret,
		       struct gantry_error *err);

#endif
