/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/container/spec.h"
#include "core/volume/volume.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "helpers/privilege.h"

static void add(struct json_object *mounts, const char *destination, const char *type,
		const char *source, struct json_object *options)
{
	struct json_object *o = json_object_new_object();

	json_set_string(o, "destination", destination);
	json_set_string(o, "type", type);
	json_set_string(o, "source", source);
	json_set(o, "options", options);
	json_object_array_add(mounts, o);
}

static int asked_for(const struct container *c, const char *destination)
{
	struct json_object *mounts = json_get_array(c->doc, "Mounts");
	struct json_object *tmpfs = json_get_object(container_host_config(c), "Tmpfs");

	for (size_t i = 0; i < json_array_size(mounts); i++) {
		if (!strcmp(json_get_string(json_object_array_get_idx(mounts, i), "Destination"),
			    destination)) {
			return 1;
		}
	}
	return json_get(tmpfs, destination) != NULL;
}

static int add_shm(struct core *core, const struct container *c, struct json_object *mounts,
		   struct gantry_error *err)
{
	const char *ipc = json_get_string(container_host_config(c), "IpcMode");
	char size[64];

	if (asked_for(c, "/dev/shm") || !strcmp(ipc, "none")) {
		return 0;
	}
	if (!strcmp(ipc, "host")) {
		add(mounts, "/dev/shm", "bind", "/dev/shm", spec_strings("rbind", NULL));
		return 0;
	}
	if (!strncmp(ipc, "container:", 10)) {
		auto_container struct container *other = NULL;
		char path[64];
		int r = container_find(core, ipc + 10, &other, err);

		if (r < 0) {
			return r;
		}
		snprintf(path, sizeof(path), "/proc/%lld/root/dev/shm",
			 (long long)json_get_int(other->state, "Pid", 0));
		add(mounts, "/dev/shm", "bind", path, spec_strings("rbind", NULL));
		return 0;
	}
	snprintf(size, sizeof(size), "size=%lld",
		 (long long)json_get_int(container_host_config(c), "ShmSize", 64 << 20));
	add(mounts, "/dev/shm", "tmpfs", "shm",
	    spec_strings("nosuid", "noexec", "nodev", "mode=1777", size, NULL));
	return 0;
}

static int add_system(struct core *core, const struct container *c, struct json_object *mounts,
		      struct gantry_error *err)
{
	const char *access = spec_is_privileged(c) ? "rw" : "ro";

	add(mounts, "/proc", "proc", "proc", spec_strings("nosuid", "noexec", "nodev", NULL));
	if (!asked_for(c, "/dev")) {
		add(mounts, "/dev", "tmpfs", "tmpfs",
		    spec_strings("nosuid", "strictatime", "mode=755", "size=65536k", NULL));
	}
	add(mounts, "/dev/pts", "devpts", "devpts",
	    spec_strings("nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620",
			 userns_has_ids() ? "gid=5" : NULL, NULL));
	add(mounts, "/sys", "sysfs", "sysfs", spec_strings("nosuid", "noexec", "nodev", access, NULL));
	if (!asked_for(c, "/sys/fs/cgroup")) {
		add(mounts, "/sys/fs/cgroup", "cgroup", "cgroup",
		    spec_strings(access, "nosuid", "noexec", "nodev", NULL));
	}
	add(mounts, "/dev/mqueue", "mqueue", "mqueue",
	    spec_strings("nosuid", "noexec", "nodev", NULL));
	return add_shm(core, c, mounts, err);
}

/* hosts, hostname, resolv.conf lie in the run folder; network_write_files() fills
 * them. */
static void add_files(const struct container *c, const char *run_dir, struct json_object *mounts)
{
	static const char *const files[] = { "resolv.conf", "hostname", "hosts" };

	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		auto_free char *source = path_join(run_dir, files[i], NULL);
		char destination[32];

		snprintf(destination, sizeof(destination), "/etc/%s", files[i]);
		if (!asked_for(c, destination)) {
			add(mounts, destination, "bind", source, spec_strings("rbind", "rprivate", NULL));
		}
	}
}

static void add_tmpfs(const struct container *c, struct json_object *mounts)
{
	struct json_object *tmpfs = json_get_object(container_host_config(c), "Tmpfs");

	if (!tmpfs) {
		return;
	}
	json_object_object_foreach(tmpfs, destination, value)
	{
		struct json_object *options = spec_strings("noexec", "nosuid", "nodev", NULL);
		auto_free char *copy = strdup(json_object_get_string(value));
		char *save = NULL;

		for (char *o = strtok_r(copy, ",", &save); o; o = strtok_r(NULL, ",", &save)) {
			json_add_string(options, o);
		}
		add(mounts, destination, "tmpfs", "tmpfs", options);
	}
}

static struct json_object *tmpfs_options(struct json_object *m)
{
	struct json_object *o = json_get_object(m, "Options");
	struct json_object *list = spec_strings("noexec", "nosuid", "nodev", NULL);
	char text[64];

	if (json_get_int(o, "SizeBytes", 0)) {
		snprintf(text, sizeof(text), "size=%lld", (long long)json_get_int(o, "SizeBytes", 0));
		json_add_string(list, text);
	}
	if (json_get_int(o, "Mode", 0)) {
		snprintf(text, sizeof(text), "mode=%llo", (long long)json_get_int(o, "Mode", 0));
		json_add_string(list, text);
	}
	if (!json_get_bool(m, "RW", 1)) {
		json_add_string(list, "ro");
	}
	return list;
}

static int add_volume(struct core *core, const struct container *c, struct json_object *m,
		      struct json_object *mounts, struct gantry_error *err)
{
	const char *type = json_get_string(m, "Type");
	const char *destination = json_get_string(m, "Destination");
	const char *propagation = json_get_string(m, "Propagation");
	auto_free char *path = NULL;
	struct json_object *options;
	int r;

	if (!strcmp(type, "tmpfs")) {
		add(mounts, destination, "tmpfs", "tmpfs", tmpfs_options(m));
		return 0;
	}
	if (!strcmp(type, "volume")) {
		r = volume_mount_path(core, json_get_string(m, "Name"), c->id, &path, err);
		if (r < 0) {
			return r;
		}
		json_set_string(m, "Source", path);
	}
	options = spec_strings(json_get_bool(json_get(m, "Options"), "NonRecursive", 0) ? "bind" : "rbind",
			       propagation && *propagation ? propagation : "rprivate",
			       json_get_bool(m, "RW", 1) ? "rw" : "ro", NULL);
	add(mounts, destination, "bind", json_get_string(m, "Source"), options);
	return 0;
}

static int by_depth(const void *a, const void *b)
{
	struct json_object *const *x = a, *const *y = b;

	return strcmp(json_get_string(*x, "Destination"), json_get_string(*y, "Destination"));
}

int spec_mounts(struct core *core, const struct container *c, const char *run_dir,
		struct json_object *spec, struct gantry_error *err)
{
	struct json_object *mounts = json_object_new_array();
	struct json_object *asked = json_get_array(c->doc, "Mounts");
	int r;

	json_set(spec, "mounts", mounts);
	r = add_system(core, c, mounts, err);
	if (r < 0) {
		return r;
	}
	add_files(c, run_dir, mounts);
	add_tmpfs(c, mounts);
	/* A folder before what lies in it. */
	if (asked) {
		json_object_array_sort(asked, by_depth);
	}
	for (size_t i = 0; r == 0 && i < json_array_size(asked); i++) {
		r = add_volume(core, c, json_object_array_get_idx(asked, i), mounts, err);
	}
	return r;
}
