/* SPDX-License-Identifier: Apache-2.0 */
/* version, info, disk usage: what the engine says of itself and its host. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <gantry/calls.h>

#include "config.h"
#include "core/container/container.h"
#include "core/container/log.h"
#include "core/container/present.h"
#include "core/engine/engine.h"
#include "core/engine/reuse.h"
#include "core/image/image.h"
#include "core/image/registry.h"
#include "helpers/buf.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "helpers/io.h"
#include "helpers/json.h"

ENGINE_OP(version)
{
	auto_json struct json_object *o = json_object_new_object();
	struct json_object *platform = json_object_new_object();
	struct json_object *components = json_object_new_array();
	struct json_object *engine = json_object_new_object();
	struct json_object *details = json_object_new_object();
	struct platform host;
	struct utsname uts;
	int r = image_platform(NULL, &host, err);

	uname(&uts);
	json_set_string(platform, "Name", "gantry");
	json_set(o, "Platform", platform);
	json_set_string(engine, "Name", "Engine");
	json_set_string(engine, "Version", PACKAGE_VERSION);
	json_set_string(details, "ApiVersion", "1.47");
	json_set_string(details, "MinAPIVersion", "1.24");
	json_set_string(details, "Os", host.os);
	json_set_string(details, "Arch", host.arch);
	json_set_string(details, "KernelVersion", uts.release);
	json_set(engine, "Details", details);
	json_object_array_add(components, engine);
	json_set(o, "Components", components);
	json_set_string(o, "Version", PACKAGE_VERSION);
	json_set_string(o, "ApiVersion", "1.47");
	json_set_string(o, "MinAPIVersion", "1.24");
	json_set_string(o, "GitCommit", "");
	json_set_string(o, "GoVersion", "");
	json_set_string(o, "Os", host.os);
	json_set_string(o, "Arch", host.arch);
	json_set_string(o, "KernelVersion", uts.release);
	json_set_string(o, "BuildTime", "");
	return r < 0 ? r : gantry_engine_version_set_version(reply, json_text(o));
}

struct counts {
	int running, paused, stopped;
};

static int count_one(struct core *core, struct container *c, void *data, struct gantry_error *err)
{
	struct counts *n = data;

	n->running += container_is(c, "running") || container_is(c, "restarting");
	n->paused += container_is(c, "paused");
	n->stopped += !container_is_running(c);
	return 0;
}

/* PRETTY_NAME and VERSION_ID of os-release(5). */
static void add_os(struct json_object *o)
{
	auto_(buf) struct buf text = BUF_INIT;
	char *save = NULL;

	json_set_string(o, "OperatingSystem", "Linux");
	json_set_string(o, "OSVersion", "");
	if (read_file(AT_FDCWD, "/etc/os-release", &text, 65536) < 0 || !text.data) {
		return;
	}
	for (char *line = strtok_r(text.data, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		char value[256];

		if (sscanf(line, "PRETTY_NAME=\"%255[^\"]", value) == 1) {
			json_set_string(o, "OperatingSystem", value);
		} else if (sscanf(line, "VERSION_ID=\"%255[^\"]", value) == 1) {
			json_set_string(o, "OSVersion", value);
		}
	}
}

static void add_host(struct json_object *o)
{
	struct utsname uts;

	uname(&uts);
	json_set_string(o, "Name", uts.nodename);
	json_set_string(o, "KernelVersion", uts.release);
	json_set_string(o, "Architecture", uts.machine);
	json_set_string(o, "OSType", "linux");
	add_os(o);
	json_set_int(o, "NCPU", sysconf(_SC_NPROCESSORS_ONLN));
	json_set_int(o, "MemTotal", (int64_t)sysconf(_SC_PHYS_PAGES) * sysconf(_SC_PAGESIZE));
	json_set_string(o, "CgroupDriver", "cgroupfs");
	json_set_string(o, "CgroupVersion", access("/sys/fs/cgroup/cgroup.controllers", F_OK) == 0 ? "2" : "1");
}

static int add_storage(struct core *core, struct json_object *o, struct gantry_error *err)
{
	auto_(reply) struct reply ret = REPLY_INIT;
	auto_json struct json_object *details = NULL;
	struct json_object *pairs = json_object_new_array();
	struct driver *storage;
	int r = engine_storage(core, &storage, err);

	json_set(o, "DriverStatus", pairs);
	if (r < 0) {
		json_set_string(o, "Driver", "");
		error_clear(err);
		return 0;
	}
	json_set_string(o, "Driver", storage->name);
	r = storage_status(storage, &GANTRY_STORAGE_STATUS_ARGS(), &ret, err);
	if (r == 0) {
		r = json_parse_object(reply_string(&ret, GANTRY_STORAGE_STATUS_RET_DETAILS), "status", &details,
				      err);
	}
	if (r < 0) {
		return r;
	}
	json_object_object_foreach(details, key, value)
	{
		struct json_object *pair = json_object_new_array();

		json_add_string(pair, key);
		json_add_string(pair, json_object_get_string(value));
		json_object_array_add(pairs, pair);
	}
	return 0;
}

/* Names of the drivers of a kind that are installed. */
static struct json_object *names_of(struct json_object *plugins, const char *kind)
{
	struct json_object *list = json_object_new_array();

	for (size_t i = 0; i < json_array_size(plugins); i++) {
		struct json_object *drivers =
			json_get_array(json_object_array_get_idx(plugins, i), "Drivers");

		for (size_t d = 0; d < json_array_size(drivers); d++) {
			struct json_object *one = json_object_array_get_idx(drivers, d);

			if (!strcmp(json_get_string(one, "Kind"), kind)) {
				json_add_string(list, json_get_string(one, "Name"));
			}
		}
	}
	return list;
}

static int add_plugins(struct core *core, struct json_object *o, struct gantry_error *err)
{
	static const char *const kinds[][2] = {
		{ "volume", "Volume" }, { "network", "Network" }, { "log", "Log" }, { "auth", "Authorization" },
	};
	auto_json struct json_object *plugins = NULL;
	struct json_object *by_kind = json_object_new_object();
	struct json_object *runtimes = json_object_new_object();
	auto_json struct json_object *names = NULL;
	int r = registry_list(core->registry, &plugins, err);

	json_set(o, "Plugins", by_kind);
	json_set(o, "Runtimes", runtimes);
	if (r < 0) {
		return r;
	}
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		json_set(by_kind, kinds[i][1], names_of(plugins, kinds[i][0]));
	}
	names = names_of(plugins, "runtime");
	for (size_t i = 0; i < json_array_size(names); i++) {
		struct json_object *runtime = json_object_new_object();

		json_set_string(runtime, "path", json_item_string(names, i));
		json_set(runtimes, json_item_string(names, i), runtime);
	}
	return 0;
}

