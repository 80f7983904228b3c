/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <gantry/calls.h>

#include "core/container/create.h"
#include "core/container/emulation.h"
#include "core/container/limits.h"
#include "core/container/log.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "helpers/quantity.h"

#define MIN_MEMORY (6 << 20)

static int invalid(struct gantry_error *err, const char *fmt, const char *value)
{
	char message[512];

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	snprintf(message, sizeof(message), fmt, value);
#pragma GCC diagnostic pop
	return error_set(err, GANTRY_ERR_INVALID, "%s", message);
}

static int check_memory(struct json_object *hc, struct json_object *warnings,
			struct gantry_error *err)
{
	int64_t memory = json_get_int(hc, "Memory", 0);
	int64_t swap = json_get_int(hc, "MemorySwap", 0);
	int64_t reservation = json_get_int(hc, "MemoryReservation", 0);

	if (memory && memory < MIN_MEMORY) {
		return error_set(err, GANTRY_ERR_INVALID, "Minimum memory limit allowed is 6MB");
	}
	if (swap > 0 && memory == 0) {
		return error_set(err, GANTRY_ERR_INVALID,
				 "You should always set the Memory limit when using Memoryswap limit, "
				 "see usage");
	}
	if (swap > 0 && swap < memory) {
		return error_set(err, GANTRY_ERR_INVALID,
				 "Minimum memoryswap limit should be larger than memory limit, see usage");
	}
	if (reservation && memory && reservation > memory) {
		return error_set(err, GANTRY_ERR_INVALID,
				 "Minimum memory limit can not be less than memory reservation limit, "
				 "see usage");
	}
	/* As Docker: swap defaults to twice the memory. */
	if (memory > 0 && swap == 0) {
		json_set_int(hc, "MemorySwap", memory * 2);
	}
	return 0;
}

static int check_cpu(struct json_object *hc, struct gantry_error *err)
{
	int64_t nano = json_get_int(hc, "NanoCpus", 0);

	if (nano < 0) {
		return error_set(err, GANTRY_ERR_INVALID, "--cpus must not be negative");
	}
	if (nano > 0 && (json_get_int(hc, "CpuQuota", 0) || json_get_int(hc, "CpuPeriod", 0))) {
		return error_set(err, GANTRY_ERR_INVALID,
				 "Conflicting options: Nano CPUs and CPU Period/Quota cannot both be set");
	}
	return 0;
}

static int check_restart(struct json_object *hc, struct gantry_error *err)
{
	static const char *const known[] = { "", "no", "always", "on-failure", "unless-stopped" };
	struct json_object *policy = json_get_object(hc, "RestartPolicy");
	const char *name = json_get_string(policy, "Name");
	int found = !name;

	for (size_t i = 0; name && i < ARRAY_SIZE(known); i++) {
		found |= !strcmp(name, known[i]);
	}
	if (!found) {
		return invalid(err, "invalid restart policy: unknown policy '%s'; use one of 'no', 'always', "
				    "'on-failure', or 'unless-stopped'", name);
	}
	if (name && strcmp(name, "on-failure") && json_get_int(policy, "MaximumRetryCount", 0)) {
		return error_set(err, GANTRY_ERR_INVALID,
				 "invalid restart policy: maximum retry count can only be used with "
				 "'on-failure'");
	}
	if (json_get_bool(hc, "AutoRemove", 0) && name && *name && strcmp(name, "no")) {
		return error_set(err, GANTRY_ERR_CONFLICT,
				 "can't create 'AutoRemove' container with restart policy");
	}
	return 0;
}

/* none, private, host or container:x */
static int check_mode(struct core *core, struct json_object *hc, const char *key,
		      const char *const *allowed, int may_join, struct gantry_error *err)
{
	const char *mode = json_get_string(hc, key);

	if (!mode || !*mode) {
		return 0;
	}
	for (; *allowed; allowed++) {
		if (!strcmp(mode, *allowed)) {
			return 0;
		}
	}
	if (may_join && !strncmp(mode, "container:", 10)) {
		auto_container struct container *other = NULL;
		int r = container_find(core, mode + 10, &other, err);

		return r < 0 ? r : 0;
	}
	return error_set(err, GANTRY_ERR_INVALID, "invalid %s: %s", key, mode);
}

