/* SPDX-License-Identifier: Apache-2.0 */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "cli/options/options.h"
#include "cli/text/units.h"
#include "helpers/buf.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "helpers/quantity.h"

static int is_path(const char *source)
{
	return *source == '/' || *source == '.' || *source == '~';
}

/* Makes a relative path absolute without asking the file system. */
static void absolute(const char *path, struct buf *out)
{
	char cwd[PATH_MAX];

	if (*path != '/') {
		buf_addf(out, "%s/", getcwd(cwd, sizeof(cwd)) ? cwd : "");
		while (strncmp(path, "./", 2) == 0) {
			path += 2;
		}
	}
	buf_adds(out, strcmp(path, ".") == 0 ? "" : path);
	if (out->len > 1 && out->data[out->len - 1] == '/') {
		out->data[--out->len] = '\0';
	}
}

/* "..", too, has to go: the engine wants a clean path. */
static void clean(struct buf *path)
{
	auto_free char *copy = buf_steal(path);
	char *rest = copy, *part;

	while (rest && (part = strsep(&rest, "/"))) {
		if (!*part || strcmp(part, ".") == 0) {
			continue;
		}
		if (strcmp(part, "..") == 0) {
			char *slash = path->len ? strrchr(path->data, '/') : NULL;

			path->len = slash ? (size_t)(slash - path->data) : 0;
			if (path->data) {
				path->data[path->len] = '\0';
			}
			continue;
		}
		buf_addf(path, "/%s", part);
	}
	if (!path->len) {
		buf_adds(path, "/");
	}
}

static int add_volume(struct json_object *binds, struct json_object *config, const char *text,
		      struct gantry_error *err)
{
	const char *colon = strchr(text, ':');
	auto_(buf) struct buf bind = BUF_INIT;
	auto_free char *source = NULL;

	if (!*text) {
		return error_set(err, GANTRY_ERR_INVALID, "invalid empty volume spec");
	}
	if (!colon) {
		json_set(options_member(config, "Volumes"), text, json_object_new_object());
		return 0;
	}
	source = strndup(text, (size_t)(colon - text));
	if (!source) {
		return error_no_memory(err);
	}
	if (is_path(source) && *source != '/') {
		absolute(source, &bind);
		clean(&bind);
		buf_adds(&bind, colon);
		text = buf_str(&bind);
	}
	return json_add_string(binds, text) < 0 ? error_no_memory(err) : 0;
}

static int parse_flag(const char *key, const char *value, int has_value, int *ret,
		      struct gantry_error *err)
{
	*ret = !has_value || strcmp(value, "true") == 0 || strcmp(value, "1") == 0;
	if (!*ret && strcmp(value, "false") != 0 && strcmp(value, "0") != 0) {
		return error_set(err, GANTRY_ERR_INVALID, "invalid value for %s: %s", key, value);
	}
	return 0;
}

/* The flags of a mount that are true or false; 1 when key was one of them. */
static int mount_switch(struct json_object *mount, const char *key, const char *value,
			int has_value, struct gantry_error *err)
{
	int on, r;

	if (strcmp(key, "readonly") != 0 && strcmp(key, "ro") != 0 &&
	    strcmp(key, "bind-nonrecursive") != 0 && strcmp(key, "volume-nocopy") != 0) {
		return 0;
	}
	r = parse_flag(key, value, has_value, &on, err);
	if (r < 0) {
		return r;
	}
	if (*key == 'r') {
		json_set_bool(mount, "ReadOnly", on);
	} else if (*key == 'b') {
		json_set_bool(options_member(mount, "BindOptions"), "NonRecursive", on);
	} else {
		json_set_bool(options_member(mount, "VolumeOptions"), "NoCopy", on);
	}
	return 1;
}

static int mount_source(struct json_object *mount, const char *value)
{
	auto_(buf) struct buf path = BUF_INIT;

	if (strncmp(value, ".", 1) == 0) {
		absolute(value, &path);
		clean(&path);
		value = buf_str(&path);
	}
	return json_set_string(mount, "Source", value);
}

static int mount_tmpfs(struct json_object *mount, const char *key, const char *value,
		       struct gantry_error *err)
{
	struct json_object *options = options_member(mount, "TmpfsOptions");
	int64_t bytes;
	char *end;

	if (strcmp(key, "tmpfs-size") == 0) {
		if (parse_bytes(value, &bytes) < 0) {
			return error_set(err, GANTRY_ERR_INVALID, "invalid value for %s: %s", key,
					 value);
		}
		return json_set_int(options, "SizeBytes", bytes);
	}
	bytes = strtol(value, &end, 8);
	if (!*value || *end) {
		return error_set(err, GANTRY_ERR_INVALID, "invalid value for %s: %s", key, value);
	}
	return json_set_int(options, "Mode", bytes);
}

static void mount_pair(struct json_object *map, const char *value)
{
	const char *equals = strchr(value, '=');
	auto_free char *key = strndup(value, equals ? (size_t)(equals - value) : strlen(value));

	if (key) {
		json_set_string(map, key, equals ? equals + 1 : "");
	}
}

static int bind_recursive(struct json_object *mount, const char *value, struct gantry_error *err)
{
	struct json_object *options = options_member(mount, "BindOptions");

	if (strcmp(value, "enabled") == 0) {
		return 0;
	}
	if (strcmp(value, "disabled") == 0) {
		return json_set_bool(options, "NonRecursive", 1);
	}
	if (strcmp(value, "writable") == 0) {
		return json_set_bool(options, "ReadOnlyNonRecursive", 1);
	}
	if (strcmp(value, "readonly") == 0) {
		return json_set_bool(options, "ReadOnlyForceRecursive", 1);
	}
	return error_set(err, GANTRY_ERR_INVALID,
			 "invalid value for bind-recursive: %s: must be one of \"enabled\", "
			 "\"disabled\", \"writable\" or \"readonly\"",
			 value);
}

