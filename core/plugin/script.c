/* SPDX-License-Identifier: Apache-2.0 */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <gantry/script.h>

#include "core/plugin/script.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"

const char *script_suffix(const char *path)
{
	const char *dot = strrchr(path, '.');

	return dot && strcmp(dot, ".lua") == 0 ? dot : NULL;
}

/* The folder so many levels above a path. */
static char *folder_above(const char *path, int levels)
{
	char *folder = realpath(path, NULL);

	for (int i = 0; folder && i < levels; i++) {
		char *slash = strrchr(folder, '/');

		if (!slash) {
			break;
		}
		*slash = '\0';
	}
	return folder;
}

/* <plugins> of <plugins>/<kind>/<name>/<file>, then those beside this program in a build
 * tree, then what was compiled in. */
static int find_host(const char *path, const char *suffix, char *out, size_t size)
{
	auto_free char *plugins = folder_above(path, 3);
	auto_free char *tree = folder_above("/proc/self/exe", 1);

	if (plugins && snprintf(out, size, "%s/hosts/%s.so", plugins, suffix + 1) < (int)size &&
	    access(out, R_OK) == 0) {
		return 0;
	}
	if (tree && snprintf(out, size, "%s/plugins/hosts/%s.so", tree, suffix + 1) < (int)size &&
	    access(out, R_OK) == 0) {
		return 0;
	}
	return snprintf(out, size, PLUGINDIR "/hosts/%s.so", suffix + 1) < (int)size &&
			       access(out, R_OK) == 0 ? 0 : -1;
}

int script_load(const char *path, const struct gantry_plugin **ret,
		const struct gantry_script_host **ret_host, struct gantry_error *err)
{
	const char *suffix = script_suffix(path);
	const struct gantry_script_host *host;
	char file[4096];
	void *handle;

	if (!suffix || find_host(path, suffix, file, sizeof(file)) < 0) {
		error_set(err, GANTRY_ERR_UNSUPPORTED,
			  "cannot load plugin %s: there is no host for such scripts", path);
		return error_hint(err, "install the package that has %s/hosts/lua.so", PLUGINDIR);
	}
	handle = dlopen(file, RTLD_NOW | RTLD_LOCAL);
	host = handle ? dlsym(handle, "gantry_script_host") : NULL;
	if (!host) {
		return error_set(err, GANTRY_ERR_UNAVAILABLE, "cannot load the script host %s: %s", file,
				 dlerror());
	}
	if (host->size < sizeof(*host) || host->abi >> 16 != GANTRY_ABI_MAJOR) {
		return error_set(err, GANTRY_ERR_UNSUPPORTED,
				 "the script host %s was built for another plugin ABI", file);
	}
	/* NULL: the permissions that the plugin.conf beside it lists. */
	*ret_host = host;
	return host->load(path, NULL, ret, err);
}
