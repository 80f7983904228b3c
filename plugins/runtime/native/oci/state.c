/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <json-c/json.h>

#include <helpers/cleanup.h>
#include <helpers/error.h>

#include "../cgroup.h"
#include "../state.h"
#include "oci.h"

static void format_time(int64_t ns, char *out, size_t size)
{
	time_t seconds = (time_t)(ns / 1000000000);
	struct tm tm;
	size_t n;

	gmtime_r(&seconds, &tm);
	n = strftime(out, size, "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(out + n, size - n, ".%09lldZ", (long long)(ns % 1000000000));
}

/* What runc prints: the OCI state and a little more. */
int oci_state(struct oci *o, int argc, char **argv)
{
	struct gantry_error err = GANTRY_ERROR_INIT;
	auto_(state) struct state s = { 0 };
	auto_free char *dir = NULL;
	struct cgroup_host host;
	enum status status;
	struct json_object *j;
	char created[64], owner[64];

	if (argc != 2)
		return oci_usage("state", "one container ID is needed");
	dir = oci_state_dir(o, argv[1], &err);
	if (!dir || state_read(dir, &s, &err) < 0 || cgroup_detect(&host, &err) < 0)
		return oci_fail(o, &err);
	status = state_status(dir, &s, &host);
	format_time(s.created_ns, created, sizeof(created));
	j = json_object_new_object();
	json_object_object_add(j, "ociVersion", json_object_new_string(s.oci_version));
	json_object_object_add(j, "id", json_object_new_string(s.id));
	json_object_object_add(j, "pid", json_object_new_int(status == STATUS_STOPPED ? 0 : s.pid));
	json_object_object_add(j, "status", json_object_new_string(status_name(status)));
	json_object_object_add(j, "bundle", json_object_new_string(s.bundle));
	json_object_object_add(j, "rootfs", json_object_new_string(s.rootfs ? s.rootfs : ""));
	json_object_object_add(j, "created", json_object_new_string(created));
	if (s.annotations)
		json_object_object_add(j, "annotations", json_object_get(s.annotations));
	json_object_object_add(j, "owner", json_object_new_string(oci_user_name(s.owner, owner, sizeof(owner))));
	printf("%s\n", json_object_to_json_string_ext(j, JSON_C_TO_STRING_PRETTY |
								 JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(j);
	return 0;
}
