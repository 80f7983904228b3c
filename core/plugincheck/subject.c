/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/paths.h"
#include "core/config/config.h"
#include "core/plugin/manifest.h"
#include "core/plugin/native.h"
#include "core/plugin/script.h"
#include "core/plugincheck/subject.h"
#include "helpers/buf.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "helpers/interfaces.h"
#include "helpers/json.h"

struct subject {
	struct kit_subject kit;
	struct json_object *manifest; /* NULL: a bare file */
	char *file;
	char *kind;
	char *name;
	char *config;
	char *title;
	struct native_plugin *plugin;
};

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

/* Which driver: the one asked for, or the only one. */
static int choose_driver(struct subject *s, const char *wanted, struct gantry_error *err)
{
	const struct gantry_driver *d = native_plugin_driver_at(s->plugin, 0);
	const char *slash = wanted ? strchr(wanted, '/') : NULL;

	if (wanted && !slash) {
		return error_set(err, GANTRY_ERR_INVALID, "\"%s\" is not KIND/NAME", wanted);
	}
	if (!wanted && native_plugin_driver_at(s->plugin, 1)) {
		error_set(err, GANTRY_ERR_INVALID, "%s has several drivers", s->file);
		return error_hint(err, "say which with --driver KIND/NAME, for example %s/%s", d->kind, d->name);
	}
	s->kind = wanted ? strndup(wanted, (size_t)(slash - wanted)) : strdup(d->kind);
	s->name = strdup(wanted ? slash + 1 : d->name);
	if (!s->kind || !s->name) {
		return error_no_memory(err);
	}
	if (!native_plugin_driver(s->plugin, s->kind, s->name) || !interface_find(s->kind)) {
		return error_set(err, GANTRY_ERR_NOT_FOUND, "plugin %s has no driver %s/%s", s->file, s->kind, s->name);
	}
	return 0;
}

/* The driver's configuration: its defaults, and what the file says. */
static int read_config(struct subject *s, const char *file, const struct gantry_driver *driver,
		       struct gantry_error *err)
{
	struct paths paths = { .config_file = (char *)(uintptr_t)(file ? file : "/dev/null") };
	struct config *config;
	int r = config_load(&paths, NULL, &config, err);

	if (r == 0) {
		r = config_for_driver(config, driver, s->name, &s->config, err);
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
		.open = open_driver,
		.call = call_driver,
		.has = has_operation,
		.close = close_driver,
		.in_process = 1,
		.threads = threads,
		.settings = options->settings,
	};
}

int subject_new(const struct subject_options *options, struct subject **ret, struct gantry_error *err)
{
	struct subject *s = calloc(1, sizeof(*s));
	const struct gantry_driver *driver;
	int r = s ? find_manifest(s, options->path, err) : error_no_memory(err);

	if (r == 0) {
		r = native_plugin_load(s->file, &s->plugin, err);
	}
	if (r == 0) {
		r = choose_driver(s, options->driver, err);
	}
	if (r == 0) {
		driver = native_plugin_driver(s->plugin, s->kind, s->name);
		r = read_config(s, options->config_file, driver, err);
	}
	if (r == 0 && asprintf(&s->title, "%s driver %s (%s, isolation none)", s->kind, s->name,
			       script_suffix(s->file) ? "script" : "native") < 0) {
		s->title = NULL;
		r = error_no_memory(err);
	}
	if (r < 0) {
		subject_free(s);
		return r;
	}
	fill_kit(s, options, native_plugin_driver(s->plugin, s->kind, s->name)->threads);
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
	const struct gantry_plugin *p = native_plugin_descriptor(s->plugin);
	const char *needs;
	char text[32];

	if (!s->manifest) {
		error_set(err, GANTRY_ERR_NOT_FOUND, "there is no plugin.conf beside %s", s->file);
		return error_hint(err, "a plugin without one cannot be found, packed or installed");
	}
	if (!manifest_has_driver(s->manifest, s->kind, s->name)) {
		return error_set(err, GANTRY_ERR_INVALID, "plugin.conf does not list %s driver %s", s->kind, s->name);
	}
	for (unsigned i = 0; native_plugin_driver_at(s->plugin, i); i++) {
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
