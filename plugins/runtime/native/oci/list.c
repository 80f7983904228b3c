/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <json-c/json.h>

#include <helpers/cleanup.h>
#include <helpers/error.h>

#include "../cgroup.h"
#include "../state.h"
#include "oci.h"

static const struct option options[] = {
	{ "format", required_argument, NULL, 'f' },
	{ "quiet", no_argument, NULL, 'q' },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

enum list_format {
	LIST_TABLE,
	LIST_JSON,
	LIST_QUIET,
};

static void print(const struct state *s, enum status status, enum list_format format,
		  struct json_object *array)
{
	time_t created = (time_t)(s->created_ns / 1000000000);
	int pid = status == STATUS_STOPPED ? 0 : s->pid;
	struct json_object *j;
	char when[64], owner[64];
	struct tm tm;

	gmtime_r(&created, &tm);
	strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%SZ", &tm);
	if (format == LIST_QUIET) {
		printf("%s\n", s->id);
		return;
	}
	if (format == LIST_TABLE) {
		printf("%-20s  %-8d  %-9s  %-40s  %s  %s\n", s->id, pid, status_name(status),
		       s->bundle, when, oci_user_name(s->owner, owner, sizeof(owner)));
		return;
	}
	j = json_object_new_object();
	json_object_object_add(j, "ociVersion", json_object_new_string(s->oci_version));
	json_object_object_add(j, "id", json_object_new_string(s->id));
	json_object_object_add(j, "pid", json_object_new_int(pid));
	json_object_object_add(j, "status", json_object_new_string(status_name(status)));
	json_object_object_add(j, "bundle", json_object_new_string(s->bundle));
	json_object_object_add(j, "rootfs", json_object_new_string(s->rootfs ? s->rootfs : ""));
	json_object_object_add(j, "created", json_object_new_string(when));
	json_object_object_add(j, "owner", json_object_new_string(oci_user_name(s->owner, owner, sizeof(owner))));
	json_object_array_add(array, j);
}

static void list_one(const char *root, const char *id, const struct cgroup_host *host,
		     enum list_format format, struct json_object *array)
{
	struct gantry_error ignored = GANTRY_ERROR_INIT;
	auto_(state) struct state s = { 0 };
	auto_free char *dir = NULL;

	if (asprintf(&dir, "%s/%s", root, id) < 0 || state_read(dir, &s, &ignored) < 0)
		return;
	print(&s, state_status(dir, &s, host), format, array);
}

int oci_list(struct oci *o, int argc, char **argv)
{
	struct gantry_error err = GANTRY_ERROR_INIT;
	struct json_object *array = json_object_new_array();
	enum list_format format = LIST_TABLE;
	struct cgroup_host host;
	struct dirent **names;
	int c, n;

	while ((c = getopt_long(argc, argv, "+f:qh", options, NULL)) != -1) {
		if (c == 'q')
			format = LIST_QUIET;
		else if (c == 'f' && !strcmp(optarg, "json"))
			format = LIST_JSON;
		else if (c != 'f' || strcmp(optarg, "table"))
			return oci_usage("list", "--format is table or json");
	}
	if (cgroup_detect(&host, &err) < 0)
		return oci_fail(o, &err);
	n = scandir(o->root, &names, NULL, alphasort);
	if (format == LIST_TABLE)
		printf("%-20s  %-8s  %-9s  %-40s  %-20s  %s\n", "ID", "PID", "STATUS", "BUNDLE",
		       "CREATED", "OWNER");
	for (int i = 0; i < n; i++) {
		if (names[i]->d_name[0] != '.')
			list_one(o->root, names[i]->d_name, &host, format, array);
		free(names[i]);
	}
	if (n >= 0)
		free(names);
	if (format == LIST_JSON)
		printf("%s\n", json_object_to_json_string_ext(array, JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(array);
	return 0;
}