static void add_settings(struct core *core, struct json_object *o)
{
	struct json_object *security = json_object_new_array();
	struct json_object *swarm = json_object_new_object();
	auto_free char *now = present_time(time_now_ns());
	auto_free char *logging = log_default_driver(core);
	static const char *const yes[] = { "MemoryLimit", "SwapLimit", "CpuCfsPeriod", "CpuCfsQuota",
					   "CPUShares",	  "CPUSet",    "PidsLimit",    "IPv4Forwarding",
					   "BridgeNfIptables" };

	json_add_string(security, "name=seccomp,profile=builtin");
	json_add_string(security, "name=cgroupns");
	json_set(o, "SecurityOptions", security);
	for (size_t i = 0; i < ARRAY_SIZE(yes); i++) {
		json_set_bool(o, yes[i], 1);
	}
	json_set_bool(o, "OomKillDisable", 1);
	json_set_bool(o, "Debug", getenv("GANTRY_DEBUG") != NULL);
	json_set_string(o, "DefaultRuntime", config_string(core->config, "runtime.driver"));
	json_set_string(o, "LoggingDriver", logging);
	json_set_string(o, "DockerRootDir", core->paths.root);
	json_set_string(o, "SystemTime", now);
	json_set_string(o, "ServerVersion", PACKAGE_VERSION);
	json_set_string(o, "InitBinary", "gantry-init");
	json_set_bool(o, "LiveRestoreEnabled", 1);
	json_set_bool(o, "ExperimentalBuild", 0);
	json_set_int(o, "NFd", 0);
	json_set_int(o, "NGoroutines", 0);
	json_set_int(o, "NEventsListener", 0);
	json_set(o, "RegistryConfig", image_registry_info(core));
	json_set_string(o, "IndexServerAddress", image_registry_index(core));
	json_set(o, "Warnings", NULL);
	json_set(o, "Labels", json_object_new_array());
	json_set(o, "GenericResources", NULL);
	json_set_string(o, "HttpProxy", "");
	json_set_string(o, "HttpsProxy", "");
	json_set_string(o, "NoProxy", "");
	json_set_string(o, "Isolation", "");
	json_set_string(swarm, "LocalNodeState", "inactive");
	json_set_bool(swarm, "ControlAvailable", 0);
	json_set_string(swarm, "NodeID", "");
	json_set_string(swarm, "NodeAddr", "");
	json_set_string(swarm, "Error", "");
	json_set(swarm, "RemoteManagers", NULL);
	json_set(o, "Swarm", swarm);
}

