/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>

#include "core/container/emulation.h"
#include "core/container/spec.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "helpers/privilege.h"

static void add_namespace(struct json_object *list, const char *type, const char *path)
{
	struct json_object *o = json_object_new_object();

	json_set_string(o, "type", type);
	json_set_string(o, "path", path);
	json_object_array_add(list, o);
}

/* A namespace of its own, the host's (nothing is added), or another container's. */
static int add_by_mode(struct core *core, struct json_object *list, const char *type,
		       const char *proc_name, const char *mode, struct gantry_error *err)
{
	auto_container struct container *other = NULL;
	char path[64];
	int r;

	if (mode && !strcmp(mode, "host")) {
		return 0;
	}
	if (!mode || strncmp(mode, "container:", 10)) {
		add_namespace(list, type, NULL);
		return 0;
	}
	r = container_find(core, mode + 10, &other, err);
	if (r < 0) {
		return r;
	}
	if (!container_is_running(other)) {
		return error_set(err, GANTRY_ERR_CONFLICT,
				 "cannot join %s namespace of a non running container: %s", type, other->id);
	}
	snprintf(path, sizeof(path), "/proc/%lld/ns/%s", (long long)json_get_int(other->state, "Pid", 0),
		 proc_name);
	add_namespace(list, type, path);
	return 0;
}

static int add_namespaces(struct core *core, const struct container *c, struct json_object *linux_spec,
			  struct gantry_error *err)
{
	struct json_object *hc = container_host_config(c);
	struct json_object *list = json_object_new_array();
	int r;

	json_set(linux_spec, "namespaces", list);
	add_namespace(list, "mount", NULL);
	r = add_by_mode(core, list, "network", "net", json_get_string(hc, "NetworkMode"), err);
	if (r == 0) {
		r = add_by_mode(core, list, "uts", "uts", json_get_string(hc, "UTSMode"), err);
	}
	if (r == 0) {
		r = add_by_mode(core, list, "pid", "pid", json_get_string(hc, "PidMode"), err);
	}
	if (r == 0) {
		r = add_by_mode(core, list, "ipc", "ipc", json_get_string(hc, "IpcMode"), err);
	}
	if (r == 0) {
		r = add_by_mode(core, list, "cgroup", "cgroup", json_get_string(hc, "CgroupnsMode"), err);
	}
	return r;
}

struct json_object *spec_masked_paths(const struct container *c)
{
	struct json_object *asked = json_get_array(container_host_config(c), "MaskedPaths");

	return asked ? json_object_get(asked)
		     : spec_strings("/proc/asound", "/proc/acpi", "/proc/interrupts", "/proc/kcore",
				    "/proc/keys", "/proc/latency_stats", "/proc/timer_list",
				    "/proc/timer_stats", "/proc/sched_debug", "/proc/scsi", "/sys/firmware",
				    "/sys/devices/virtual/powercap", NULL);
}

struct json_object *spec_read_only_paths(const struct container *c)
{
	struct json_object *asked = json_get_array(container_host_config(c), "ReadonlyPaths");

	return asked ? json_object_get(asked)
		     : spec_strings("/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys",
				    "/proc/sysrq-trigger", NULL);
}

static void add_paths(const struct container *c, struct json_object *linux_spec)
{
	if (spec_is_privileged(c)) {
		return;
	}
	json_set(linux_spec, "maskedPaths", spec_masked_paths(c));
	json_set(linux_spec, "readonlyPaths", spec_read_only_paths(c));
}

static int owns_network(const struct container *c)
{
	const char *mode = json_get_string(container_host_config(c), "NetworkMode");

	return strcmp(mode, "host") && strncmp(mode, "container:", 10);
}

static int is_read_only(const char *path)
{
	struct statvfs fs;

	return statvfs(path, &fs) == 0 && (fs.f_flag & ST_RDONLY);
}

static void add_sysctls(const struct container *c, struct json_object *linux_spec)
{
	struct json_object *asked = json_get_object(container_host_config(c), "Sysctls");
	struct json_object *o = json_object_new_object();

	/* As Docker: low ports and ping need no privilege inside.  In a container of
	 * others nobody may set them. */
	if (owns_network(c) && !is_read_only("/proc/sys")) {
		json_set_string(o, "net.ipv4.ip_unprivileged_port_start", "0");
		/* of the groups that there are in this user namespace */
		json_set_string(o, "net.ipv4.ping_group_range",
				in_initial_userns() ? "0 2147483647" :
				userns_has_ids()    ? "0 65535" :
						      "0 0");
	}
	if (asked) {
		json_object_object_foreach(asked, key, value)
		{
			json_set(o, key, json_object_get(value));
		}
	}
	json_set(linux_spec, "sysctl", o);
}

