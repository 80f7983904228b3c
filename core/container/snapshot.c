/* SPDX-License-Identifier: Apache-2.0 */
/* What a container has changed: diff, export, commit. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <gantry/calls.h>

#include "core/container/container.h"
#include "core/image/make.h"
#include "core/lazy/lazy.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "helpers/layer_diff.h"
#include "helpers/netns.h"

/* Is it a place that a mount covers, made for it when the container started? */
static int is_mount_point(const struct container *c, const char *path)
{
	static const char *const ours[] = { "/dev",	     "/proc",	       "/sys",
					    "/etc/hosts",    "/etc/hostname",  "/etc/resolv.conf",
					    "/etc/mtab",     "/dev/console" };
	struct json_object *mounts = json_get_array(c->doc, "Mounts");

	for (size_t i = 0; i < ARRAY_SIZE(ours); i++) {
		if (!strcmp(path, ours[i])) {
			return 1;
		}
	}
	for (size_t i = 0; i < json_array_size(mounts); i++) {
		if (!strcmp(json_get_string(json_object_array_get_idx(mounts, i), "Destination"), path)) {
			return 1;
		}
	}
	return !strncmp(path, "/dev/", 5) || !strncmp(path, "/proc/", 6) || !strncmp(path, "/sys/", 5);
}

/* Is some later entry of the sorted list below this folder? */
static int has_shown_child(const struct container *c, const char *const *rest, const char *path)
{
	size_t n = strlen(path);

	for (; *rest; rest++) {
		const char *other = *rest + 2;

		if (strncmp(other, path, n) || other[n] != '/') {
			return 0;
		}
		if (!is_mount_point(c, other)) {
			return 1;
		}
	}
	return 0;
}

static int covers_mount_point(const struct container *c, const char *const *rest, const char *path)
{
	size_t n = strlen(path);

	return *rest && !strncmp(*rest + 2, path, n) && (*rest)[2 + n] == '/' &&
	       !has_shown_child(c, rest, path);
}

ENGINE_OP(container_changes)
{
	struct core *core = self;
	auto_container struct container *c = NULL;
	auto_(reply) struct reply ret = REPLY_INIT;
	auto_json struct json_object *out = json_object_new_array();
	struct driver *storage;
	auto_fd int attached = -1;
	int r = container_find(core, args->name, &c, err);

	if (r == 0) {
		r = container_storage(core, c, &storage, err);
	}
	if (r == 0) {
		r = lazy_folder(core, c->image, &attached, err);
	}
	if (r == 0) {
		r = storage_changes(storage,
				    &GANTRY_STORAGE_CHANGES_ARGS(.key = c->id, .attached = attached), &ret,
				    err);
	}
	for (const char *const *line = reply_list(&ret, 0); r == 0 && *line; line++) {
		const char *path = *line + 2;
		struct json_object *o;

		/* A folder that changed only because mount points were made in it. */
		if (is_mount_point(c, path) ||
		    (**line == 'C' && covers_mount_point(c, line + 1, path))) {
			continue;
		}
		o = json_object_new_object();
		json_set_string(o, "Path", path);
		json_set_int(o, "Kind", **line == 'C' ? 0 : **line == 'A' ? 1 : 2);
		json_object_array_add(out, o);
	}
	return r < 0 ? r : gantry_engine_container_changes_set_changes(reply, json_text(out));
}

/* In the container's mount namespace: the kernel clones no mount of another. */
static int clone_root(void *arg)
{
	int fd = (int)syscall(SYS_open_tree, AT_FDCWD, "/", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);

	(void)arg;
	return fd < 0 ? -errno : fd;
}

static int open_mounts(const struct container *c)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%lld/ns/mnt", (long long)json_get_int(c->state, "Pid", 0));
	return open(path, O_RDONLY | O_CLOEXEC);
}

/* The root without what is mounted in it: of a running container a clone of its
 * root mount, since a second mount of a live upper folder is undefined. */
static int open_bare_root(struct core *core, const struct container *c, int *ret,
			  struct gantry_error *err)
{
	auto_fd int mounts = -1;
	int fd;

	if (!container_is_running(c)) {
		return container_open_root(core, c, 1, ret, err);
	}
	mounts = open_mounts(c);
	fd = mounts < 0 ? -errno : namespace_run(mounts, CLONE_NEWNS, clone_root, NULL);
	if (fd < 0) {
		return error_errno(err, -fd, "cannot clone the root of container %s", c->name);
	}
	*ret = fd;
	return 0;
}

