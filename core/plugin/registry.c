/* SPDX-License-Identifier: Apache-2.0 */
/* One lock around the list; an entry is constant once it is open. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/paths.h"
#include "core/config/config.h"
#include "core/plugin/adaptor.h"
#include "core/plugin/manifest.h"
#include "core/plugin/native.h"
#include "core/plugin/page.h"
#include "core/plugin/process.h"
#include "core/plugin/registry_internal.h"
#include "core/plugin/script.h"
#include "core/plugin/services.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "helpers/io.h"
#include "helpers/interfaces.h"
#include "helpers/json.h"

int registry_new(const struct paths *paths, const struct config *config, struct db *db,
		 struct events *events, const struct gantry_engine_service *engine, struct registry **ret,
		 struct gantry_error *err)
{
	struct registry *r = calloc(1, sizeof(*r));

	if (!r) {
		return error_no_memory(err);
	}
	pthread_mutex_init(&r->lock, NULL);
	r->paths = paths;
	r->config = config;
	r->db = db;
	r->events = events;
	r->engine = engine;
	*ret = r;
	return 0;
}

static void entry_free(struct entry *e)
{
	if (!e->driver) {
		process_driver_free(e->process);
	}
	driver_free(e->driver);
	service_host_free(e->host);
	native_plugin_unref(e->plugin);
	json_object_put(e->manifest);
	free(e->kind);
	free(e->name);
	free(e->table);
	free(e->file);
	free(e->state_dir);
	free(e->run_dir);
	free(e->config);
	free(e);
}

static void free_entries(struct entry *list)
{
	while (list) {
		struct entry *e = list;

		list = e->next;
		entry_free(e);
	}
}

struct registry *registry_free(struct registry *r)
{
	if (!r) {
		return NULL;
	}
	free_entries(r->entries);
	free_entries(r->retired);
	pthread_mutex_destroy(&r->lock);
	free(r);
	return NULL;
}

/* The manifest of the first folder on the path that carries the driver. */
static int find_manifest(struct registry *r, const char *kind, const char *name,
			 struct json_object **ret, struct gantry_error *err)
{
	auto_free char *path = strdup(r->paths->plugin_path);
	char *save = NULL;

	for (char *dir = strtok_r(path, ":", &save); dir; dir = strtok_r(NULL, ":", &save)) {
		auto_free char *folder = path_join(dir, kind, name, NULL);
		auto_json struct json_object *manifest = NULL;
		int code = manifest_read(folder, &manifest, err);

		if (code == GANTRY_ERR_NOT_FOUND) {
			continue;
		}
		if (code < 0) {
			return code;
		}
		if (!manifest_has_driver(manifest, kind, name)) {
			return error_set(err, GANTRY_ERR_INVALID, "%s/plugin.conf does not list %s driver %s",
					 folder, kind, name);
		}
		*ret = steal(&manifest);
		return 0;
	}
	error_set(err, GANTRY_ERR_NOT_FOUND, "there is no %s driver \"%s\"", kind, name);
	return error_hint(err, "`gantry plugin ls` shows what is installed; searched: %s",
			  r->paths->plugin_path);
}

static int driver_folder(const char *base, const char *kind, const char *name, mode_t mode,
			 char **ret, struct gantry_error *err)
{
	int r;

	*ret = path_join(base, "drivers", kind, name, NULL);
	if (!*ret) {
		return error_no_memory(err);
	}
	r = access(*ret, F_OK) == 0 ? 0 : make_dirs(AT_FDCWD, *ret, mode);
	return r < 0 ? error_errno(err, -r, "cannot create folder %s", *ret) : 0;
}

int entry_is_exec(const struct entry *e)
{
	const char *form = json_get_string(e->manifest, "Form");

	return form && !strcmp(form, "exec");
}

/* Where it runs: as the configuration says, else as its manifest says. */
static int choose_isolation(struct registry *r, struct entry *e, struct gantry_error *err)
{
	const char *said = config_driver_setting(r->config, e->kind, e->name, "isolation");

	said = said ? said : json_get_string(e->manifest, "Isolation");
	/* A front end is told who asks by the thread that calls it, so it stays here
	 * unless it is sent away by name. */
	said = said ? said : !strcmp(e->kind, "api") ? "none" : config_string(r->config, "plugin.isolation");
	if (strcmp(said, "none") != 0 && strcmp(said, "process") != 0) {
		return error_set(err, GANTRY_ERR_INVALID, "isolation of %s driver %s must be none or process, not \"%s\"",
				 e->kind, e->name, said);
	}
	e->isolated = entry_is_exec(e) || !strcmp(said, "process");
	return 0;
}

