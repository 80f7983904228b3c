/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "lua/policy/fields.h"

static const char *const request_fields[] = { "who", "target", "object", "answer", "engine",
					      "point", "time", NULL };
static const char *const who_fields[] = { "uid", "gid", "pid", "user", "groups", "auth",
					  "certificate", "token", "transport", "address", NULL };
static const char *const target_fields[] = { "kind", "id", "name", "image", "reference", "digest",
					     "labels", "container", "network", "volume", NULL };
static const char *const engine_fields[] = { "version", "rootless", "usage", "name", NULL };

static const char *const create_fields[] = {
	"Hostname", "Domainname", "User", "AttachStdin", "AttachStdout", "AttachStderr",
	"ExposedPorts", "Tty", "OpenStdin", "StdinOnce", "Env", "Cmd", "Healthcheck", "ArgsEscaped",
	"Image", "Volumes", "WorkingDir", "Entrypoint", "NetworkDisabled", "MacAddress", "OnBuild",
	"Labels", "StopSignal", "StopTimeout", "Shell", "HostConfig", "NetworkingConfig", NULL,
};

static const char *const host_config_fields[] = {
	"CpuShares", "Memory", "CgroupParent", "BlkioWeight", "BlkioWeightDevice",
	"BlkioDeviceReadBps", "BlkioDeviceWriteBps", "BlkioDeviceReadIOps", "BlkioDeviceWriteIOps",
	"CpuPeriod", "CpuQuota", "CpuRealtimePeriod", "CpuRealtimeRuntime", "CpusetCpus",
	"CpusetMems", "Devices", "DeviceCgroupRules", "DeviceRequests", "KernelMemory",
	"KernelMemoryTCP", "MemoryReservation", "MemorySwap", "MemorySwappiness", "NanoCpus",
	"OomKillDisable", "Init", "PidsLimit", "Ulimits", "CpuCount", "CpuPercent",
	"IOMaximumIOps", "IOMaximumBandwidth", "Binds", "ContainerIDFile", "LogConfig",
	"NetworkMode", "PortBindings", "RestartPolicy", "AutoRemove", "VolumeDriver", "VolumesFrom",
	"Mounts", "ConsoleSize", "Annotations", "CapAdd", "CapDrop", "CgroupnsMode", "Dns",
	"DnsOptions", "DnsSearch", "ExtraHosts", "GroupAdd", "IpcMode", "Cgroup", "Links",
	"OomScoreAdj", "PidMode", "Privileged", "PublishAllPorts", "ReadonlyRootfs", "SecurityOpt",
	"StorageOpt", "Tmpfs", "UTSMode", "UsernsMode", "ShmSize", "Sysctls", "Runtime",
	"Isolation", "MaskedPaths", "ReadonlyPaths", NULL,
};

static int contains(const char *const *names, const char *name)
{
	for (; *names; names++) {
		if (strcmp(*names, name) == 0) {
			return 1;
		}
	}
	return 0;
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

/* What is known below the first n parts of path; NULL: nothing is said. */
static const char *const *names_below(const char *point, const char *const *path, size_t n)
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
	if (!point || strcmp(point, "container.create") != 0 || strcmp(path[0], "object") != 0) {
		return NULL;
	}
	if (n == 1) {
		return create_fields;
	}
	return n == 2 && strcmp(path[1], "HostConfig") == 0 ? host_config_fields : NULL;
}

int field_is_known(const char *point, const char *const *path, size_t n, const char **ret_near)
{
	size_t i;

	*ret_near = NULL;
	for (i = 0; i < n; i++) {
		const char *const *names = names_below(point, path, i);

		if (!names) {
			return 1;
		}
		if (!contains(names, path[i])) {
			*ret_near = nearest_name(names, path[i]);
			return 0;
		}
	}
	return 1;
}
