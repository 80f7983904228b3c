/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Script hosts: a shared object that turns a script into a plugin, so that a
 * driver in another language is to everybody else a plugin like any other.  The
 * host for files that end in ".lua" is hosts/lua.so in the plugin folder; it
 * exports `gantry_script_host`, a constant struct gantry_script_host.
 *
 * Since 1.0.
 */
#ifndef GANTRY_SCRIPT_H
#define GANTRY_SCRIPT_H

#include <gantry/plugin.h>

#ifdef __cplusplus
extern "C" {
#endif

struct gantry_script_host {
	uint32_t size;
	uint32_t abi;       /* GANTRY_ABI_VERSION */
	const char *name;   /* "lua" */
	const char *suffix; /* ".lua" */
	/* Reads the script and describes it as a plugin.  permissions is what was
	 * granted to it and ends with NULL; as argument NULL, it is what the manifest
	 * (plugin.conf beside the script) lists, which the administrator confirmed.  *ret lives until unload, which is called after its
	 * drivers are closed. */
	int (*load)(const char *path, const char *const *permissions,
		    const struct gantry_plugin **ret, struct gantry_error *err);
	void (*unload)(const struct gantry_plugin *plugin);
};

#ifdef __cplusplus
}
#endif

#endif