static int start_process(struct registry *r, struct entry *e, struct gantry_error *err)
{
	struct json_object *list = json_get_array(e->manifest, "Permissions");
	size_t n = json_array_size(list);
	auto_free const char **permissions = calloc(n + 1, sizeof(*permissions));
	struct process_spec spec = {
		.host_program = r->paths->plugin_host,
		.kind = e->kind,
		.name = e->table,
		.file = e->file,
		.exec = entry_is_exec(e),
		.permissions = permissions,
		.state_dir = e->state_dir,
		.run_dir = e->run_dir,
		.memory_mib = config_driver_number(r->config, e->kind, e->name, "memory_mib", 0),
		.pids = config_driver_number(r->config, e->kind, e->name, "pids", 0),
		.deadline_s = config_driver_number(r->config, e->kind, e->name, "deadline_s", 0),
	};
	/* Logs are kept with their containers. */
	auto_free char *containers = path_join(r->paths->root, "containers", NULL);

	spec.folders[0] = !strcmp(e->kind, "log") ? containers : NULL;
	if (!permissions || !containers) {
		return error_no_memory(err);
	}
	for (size_t i = 0; i < n; i++) {
		permissions[i] = json_item_string(list, i);
	}
	return process_driver_new(&spec, service_host_public(e->host), &e->process, err);
}

const struct gantry_driver *entry_table(const struct entry *e)
{
	return e->process ? process_driver_table(e->process) : native_plugin_driver(e->plugin, e->kind, e->table);
}

const struct gantry_plugin *entry_descriptor(const struct entry *e)
{
	return e->process ? process_driver_descriptor(e->process) : native_plugin_descriptor(e->plugin);
}

/* Loads the plugin of an entry and prepares what opening it needs. */
static int load_entry(struct registry *r, struct entry *e, struct gantry_error *err)
{
	int code;

	if (e->plugin || e->process) {
		return 0;
	}
	code = choose_isolation(r, e, err);
	if (code == 0) {
		code = e->isolated ? start_process(r, e, err) : native_plugin_load(e->file, &e->plugin, err);
	}
	if (code < 0) {
		return code;
	}
	if (!entry_table(e)) {
		return error_set(err, GANTRY_ERR_INVALID,
				 "plugin %s has no %s driver %s, though its manifest says so", e->file,
				 e->kind, e->table);
	}
	return config_for_driver(r->config, entry_table(e), e->name, &e->config, err);
}

static int open_entry(struct entry *e, struct gantry_error *err)
{
	int code;

	if (e->driver) {
		return 0;
	}
	if (e->isolated) {
		code = process_driver_open(e->process, e->config, &e->driver, err);
		if (code < 0) {
			e->process = NULL;
		}
	} else {
		code = native_driver_open(e->plugin, e->kind, e->table, service_host_public(e->host), e->config,
					  &e->driver, err);
	}
	if (code == 0) {
		driver_attach(e->driver, e->run_dir);
		e->reloads = e->driver->page ? atomic_load(&e->driver->page->reloads) : 0;
	}
	return code == 0 && strcmp(e->table, e->name) != 0 ? driver_rename(e->driver, e->name, err) : code;
}

/* The plugin that carries the driver, else one that adapts a foreign one of this name. */
static int find_plugin(struct registry *r, struct entry *e, struct gantry_error *err)
{
	struct gantry_error why = GANTRY_ERROR_INIT;
	/* drivers.<kind>.<name>.driver: another instance of that driver. */
	const char *of = config_driver_setting(r->config, e->kind, e->name, "driver");
	const char *driver = of ? of : e->name;
	int code = strchr(driver, '/') ? error_set(err, GANTRY_ERR_INVALID, "drivers.%s.%s.driver is no driver's name",
						   e->kind, e->name)
				       : find_manifest(r, e->kind, driver, &e->manifest, err);

	if (code == 0) {
		e->table = strdup(driver);
		return e->table ? 0 : error_no_memory(err);
	}
	if (code != GANTRY_ERR_NOT_FOUND || of) {
		return code;
	}
	code = adaptor_find(r->paths->plugin_path, r->config, e->kind, e->name, &e->manifest, &e->table,
			    &why);
	if (code == GANTRY_ERR_NOT_FOUND) {
		return err->code;
	}
	if (code < 0) {
		*err = why;
		return code;
	}
	error_clear(err);
	return 0;
}