static int check_modes(struct core *core, struct json_object *hc, struct gantry_error *err)
{
	static const char *const pid[] = { "host", NULL };
	static const char *const ipc[] = { "host", "private", "shareable", "none", NULL };
	static const char *const uts[] = { "host", NULL };
	static const char *const userns[] = { "host", "private", "keep-id", NULL };
	static const char *const cgroupns[] = { "host", "private", NULL };
	int r = check_mode(core, hc, "PidMode", pid, 1, err);

	if (r == 0) {
		r = check_mode(core, hc, "IpcMode", ipc, 1, err);
	}
	if (r == 0) {
		r = check_mode(core, hc, "UTSMode", uts, 0, err);
	}
	if (r == 0) {
		r = check_mode(core, hc, "UsernsMode", userns, 0, err);
	}
	if (r == 0) {
		r = check_mode(core, hc, "CgroupnsMode", cgroupns, 0, err);
	}
	return r;
}

/* An option that nobody reads would leave its author less protected than told. */
static int check_security(struct json_object *hc, struct gantry_error *err)
{
	static const char *const known[] = { "seccomp", "apparmor", "label", "no-new-privileges",
					     "emulation" };
	struct json_object *options = json_get_array(hc, "SecurityOpt");

	for (size_t i = 0; i < json_array_size(options); i++) {
		const char *o = json_item_string(options, i);
		size_t len = strcspn(o, "=:");
		int found = 0;

		for (size_t k = 0; k < ARRAY_SIZE(known); k++) {
			found |= strlen(known[k]) == len && !strncmp(o, known[k], len);
		}
		if (!found) {
			error_set(err, GANTRY_ERR_INVALID, "invalid --security-opt: \"%s\"", o);
			return error_hint(err, "known are seccomp=, apparmor=, label=, emulation= and "
					       "no-new-privileges");
		}
	}
	return emulation_check(hc, err);
}

static int is_port_key(const char *key)
{
	char *end;
	long port = strtol(key, &end, 10);

	if (end == key || port < 1 || port > 65535) {
		return 0;
	}
	return !*end || !strcmp(end, "/tcp") || !strcmp(end, "/udp") || !strcmp(end, "/sctp");
}

static int check_ports(struct json_object *hc, struct gantry_error *err)
{
	struct json_object *bindings = json_get_object(hc, "PortBindings");

	if (!bindings) {
		return 0;
	}
	json_object_object_foreach(bindings, key, list)
	{
		if (!is_port_key(key)) {
			return invalid(err, "invalid port specification: \"%s\"", key);
		}
		for (size_t i = 0; i < json_array_size(list); i++) {
			const char *port = json_get_string(json_object_array_get_idx(list, i), "HostPort");

			if (port && *port && strspn(port, "0123456789-") != strlen(port)) {
				return invalid(err, "invalid port specification: \"%s\"", port);
			}
		}
	}
	return 0;
}

static int check_capabilities(struct json_object *hc, struct gantry_error *err)
{
	static const char *const keys[] = { "CapAdd", "CapDrop" };

	for (size_t k = 0; k < ARRAY_SIZE(keys); k++) {
		struct json_object *list = json_get_array(hc, keys[k]);

		for (size_t i = 0; i < json_array_size(list); i++) {
			const char *name = json_item_string(list, i);

			if (!name || strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_") !=
					     strlen(name)) {
				return invalid(err, "invalid capability: \"%s\"", name ? name : "");
			}
		}
	}
	return 0;
}

/* --userns=keep-id: who runs the engine is who runs in the container. */
static void keep_id(struct core *core, struct json_object *doc, struct json_object *hc)
{
	struct json_object *config = json_get_object(doc, "Config");
	const char *mode = json_get_string(hc, "UsernsMode");
	const char *user = json_get_string(config, "User");
	char own[32];

	if (mode && !strcmp(mode, "keep-id") && (!user || !*user)) {
		snprintf(own, sizeof(own), "%u:%u", (unsigned)core->uid, (unsigned)core->gid);
		json_set_string(config, "User", own);
	}
}

/* An ordinary user's containers are on the default network where its driver can serve them, else
 * in the host's. */