static int add_cgroup_path(struct core *core, const struct container *c,
			   struct json_object *linux_spec, struct gantry_error *err)
{
	const char *parent = json_get_string(container_host_config(c), "CgroupParent");
	auto_free char *path = NULL;

	if (!parent || !*parent) {
		parent = config_string(core->config, "container.cgroup_parent");
	}
	if (asprintf(&path, "%s%s/%s", parent[0] == '/' ? "" : "/", parent, c->id) < 0) {
		return error_no_memory(err);
	}
	return json_set_string(linux_spec, "cgroupsPath", path);
}

int spec_linux(struct core *core, const struct container *c, struct json_object *spec,
	       struct gantry_error *err)
{
	struct json_object *linux_spec = json_object_new_object();
	struct json_object *resources;
	int r;

	json_set(spec, "linux", linux_spec);
	r = add_namespaces(core, c, linux_spec, err);
	if (r == 0) {
		r = add_cgroup_path(core, c, linux_spec, err);
	}
	if (r == 0) {
		r = spec_resources(container_host_config(c), &resources, err);
	}
	if (r < 0) {
		return r;
	}
	json_set(linux_spec, "resources", resources);
	add_paths(c, linux_spec);
	add_sysctls(c, linux_spec);
	json_set_string(linux_spec, "rootfsPropagation", "rprivate");
	return spec_devices(c, spec, err);
}

static void add_root(const struct container *c, const char *run_dir, struct json_object *spec)
{
	struct json_object *o = json_object_new_object();

	/* The root comes as a descriptor; the path only names the place for runtimes
	 * that need one. */
	json_set_string(o, "path", "rootfs");
	json_set_bool(o, "readonly", json_get_bool(container_host_config(c), "ReadonlyRootfs", 0));
	json_set(spec, "root", o);
}

static void add_names(const struct container *c, struct json_object *spec)
{
	struct json_object *config = container_config(c);
	const char *uts = json_get_string(container_host_config(c), "UTSMode");
	char buffer[CONTAINER_HOSTNAME_MAX];
	const char *name;

	if (uts && !strcmp(uts, "host")) {
		return;
	}
	json_set_string(spec, "hostname", container_hostname(c, buffer));
	name = json_get_string(config, "Domainname");
	if (name && *name) {
		json_set_string(spec, "domainname", name);
	}
}

/* What the OCI's format has no words for. */
static void add_annotations(struct core *core, const struct container *c, const char *run_dir,
			    struct json_object *spec)
{
	const char *userns = json_get_string(container_host_config(c), "UsernsMode");
	struct json_object *asked = json_get_object(container_host_config(c), "Annotations");
	struct json_object *all = NULL;

	if (core->ids == USERNS_HOST) {
		if (asked) {
			json_set(spec, "annotations", json_object_get(asked));
		}
		return;
	}
	if (!asked || json_object_deep_copy(asked, &all, NULL) < 0) {
		all = json_object_new_object();
	}
	if (userns && !strcmp(userns, "keep-id")) {
		json_set_string(all, "org.gantry.userns", userns);
	}
	emulation_annotate(core, c, run_dir, all);
	json_set(spec, "annotations", all);
}

int container_make_spec(struct core *core, const struct container *c, const char *run_dir,
			int root, struct json_object **ret, struct gantry_error *err)
{
	auto_json struct json_object *spec = json_object_new_object();
	int r;

	json_set_string(spec, "ociVersion", "1.2.0");
	r = spec_process(c, root, spec, err);
	if (r < 0) {
		return r;
	}
	add_root(c, run_dir, spec);
	add_names(c, spec);
	add_annotations(core, c, run_dir, spec);
	r = spec_mounts(core, c, run_dir, spec, err);
	if (r == 0) {
		r = spec_linux(core, c, spec, err);
	}
	if (r == 0) {
		r = spec_drivers(core, c, &spec, err);
	}
	if (r == 0) {
		*ret = steal(&spec);
	}
	return r;
}