static int new_entry(struct registry *r, const char *kind, const char *name, struct entry **ret,
		     struct gantry_error *err)
{
	struct entry *e = calloc(1, sizeof(*e));
	int code;

	if (!e) {
		return error_no_memory(err);
	}
	e->kind = strdup(kind);
	e->name = strdup(name);
	code = e->kind && e->name ? find_plugin(r, e, err) : error_no_memory(err);
	if (code == 0) {
		e->file = path_join(json_get_string(e->manifest, "Folder"),
				    json_get_string(e->manifest, "File"), NULL);
		code = e->file ? driver_folder(r->paths->root, kind, name, 0710, &e->state_dir, err)
			       : error_no_memory(err);
	}
	if (code == 0) {
		code = driver_folder(r->paths->run_root, kind, name, 0710, &e->run_dir, err);
	}
	if (code == 0) {
		code = service_host_new(r->db, r->events, r->engine, kind, name, e->state_dir, e->run_dir, &e->host,
					err);
	}
	if (code == 0) {
		code = load_entry(r, e, err);
	}
	if (code < 0) {
		entry_free(e);
		return code;
	}
	*ret = e;
	return 0;
}

/* Was it reloaded, or its package changed? */
static int is_outdated(const struct entry *e)
{
	return e->driver && e->driver->page &&
	       atomic_load_explicit(&e->driver->page->reloads, memory_order_relaxed) != e->reloads;
}

/* Takes an entry off the list.  Callers may have its driver still, so it is kept; its
 * process ends with its last call. */
static void retire(struct registry *r, struct entry **at)
{
	struct entry *e = *at;

	if (e) {
		*at = e->next;
		e->next = r->retired;
		r->retired = e;
		if (e->driver) {
			driver_retire(e->driver);
		}
	}
}

int registry_entry(struct registry *r, const char *kind, const char *name, struct entry **ret,
		     struct gantry_error *err)
{
	struct entry **at = &r->entries;
	int code;

	if (!interface_find(kind) || strchr(name, '/') || name[0] == '.' || !*name) {
		return error_set(err, GANTRY_ERR_INVALID, "\"%s/%s\" is not a kind and driver", kind, name);
	}
	while (*at && (strcmp((*at)->kind, kind) != 0 || strcmp((*at)->name, name) != 0)) {
		at = &(*at)->next;
	}
	if (*at && !is_outdated(*at)) {
		*ret = *at;
		return 0;
	}
	code = new_entry(r, kind, name, ret, err);
	if (code == GANTRY_ERR_NOT_FOUND) {
		/* It was removed, or disabled. */
		retire(r, at);
		return code;
	}
	if (code < 0 && *at) {
		/* The one that works stays. */
		(*at)->reloads = (*at)->driver && (*at)->driver->page ? atomic_load(&(*at)->driver->page->reloads) : 0;
		error_clear(err);
		*ret = *at;
		return 0;
	}
	if (code == 0) {
		retire(r, at);
		(*ret)->next = r->entries;
		r->entries = *ret;
	}
	return code;
}

/* Drivers that are being opened, innermost first. */
struct opening {
	const char *kind;
	const char *name;
	const struct opening *outer;
};

static int refuse_cycle(const struct opening *o, const char *kind, const char *name, struct gantry_error *err)
{
	for (; o; o = o->outer) {
		if (!strcmp(o->kind, kind) && !strcmp(o->name, name)) {
			error_set(err, GANTRY_ERR_INVALID, "it requires itself: a cycle");
			return error_hint(err, "remove one of these from requires in its plugin.conf");
		}
	}
	return 0;
}

/* Opens a driver, after those that it requires.  Called with the lock held. */
static int get_open(struct registry *r, const char *kind, const char *name, const struct opening *outer,
		    struct entry **ret, struct gantry_error *err)
{
	const struct opening here = { kind, name, outer };
	struct json_object *requires;
	int code = refuse_cycle(outer, kind, name, err);

