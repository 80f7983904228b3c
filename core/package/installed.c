/* SPDX-License-Identifier: Apache-2.0 */
/* package.json is written first and durably; links follow it, and every change of
 * packages begins by making all links follow. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/package/package.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "helpers/io.h"

char *installed_path(struct core *core, const char *name, const char *below)
{
	return below ? path_join(core->paths.root, "plugins", "packages", name, below, NULL)
		     : path_join(core->paths.root, "plugins", "packages", name, NULL);
}

static int read_record(struct core *core, const char *name, struct json_object **ret, struct gantry_error *err)
{
	auto_free char *path = installed_path(core, name, "package.json");
	auto_(buf) struct buf text = BUF_INIT;
	int r = path ? read_file(AT_FDCWD, path, &text, 1 << 20) : -ENOMEM;

	if (r == -ENOENT || r == -ENOTDIR) {
		error_set(err, GANTRY_ERR_NOT_FOUND, "no plugin package %s is installed", name);
		return error_hint(err, "`gantry plugin ls` shows what is");
	}
	return r < 0 ? error_errno(err, -r, "cannot read %s", path)
		     : json_parse(buf_str(&text), text.len, path, ret, err);
}

int installed_find(struct core *core, const char *name, struct json_object **ret, struct gantry_error *err)
{
	if (!*name || name[0] == '.' || strchr(name, '/')) {
		return error_set(err, GANTRY_ERR_INVALID, "\"%.64s\" cannot name a plugin package", name);
	}
	return read_record(core, name, ret, err);
}

int installed_list(struct core *core, struct json_object **ret, struct gantry_error *err)
{
	auto_free char *path = path_join(core->paths.root, "plugins", "packages", NULL);
	auto_json struct json_object *list = json_object_new_array();
	auto_dir DIR *d = path ? opendir(path) : NULL;
	struct dirent *e;

	while (d && (e = readdir(d))) {
		struct gantry_error ignored = GANTRY_ERROR_INIT;
		struct json_object *one;

		if (e->d_name[0] != '.' && read_record(core, e->d_name, &one, &ignored) == 0) {
			json_object_array_add(list, one);
		}
	}
	*ret = steal(&list);
	return *ret ? 0 : error_no_memory(err);
}

static char *link_path(struct core *core, struct json_object *driver)
{
	return path_join(core->paths.root, "plugins", "drivers", json_get_string(driver, "Kind"),
			 json_get_string(driver, "Name"), NULL);
}

/* Does the link lead into this package? */
static int is_ours(const char *link, const char *name)
{
	char target[4096], want[200];
	ssize_t n = readlink(link, target, sizeof(target) - 1);

	if (n < 0) {
		return 0;
	}
	target[n] = '\0';
	snprintf(want, sizeof(want), "/packages/%s/", name);
	return strstr(target, want) != NULL;
}

/* Every process that has the driver looks again before its next call. */
static void announce(struct core *core, struct json_object *driver)
{
	struct gantry_error ignored = GANTRY_ERROR_INIT;
	const char *kind = json_get_string(driver, "Kind");

	(void)registry_announce(core->registry, kind, json_get_string(driver, "Name"), &ignored);
	if (!strcmp(kind, "policy") && core->policy) {
		policy_changed(core->policy);
	}
}

static int leads_to(const char *link, const char *want)
{
	char target[4096];
	ssize_t n = readlink(link, target, sizeof(target) - 1);

	target[n < 0 ? 0 : n] = '\0';
	return !strcmp(target, want);
}

static int make_link(struct core *core, struct json_object *record, struct json_object *driver,
		     struct gantry_error *err)
{
	const char *name = json_get_string(record, "Name");
	auto_free char *link = link_path(core, driver);
	auto_free char *folder = link ? strndup(link, (size_t)(strrchr(link, '/') - link)) : NULL;
	auto_free char *target = NULL, *fresh = NULL;
	struct stat st;
	int r = folder ? make_dirs(AT_FDCWD, folder, 0755) : -ENOMEM;

