/* SPDX-License-Identifier: Apache-2.0 */
/* From a package that somebody offers to one that is installed: who signed it, what it
 * may do, its files, the record. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/package/package.h"
#include "core/plugin/manifest.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "helpers/io.h"

static int is_listed(struct json_object *list, const char *text)
{
	for (size_t i = 0; i < json_array_size(list); i++) {
		const char *have = json_item_string(list, i);

		if (have && strcmp(have, text) == 0) {
			return 1;
		}
	}
	return 0;
}

/* *ret_publisher is NULL for an unsigned package that may be installed. */
static int check_signer(struct core *core, struct package *p, const char *allow_unsigned, char **ret_publisher,
			struct gantry_error *err)
{
	const char *name = json_get_string(p->config, "Name");

	*ret_publisher = NULL;
	/* A signature that is there must be good, whatever is allowed. */
	if (!p->statement && ((allow_unsigned && !strcmp(allow_unsigned, name)) ||
			      is_listed(config_list(core->config, "plugins.allow_unsigned"), name))) {
		return 0;
	}
	return trust_check(core, p, ret_publisher, err);
}

int package_describe(struct core *core, struct package *p, const char *allow_unsigned,
		     struct json_object **ret, struct gantry_error *err)
{
	auto_json struct json_object *o = NULL;
	auto_free char *publisher = NULL;
	int r = check_signer(core, p, allow_unsigned, &publisher, err);

	if (r < 0) {
		return r;
	}
	r = json_object_deep_copy(p->config, &o, NULL);
	if (r < 0 || json_set_string(o, "Digest", p->digest) < 0 || json_set_string(o, "Publisher", publisher) < 0) {
		return error_no_memory(err);
	}
	*ret = steal(&o);
	return 0;
}

static int check_granted(struct package *p, struct json_object *granted, struct gantry_error *err)
{
	struct json_object *asked = json_get_array(p->config, "Permissions");

	for (size_t i = 0; i < json_array_size(asked); i++) {
		const char *permission = json_item_string(asked, i);

		if (!is_listed(granted, permission)) {
			error_set(err, GANTRY_ERR_DENIED, "plugin package %s needs the permission %s, which was not granted",
				  json_get_string(p->config, "Name"), permission);
			return error_hint(err, "grant it when you are asked, or all with --grant-all-permissions");
		}
	}
	return 0;
}

/* The files say of themselves what the package said, which is what was shown. */
static int check_files(struct package *p, const char *folder, struct gantry_error *err)
{
	static const char *const keys[] = { "Name", "Version", "File", "Form", "Permissions", "Drivers", "Requires",
					    "Needs" };
	auto_json struct json_object *manifest = NULL;
	auto_free char *file = path_join(folder, json_get_string(p->config, "File"), NULL);
	int r = manifest_read(folder, &manifest, err);

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(keys); i++) {
		struct json_object *file_says = json_get(manifest, keys[i]);

		/* A package that requires nothing need not say so. */
		if (!json_get(p->config, keys[i]) && json_object_is_type(file_says, json_type_array) &&
		    json_array_size(file_says) == 0) {
			continue;
		}
		if (!json_object_equal(file_says, json_get(p->config, keys[i]))) {
			r = error_set(err, GANTRY_ERR_DENIED, "plugin package %s is refused: its plugin.conf and its "
				      "configuration disagree about %s", json_get_string(p->config, "Name"), keys[i]);
		}
	}
	if (r == 0 && (!file || access(file, R_OK) < 0)) {
		r = error_set(err, GANTRY_ERR_CORRUPT, "plugin package %s lacks its file %s",
			      json_get_string(p->config, "Name"), json_get_string(p->config, "File"));
	}
	return r;
}

/* The host's word about the folder, which manifest_read() obeys. */
static int write_grant(int folder, struct json_object *granted, struct gantry_error *err)
{
	auto_json struct json_object *o = json_object_new_object();
	const char *text;
	int r;

	json_set_string(o, "Isolation", "process");
	json_set(o, "Permissions", json_object_get(granted));
	text = json_text(o);
	r = text ? write_file_atomic(folder, "grant.json", text, strlen(text), 0644, 1) : -ENOMEM;
	return r < 0 ? error_errno(err, -r, "cannot write what was granted") : 0;
}