	code = code < 0 ? code : registry_entry(r, kind, name, ret, err);
	requires = code < 0 ? NULL : json_get_array((*ret)->manifest, "Requires");
	for (size_t i = 0; code == 0 && !(*ret)->driver && i < json_array_size(requires); i++) {
		const char *text = json_item_string(requires, i);
		const char *slash = strchr(text, '/');
		auto_free char *other_kind = strndup(text, (size_t)(slash - text));
		struct entry *other;

		code = other_kind ? get_open(r, other_kind, slash + 1, &here, &other, err) : error_no_memory(err);
		if (code < 0) {
			error_prefix(err, "%s/%s requires %s", kind, name, text);
		}
	}
	/* One whose opening failed is loaded again. */
	code = code < 0 ? code : load_entry(r, *ret, err);
	return code < 0 ? code : open_entry(*ret, err);
}

int registry_get(struct registry *r, const char *kind, const char *name, struct driver **ret,
		 struct gantry_error *err)
{
	struct entry *e;
	int code;

	pthread_mutex_lock(&r->lock);
	code = get_open(r, kind, name, NULL, &e, err);
	if (code == 0) {
		*ret = e->driver;
	}
	pthread_mutex_unlock(&r->lock);
	return code;
}

int registry_has(struct registry *r, const char *kind, const char *name, struct gantry_error *err)
{
	struct entry e = { .kind = (char *)(uintptr_t)kind, .name = (char *)(uintptr_t)name };
	int code = interface_find(kind) ? find_plugin(r, &e, err)
					: error_set(err, GANTRY_ERR_INVALID, "there is no kind %s of drivers", kind);

	json_object_put(e.manifest);
	free(e.table);
	return code;
}

int registry_probe(struct registry *r, const char *kind, const char *name,
		   struct gantry_error *err)
{
	const struct gantry_driver *d;
	struct entry *e;
	int code;

	pthread_mutex_lock(&r->lock);
	code = registry_entry(r, kind, name, &e, err);
	if (code == 0) {
		code = load_entry(r, e, err);
	}
	if (code == 0 && e->isolated) {
		code = process_driver_probe(e->process, e->config, err);
	} else if (code == 0) {
		d = entry_table(e);
		code = d->probe ? d->probe(service_host_public(e->host), e->config, err) : 0;
	}
	pthread_mutex_unlock(&r->lock);
	return code;
}

int registry_reload(struct registry *r, const char *kind, const char *name, struct gantry_error *err)
{
	struct entry *trial;
	int code;

	if (!interface_find(kind)) {
		return error_set(err, GANTRY_ERR_INVALID, "there is no kind %s of drivers", kind);
	}
	pthread_mutex_lock(&r->lock);
	code = new_entry(r, kind, name, &trial, err);
	pthread_mutex_unlock(&r->lock);
	if (code < 0) {
		return error_prefix(err, "%s/%s was not reloaded", kind, name);
	}
	entry_free(trial);
	return registry_announce(r, kind, name, err);
}

int registry_announce(struct registry *r, const char *kind, const char *name, struct gantry_error *err)
{
	auto_free char *run_dir = path_join(r->paths->run_root, "drivers", kind, name, NULL);
	struct plugin_page *page;
	int code;

	if (!run_dir) {
		return error_no_memory(err);
	}
	if (access(run_dir, F_OK) < 0) {
		return 0; /* nobody has used it */
	}
	code = page_map(run_dir, &page, err);
	if (code == 0) {
		atomic_fetch_add(&page->reloads, 1);
		page_unmap(page);
	}
	return code;
}

int registry_place(struct registry *r, const char *kind, const char *name,
		   struct driver_place *ret, struct gantry_error *err)
{
	struct entry *e;
	int code;

	pthread_mutex_lock(&r->lock);
	code = registry_entry(r, kind, name, &e, err);
	if (code == 0) {
		*ret = (struct driver_place){
			.file = e->file,
			.table = e->table,
			.config = e->config,
			.state_dir = e->state_dir,
			.run_dir = e->run_dir,
			.host_program = e->isolated ? r->paths->plugin_host : NULL,
			.permissions = json_get_array(e->manifest, "Permissions"),
			.exec = entry_is_exec(e),
		};
	}
	pthread_mutex_unlock(&r->lock);
	return code;
}
