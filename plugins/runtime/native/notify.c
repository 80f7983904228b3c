/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include <json-c/json.h>

#include <helpers/error.h>
#include <helpers/io.h>

#include "notify.h"

static const char *member(struct json_object *o, const char *key)
{
	struct json_object *value;

	if (!o || !json_object_object_get_ex(o, key, &value))
		return NULL;
	return json_object_get_string(value);
}

int notify_connect(struct json_object *seccomp, int *ret, struct gantry_error *err)
{
	const char *path = member(seccomp, "listenerPath");
	int fd;

	if (!path || !path[0])
		return 0;
	fd = unix_connect(path);
	if (fd < 0) {
		error_errno(err, -fd, "linux.seccomp.listenerPath: cannot connect to %s", path);
		return error_hint(err, "the agent that answers for the container must be running");
	}
	*ret = fd;
	return 0;
}

char *notify_message(struct json_object *seccomp, const char *state, int pid)
{
	struct json_object *o = json_object_new_object();
	struct json_object *fds = json_object_new_array();
	struct json_object *st = json_tokener_parse(state);
	const char *metadata = member(seccomp, "listenerMetadata");
	struct json_object *version = NULL;
	char *text = NULL;

	json_object_array_add(fds, json_object_new_string("seccompFd"));
	if (st) {
		json_object_object_get_ex(st, "ociVersion", &version);
		json_object_object_add(o, "ociVersion", json_object_get(version));
		json_object_object_add(st, "pid", json_object_new_int(pid));
	}
	json_object_object_add(o, "fds", fds);
	json_object_object_add(o, "pid", json_object_new_int(pid));
	if (metadata)
		json_object_object_add(o, "metadata", json_object_new_string(metadata));
	json_object_object_add(o, "state", st);
	text = strdup(json_object_to_json_string_ext(o, JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(o);
	return text;
}
