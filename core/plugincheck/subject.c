/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/paths.h"
#include "core/config/config.h"
#include "core/core.h"
#include "core/plugin/manifest.h"
#include "core/plugin/native.h"
#include "core/plugin/process.h"
#include "core/plugin/script.h"
#include "core/plugincheck/subject.h"
#include "helpers/buf.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "helpers/interfaces.h"
#include "helpers/io.h"
#include "helpers/json.h"

struct subject {
	struct kit_subject kit;
	struct json_object *manifest; /* NULL: a bare file */
	char *file;
	char *kind;
	char *name;
	char *config;
	char *title;
	struct native_plugin *plugin; /* in this process; or NULL */
	/* In one of its own: */
	struct paths paths;
	struct process_spec spec;
	const char **permissions;
	struct gantry_fake *fake;         /* where it was asked who it is */
	struct process_driver *asked;     /* until it has answered */
	struct gantry_error manifest_err; /* what the manifest says wrongly */
};

static int open_isolated(void *data, const struct gantry_host *host, const char *config, void **ret_instance,
			 struct gantry_error *err)
{
	struct subject *s = data;
	struct process_spec spec = s->spec;
	auto_free char *containers = NULL;
	struct process_driver *p;
	int r;

	spec.state_dir = host->state_dir;
	spec.run_dir = host->run_dir;
	/* Where the suite puts the folders of containers, as the engine has them. */
	if (asprintf(&containers, "%s/../containers", host->state_dir) < 0) {
		containers = NULL;
		return error_no_memory(err);
	}
	(void)make_dirs(AT_FDCWD, containers, 0700);
	spec.folders[0] = !strcmp(s->kind, "log") ? containers : NULL;
	r = process_driver_new(&spec, host, &p, err);
	if (r == 0) {
		r = process_driver_open(p, config, (struct driver **)ret_instance, err);
		if (r < 0) {
			process_driver_free(p);
		}
	}
	return r;
}

static int open_driver(void *data, const struct gantry_host *host, const char *config, void **ret_instance,
		       struct gantry_error *err)
{
	struct subject *s = data;

	return native_driver_open(s->plugin, s->kind, s->name, host, config, (struct driver **)ret_instance, err);
}

static int call_driver(void *instance, unsigned op, const void *args, struct reply *ret,
		       struct gantry_error *err)
{
	return driver_call(instance, op, args, ret, err);
}

static int has_operation(void *instance, unsigned op)
{
	return driver_has(instance, op);
}

static void close_driver(void *instance)
{
	driver_free(instance);
}

struct subject *subject_free(struct subject *s)
{
	if (s) {
		native_plugin_unref(s->plugin);
		process_driver_free(s->asked);
		gantry_fake_free(s->fake);
		free(s->permissions);
		paths_done(&s->paths);
		json_object_put(s->manifest);
		free(s->file);
		free(s->kind);
		free(s->name);
		free(s->config);
		free(s->title);
		free(s);
	}
	return NULL;
}

