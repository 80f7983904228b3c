/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Plugins that are scripts: a script host (gantry/script.h) describes the file,
 * and from then on it is a plugin like a native one.
 */
#ifndef CORE_PLUGIN_SCRIPT_H
#define CORE_PLUGIN_SCRIPT_H

#include <gantry/plugin.h>

/* The suffix by which a file is known as a script, or NULL. */
const char *script_suffix(const char *path);

struct gantry_script_host;

/* Describes the script at path, which lies in <plugins>/<kind>/<name>/.  Its
 * host is <plugins>/hosts/<suffix>.so, or the installed one, and stays loaded as
 * native code does.  *ret lives until (*ret_host)->unload is called with it. */
int script_load(const char *path, const struct gantry_plugin **ret,
		const struct gantry_script_host **ret_host, struct gantry_error *err);

#endif