	if (r < 0) {
		return error_errno(err, -r, "cannot make folder %s", folder ? folder : "");
	}
	if (lstat(link, &st) == 0 && !is_ours(link, name)) {
		error_set(err, GANTRY_ERR_EXISTS, "another package has the %s driver %s already",
			  json_get_string(driver, "Kind"), json_get_string(driver, "Name"));
		return error_hint(err, "disable that package first");
	}
	if (asprintf(&target, "../../packages/%s/%s", name, json_get_string(record, "Folder")) < 0 ||
	    asprintf(&fresh, "%s/.new-%d", folder, (int)getpid()) < 0) {
		return error_no_memory(err);
	}
	if (leads_to(link, target)) {
		return 0;
	}
	(void)unlink(fresh);
	if (symlink(target, fresh) < 0 || rename(fresh, link) < 0) {
		return error_errno(err, errno, "cannot make the link %s", link);
	}
	announce(core, driver);
	return 0;
}

static int drop_link(struct core *core, struct json_object *record, struct json_object *driver,
		     struct gantry_error *err)
{
	auto_free char *link = link_path(core, driver);

	if (!link) {
		return error_no_memory(err);
	}
	if (!is_ours(link, json_get_string(record, "Name"))) {
		return 0;
	}
	if (unlink(link) < 0 && errno != ENOENT) {
		return error_errno(err, errno, "cannot remove the link %s", link);
	}
	announce(core, driver);
	return 0;
}

static int follow(struct core *core, struct json_object *record, struct gantry_error *err)
{
	struct json_object *drivers = json_get_array(record, "Drivers");
	int enabled = json_get_bool(record, "Enabled", 0), r = 0;

	for (size_t i = 0; r == 0 && i < json_array_size(drivers); i++) {
		struct json_object *d = json_object_array_get_idx(drivers, i);

		r = enabled ? make_link(core, record, d, err) : drop_link(core, record, d, err);
	}
	return r;
}

int installed_write(struct core *core, struct json_object *record, struct gantry_error *err)
{
	auto_free char *path = installed_path(core, json_get_string(record, "Name"), "package.json");
	const char *text = json_text(record);
	int r = path && text ? write_file_atomic(AT_FDCWD, path, text, strlen(text), 0644, 1) : -ENOMEM;

	return r < 0 ? error_errno(err, -r, "cannot write %s", path ? path : "") : follow(core, record, err);
}

static int has_driver(struct json_object *record, struct json_object *driver)
{
	struct json_object *drivers = json_get_array(record, "Drivers");

	for (size_t i = 0; i < json_array_size(drivers); i++) {
		struct json_object *d = json_object_array_get_idx(drivers, i);

		if (!strcmp(json_get_string(d, "Kind"), json_get_string(driver, "Kind")) &&
		    !strcmp(json_get_string(d, "Name"), json_get_string(driver, "Name"))) {
			return 1;
		}
	}
	return 0;
}

/* The version before may still serve calls, and load more of its files. */
static void remove_older(struct core *core, struct json_object *old, struct json_object *record)
{
	auto_free char *path = installed_path(core, json_get_string(record, "Name"), NULL);
	auto_dir DIR *d = path ? opendir(path) : NULL;
	struct dirent *e;

	while (d && (e = readdir(d))) {
		if (e->d_name[0] != '.' && strcmp(e->d_name, "package.json") != 0 &&
		    strcmp(e->d_name, json_get_string(old, "Folder")) != 0 &&
		    strcmp(e->d_name, json_get_string(record, "Folder")) != 0) {
			(void)remove_tree(dirfd(d), e->d_name);
		}
	}
}

int installed_replace(struct core *core, struct json_object *old, struct json_object *record,
		      struct gantry_error *err)
{
	struct json_object *drivers = json_get_array(old, "Drivers");
	int r = installed_write(core, record, err);

	for (size_t i = 0; r == 0 && i < json_array_size(drivers); i++) {
		struct json_object *d = json_object_array_get_idx(drivers, i);

		if (!has_driver(record, d)) {
			r = drop_link(core, record, d, err);
		}
	}
	if (r == 0) {
		remove_older(core, old, record);
	}
	return r;
}

/* What a process that died left: links that do not follow, folders without a record. */
static void settle(struct core *core)
{
	struct gantry_error ignored = GANTRY_ERROR_INIT;
	auto_json struct json_object *list = NULL;
	auto_free char *staging = path_join(core->paths.root, "plugins", "staging", NULL);

	if (staging) {
		(void)remove_tree(AT_FDCWD, staging);
	}
	if (installed_list(core, &list, &ignored) < 0) {
		return;
	}
	for (size_t i = 0; i < json_array_size(list); i++) {
		error_clear(&ignored);
		(void)follow(core, json_object_array_get_idx(list, i), &ignored);
	}
}

