/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/paths.h"
#include "core/base/session.h"
#include "core/core.h"
#include "helpers/buf.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "helpers/io.h"
#include "helpers/privilege.h"

char *path_join(const char *first, ...)
{
	struct buf b = BUF_INIT;
	const char *part;
	va_list ap;

	buf_adds(&b, first);
	va_start(ap, first);
	while ((part = va_arg(ap, const char *))) {
		buf_addc(&b, '/');
		buf_adds(&b, part);
	}
	va_end(ap);
	return buf_steal(&b);
}

/* The folder of the running program, when plugins lie beside it as in a build
 * tree; else NULL. */
static char *find_build_tree(void)
{
	char exe[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", exe, sizeof(exe) - 1);
	auto_free char *probe = NULL;
	char *slash;

	if (n <= 0) {
		return NULL;
	}
	exe[n] = '\0';
	for (int up = 0; up < 4 && (slash = strrchr(exe, '/')); up++) {
		*slash = '\0';
		free(probe);
		probe = path_join(exe, "plugins/api/docker/docker.so", NULL);
		if (probe && access(probe, F_OK) == 0) {
			return strdup(exe);
		}
	}
	return NULL;
}

/* realpath() that keeps what does not exist yet: the folder is made. */
static int absolute_folder(char **path, mode_t mode, struct gantry_error *err)
{
	char *real;
	int r = make_dirs(AT_FDCWD, *path, mode);

	if (r < 0) {
		error_errno(err, -r, "cannot create folder %s", *path);
		return error_hint(err, "choose another with --root and --run-root, or change its owner");
	}
	if ((*path)[0] == '/') {
		return 0;
	}
	real = realpath(*path, NULL);
	if (!real) {
		return error_errno(err, errno, "cannot resolve folder %s", *path);
	}
	free(*path);
	*path = real;
	return 0;
}

/* Behind what came with gantry: what was installed from packages. */
static int add_installed(struct paths *p, struct gantry_error *err)
{
	char *path;

	if (asprintf(&path, "%s:%s/plugins/drivers", p->plugin_path, p->root) < 0) {
		return error_no_memory(err);
	}
	free(p->plugin_path);
	p->plugin_path = path;
	return 0;
}

/* The option, else the variable; NULL when neither is set. */
static const char *named_folder(const char *option, const char *env)
{
	const char *value = option ? option : getenv(env);

	return value && *value ? value : NULL;
}

/* Root of a user namespace may be an ordinary user to the host's files. */
static int is_system(void)
{
	return geteuid() == 0 && (in_initial_userns() || access("/var/lib", W_OK) == 0);
}

/* Folders that nobody names are the system's or this user's. */
static int choose_folders(struct paths *p, const struct core_options *options, struct gantry_error *err)
{
	const char *root = named_folder(options->root, "GANTRY_ROOT");
	const char *run_root = named_folder(options->run_root, "GANTRY_RUN_ROOT");
	int r;

	p->root = root ? strdup(root) : is_system() ? strdup("/var/lib/gantry") : session_data_folder();
	r = p->root ? absolute_folder(&p->root, 0711, err) : error_no_memory(err);
	if (r < 0) {
		return r;
	}
	p->run_root = run_root	    ? strdup(run_root)
		      : is_system() ? strdup("/run/gantry")
				    : session_run_folder(p->root);
	r = p->run_root ? absolute_folder(&p->run_root, 0711, err) : error_no_memory(err);
	if (r == 0 && !run_root && !is_system()) {
		session_keep_run_folder(p->root, p->run_root);
	}
	return r;
}

static char *program(const char *tree, const char *name)
{
	return tree ? path_join(tree, name, NULL) : path_join(LIBEXECDIR, name, NULL);
}

int paths_init(struct paths *p, const struct core_options *options, struct gantry_error *err)
{
	auto_free char *tree = find_build_tree();
	const char *plugins = options->plugin_path ? options->plugin_path : getenv("GANTRY_PLUGIN_PATH");
	const char *config = options->config_file ? options->config_file : getenv("GANTRY_CONFIG_FILE");

	int r;

	*p = (struct paths){ .uninstalled = tree != NULL };
	p->plugin_path = plugins && *plugins ? strdup(plugins)
			 : tree		     ? path_join(tree, "plugins", NULL)
					     : strdup(PLUGINDIR);
	p->shim = program(tree, "gantry-shim");
	p->reconcile = program(tree, "gantry-reconcile");
	p->lazyfs = program(tree, "gantry-lazyfs");
	p->emulate = program(tree, "gantry-emulate");
	p->plugin_host = program(tree, "gantry-plugin-host");
	p->share = tree ? strdup(tree) : strdup(PKGDATADIR);
	if (config && *config) {
		p->config_file = strdup(config);
	}
	if (!p->plugin_path || !p->shim || !p->reconcile || !p->lazyfs ||
	    !p->emulate || !p->plugin_host || !p->share) {
		return error_no_memory(err);
	}
	r = choose_folders(p, options, err);
	return r < 0 ? r : add_installed(p, err);
}

void paths_done(struct paths *p)
{
	free(p->root);
	free(p->run_root);
	free(p->plugin_path);
	free(p->shim);
	free(p->reconcile);
	free(p->lazyfs);
	free(p->emulate);
	free(p->plugin_host);
	free(p->config_file);
	free(p->share);
	*p = (struct paths){ 0 };
}
