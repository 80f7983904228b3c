/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "helpers/error.h"

#include "lua/policy/fields.h"

enum field_type { ANY, STRING, BOOLEAN, NUMBER, OBJECT, LIST };

struct field {
	const char *name;
	enum field_type type;
};

static const struct field request_fields[] = {
	{ "who", ANY }, { "target", ANY }, { "object", ANY }, { "answer", ANY }, { "engine", ANY },
	{ "point", ANY }, { "time", ANY },
	{ NULL, ANY },
};
static const struct field who_fields[] = {
	{ "uid", ANY }, { "gid", ANY }, { "pid", ANY }, { "user", ANY }, { "groups", ANY },
	{ "auth", ANY }, { "certificate", ANY }, { "token", ANY }, { "transport", ANY },
	{ "address", ANY },
	{ NULL, ANY },
};
static const struct field target_fields[] = {
	{ "kind", ANY }, { "id", ANY }, { "name", ANY }, { "image", ANY }, { "reference", ANY },
	{ "digest", ANY }, { "labels", ANY }, { "container", ANY }, { "network", ANY },
	{ "volume", ANY },
	{ NULL, ANY },
};
static const struct field engine_fields[] = {
	{ "version", ANY }, { "rootless", ANY }, { "usage", ANY }, { "name", ANY },
	{ NULL, ANY },
};

static const struct field create_fields[] = {
	{ "Hostname", STRING }, { "Domainname", STRING }, { "User", STRING },
	{ "AttachStdin", BOOLEAN }, { "AttachStdout", BOOLEAN }, { "AttachStderr", BOOLEAN },
	{ "ExposedPorts", OBJECT }, { "Tty", BOOLEAN }, { "OpenStdin", BOOLEAN },
	{ "StdinOnce", BOOLEAN }, { "Env", LIST }, { "Cmd", ANY }, { "Healthcheck", OBJECT },
	{ "ArgsEscaped", BOOLEAN }, { "Image", STRING }, { "Volumes", OBJECT },
	{ "WorkingDir", STRING }, { "Entrypoint", ANY }, { "NetworkDisabled", BOOLEAN },
	{ "MacAddress", STRING }, { "OnBuild", LIST }, { "Labels", OBJECT }, { "StopSignal", STRING },
	{ "StopTimeout", NUMBER }, { "Shell", LIST }, { "HostConfig", OBJECT },
	{ "NetworkingConfig", OBJECT },
	{ NULL, ANY },
};

static const struct field host_config_fields[] = {
	{ "CpuShares", NUMBER }, { "Memory", NUMBER }, { "CgroupParent", STRING },
	{ "BlkioWeight", NUMBER }, { "BlkioWeightDevice", LIST }, { "BlkioDeviceReadBps", LIST },
	{ "BlkioDeviceWriteBps", LIST }, { "BlkioDeviceReadIOps", LIST },
	{ "BlkioDeviceWriteIOps", LIST }, { "CpuPeriod", NUMBER }, { "CpuQuota", NUMBER },
	{ "CpuRealtimePeriod", NUMBER }, { "CpuRealtimeRuntime", NUMBER }, { "CpusetCpus", STRING },
	{ "CpusetMems", STRING }, { "Devices", LIST }, { "DeviceCgroupRules", LIST },
	{ "DeviceRequests", LIST }, { "KernelMemory", NUMBER }, { "KernelMemoryTCP", NUMBER },
	{ "MemoryReservation", NUMBER }, { "MemorySwap", NUMBER }, { "MemorySwappiness", NUMBER },
	{ "NanoCpus", NUMBER }, { "OomKillDisable", BOOLEAN }, { "Init", BOOLEAN },
	{ "PidsLimit", NUMBER }, { "Ulimits", LIST }, { "CpuCount", NUMBER },
	{ "CpuPercent", NUMBER }, { "IOMaximumIOps", NUMBER }, { "IOMaximumBandwidth", NUMBER },
	{ "Binds", LIST }, { "ContainerIDFile", STRING }, { "LogConfig", OBJECT },
	{ "NetworkMode", STRING }, { "PortBindings", OBJECT }, { "RestartPolicy", OBJECT },
	{ "AutoRemove", BOOLEAN }, { "VolumeDriver", STRING }, { "VolumesFrom", LIST },
	{ "Mounts", LIST }, { "ConsoleSize", LIST }, { "Annotations", OBJECT }, { "CapAdd", LIST },
	{ "CapDrop", LIST }, { "CgroupnsMode", STRING }, { "Dns", LIST }, { "DnsOptions", LIST },
	{ "DnsSearch", LIST }, { "ExtraHosts", LIST }, { "GroupAdd", LIST }, { "IpcMode", STRING },
	{ "Cgroup", STRING }, { "Links", LIST }, { "OomScoreAdj", NUMBER }, { "PidMode", STRING },
	{ "Privileged", BOOLEAN }, { "PublishAllPorts", BOOLEAN }, { "ReadonlyRootfs", BOOLEAN },
	{ "SecurityOpt", LIST }, { "StorageOpt", OBJECT }, { "Tmpfs", OBJECT }, { "UTSMode", STRING },
	{ "UsernsMode", STRING }, { "ShmSize", NUMBER }, { "Sysctls", OBJECT }, { "Runtime", STRING },
	{ "Isolation", STRING }, { "MaskedPaths", LIST }, { "ReadonlyPaths", LIST },
	{ NULL, ANY },
};