int installed_lock(struct core *core, int *ret, struct gantry_error *err)
{
	auto_free char *folder = path_join(core->paths.root, "plugins", "packages", NULL);
	auto_free char *path = path_join(core->paths.root, "plugins", "lock", NULL);
	int r = folder && path ? make_dirs(AT_FDCWD, folder, 0755) : -ENOMEM;

	if (r < 0) {
		return error_errno(err, -r, "cannot make the folder of plugin packages");
	}
	*ret = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (*ret < 0 || flock(*ret, LOCK_EX) < 0) {
		return error_errno(err, errno, "cannot lock %s", path);
	}
	settle(core);
	return 0;
}

static int check_in_use(struct core *core, struct json_object *record, struct gantry_error *err)
{
	struct json_object *drivers = json_get_array(record, "Drivers");

	for (size_t i = 0; i < json_array_size(drivers); i++) {
		struct json_object *d = json_object_array_get_idx(drivers, i);
		auto_free char *user = NULL;
		const char *table = json_get_string(d, "Kind");
		int r = 0;

		if (!strcmp(table, "volume")) {
			r = db_get_text(core->db, &user, err, "SELECT name FROM volumes WHERE driver=?", "s",
					json_get_string(d, "Name"));
		} else if (!strcmp(table, "network")) {
			r = db_get_text(core->db, &user, err, "SELECT name FROM networks WHERE driver=?", "s",
					json_get_string(d, "Name"));
		}
		if (r < 0) {
			return r;
		}
		if (user) {
			error_set(err, GANTRY_ERR_IN_USE, "plugin package %s is in use: %s %s is of its driver %s",
				  json_get_string(record, "Name"), table, user, json_get_string(d, "Name"));
			return error_hint(err, "remove that first, or use --force");
		}
	}
	if (json_get_bool(record, "Enabled", 0) && requires_check_others(core, record, err) < 0) {
		return err->code;
	}
	return requires_check_containers(core, record, err);
}

int installed_enable(struct core *core, const char *name, int enable, int force, struct gantry_error *err)
{
	auto_json struct json_object *record = NULL;
	auto_fd int lock = -1;
	int r = installed_lock(core, &lock, err);

	if (r == 0) {
		r = installed_find(core, name, &record, err);
	}
	if (r == 0 && !enable && !force && json_get_bool(record, "Enabled", 0)) {
		r = check_in_use(core, record, err);
	}
	if (r == 0 && enable) {
		r = requires_check(core, record, err);
	}
	if (r < 0) {
		return r;
	}
	json_set_bool(record, "Enabled", enable);
	r = installed_write(core, record, err);
	if (r < 0 && enable) {
		/* Another package has its driver: then this one stays as it was. */
		struct gantry_error ignored = GANTRY_ERROR_INIT;

		json_set_bool(record, "Enabled", 0);
		(void)installed_write(core, record, &ignored);
	}
	return r;
}

int installed_remove(struct core *core, const char *name, int force, struct gantry_error *err)
{
	auto_json struct json_object *record = NULL;
	auto_free char *path = NULL, *file = NULL;
	auto_fd int lock = -1;
	int r = installed_lock(core, &lock, err);

	if (r == 0) {
		r = installed_find(core, name, &record, err);
	}
	if (r == 0 && json_get_bool(record, "Enabled", 0) && !force) {
		error_set(err, GANTRY_ERR_CONFLICT, "plugin package %s is enabled", name);
		r = error_hint(err, "disable it first, or use --force");
	}
	if (r == 0 && !force) {
		r = check_in_use(core, record, err);
	}
	if (r < 0) {
		return r;
	}
	json_set_bool(record, "Enabled", 0);
	r = installed_write(core, record, err);
	path = installed_path(core, name, NULL);
	file = installed_path(core, name, "package.json");
	if (r < 0 || !path || !file) {
		return r < 0 ? r : error_no_memory(err);
	}
	/* Without the record it is not installed, whatever is left. */
	if (unlink(file) < 0 && errno != ENOENT) {
		return error_errno(err, errno, "cannot remove %s", file);
	}
	r = remove_tree(AT_FDCWD, path);
	return r < 0 ? error_errno(err, -r, "cannot remove %s", path) : 0;
}