static int mount_field(void *user, const char *key, const char *value, int has_value,
		       struct gantry_error *err)
{
	struct json_object *mount = user;
	int r = mount_switch(mount, key, value, has_value, err);

	if (r != 0) {
		return r < 0 ? r : 0;
	}
	if (!has_value) {
		return error_set(err, GANTRY_ERR_INVALID,
				 "invalid field '%s' must be a key=value pair", key);
	}
	if (strcmp(key, "type") == 0) {
		json_set_string(mount, "Type", value);
	} else if (strcmp(key, "source") == 0 || strcmp(key, "src") == 0) {
		mount_source(mount, value);
	} else if (strcmp(key, "target") == 0 || strcmp(key, "dst") == 0 ||
		   strcmp(key, "destination") == 0) {
		json_set_string(mount, "Target", value);
	} else if (strcmp(key, "consistency") == 0) {
		json_set_string(mount, "Consistency", value);
	} else if (strcmp(key, "bind-propagation") == 0) {
		json_set_string(options_member(mount, "BindOptions"), "Propagation", value);
	} else if (strcmp(key, "bind-recursive") == 0) {
		return bind_recursive(mount, value, err);
	} else if (strcmp(key, "volume-label") == 0) {
		mount_pair(options_member(options_member(mount, "VolumeOptions"), "Labels"), value);
	} else if (strcmp(key, "volume-subpath") == 0) {
		json_set_string(options_member(mount, "VolumeOptions"), "Subpath", value);
	} else if (strcmp(key, "image-subpath") == 0) {
		json_set_string(options_member(mount, "ImageOptions"), "Subpath", value);
	} else if (strcmp(key, "volume-driver") == 0) {
		json_set_string(options_member(options_member(mount, "VolumeOptions"), "DriverConfig"),
				"Name", value);
	} else if (strcmp(key, "volume-opt") == 0) {
		struct json_object *driver =
			options_member(options_member(mount, "VolumeOptions"), "DriverConfig");

		mount_pair(options_member(driver, "Options"), value);
	} else if (strcmp(key, "tmpfs-size") == 0 || strcmp(key, "tmpfs-mode") == 0) {
		r = mount_tmpfs(mount, key, value, err);
		return r < 0 ? r : 0;
	} else {
		return error_set(err, GANTRY_ERR_INVALID, "unexpected key '%s' in '%s=%s'", key, key,
				 value);
	}
	return 0;
}

static int add_mount(struct json_object *mounts, const char *text, struct gantry_error *err)
{
	struct json_object *mount = json_object_new_object();
	const char *type;
	int r;

	json_object_array_add(mounts, mount);
	r = options_csv(text, mount_field, mount, err);
	if (r < 0) {
		goto invalid;
	}
	type = json_get_string(mount, "Type");
	if (!type) {
		json_set_string(mount, "Type", "volume");
		type = "volume";
	}
	if (!json_get_string(mount, "Target")) {
		error_set(err, GANTRY_ERR_INVALID, "target is required");
		goto invalid;
	}
	if (json_get(mount, "VolumeOptions") && strcmp(type, "volume") != 0) {
		error_set(err, GANTRY_ERR_INVALID, "cannot mix 'volume-*' options with mount type '%s'",
			  type);
		goto invalid;
	}
	if (json_get(mount, "BindOptions") && strcmp(type, "bind") != 0) {
		error_set(err, GANTRY_ERR_INVALID, "cannot mix 'bind-*' options with mount type '%s'",
			  type);
		goto invalid;
	}
	if (json_get(mount, "TmpfsOptions") && strcmp(type, "tmpfs") != 0) {
		error_set(err, GANTRY_ERR_INVALID, "cannot mix 'tmpfs-*' options with mount type '%s'",
			  type);
		goto invalid;
	}
	return 0;
invalid:
	return error_prefix(err, "invalid argument \"%s\" for \"--mount\" flag", text);
}

int options_mounts(const struct args *args, struct json_object *config, struct json_object *host,
		   struct gantry_error *err)
{
	struct json_object *list;
	const char *text;
	int r = 0;

	if (args_has(args, "volume")) {
		list = json_object_new_array();
		json_set(host, "Binds", list);
		for (size_t i = 0; r == 0 && (text = args_item(args, "volume", i)); i++) {
			r = add_volume(list, config, text, err);
		}
	}
	if (args_has(args, "mount")) {
		list = json_object_new_array();
		json_set(host, "Mounts", list);
		for (size_t i = 0; r == 0 && (text = args_item(args, "mount", i)); i++) {
			r = add_mount(list, text, err);
		}
	}
	for (size_t i = 0; r == 0 && (text = args_item(args, "tmpfs", i)); i++) {
		const char *colon = strchr(text, ':');
		auto_free char *path = strndup(text, colon ? (size_t)(colon - text) : strlen(text));

		r = path ? json_set_string(options_member(host, "Tmpfs"), path, colon ? colon + 1 : "")
			 : error_no_memory(err);
	}
	if (r == 0 && args_has(args, "volumes-from")) {
		json_set(host, "VolumesFrom", options_list(args, "volumes-from"));
	}
	return r;
}