static const struct field exec_fields[] = {
	{ "AttachStdin", BOOLEAN }, { "AttachStdout", BOOLEAN }, { "AttachStderr", BOOLEAN },
	{ "ConsoleSize", LIST }, { "DetachKeys", STRING }, { "Tty", BOOLEAN }, { "Env", LIST },
	{ "Cmd", LIST }, { "Privileged", BOOLEAN }, { "User", STRING }, { "WorkingDir", STRING },
	{ "Detach", BOOLEAN }, { NULL, ANY },
};

static const struct field mount_fields[] = {
	{ "Type", STRING }, { "Source", STRING }, { "Target", STRING }, { "ReadOnly", BOOLEAN },
	{ "Driver", STRING }, { "Options", OBJECT }, { NULL, ANY },
};

static const struct field *find(const struct field *fields, const char *name)
{
	for (; fields->name; fields++) {
		if (strcmp(fields->name, name) == 0) {
			return fields;
		}
	}
	return NULL;
}

/* Edit distance of short names, capped. */
static unsigned distance(const char *a, const char *b)
{
	size_t n = strlen(a), m = strlen(b), i, k;
	unsigned row[64];

	if (n >= 64 || m >= 64) {
		return 100;
	}
	for (k = 0; k <= m; k++) {
		row[k] = (unsigned)k;
	}
	for (i = 1; i <= n; i++) {
		unsigned diagonal = row[0];

		row[0] = (unsigned)i;
		for (k = 1; k <= m; k++) {
			unsigned above = row[k];
			unsigned best = diagonal + (a[i - 1] != b[k - 1]);

			best = above + 1 < best ? above + 1 : best;
			best = row[k - 1] + 1 < best ? row[k - 1] + 1 : best;
			diagonal = above;
			row[k] = best;
		}
	}
	return row[m];
}

const char *nearest_name(const char *const *names, const char *text)
{
	const char *best = NULL;
	unsigned least = 4;

	for (; *names; names++) {
		unsigned d = distance(*names, text);

		if (d < least) {
			least = d;
			best = *names;
		}
	}
	return best;
}

static const char *nearest_field(const struct field *fields, const char *text)
{
	const char *names[120];
	size_t n = 0;

	for (; fields->name && n + 1 < sizeof(names) / sizeof(names[0]); fields++) {
		names[n++] = fields->name;
	}
	names[n] = NULL;
	return nearest_name(names, text);
}

/* What is known below the first n parts of path; NULL: nothing is said. */
static const struct field *fields_below(const char *point, const char *const *path, size_t n)
{
	if (n == 0) {
		return request_fields;
	}
	if (n == 1 && strcmp(path[0], "who") == 0) {
		return who_fields;
	}
	if (n == 1 && strcmp(path[0], "target") == 0) {
		return target_fields;
	}
	if (n == 1 && strcmp(path[0], "engine") == 0) {
		return engine_fields;
	}
	if (!point || strcmp(path[0], "object") != 0) {
		return NULL;
	}
	if (n == 1) {
		return strcmp(point, "container.create") == 0 ? create_fields :
		       strcmp(point, "container.update") == 0 ? host_config_fields :
		       strcmp(point, "container.exec") == 0   ? exec_fields :
		       strcmp(point, "volume.mount") == 0     ? mount_fields :
								NULL;
	}
	return n == 2 && strcmp(point, "container.create") == 0 && strcmp(path[1], "HostConfig") == 0 ?
		       host_config_fields : NULL;
}

int field_is_known(const char *point, const char *const *path, size_t n, const char **ret_near)
{
	size_t i;

	*ret_near = NULL;
	for (i = 0; i < n; i++) {
		const struct field *fields = fields_below(point, path, i);

		if (!fields) {
			return 1;
		}
		if (!find(fields, path[i])) {
			*ret_near = nearest_field(fields, path[i]);
			return 0;
		}
	}
	return 1;
}

static int has_type(json_object *value, enum field_type type)
{
	switch (type) {
	case STRING:
		return json_object_is_type(value, json_type_string);
	case BOOLEAN:
		return json_object_is_type(value, json_type_boolean);
	case NUMBER:
		return json_object_is_type(value, json_type_int);
	case OBJECT:
		return json_object_is_type(value, json_type_object);
	case LIST:
		return json_object_is_type(value, json_type_array);
	default:
		return 1;
	}
}

int field_check(const char *point, const char *path, json_object *old_value, json_object *value,
		struct gantry_error *err)
{
	static const char *const names[] = { "anything", "a text", "true or false", "an integer",
					     "an object", "a list" };
	char copy[256];
	char *parts[4], *save = NULL, *part;
	const struct field *fields, *field;
	size_t n = 0;

	if (!value || strlen(path) >= sizeof(copy)) {
		return 0;
	}
	strcpy(copy, path);
	for (part = strtok_r(copy, ".", &save); part && n < 4; part = strtok_r(NULL, ".", &save)) {
		parts[n++] = part;
	}
	fields = n > 0 && n < 4 ? fields_below(point, (const char *const *)parts, n - 1) : NULL;
	if (!fields) {
		return 0;
	}
	field = find(fields, parts[n - 1]);
	if (!field && old_value) {
		return 0; /* something newer than this list */
	}
	if (!field) {
		const char *near = nearest_field(fields, parts[n - 1]);

		return error_set(err, GANTRY_ERR_INVALID, "a rewrite sets %s, which is no field at %s%s%s",
				 path, point, near ? "; meant is perhaps " : "", near ? near : "");
	}
	return has_type(value, field->type) ? 0 :
	       error_set(err, GANTRY_ERR_INVALID, "a rewrite makes %s a %s, which must be %s", path,
			 json_type_to_name(json_object_get_type(value)), names[field->type]);
}