static int is_folder(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* The manifest of a folder, or of the folder of a file when it is about that file. */
static int find_manifest(struct subject *s, const char *path, struct gantry_error *err)
{
	auto_free char *real = realpath(path, NULL);
	char *slash;
	int r;

	if (!real) {
		return error_set(err, GANTRY_ERR_NOT_FOUND, "there is no %s", path);
	}
	if (is_folder(real)) {
		r = manifest_read(real, &s->manifest, err);
		s->file = r == 0 ? path_join(real, json_get_string(s->manifest, "File"), NULL) : NULL;
		return r == 0 && !s->file ? error_no_memory(err) : r;
	}
	s->file = strdup(real);
	slash = strrchr(real, '/');
	*slash = '\0';
	if (manifest_read(real, &s->manifest, err) < 0 ||
	    strcmp(json_get_string(s->manifest, "File"), slash + 1) != 0) {
		json_object_put(s->manifest);
		s->manifest = NULL;
		error_clear(err);
	}
	return s->file ? 0 : error_no_memory(err);
}

static int set_driver(struct subject *s, const char *kind, size_t kind_len, const char *name,
		      struct gantry_error *err)
{
	s->kind = strndup(kind, kind_len);
	s->name = strdup(name);
	if (!s->kind || !s->name) {
		return error_no_memory(err);
	}
	return interface_find(s->kind) ? 0
				       : error_set(err, GANTRY_ERR_NOT_FOUND, "there is no kind \"%s\"", s->kind);
}

/* Which driver: the one asked for, or the only one of the manifest or the plugin. */
static int choose_driver(struct subject *s, const char *wanted, struct gantry_error *err)
{
	struct json_object *list = json_get_array(s->manifest, "Drivers");
	struct json_object *first = json_array_size(list) ? json_object_array_get_idx(list, 0) : NULL;
	const struct gantry_driver *d = s->plugin ? native_plugin_driver_at(s->plugin, 0) : NULL;
	const char *slash = wanted ? strchr(wanted, '/') : NULL;

	if (wanted && !slash) {
		return error_set(err, GANTRY_ERR_INVALID, "\"%s\" is not KIND/NAME", wanted);
	}
	if (wanted) {
		return set_driver(s, wanted, (size_t)(slash - wanted), slash + 1, err);
	}
	if (json_array_size(list) > 1 || (d && native_plugin_driver_at(s->plugin, 1))) {
		error_set(err, GANTRY_ERR_INVALID, "%s has several drivers", s->file);
		return error_hint(err, "say which with --driver KIND/NAME");
	}
	if (first) {
		const char *kind = json_get_string(first, "Kind");

		return set_driver(s, kind, strlen(kind), json_get_string(first, "Name"), err);
	}
	return d ? set_driver(s, d->kind, strlen(d->kind), d->name, err)
		 : error_set(err, GANTRY_ERR_NOT_FOUND, "there is no plugin.conf beside %s", s->file);
}

/* The driver's configuration: its defaults, and what the file says. */
static int read_config(struct subject *s, const struct subject_options *options,
		       const struct gantry_driver *driver, struct gantry_error *err)
{
	const char *file = options->config_file ? options->config_file : "/dev/null";
	struct paths paths = { .config_file = (char *)(uintptr_t)file };
	struct config *config;
	int r = config_load(&paths, NULL, &config, err);

	if (r == 0) {
		r = config_for_driver(config, driver, options->instance ? options->instance : s->name,
				      &s->config, err);
		config_free(config);
	}
	return r;
}

static void fill_kit(struct subject *s, const struct subject_options *options, uint32_t threads)
{
	s->kit = (struct kit_subject){
		.iface = interface_find(s->kind),
		.name = s->name,
		.config = s->config,
		.data = s,
		.open = s->plugin ? open_driver : open_isolated,
		.call = call_driver,
		.has = has_operation,
		.close = close_driver,
		.in_process = s->plugin != NULL,
		.is_script = script_suffix(s->file) != NULL,
		.threads = threads,
		.settings = options->settings,
	};
}

static int is_exec(const struct subject *s)
{
	const char *form = json_get_string(s->manifest, "Form");

	return form && strcmp(form, "exec") == 0;
}

static int is_isolated(const struct subject *s, const char *wanted, int *ret, struct gantry_error *err)
{
	if (wanted && strcmp(wanted, "none") != 0 && strcmp(wanted, "process") != 0) {
		return error_set(err, GANTRY_ERR_INVALID, "isolation is none or process, not \"%s\"", wanted);
	}
	if (wanted && is_exec(s) && strcmp(wanted, "none") == 0) {
		return error_set(err, GANTRY_ERR_INVALID, "%s is an executable, which has a process of its own", s->file);
	}
	*ret = is_exec(s) || (wanted && strcmp(wanted, "process") == 0);
	return 0;
}

/* Starts it once, on a host of its own, to learn what it is. */
static int ask_isolated(struct subject *s, struct gantry_error *err)
{
	struct json_object *list = json_get_array(s->manifest, "Permissions");
	size_t n = json_array_size(list);
	const struct gantry_host *host;
	struct core_options folders;
	int r;

	s->fake = gantry_fake_new();
	host = gantry_fake_host(s->fake);
	folders = (struct core_options){ .root = host->state_dir, .run_root = host->run_dir };
	r = paths_init(&s->paths, &folders, err);
	s->permissions = calloc(n + 1, sizeof(*s->permissions));
	if (r < 0 || !s->permissions) {
		return r < 0 ? r : error_no_memory(err);
	}
	for (size_t i = 0; i < n; i++) {
		s->permissions[i] = json_item_string(list, i);
	}
	s->spec = (struct process_spec){
		.host_program = s->paths.plugin_host,
		.kind = s->kind,
		.name = s->name,
		.file = s->file,
		.exec = is_exec(s),
		.permissions = s->permissions,
		.state_dir = host->state_dir,
		.run_dir = host->run_dir,
	};
	return process_driver_new(&s->spec, host, &s->asked, err);
}

/* The driver's table, wherever it runs. */
static const struct gantry_driver *table_of(const struct subject *s)
{
	return s->asked ? process_driver_table(s->asked) : native_plugin_driver(s->plugin, s->kind, s->name);
}

static int load(struct subject *s, const struct subject_options *options, struct gantry_error *err)
{
	int isolated = 0, r = is_isolated(s, options->isolation, &isolated, err);

	if (r == 0 && !isolated) {
		r = native_plugin_load(s->file, &s->plugin, err);
	}
	if (r == 0) {
		r = choose_driver(s, options->driver, err);
	}
	if (r == 0 && isolated) {
		r = ask_isolated(s, err);
	}
	if (r == 0 && !table_of(s)) {
		r = error_set(err, GANTRY_ERR_NOT_FOUND, "plugin %s has no driver %s/%s", s->file, s->kind, s->name);
	}
	return r == 0 ? read_config(s, options, table_of(s), err) : r;
}

static int compare_manifest(const struct subject *s, struct gantry_error *err)
{
	const struct gantry_plugin *p = s->plugin ? native_plugin_descriptor(s->plugin)
						  : process_driver_descriptor(s->asked);
	const char *needs;
	char text[32];

	if (!s->manifest) {
		error_set(err, GANTRY_ERR_NOT_FOUND, "there is no plugin.conf beside %s", s->file);
		return error_hint(err, "a plugin without one cannot be found, packed or installed");
	}
	if (!manifest_has_driver(s->manifest, s->kind, s->name)) {
		return error_set(err, GANTRY_ERR_INVALID, "plugin.conf does not list %s driver %s", s->kind, s->name);
	}
	for (unsigned i = 0; s->plugin && native_plugin_driver_at(s->plugin, i); i++) {
		const struct gantry_driver *d = native_plugin_driver_at(s->plugin, i);

		if (!manifest_has_driver(s->manifest, d->kind, d->name)) {
			return error_set(err, GANTRY_ERR_INVALID, "plugin.conf does not list %s driver %s", d->kind,
					 d->name);
		}
	}
	if (script_suffix(s->file)) {
		return 0; /* its descriptor is made of the manifest's facts and the script's */
	}
	if (strcmp(json_get_string(s->manifest, "Name"), p->name) != 0) {
		return error_set(err, GANTRY_ERR_INVALID, "plugin.conf says name %s, the plugin says %s",
				 json_get_string(s->manifest, "Name"), p->name);
	}
	if (strcmp(json_get_string(s->manifest, "Version"), p->version) != 0) {
		return error_set(err, GANTRY_ERR_INVALID, "plugin.conf says version %s, the plugin says %s",
				 json_get_string(s->manifest, "Version"), p->version);
	}
	needs = json_get_string(s->manifest, "Needs");
	snprintf(text, sizeof(text), "%u.%u", p->needs >> 16, p->needs & 0xffff);
	if (needs && strcmp(needs, text) != 0) {
		return error_set(err, GANTRY_ERR_INVALID, "plugin.conf says needs %s, the plugin says %s", needs, text);
	}
	return 0;
}

int subject_new(const struct subject_options *options, struct subject **ret, struct gantry_error *err)
{
	struct subject *s = calloc(1, sizeof(*s));
	int r = s ? find_manifest(s, options->path, err) : error_no_memory(err);

	if (r == 0) {
		r = load(s, options, err);
	}
	if (r == 0 && asprintf(&s->title, "%s driver %s (%s, isolation %s)", s->kind, s->name,
			       is_exec(s) ? "exec" : script_suffix(s->file) ? "lua" : "native",
			       s->plugin ? "none" : "process") < 0) {
		s->title = NULL;
		r = error_no_memory(err);
	}
	if (r < 0) {
		subject_free(s);
		return r;
	}
	fill_kit(s, options, table_of(s)->threads);
	(void)compare_manifest(s, &s->manifest_err);
	/* Its process would be taken for one that a test left behind. */
	s->asked = process_driver_free(s->asked);
	*ret = s;
	return 0;
}

const struct kit_subject *subject_kit(const struct subject *s)
{
	return &s->kit;
}

const char *subject_title(const struct subject *s)
{
	return s->title;
}

int subject_check_manifest(const struct subject *s, struct gantry_error *err)
{
	if (s->manifest_err.code) {
		*err = s->manifest_err;
	}
	return s->manifest_err.code;
}
