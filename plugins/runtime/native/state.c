/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <json-c/json.h>

#include <helpers/buf.h>
#include <helpers/cleanup.h>
#include <helpers/error.h>
#include <helpers/io.h>

#include "jref.h"
#include "state.h"

static void add_text(struct json_object *o, const char *key, const char *value)
{
	if (value)
		json_object_object_add(o, key, json_object_new_string(value));
}

static void add_number(struct json_object *o, const char *key, int64_t value)
{
	json_object_object_add(o, key, json_object_new_int64(value));
}

static struct json_object *to_object(const struct state *s)
{
	struct json_object *o = json_object_new_object();

	if (!o)
		return NULL;
	add_text(o, "ociVersion", s->oci_version);
	add_text(o, "id", s->id);
	add_number(o, "pid", s->pid);
	add_text(o, "bundle", s->bundle);
	add_text(o, "rootfs", s->rootfs);
	add_number(o, "startTime", (int64_t)s->start_time);
	add_number(o, "created", s->created_ns);
	add_number(o, "owner", s->owner);
	add_text(o, "cgroupPath", s->cgroup_path);
	add_number(o, "namespaces", s->namespaces);
	add_text(o, "filter", s->filter);
	add_text(o, "scope", s->scope);
	if (s->annotations)
		json_object_object_add(o, "annotations", json_object_get(s->annotations));
	return o;
}

int state_write(const char *dir, const struct state *s, struct gantry_error *err)
{
	struct json_object *o = to_object(s);
	char path[PATH_MAX];
	const char *text;
	int r;

	if (!o)
		return error_no_memory(err);
	text = json_object_to_json_string_ext(o, JSON_C_TO_STRING_NOSLASHESCAPE);
	snprintf(path, sizeof(path), "%s/state.json", dir);
	r = text ? write_file_atomic(AT_FDCWD, path, text, strlen(text), 0600, 0) : -ENOMEM;
	json_object_put(o);
	return r < 0 ? error_errno(err, -r, "cannot write %s", path) : 0;
}

static int read_fields(const struct jref *top, struct state *s, struct gantry_error *err)
{
	int64_t pid = 0, start = 0, created = 0, owner = 0, namespaces = 0;
	struct jref annotations;
	int r;

	if ((r = jref_string(top, "ociVersion", &s->oci_version, err)) < 0 ||
	    (r = jref_string(top, "id", &s->id, err)) < 0 ||
	    (r = jref_string(top, "bundle", &s->bundle, err)) < 0 ||
	    (r = jref_string(top, "rootfs", &s->rootfs, err)) < 0 ||
	    (r = jref_string(top, "cgroupPath", &s->cgroup_path, err)) < 0 ||
	    (r = jref_string(top, "filter", &s->filter, err)) < 0 ||
	    (r = jref_string(top, "scope", &s->scope, err)) < 0 ||
	    (r = jref_int(top, "pid", 0, INT_MAX, &pid, err)) < 0 ||
	    (r = jref_int(top, "startTime", 0, INT64_MAX, &start, err)) < 0 ||
	    (r = jref_int(top, "created", 0, INT64_MAX, &created, err)) < 0 ||
	    (r = jref_int(top, "owner", 0, UINT32_MAX, &owner, err)) < 0 ||
	    (r = jref_int(top, "namespaces", INT_MIN, INT_MAX, &namespaces, err)) < 0 ||
	    (r = jref_get(top, "annotations", json_type_object, &annotations, err)) < 0)
		return r;
	s->annotations = r > 0 ? annotations.obj : NULL;
	s->pid = (pid_t)pid;
	s->start_time = (uint64_t)start;
	s->created_ns = created;
	s->owner = (uid_t)owner;
	s->namespaces = (int)namespaces;
	return 0;
}

int state_read(const char *dir, struct state *ret, struct gantry_error *err)
{
	auto_(buf) struct buf text = BUF_INIT;
	struct state s = { 0 };
	struct jref top = { .key = "state.json" };
	char path[PATH_MAX];
	int r;

	if (snprintf(path, sizeof(path), "%s/state.json", dir) >= (int)sizeof(path))
		return error_errno(err, ENAMETOOLONG, "%s", dir);
	r = read_file(AT_FDCWD, path, &text, 4 << 20);
	if (r == -ENOENT)
		return error_set(err, GANTRY_ERR_NOT_FOUND, "container does not exist");
	if (r < 0)
		return error_errno(err, -r, "cannot read %s", path);
	r = jref_parse(buf_str(&text), text.len, path, &s.json, err);
	if (r < 0)
		return r;
	top.obj = s.json;
	r = read_fields(&top, &s, err);
	if (r < 0) {
		state_done(&s);
		return r;
	}
	*ret = s;
	return 0;
}

void state_done(struct state *s)
{
	json_object_put(s->json);
	s->json = NULL;
}

uint64_t process_start_time(pid_t pid, bool *ret_zombie)
{
	char path[64], text[1024];
	auto_fd int fd = -1;
	ssize_t n;
	char *p;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	if (n <= 0)
		return 0;
	text[n] = '\0';
	/* the name may contain anything; what follows its last bracket is fixed */
	p = strrchr(text, ')');
	if (!p || p[1] != ' ')
		return 0;
	if (ret_zombie)
		*ret_zombie = p[2] == 'Z' || p[2] == 'X';
	p += 2;
	for (int field = 3; field < 22; field++) {
		p = strchr(p, ' ');
		if (!p)
			return 0;
		p++;
	}
	return strtoull(p, NULL, 10);
}

bool state_is_alive(const struct state *s)
{
	bool zombie = false;
	uint64_t start;

	if (s->pid <= 0)
		return false;
	start = process_start_time(s->pid, &zombie);
	return start != 0 && start == s->start_time && !zombie;
}

/* The init listens until it executes its program: a refused connection means that
 * it has. */
static bool waits_for_start(const char *dir)
{
	char path[PATH_MAX];
	auto_fd int fd = -1;

	snprintf(path, sizeof(path), "%s/" STATE_START_SOCKET, dir);
	if (access(path, F_OK) < 0) {
		snprintf(path, sizeof(path), "%s/" STATE_RESTORED, dir);
		return access(path, F_OK) == 0;
	}
	fd = unix_connect(path);
	return fd >= 0;
}

enum status state_status(const char *dir, const struct state *s, const struct cgroup_host *host)
{
	if (s->pid == 0)
		return STATUS_CREATING;
	if (!state_is_alive(s))
		return STATUS_STOPPED;
	if (waits_for_start(dir))
		return STATUS_CREATED;
	if (s->cgroup_path && cgroup_is_frozen(host, s->cgroup_path))
		return STATUS_PAUSED;
	return STATUS_RUNNING;
}

const char *status_name(enum status status)
{
	static const char *const names[] = {
		[STATUS_CREATING] = "creating", [STATUS_CREATED] = "created",
		[STATUS_RUNNING] = "running", [STATUS_PAUSED] = "paused",
		[STATUS_STOPPED] = "stopped",
	};

	return names[status];
}

char *state_to_json(const struct state *s, enum status status)
{
	struct json_object *o = json_object_new_object();
	char *text;

	if (!o)
		return NULL;
	add_text(o, "ociVersion", s->oci_version);
	add_text(o, "id", s->id);
	add_text(o, "status", status_name(status));
	if (status != STATUS_STOPPED)
		add_number(o, "pid", s->pid);
	add_text(o, "bundle", s->bundle);
	if (s->annotations)
		json_object_object_add(o, "annotations", json_object_get(s->annotations));
	text = strdup(json_object_to_json_string_ext(o, JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(o);
	return text;
}