ENGINE_OP(info)
{
	struct core *core = self;
	auto_json struct json_object *o = json_object_new_object();
	struct counts n = { 0 };
	auto_free char *id = NULL;
	int64_t images = 0;
	int r = container_each(core, count_one, &n, err);

	if (r == 0) {
		r = db_get_int(core->db, 0, &images, err, "SELECT count(*) FROM images", "");
	}
	if (r == 0) {
		r = engine_id(core, &id, err);
	}
	if (r < 0) {
		return r;
	}
	json_set_string(o, "ID", id);
	json_set_int(o, "Containers", n.running + n.paused + n.stopped);
	json_set_int(o, "ContainersRunning", n.running);
	json_set_int(o, "ContainersPaused", n.paused);
	json_set_int(o, "ContainersStopped", n.stopped);
	json_set_int(o, "Images", images);
	add_host(o);
	add_settings(core, o);
	r = add_storage(core, o, err);
	if (r == 0) {
		r = add_plugins(core, o, err);
	}
	return r < 0 ? r : gantry_engine_info_set_info(reply, json_text(o));
}

/* Calls an operation of our own and takes its JSON result. */
static int part(int r, struct reply *ret, struct json_object **out, struct gantry_error *err)
{
	const char *text = r == 0 ? reply_string(ret, 0) : NULL;

	return r < 0 ? r : json_parse(text, strlen(text), "own answer", out, err);
}

static int wants(const char *const *types, const char *type)
{
	if (!types || !*types) {
		return 1;
	}
	for (; *types; types++) {
		if (!strcmp(*types, type)) {
			return 1;
		}
	}
	return 0;
}

static int usage_containers(struct core *core, struct json_object *o, struct gantry_error *err)
{
	auto_(reply) struct reply ret = REPLY_INIT;
	struct json_object *list;
	int r = engine_container_list(core, &GANTRY_ENGINE_CONTAINER_LIST_ARGS(.all = 1, .size = 1),
				      &ret.base, err);

	r = part(r, &ret, &list, err);
	return r < 0 ? r : json_set(o, "Containers", list);
}

static int usage_images(struct core *core, struct json_object *o, struct gantry_error *err)
{
	auto_(reply) struct reply ret = REPLY_INIT;
	struct json_object *list;
	int64_t total = 0;
	int r = engine_image_list(core, &GANTRY_ENGINE_IMAGE_LIST_ARGS(.all = 1, .shared_size = 1), &ret.base, err);

	r = part(r, &ret, &list, err);
	if (r == 0) {
		json_set(o, "Images", list);
		r = db_get_int(core->db, 0, &total, err, "SELECT coalesce(sum(size),0) FROM layers", "");
	}
	return r < 0 ? r : json_set_int(o, "LayersSize", total);
}

static int usage_volumes(struct core *core, struct json_object *o, struct gantry_error *err)
{
	auto_(reply) struct reply ret = REPLY_INIT;
	auto_json struct json_object *answer = NULL;
	struct json_object *list;
	int r = engine_volume_list(core, &GANTRY_ENGINE_VOLUME_LIST_ARGS(), &ret.base, err);

	r = part(r, &ret, &answer, err);
	if (r < 0) {
		return r;
	}
	list = json_get_array(answer, "Volumes");
	for (size_t i = 0; i < json_array_size(list); i++) {
		volume_add_usage(core, json_object_array_get_idx(list, i));
	}
	return json_set(o, "Volumes", list ? json_object_get(list) : json_object_new_array());
}

ENGINE_OP(disk_usage)
{
	struct core *core = self;
	auto_json struct json_object *o = json_object_new_object();
	int r = 0;

	if (wants(args->types, "container")) {
		r = usage_containers(core, o, err);
	}
	if (r == 0 && wants(args->types, "image")) {
		r = usage_images(core, o, err);
	}
	if (r == 0 && wants(args->types, "volume")) {
		r = usage_volumes(core, o, err);
	}
	json_set(o, "BuildCache", json_object_new_array());
	return r < 0 ? r : gantry_engine_disk_usage_set_usage(reply, json_text(o));
}
