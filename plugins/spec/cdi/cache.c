/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "cache.h"
#include "device_file.h"
#include "helpers/buf.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "helpers/io.h"

#define FILE_MAX ((size_t)4 << 20)
#define MAX_FILES 1024

static int has_suffix(const char *name, const char *suffix)
{
	size_t n = strlen(name), k = strlen(suffix);

	return n > k && !strcmp(name + n - k, suffix);
}

static int is_device_file(const struct dirent *e)
{
	return e->d_name[0] != '.' && (has_suffix(e->d_name, ".json") || has_suffix(e->d_name, ".yaml"));
}

static int read_one(const char *path, struct json_object **ret, struct gantry_error *err)
{
	auto_(buf) struct buf text = BUF_INIT;
	int r = read_file(AT_FDCWD, path, &text, FILE_MAX);

	if (r < 0) {
		return error_errno(err, -r, "cannot read it");
	}
	return device_file_parse(buf_str(&text), text.len, has_suffix(path, ".yaml"), ret, err);
}

static int add_file(struct cache *c, const char *folder, const char *name, size_t rank,
		    struct gantry_error *err)
{
	auto_(buf) struct buf path = BUF_INIT;
	struct gantry_error why = GANTRY_ERROR_INIT;
	struct json_object *content, *file;

	buf_addf(&path, "%s/%s", folder, name);
	if (buf_failed(&path)) {
		return error_no_memory(err);
	}
	if (json_array_size(c->files) >= MAX_FILES) {
		return error_set(err, GANTRY_ERR_LIMIT, "there are more than %d device files", MAX_FILES);
	}
	if (read_one(buf_str(&path), &content, &why) < 0) {
		error_prefix(&why, "device file %s", buf_str(&path));
		return json_add_string(c->problems, why.message) < 0 ? error_no_memory(err) : 0;
	}
	file = json_object_new_object();
	json_set_string(file, "Path", buf_str(&path));
	json_set_int(file, "Rank", (int64_t)rank);
	json_set(file, "Content", content);
	return json_object_array_add(c->files, file) < 0 ? error_no_memory(err) : 0;
}

int cache_load(struct cache *c, struct json_object *folders, struct gantry_error *err)
{
	int r = 0;

	c->files = json_object_new_array();
	c->problems = json_object_new_array();
	for (size_t i = 0; r == 0 && i < json_array_size(folders); i++) {
		const char *folder = json_item_string(folders, i);
		struct dirent **names = NULL;
		int n = folder ? scandir(folder, &names, is_device_file, alphasort) : 0;

		for (int k = 0; k < n; k++) {
			r = r < 0 ? r : add_file(c, folder, names[k]->d_name, i, err);
			free(names[k]);
		}
		free(names);
	}
	return r;
}

void cache_done(struct cache *c)
{
	json_object_put(c->files);
	json_object_put(c->problems);
	*c = (struct cache)CACHE_INIT;
}

static struct json_object *device_of(struct json_object *content, const char *name)
{
	struct json_object *devices = json_get_array(content, "devices");

	for (size_t i = 0; i < json_array_size(devices); i++) {
		struct json_object *d = json_object_array_get_idx(devices, i);

		if (!strcmp(json_get_string(d, "name"), name)) {
			return d;
		}
	}
	return NULL;
}

static int not_found(const struct cache *c, const char *name, struct gantry_error *err)
{
	error_set(err, GANTRY_ERR_NOT_FOUND, "no device file describes %s", name);
	if (json_array_size(c->problems)) {
		return error_hint(err, "%s", json_item_string(c->problems, 0));
	}
	return error_hint(err, "a vendor's tool writes one to /etc/cdi or /var/run/cdi, as `nvidia-ctk cdi "
			       "generate` does");
}

int cache_find(const struct cache *c, const char *name, struct json_object **ret_device,
	       struct json_object **ret_file, struct gantry_error *err)
{
	struct json_object *found = NULL, *in = NULL;
	const char *device, *clash = NULL;
	int64_t rank = -1;
	size_t len;

	if (device_name_split(name, &len, &device) < 0) {
		return error_set(err, GANTRY_ERR_INVALID, "\"%.200s\" is no device's name VENDOR/CLASS=NAME",
				 name);
	}
	for (size_t i = 0; i < json_array_size(c->files); i++) {
		struct json_object *file = json_object_array_get_idx(c->files, i);
		struct json_object *content = json_get_object(file, "Content"), *d;
		const char *kind = json_get_string(content, "kind");

		if (strlen(kind) != len || strncmp(kind, name, len) || !(d = device_of(content, device))) {
			continue;
		}
		clash = found && json_get_int(file, "Rank", 0) == rank ? json_get_string(in, "Path") : NULL;
		found = d;
		in = file;
		rank = json_get_int(file, "Rank", 0);
	}
	if (!found) {
		return not_found(c, name, err);
	}
	if (clash) {
		return error_set(err, GANTRY_ERR_CONFLICT, "device %s is described by %s and by %s", name, clash,
				 json_get_string(in, "Path"));
	}
	*ret_device = found;
	*ret_file = in;
	return 0;
}
