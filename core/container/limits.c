/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statfs.h>
#include <unistd.h>

#include "core/container/limits.h"
#include "helpers/buf.h"
#include "helpers/cleanup.h"
#include "helpers/io.h"

/* May this user put processes into groups below the one that it is in? */
static int is_delegated(void)
{
	auto_(buf) struct buf text = BUF_INIT;
	auto_free char *path = NULL;
	struct statfs fs;
	char *own;

	if (statfs("/sys/fs/cgroup", &fs) < 0 || fs.f_type != CGROUP2_SUPER_MAGIC ||
	    read_file(AT_FDCWD, "/proc/self/cgroup", &text, 65536) < 0) {
		return 0;
	}
	own = text.data ? strstr(text.data, "0::") : NULL;
	if (!own) {
		return 0;
	}
	own[strcspn(own, "\n")] = '\0';
	path = path_join("/sys/fs/cgroup", own + 3, "cgroup.procs", NULL);
	return path && access(path, W_OK) == 0;
}

int limits_have_cgroups(struct core *core)
{
	return core->ids == USERNS_HOST || is_delegated();
}

static int is_set(struct json_object *host_config, const char *key)
{
	struct json_object *value = json_get(host_config, key);

	switch (value ? json_object_get_type(value) : json_type_null) {
	case json_type_string:
		return json_object_get_string(value)[0] != '\0';
	case json_type_array:
		return json_object_array_length(value) > 0;
	case json_type_null:
		return 0;
	default:
		return json_object_get_int64(value) > 0;
	}
}

struct json_object *limits_not_enforced(struct core *core, struct json_object *host_config)
{
	static const char *const keys[] = {
		"Memory",
		"MemoryReservation",
		"NanoCpus",
		"CpuShares",
		"CpuQuota",
		"CpusetCpus",
		"CpusetMems",
		"PidsLimit",
		"BlkioWeight",
		"BlkioDeviceReadBps",
		"BlkioDeviceWriteBps",
		"BlkioDeviceReadIOps",
		"BlkioDeviceWriteIOps",
	};
	struct json_object *list = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		if (!is_set(host_config, keys[i]) || (!list && limits_have_cgroups(core))) {
			continue;
		}
		if (!list) {
			list = json_object_new_array();
		}
		json_add_string(list, keys[i]);
	}
	return list;
}

void limits_warn(struct core *core, struct json_object *host_config, struct json_object *warnings)
{
	auto_json struct json_object *list = limits_not_enforced(core, host_config);

	for (size_t i = 0; i < json_array_size(list); i++) {
		char text[160];

		snprintf(text, sizeof(text),
			 "%s is not enforced: no control group is delegated to this user "
			 "(gantry doctor)",
			 json_item_string(list, i));
		json_add_string(warnings, text);
	}
}
