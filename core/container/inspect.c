/* SPDX-License-Identifier: Apache-2.0 */
/* Containers as clients see them. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <gantry/calls.h>

#include "core/container/container.h"
#include "core/container/limits.h"
#include "core/container/present.h"
#include "core/container/spec.h"
#include "helpers/buf.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "helpers/io.h"

char *present_time(int64_t ns)
{
	time_t seconds = (time_t)(ns / 1000000000);
	struct tm tm;
	char text[40];
	char *out;

	if (ns == 0) {
		return strdup("0001-01-01T00:00:00Z");
	}
	gmtime_r(&seconds, &tm);
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm);
	return asprintf(&out, "%s.%09lldZ", text, (long long)(ns % 1000000000)) < 0 ? NULL : out;
}

static void set_time(struct json_object *o, const char *key, int64_t ns)
{
	auto_free char *text = present_time(ns);

	json_set_string(o, key, text);
}

void present_restarting(struct core *core, struct container *c)
{
	struct json_object *policy = json_get_object(container_host_config(c), "RestartPolicy");
	const char *name = json_get_string(policy, "Name");
	auto_free char *dir = NULL;
	auto_free char *path = NULL;
	auto_(buf) struct buf text = BUF_INIT;
	long long finished;
	char *status;
	int code;

	if (!container_is(c, "running") || !name || !*name || !strcmp(name, "no")) {
		return;
	}
	dir = container_run_dir(core, c->id);
	path = dir ? path_join(dir, "restarting", NULL) : NULL;
	/* One that is left of an earlier run says nothing of this one. */
	if (!path || read_file(AT_FDCWD, path, &text, 4096) < 0 ||
	    sscanf(buf_str(&text), "%d %lld", &code, &finished) != 2 ||
	    finished < json_get_int(c->state, "StartedNs", 0) || !(status = strdup("restarting"))) {
		return;
	}
	free(c->status);
	c->status = status;
	json_set_int(c->state, "ExitCode", code);
	json_set_int(c->state, "FinishedNs", finished);
	json_set_int(c->state, "Pid", 0);
}

struct json_object *present_health(struct core *core, const struct container *c)
{
	auto_free char *dir = container_run_dir(core, c->id);
	auto_free char *path = path_join(dir, "health", NULL);
	auto_(buf) struct buf text = BUF_INIT;
	struct gantry_error ignored = GANTRY_ERROR_INIT;
	struct json_object *o;

	if (!json_get_object(container_config(c), "Healthcheck") ||
	    read_file(AT_FDCWD, path, &text, 1 << 20) < 0 ||
	    json_parse_object(buf_str(&text), "health", &o, &ignored) < 0) {
		return NULL;
	}
	return o;
}

static int has_health_test(const struct container *c)
{
	const char *kind = json_item_string(
		json_get_array(json_get_object(container_config(c), "Healthcheck"), "Test"), 0);

	return kind && strcmp(kind, "NONE");
}

static struct json_object *make_state(struct core *core, const struct container *c)
{
	struct json_object *o = json_object_new_object();
	int running = container_is_running(c);

	json_set_string(o, "Status", c->status);
	json_set_bool(o, "Running", running);
	json_set_bool(o, "Paused", container_is(c, "paused"));
	json_set_bool(o, "Restarting", container_is(c, "restarting"));
	json_set_bool(o, "OOMKilled", json_get_bool(c->state, "OOMKilled", 0));
	json_set_bool(o, "Dead", container_is(c, "dead"));
	json_set_int(o, "Pid", running ? json_get_int(c->state, "Pid", 0) : 0);
	json_set_int(o, "ExitCode", json_get_int(c->state, "ExitCode", 0));
	json_set_string(o, "Error", json_get_string(c->state, "Error") ? json_get_string(c->state, "Error") : "");
	set_time(o, "StartedAt", json_get_int(c->state, "StartedNs", 0));
	set_time(o, "FinishedAt", json_get_int(c->state, "FinishedNs", 0));
	if (has_health_test(c)) {
		struct json_object *health = present_health(core, c);

		if (!health) {
			health = json_object_new_object();
			json_set_string(health, "Status", "starting");
			json_set_int(health, "FailingStreak", 0);
			json_set(health, "Log", json_object_new_array());
		}
		json_set(o, "Health", health);
	}
	return o;
}

/* doc.Mounts without what is only ours, and with where volumes lie. */
struct json_object *present_mounts(struct core *core, const struct container *c)
{
	struct json_object *mounts = json_get_array(c->doc, "Mounts");
	struct json_object *list = json_object_new_array();

	for (size_t i = 0; i < json_array_size(mounts); i++) {
		struct json_object *copy = NULL;

		json_object_deep_copy(json_object_array_get_idx(mounts, i), &copy, NULL);
		if (json_get_string(copy, "Name")) {
			auto_(reply) struct reply ret = REPLY_INIT;
			struct gantry_error ignored = GANTRY_ERROR_INIT;
			struct driver *driver;

			if (registry_get(core->registry, "volume", json_get_string(copy, "Driver"), &driver,
					 &ignored) == 0 &&
			    volume_inspect(driver,
					   &GANTRY_VOLUME_INSPECT_ARGS(.name = json_get_string(copy, "Name")),
					   &ret, &ignored) == 0) {
				json_set_string(copy, "Source",
						reply_string(&ret, GANTRY_VOLUME_INSPECT_RET_MOUNTPOINT));
			}
		}
		json_object_object_del(copy, "Anonymous");
		json_object_object_del(copy, "Options");
		json_object_array_add(list, copy);
	}
	return list;
}

/* What Docker's clients expect to be told, though it is decided elsewhere or later. */
static struct json_object *make_host_config(const struct container *c)
{
	struct json_object *hc = container_host_config(c);
	struct json_object *o = json_object_new_object();