static const char *default_network(struct core *core)
{
	const char *wanted = config_string(core->config, "network.rootless");
	struct gantry_error why = GANTRY_ERROR_INIT;

	if (core->ids == USERNS_HOST) {
		return "bridge";
	}
	if (strcmp(wanted, "auto")) {
		return wanted;
	}
	return registry_probe(core->registry, "network", config_string(core->config, "network.bridge"),
			      &why) == 0 ? "bridge" : "host";
}

static void set_defaults(struct core *core, struct json_object *doc, struct json_object *hc)
{
	const char *mode = json_get_string(hc, "NetworkMode");

	if (!mode || !*mode || !strcmp(mode, "default")) {
		json_set_string(hc, "NetworkMode", default_network(core));
	}
	keep_id(core, doc, hc);
	if (json_get_int(hc, "ShmSize", 0) <= 0) {
		json_set_int(hc, "ShmSize", 64 << 20);
	}
	if (!json_get_string(hc, "IpcMode") || !*json_get_string(hc, "IpcMode")) {
		json_set_string(hc, "IpcMode", "private");
	}
	if (!json_get_string(hc, "CgroupnsMode") || !*json_get_string(hc, "CgroupnsMode")) {
		json_set_string(hc, "CgroupnsMode",
				json_get_bool(hc, "Privileged", 0) ? "host" : "private");
	}
	if (!json_get(hc, "Init") && config_bool(core->config, "container.init")) {
		json_set_bool(hc, "Init", 1);
	}
	if (!json_get_string(hc, "Runtime") || !*json_get_string(hc, "Runtime")) {
		json_set_string(hc, "Runtime", config_string(core->config, "runtime.driver"));
	}
	json_set_string(doc, "Runtime", json_get_string(hc, "Runtime"));
}

static int check_runtime(struct core *core, struct json_object *doc, struct gantry_error *err)
{
	struct driver_place place;
	int r = registry_place(core->registry, "runtime", json_get_string(doc, "Runtime"), &place, err);

	if (r == GANTRY_ERR_NOT_FOUND) {
		return error_set(err, GANTRY_ERR_INVALID, "unknown or invalid runtime name: %s",
				 json_get_string(doc, "Runtime"));
	}
	return r;
}

/* --storage-opt: the storage driver itself says whether it can keep a size. */
static int check_storage_options(struct json_object *hc, struct gantry_error *err)
{
	struct json_object *options = json_get_object(hc, "StorageOpt");
	int64_t bytes;

	if (!options) {
		return 0;
	}
	json_object_object_foreach(options, key, value) {
		const char *text = json_object_get_string(value);

		if (strcmp(key, "size") != 0) {
			error_set(err, GANTRY_ERR_INVALID, "unknown storage option %s", key);
			return error_hint(err, "known is size=BYTES, such as size=10G");
		}
		if (!text || parse_bytes(text, &bytes) < 0 || bytes < 1) {
			error_set(err, GANTRY_ERR_INVALID, "invalid size \"%s\" of the storage option", text ? text : "");
			return error_hint(err, "write it as a number with k, m, g or t, such as size=10G");
		}
	}
	return 0;
}

int create_check_host_config(struct core *core, struct json_object *doc,
			     struct json_object *warnings, struct gantry_error *err)
{
	struct json_object *hc = json_get_object(doc, "HostConfig");
	int r;

	set_defaults(core, doc, hc);
	r = check_memory(hc, warnings, err);
	limits_warn(core, hc, warnings);
	if (r == 0) {
		r = check_storage_options(hc, err);
	}
	if (r == 0) {
		r = check_cpu(hc, err);
	}
	if (r == 0) {
		r = check_restart(hc, err);
	}
	if (r == 0) {
		r = check_modes(core, hc, err);
	}
	if (r == 0) {
		r = check_ports(hc, err);
	}
	if (r == 0) {
		r = check_capabilities(hc, err);
	}
	if (r == 0) {
		r = check_security(hc, err);
	}
	if (r == 0) {
		r = log_config_check(core, hc, err);
	}
	if (r == 0) {
		r = create_check_devices(core, hc, err);
	}
	return r < 0 ? r : check_runtime(core, doc, err);
}