/* Unpacks into a staging folder and moves it to its place, whole. */
static int place_files(struct core *core, struct place *from, struct package *p, const char *folder_name,
		       struct gantry_error *err)
{
	auto_free char *staging = path_join(core->paths.root, "plugins", "staging", NULL);
	auto_free char *parent = installed_path(core, json_get_string(p->config, "Name"), NULL);
	auto_free char *target = installed_path(core, json_get_string(p->config, "Name"), folder_name);
	struct json_object *layer = json_object_array_get_idx(json_get_array(p->manifest, "layers"), 0);
	auto_(buf) struct buf tar = BUF_INIT;
	auto_fd int fd = -1;
	int r = place_blob(from, layer, (size_t)PACKAGE_MAX, &tar, err);

	if (r < 0 || !staging || !parent || !target) {
		return r < 0 ? r : error_no_memory(err);
	}
	r = make_dirs(AT_FDCWD, staging, 0755);
	r = r == 0 ? make_dirs(AT_FDCWD, parent, 0755) : r;
	fd = r == 0 ? open(staging, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
	if (fd < 0) {
		return error_errno(err, r < 0 ? -r : errno, "cannot make folder %s", staging);
	}
	r = tar_unpack(&tar, fd, err);
	if (r == 0) {
		r = check_files(p, staging, err);
	}
	if (r == 0) {
		r = write_grant(fd, json_get_array(p->config, "Permissions"), err);
	}
	if (r == 0) {
		(void)remove_tree(AT_FDCWD, target);
		if (rename(staging, target) < 0) {
			r = error_errno(err, errno, "cannot move the plugin to %s", target);
		}
	}
	if (r < 0) {
		(void)remove_tree(AT_FDCWD, staging);
		(void)rmdir(parent);
	}
	return r;
}

static int check_before(struct package *p, struct json_object *old, const char *publisher, int upgrade,
			struct gantry_error *err)
{
	const char *name = json_get_string(p->config, "Name");
	const char *before = json_get_string(old, "Publisher");

	if (old && !upgrade) {
		error_set(err, GANTRY_ERR_EXISTS, "plugin package %s %s is installed", name,
			  json_get_string(old, "Version"));
		return error_hint(err, "`gantry plugin upgrade` replaces it");
	}
	if (!old && upgrade) {
		return error_set(err, GANTRY_ERR_NOT_FOUND, "no plugin package %s is installed", name);
	}
	if (old && before && (!publisher || strcmp(before, publisher) != 0)) {
		error_set(err, GANTRY_ERR_DENIED, "plugin package %s comes from publisher %s, and this one from %s", name,
			  before, publisher ? publisher : "nobody that signed it");
		return error_hint(err, "remove the installed one first if you want another publisher's");
	}
	return 0;
}

static struct json_object *new_record(struct package *p, const char *folder, const char *publisher, int enabled)
{
	struct json_object *o = NULL;

	if (json_object_deep_copy(p->config, &o, NULL) < 0) {
		return NULL;
	}
	json_set_string(o, "Digest", p->digest);
	json_set_string(o, "Folder", folder);
	json_set_string(o, "Publisher", publisher);
	json_set_string(o, "Key", json_get_string(p->statement, "Key"));
	json_set_bool(o, "Enabled", enabled);
	return o;
}

int package_install(struct core *core, struct place *from, struct package *p, struct json_object *granted,
		    const char *allow_unsigned, int upgrade, int enable, struct json_object **ret,
		    struct gantry_error *err)
{
	const char *name = json_get_string(p->config, "Name");
	auto_json struct json_object *old = NULL, *record = NULL;
	auto_free char *publisher = NULL;
	struct gantry_error ignored = GANTRY_ERROR_INIT;
	auto_fd int lock = -1;
	char folder[17];
	int r = check_signer(core, p, allow_unsigned, &publisher, err);

	if (r == 0) {
		r = check_granted(p, granted, err);
	}
	if (r == 0) {
		r = installed_lock(core, &lock, err);
	}
	if (r < 0) {
		return r;
	}
	(void)installed_find(core, name, &old, &ignored);
	r = check_before(p, old, publisher, upgrade, err);
	if (r == 0) {
		r = requires_check(core, p->config, err);
	}
	snprintf(folder, sizeof(folder), "%.16s", p->digest + 7);
	if (r == 0) {
		r = place_files(core, from, p, folder, err);
	}
	if (r < 0) {
		return r;
	}
	record = new_record(p, folder, publisher, old ? json_get_bool(old, "Enabled", 0) : enable);
	r = !record ? error_no_memory(err)
	    : old   ? installed_replace(core, old, record, err)
		    : installed_write(core, record, err);
	if (r < 0) {
		/* Another package has its driver. */
		if (old) {
			(void)installed_write(core, old, &ignored);
		} else {
			json_set_bool(record, "Enabled", 0);
			(void)installed_write(core, record, &ignored);
		}
		return r;
	}
	*ret = steal(&record);
	return 0;
}