	json_object_object_foreach(hc, key, value) {
		json_set(o, key, json_object_get(value));
	}
	if (!spec_is_privileged(c)) {
		json_set(o, "MaskedPaths", spec_masked_paths(c));
		json_set(o, "ReadonlyPaths", spec_read_only_paths(c));
	}
	if (json_get_int(hc, "MemorySwappiness", -1) == -1) {
		json_set(o, "MemorySwappiness", NULL);
	}
	if (json_get_int(hc, "PidsLimit", 0) == 0) {
		json_set(o, "PidsLimit", NULL);
	}
	return o;
}

static struct json_object *make_config(const struct container *c)
{
	struct json_object *config = container_config(c);
	struct json_object *o = json_object_new_object();
	char buffer[CONTAINER_HOSTNAME_MAX];

	json_object_object_foreach(config, key, value) {
		json_set(o, key, json_object_get(value));
	}
	if (strncmp(json_get_string(container_host_config(c), "NetworkMode"), "container:", 10) != 0) {
		json_set_string(o, "Hostname", container_hostname(c, buffer));
	}
	return o;
}

static struct json_object *make_graph_driver(const struct container *c)
{
	struct json_object *o = json_object_new_object();

	json_set_string(o, "Name", json_get_string(c->doc, "Driver"));
	json_set(o, "Data", NULL); /* how drivers keep things is theirs */
	return o;
}

static void set_path(struct json_object *o, const char *key, const char *dir, const char *file)
{
	auto_free char *path = path_join(dir, file, NULL);

	json_set_string(o, key, path);
}

static void set_sizes(struct core *core, const struct container *c, struct json_object *o,
		      const char *rw_key, const char *root_key)
{
	int64_t rw = 0, total = 0;

	present_sizes(core, c, &rw, &total);
	json_set_int(o, rw_key, rw);
	json_set_int(o, root_key, total);
}

void present_sizes(struct core *core, const struct container *c, int64_t *ret_rw, int64_t *ret_total)
{
	auto_(reply) struct reply ret = REPLY_INIT;
	struct gantry_error ignored = GANTRY_ERROR_INIT;
	struct driver *storage;
	int64_t image = 0;

	if (container_storage(core, c, &storage, &ignored) == 0 &&
	    storage_usage(storage, &GANTRY_STORAGE_USAGE_ARGS(.key = c->id), &ret, &ignored) == 0) {
		*ret_rw = reply_integer(&ret, GANTRY_STORAGE_USAGE_RET_BYTES, 0);
	}
	(void)db_get_int(core->db, 0, &image, &ignored,
			 "SELECT json_extract(doc,'$.Size') FROM images WHERE id=?", "s", c->image);
	*ret_total = *ret_rw + image;
}

ENGINE_OP(container_inspect)
{
	struct core *core = self;
	auto_container struct container *c = NULL;
	auto_json struct json_object *o = json_object_new_object();
	struct json_object *limits;
	auto_free char *run_dir = NULL;
	auto_free char *dir = NULL;
	auto_free char *name = NULL;
	int r = container_find(core, args->name, &c, err);

	if (r < 0) {
		return r;
	}
	present_restarting(core, c);
	run_dir = container_run_dir(core, c->id);
	dir = container_dir(core, c->id);
	if (asprintf(&name, "/%s", c->name) < 0) {
		return error_no_memory(err);
	}
	json_set_string(o, "Id", c->id);
	set_time(o, "Created", c->created_ns);
	json_set_string(o, "Path", json_get_string(c->doc, "Path"));
	json_set(o, "Args", json_object_get(json_get(c->doc, "Args")));
	json_set(o, "State", make_state(core, c));
	json_set_string(o, "Image", c->image);
	set_path(o, "ResolvConfPath", run_dir, "resolv.conf");
	set_path(o, "HostnamePath", run_dir, "hostname");
	set_path(o, "HostsPath", run_dir, "hosts");
	set_path(o, "LogPath", dir, "json.log");
	json_set_string(o, "Name", name);
	json_set_int(o, "RestartCount", json_get_int(c->state, "RestartCount", 0));
	json_set_string(o, "Driver", json_get_string(c->doc, "Driver"));
	json_set_string(o, "Platform", "linux");
	json_set_string(o, "MountLabel", "");
	json_set_string(o, "ProcessLabel", "");
	json_set_string(o, "AppArmorProfile", "");
	json_set(o, "ExecIDs", present_execs(core, c));
	json_set(o, "HostConfig", make_host_config(c));
	/* an addition to Docker's: what of HostConfig is only a wish here */
	limits = limits_not_enforced(core, container_host_config(c));
	if (limits) {
		json_set(o, "LimitsNotEnforced", limits);
	}
	json_set(o, "Mounts", present_mounts(core, c));
	json_set(o, "Config", make_config(c));
	json_set(o, "GraphDriver", make_graph_driver(c));
	json_set(o, "NetworkSettings", present_network_settings(core, c));
	if (args->size) {
		set_sizes(core, c, o, "SizeRw", "SizeRootFs");
	}
	return gantry_engine_container_inspect_set_container(reply, json_text(o));
}

static int exec_row(void *data, sqlite3_stmt *row, struct gantry_error *err)
{
	json_add_string(data, db_column(row, 0));
	return 0;
}

struct json_object *present_execs(struct core *core, const struct container *c)
{
	struct json_object *list = json_object_new_array();
	struct gantry_error ignored = GANTRY_ERROR_INIT;

	(void)db_query(core->db, exec_row, list, &ignored, "SELECT id FROM execs WHERE container=?", "s",
		       c->id);
	if (json_array_size(list) == 0) {
		json_object_put(list);
		return NULL;
	}
	return list;
}
