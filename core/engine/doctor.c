/* SPDX-License-Identifier: Apache-2.0 */
/* What this host offers, and which driver serves each kind and why. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "core/container/create.h"
#include "core/engine/engine.h"
#include "core/engine/ladder.h"
#include "core/engine/mounts.h"
#include "core/engine/reuse.h"
#include "core/network/network.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "helpers/json.h"

int engine_id(struct core *core, char **ret, struct gantry_error *err)
{
	char id[65];
	int r = db_meta_get(core->db, "engine.id", ret, err);

	if (r < 0 || *ret) {
		return r;
	}
	create_random_id(id);
	r = db_meta_set(core->db, "engine.id", id, err);
	if (r == 0) {
		*ret = strdup(id);
	}
	return r < 0 ? r : *ret ? 0 : error_no_memory(err);
}

static struct json_object *add_check(struct json_object *checks, const char *kind, const char *name,
				     const char *status, const char *detail, const char *hint)
{
	struct json_object *o = json_object_new_object();

	json_set_string(o, "kind", kind);
	json_set_string(o, "name", name);
	json_set_string(o, "status", status);
	json_set_bool(o, "chosen", 0);
	json_set_string(o, "detail", detail);
	json_set_string(o, "hint", hint);
	json_object_array_add(checks, o);
	return o;
}

static void check_file(struct json_object *checks, const char *name, const char *path,
		       const char *good, const char *bad, const char *hint)
{
	int there = access(path, F_OK) == 0;

	add_check(checks, "host", name, there ? "ok" : "missing", there ? good : bad, there ? "" : hint);
}

static void check_host(struct core *core, struct json_object *checks)
{
	struct utsname uts;
	char text[400];
	int unified = access("/sys/fs/cgroup/cgroup.controllers", F_OK) == 0;

	uname(&uts);
	snprintf(text, sizeof(text), "%s %s", uts.release, uts.machine);
	add_check(checks, "host", "kernel", "ok", text, "");
	add_check(checks, "host", "user", "ok",
		  core->ids == USERNS_HOST ? "root: every driver may be used"
					   : "an ordinary user",
		  "");
	add_check(checks, "host", "cgroups",
		  unified || access("/sys/fs/cgroup/memory", F_OK) == 0 ? "ok" : "missing",
		  unified					   ? "version 2"
		  : access("/sys/fs/cgroup/unified", F_OK) == 0	   ? "version 1, hybrid"
		  : access("/sys/fs/cgroup/memory", F_OK) == 0 ? "version 1"
								   : "not mounted: containers have no limits",
		  unified ? "" : "boot with systemd.unified_cgroup_hierarchy=1 for version 2");
	check_file(checks, "fuse", "/dev/fuse", "the FUSE union can be used",
		   "storage falls back to kernel overlayfs or copies", "modprobe fuse");
	check_file(checks, "seccomp", "/proc/sys/kernel/seccomp/actions_avail", "filters are available",
		   "containers run without a system call filter", "use a kernel with CONFIG_SECCOMP_FILTER");
	check_file(checks, "user namespaces", "/proc/self/ns/user", "available", "not in this kernel",
		   "use a kernel with CONFIG_USER_NS");
	snprintf(text, sizeof(text), "%s (run-time files: %s)", core->paths.root, core->paths.run_root);
	add_check(checks, "host", "root", "ok", text, "");
}

/* The driver that serves a kind when nobody names one, or "". */
static void chosen_driver(struct core *core, const char *kind, char *name, size_t size)
{
	static const char *const keys[] = { "runtime.driver", "volume.driver", "api.driver" };
	struct gantry_error ignored = GANTRY_ERROR_INIT;
	struct driver *driver;

	*name = '\0';
	if (!strcmp(kind, "storage") && engine_storage(core, &driver, &ignored) == 0) {
		snprintf(name, size, "%s", driver->name);
	} else if (!strcmp(kind, "network")) {
		snprintf(name, size, "%s", config_string(core->config, "network.bridge"));
	} else if (!strcmp(kind, "transport")) {
		snprintf(name, size, "%s", config_string(core->config, "transport.registry"));
	}
	if (!strcmp(kind, "log")) {
		const char *first = json_item_string(config_list(core->config, "log.driver"), 0);

		snprintf(name, size, "%s", first ? first : "");
	}
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		if (!strncmp(keys[i], kind, strlen(kind)) && keys[i][strlen(kind)] == '.') {
			snprintf(name, size, "%s", config_string(core->config, keys[i]));
		}
	}
}

static void check_driver(struct core *core, struct json_object *checks, struct json_object *d)
{
	const char *kind = json_get_string(d, "Kind"), *name = json_get_string(d, "Name");
	struct gantry_error err = GANTRY_ERROR_INIT;
	struct json_object *o;
	char chosen[64];
	int r = registry_probe(core->registry, kind, name, &err);

	chosen_driver(core, kind, chosen, sizeof(chosen));
	o = add_check(checks, kind, name, r == 0 ? "ok" : "unusable", r == 0 ? "" : err.message, err.hint);
	json_set_bool(o, "chosen", !strcmp(chosen, name));
}

static void tell_broken(void *data, const char *network, const char *container,
			const struct gantry_error *why)
{
	char name[200];

	snprintf(name, sizeof(name), "%s in %s", container, network);
	add_check(data, "endpoint", name, "broken", why->message,
		  *why->hint ? why->hint : "disconnect and connect it again");
}

static void tell_mount(void *data, const char *path, enum mount_state state)
{
	static const struct {
		const char *status, *detail, *hint;
	} says[] = {
		[MOUNT_SERVED] = { "ok", "its server answers", "" },
		[MOUNT_DEAD] = { "error", "its server is gone: every use of it fails",
				 "gantry doctor --clear unmounts it; containers on it must be restarted" },
		[MOUNT_SILENT] = { "error", "its server does not answer",
				   "look at the gantry-unionfs process that serves it; when it is killed, its "
				   "second process starts another one" },
		[MOUNT_CLEARED] = { "ok", "its server was gone: unmounted", "" },
	};

	add_check(data, "mount", path, says[state].status, says[state].detail, says[state].hint);
}

ENGINE_OP(doctor)
{
	struct core *core = self;
	auto_json struct json_object *report = json_object_new_object();
	auto_json struct json_object *plugins = NULL;
	struct json_object *checks = json_object_new_array();
	int r = registry_list(core->registry, &plugins, err);

	json_set(report, "checks", checks);
	if (r < 0) {
		return r;
	}
	check_host(core, checks);
	if (core->ids != USERNS_HOST) {
		ladder_check(core, checks);
	}
	for (size_t i = 0; i < json_array_size(plugins); i++) {
		struct json_object *p = json_object_array_get_idx(plugins, i);
		struct json_object *drivers = json_get_array(p, "Drivers");

		if (json_get_string(p, "Error")) {
			add_check(checks, "plugin", json_get_string(p, "Folder"), "broken",
				  json_get_string(p, "Error"), "reinstall it, or remove the folder");
		}
		for (size_t k = 0; k < json_array_size(drivers); k++) {
			check_driver(core, checks, json_object_array_get_idx(drivers, k));
		}
	}
	r = mounts_check(args->clear, tell_mount, checks);
	if (r < 0) {
		return error_errno(err, -r, "cannot read the list of mounts");
	}
	r = networks_verify(core, tell_broken, checks, err);
	return r < 0 ? r : gantry_engine_doctor_set_report(reply, json_text(report));
}