static void run_export(struct core *core, void *data, int sink)
{
	int *root = data;
	struct gantry_error ignored = GANTRY_ERROR_INIT;
	auto_fd int fd = openat(*root, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	(void)layer_diff_trees(-1, fd, sink, &ignored);
	close(sink);
	close(*root);
	free(root);
}

ENGINE_OP(container_export)
{
	struct core *core = self;
	auto_container struct container *c = NULL;
	int *root = malloc(sizeof(*root));
	int stream;
	int r = root ? container_find(core, args->name, &c, err) : error_no_memory(err);

	if (r == 0) {
		r = open_bare_root(core, c, root, err);
	}
	if (r < 0) {
		free(root);
		return r;
	}
	r = engine_stream(core, run_export, root, &stream, err);
	if (r < 0) {
		close(*root);
		free(root);
		return r;
	}
	container_event(core, c, "export", NULL);
	return gantry_engine_container_export_set_stream(reply, stream);
}

struct diffing {
	struct driver *storage;
	const char *key;
	int sink;
	struct gantry_error error;
};

static void *run_diff(void *arg)
{
	struct diffing *d = arg;
	auto_(reply) struct reply ret = REPLY_INIT;

	(void)storage_diff(d->storage, &GANTRY_STORAGE_DIFF_ARGS(.key = d->key, .archive = d->sink), &ret,
			   &d->error);
	close(d->sink);
	return NULL;
}

/* The driver writes the layer into a pipe that image_make() reads. */
static int make_image(struct core *core, struct container *c, struct image_making *m, char **ret_id,
		      struct gantry_error *err)
{
	struct diffing d = { .key = c->id, .error = GANTRY_ERROR_INIT };
	pthread_t thread;
	int ends[2], code;
	int r = container_storage(core, c, &d.storage, err);

	if (r < 0) {
		return r;
	}
	if (pipe2(ends, O_CLOEXEC) < 0) {
		return error_errno(err, errno, "cannot make a pipe");
	}
	d.sink = ends[1];
	code = pthread_create(&thread, NULL, run_diff, &d);
	if (code) {
		close(ends[0]);
		close(ends[1]);
		return error_errno(err, code, "cannot start a thread");
	}
	m->archive = ends[0];
	r = image_make(core, m, ret_id, err);
	close(ends[0]);
	pthread_join(thread, NULL);
	if (d.error.code < 0 && d.error.sys_errno != EPIPE) {
		*err = d.error;
		r = err->code;
	}
	return r;
}

/* The name that the image gets; "" for none. */
static int make_name(struct core *core, const struct gantry_engine_container_commit_args *args,
		     char name[700], struct gantry_error *err)
{
	struct reference ref;
	char text[700];
	int r;

	name[0] = '\0';
	if (!args->repository || !*args->repository) {
		return 0;
	}
	snprintf(text, sizeof(text), "%s%s%s", args->repository, args->tag && *args->tag ? ":" : "",
		 args->tag ? args->tag : "");
	r = image_parse_reference(core, text, &ref, err);
	if (r == 0) {
		reference_name(&ref, name, 700);
	}
	return r;
}

static int commit_it(struct core *core, struct container *c,
		     const struct gantry_engine_container_commit_args *args, char **ret_id,
		     struct gantry_error *err)
{
	auto_image struct image *base = NULL;
	auto_json struct json_object *config = NULL;
	auto_free char *command = NULL;
	struct platform platform;
	struct image_making m = {
		.author = args->author,
		.comment = args->comment,
		.changes = args->changes,
		.platform = &platform,
	};
	char name[700];
	int r = image_find(core, c->image, &base, err);

	if (r == 0) {
		r = make_name(core, args, name, err);
	}
	if (r == 0) {
		r = image_platform(NULL, &platform, err);
	}
	if (r == 0 && args->config && *args->config) {
		r = json_parse_object(args->config, "configuration", &config, err);
	}
	if (r < 0) {
		return r;
	}
	m.base = base;
	m.name = *name ? name : NULL;
	m.config = json_member_count(config) > 0 ? config : container_config(c);
	command = strdup(json_text(json_get(container_config(c), "Cmd")));
	m.created_by = command;
	return make_image(core, c, &m, ret_id, err);
}

ENGINE_OP(container_commit)
{
	struct core *core = self;
	auto_container struct container *c = NULL;
	auto_json struct json_object *extra = json_object_new_object();
	auto_free char *id = NULL;
	struct gantry_error ignored = GANTRY_ERROR_INIT;
	int frozen = 0;
	int r = container_find(core, args->name, &c, err);

	if (r < 0) {
		return r;
	}
	if (args->pause && container_is(c, "running")) {
		frozen = engine_container_pause(core, &GANTRY_ENGINE_CONTAINER_PAUSE_ARGS(.name = c->id), reply,
						&ignored) == 0;
	}
	r = commit_it(core, c, args, &id, err);
	if (frozen) {
		(void)engine_container_unpause(core, &GANTRY_ENGINE_CONTAINER_UNPAUSE_ARGS(.name = c->id),
					       reply, &ignored);
	}
	if (r < 0) {
		return error_prefix(err, "cannot commit container %s", c->name);
	}
	json_set_string(extra, "imageID", id);
	container_event(core, c, "commit", extra);
	return gantry_engine_container_commit_set_id(reply, id);
}
