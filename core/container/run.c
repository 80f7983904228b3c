/* SPDX-License-Identifier: Apache-2.0 */
/* Starting a container.  The shim is started first, so that it loads while the
 * root is mounted and the specification made.  It gives up a container whose
 * starter dies before START; the record says "running" before START is sent, so
 * that whatever dies afterwards is found by whoever looks next. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <unistd.h>

#include <gantry/calls.h>

#include "core/container/container.h"
#include "core/container/emulation.h"
#include "core/container/launch.h"
#include "core/container/log.h"
#include "core/container/present.h"
#include "core/image/image.h"
#include "core/lazy/lazy.h"
#include "core/network/network.h"
#include "core/shim/protocol.h"
#include "core/volume/volume.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "helpers/io.h"

struct start {
	struct core *core;
	struct container *c;
	char *run_dir;
	char *state_dir;
	int lock;    /* that the shim will hold */
	int control; /* to the shim */
	int root;    /* the detached mount */
	const char *images; /* of the checkpoint that is restored; NULL: none */
	struct shim_message message;
};

static void start_done(struct start *s)
{
	free(s->run_dir);
	free(s->state_dir);
	replace_fd(&s->lock, -1);
	replace_fd(&s->control, -1);
	replace_fd(&s->root, -1);
	free(s);
}

/* Takes the lock that says "a shim lives". */
static int take_shim_lock(struct start *s, int *ret, struct gantry_error *err)
{
	auto_free char *path = path_join(s->run_dir, "shim.lock", NULL);
	auto_fd int fd = path ? open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600) : -1;

	if (fd < 0) {
		return error_errno(err, errno, "cannot open %s", path ? path : "shim.lock");
	}
	if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		return error_set(err, GANTRY_ERR_CONFLICT, "container %s still has a shim", s->c->name);
	}
	*ret = steal_fd(&fd);
	return 0;
}

/* The lock is held from here on, by us and then by the shim. */
static int start_shim(struct start *s, struct gantry_error *err)
{
	struct launched shim;
	int r = take_shim_lock(s, &s->lock, err);

	if (r == 0) {
		r = launch_shim(s->core, &shim, err);
	}
	if (r == 0) {
		s->control = shim.control;
	}
	return r;
}

/* Mounts the snapshot; one that is missing (killed in create) is prepared first. */
static int mount_root(struct start *s, struct gantry_error *err)
{
	auto_(reply) struct reply ret = REPLY_INIT;
	auto_image struct image *image = NULL;
	int transient = json_get_bool(container_host_config(s->c), "AutoRemove", 0);
	struct driver *storage;
	auto_fd int attached = -1;
	int r = container_storage(s->core, s->c, &storage, err);

	if (r == 0) {
		r = lazy_folder(s->core, s->c->image, &attached, err);
	}
	if (r < 0) {
		return r;
	}
	r = storage_mount(storage,
			  &GANTRY_STORAGE_MOUNT_ARGS(.key = s->c->id, .transient = transient,
						     .attached = attached),
			  &ret, err);
	if (r == GANTRY_ERR_NOT_FOUND) {
		error_clear(err);
		r = image_find(s->core, s->c->image, &image, err);
		if (r == 0) {
			r = storage_prepare(storage,
					    &GANTRY_STORAGE_PREPARE_ARGS(.key = s->c->id,
									 .parent = image_snapshot(image),
									 .size_limit = container_size_limit(s->c)),
					    &ret, err);
		}
		if (r == 0) {
			r = storage_mount(storage,
					  &GANTRY_STORAGE_MOUNT_ARGS(.key = s->c->id, .attached = attached),
					  &ret, err);
		}
	}
	if (r == 0) {
		s->root = reply_take_fd(&ret, GANTRY_STORAGE_MOUNT_RET_MOUNT);
	}
	return r;
}

static int write_bundle(struct start *s, struct gantry_error *err)
{
	auto_json struct json_object *spec = NULL;
	auto_free char *path = path_join(s->run_dir, "config.json", NULL);
	auto_fd int fd = -1;
	const char *text;
	int r = container_make_spec(s->core, s->c, s->run_dir, s->root, &spec, err);

	if (r < 0) {
		return r;
	}
	text = json_text(spec);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0) {
		return error_errno(err, errno, "cannot write %s", path);
	}
	r = write_all(fd, text, strlen(text));
	return r < 0 ? error_errno(err, -r, "cannot write %s", path) : 0;
}

const char *container_seccomp(struct core *core, const struct container *c)
{
	struct json_object *hc = container_host_config(c);
	struct json_object *options = json_get_array(hc, "SecurityOpt");

	if (json_get_bool(hc, "Privileged", 0)) {
		return "unconfined";
	}
	for (size_t i = 0; i < json_array_size(options); i++) {
		const char *o = json_item_string(options, i);

		if (!strncmp(o, "seccomp=", 8) || !strncmp(o, "seccomp:", 8)) {
			return !strcmp(o + 8, "builtin") ? "default" : o + 8;
		}
	}
	return config_string(core->config, "container.seccomp");
}

/* With keys that begin with prefix. */
static int add_driver(struct start *s, const char *prefix, const char *kind, const char *name,
		      struct gantry_error *err)
{
	struct driver_place place;
	char key[32];
	int r = registry_place(s->core->registry, kind, name, &place, err);

	if (r < 0) {
		return r;
	}
#define ADD(member, value)                                     \
	(snprintf(key, sizeof(key), "%s." member, prefix),           \
	 shim_message_add(&s->message, key, value))
	ADD("path", place.file);
	ADD("driver", place.table);
	ADD("config", place.config);
	ADD("state", place.state_dir);
	ADD("run", place.run_dir);
	ADD("host", place.host_program);
	ADD("exec", place.host_program && place.exec ? "1" : NULL);
	for (size_t i = 0; place.host_program && i < json_array_size(place.permissions); i++) {
		ADD("permission", json_item_string(place.permissions, i));
	}
#undef ADD
	return 0;
}

static struct json_object *describe_for_log(const struct container *c)
{
	struct json_object *info = json_object_new_object(), *config = container_config(c);
	auto_free char *created = present_time(c->created_ns);

	json_set_string(info, "Name", c->name);
	json_set_string(info, "ImageName", json_get_string(config, "Image"));
	json_set_string(info, "ImageID", c->image);
	json_set_string(info, "Path", json_get_string(c->doc, "Path"));
	json_set(info, "Args", json_object_get(json_get_array(c->doc, "Args")));
	json_set_string(info, "Created", created);
	json_set(info, "Labels", json_object_get(json_get_object(config, "Labels")));
	json_set(info, "Env", json_object_get(json_get_array(config, "Env")));
	return info;
}

/* A foreign driver wants to know whose output it gets, also without options. */
static int is_adapted(struct core *core, const char *kind, const char *name)
{
	struct gantry_error ignored = GANTRY_ERROR_INIT;
	struct driver_place place;

	return registry_place(core->registry, kind, name, &place, &ignored) == 0 &&
	       strcmp(place.table, name) != 0;
}

/* The first driver of the chain is "log", the others "log1" and so on. */
static int add_log_link(struct start *s, const struct log_link *link, unsigned number,
			struct gantry_error *err)
{
	char prefix[16] = "log", key[32];
	int r;

	if (number) {
		snprintf(prefix, sizeof(prefix), "log%u", number);
	}
	r = add_driver(s, prefix, "log", link->name, err);
	if (r < 0) {
		return r;
	}
	r = make_dirs(AT_FDCWD, link->dir, 0700);
	if (r < 0) {
		return error_errno(err, -r, "cannot create folder %s", link->dir);
	}
	snprintf(key, sizeof(key), "%s.dir", prefix);
	shim_message_add(&s->message, key, link->dir);
	if (json_member_count(link->options) > 0 || is_adapted(s->core, "log", link->name)) {
		snprintf(key, sizeof(key), "%s.options", prefix);
		shim_message_add(&s->message, key, json_text(link->options));
		if (!shim_message_get(&s->message, "log.info")) {
			auto_json struct json_object *info = describe_for_log(s->c);

			shim_message_add(&s->message, "log.info", json_text(info));
		}
	}
	return 0;
}

static int add_log(struct start *s, struct gantry_error *err)
{
	auto_(log_chain) struct log_chain chain = { .n = 0 };
	int r = log_chain_read(s->core, json_get_object(container_host_config(s->c), "LogConfig"),
			       s->c->id, &chain, err);

	for (unsigned i = 0; r == 0 && i < chain.n; i++) {
		r = add_log_link(s, &chain.links[i], i, err);
	}
	return r;
}

static void add_health(struct start *s)
{
	struct json_object *health = json_get_object(container_config(s->c), "Healthcheck");
	struct json_object *test = json_get_array(health, "Test");
	const char *kind = json_item_string(test, 0);
	static const char *const times[][2] = {
		{ "Interval", "health.interval_ns" },
		{ "Timeout", "health.timeout_ns" },
		{ "StartPeriod", "health.start_period_ns" },
		{ "StartInterval", "health.start_interval_ns" },
		{ "Retries", "health.retries" },
	};

	if (!kind || !strcmp(kind, "NONE")) {
		return;
	}
	if (!strcmp(kind, "CMD-SHELL")) {
		shim_message_add(&s->message, "health.arg", "/bin/sh");
		shim_message_add(&s->message, "health.arg", "-c");
	}
	for (size_t i = 1; i < json_array_size(test); i++) {
		shim_message_add(&s->message, "health.arg", json_item_string(test, i));
	}
	for (size_t i = 0; i < ARRAY_SIZE(times); i++) {
		shim_message_add_int(&s->message, times[i][1], json_get_int(health, times[i][0], 0));
	}
}

static void add_restart(struct start *s)
{
	struct json_object *policy = json_get_object(container_host_config(s->c), "RestartPolicy");
	const char *name = json_get_string(policy, "Name");

	shim_message_add(&s->message, "restart", name && *name ? name : "no");
	shim_message_add_int(&s->message, "restart_max", json_get_int(policy, "MaximumRetryCount", 0));
	shim_message_add_int(&s->message, "restart_count", json_get_int(s->c->state, "RestartCount", 0));
}

/* Asks the shim for the container; *ret_pid is its init, which waits. */
static int create_in_shim(struct start *s, int64_t width, int64_t height, int *ret_pid,
			  struct gantry_error *err)
{
	struct paths *paths = &s->core->paths;
	struct json_object *config = container_config(s->c);
	int r;

	shim_message_init(&s->message, SHIM_CREATE);
	shim_message_add(&s->message, "id", s->c->id);
	shim_message_add(&s->message, "run_dir", s->run_dir);
	r = add_driver(s, "runtime", "runtime", json_get_string(s->c->doc, "Runtime"), err);
	if (r == 0) {
		r = add_log(s, err);
	}
	if (r < 0) {
		return r;
	}
	shim_message_add(&s->message, "seccomp", container_seccomp(s->core, s->c));
	shim_message_add(&s->message, "images", s->images);
	shim_message_add_int(&s->message, "init",
			     json_get_bool(container_host_config(s->c), "Init", 0));
	shim_message_add_int(&s->message, "tty", container_has_tty(s->c));
	shim_message_add_int(&s->message, "width", width);
	shim_message_add_int(&s->message, "height", height);
	shim_message_add_int(&s->message, "stdin", json_get_bool(config, "OpenStdin", 0));
	shim_message_add_int(&s->message, "stdin_once", json_get_bool(config, "StdinOnce", 0));
	if (emulation_is_needed(s->core, s->c)) {
		shim_message_add(&s->message, "emulate", paths->emulate);
	}
	/* What is only this container's, and is removed with it, nobody else waits for. */
	shim_message_add_int(&s->message, "hold_mounts",
			     json_get_bool(container_host_config(s->c), "AutoRemove", 0) &&
				     json_array_size(json_get_array(s->c->doc, "Mounts")) == 0);
	shim_message_add(&s->message, "reconcile", paths->reconcile);
	shim_message_add(&s->message, "root", paths->root);
	shim_message_add(&s->message, "run_root", paths->run_root);
	shim_message_add(&s->message, "config", paths->config_file);
	shim_message_add(&s->message, "plugin_path", paths->plugin_path);
	add_restart(s);
	add_health(s);
	r = shim_request(s->control, &s->message, (int[]){ s->lock, s->root }, 2, err);
	if (r == 0) {
		*ret_pid = (int)shim_message_get_int(&s->message, "pid", 0);
	}
	return r;
}

static int send_pending(struct start *s, struct gantry_error *err)
{
	struct pending_attach *list = container_take_pending(s->core, s->c->id);
	int r = 0;

	for (struct pending_attach *p = list; p && r == 0; p = p->next) {
		shim_message_init(&s->message, SHIM_ATTACH);
		shim_message_add_int(&s->message, "stdin", p->want_stdin);
		shim_message_add_int(&s->message, "stdout", p->want_stdout);
		shim_message_add_int(&s->message, "stderr", p->want_stderr);
		shim_message_add(&s->message, "detach_keys", p->detach_keys);
		r = shim_request(s->control, &s->message, &p->connection, 1, err);
	}
	pending_attach_free(list);
	return r;
}

static int record_running(struct start *s, int pid, struct gantry_error *err)
{
	struct json_object *state = s->c->state;

	json_set_int(state, "Pid", pid);
	json_set_int(state, "StartedNs", time_now_ns());
	json_set_int(state, "FinishedNs", 0);
	json_set_int(state, "ExitCode", 0);
	json_set_string(state, "Error", "");
	json_set_bool(state, "OOMKilled", 0);
	json_set_bool(state, "ManuallyStopped", 0);
	return container_set_status(s->core, s->c, "running", err);
}

/* Undoes what was made for a container that did not start. */
static void undo(struct start *s, const struct gantry_error *why)
{
	struct gantry_error ignored = GANTRY_ERROR_INIT;
	auto_(reply) struct reply ret = REPLY_INIT;
	struct json_object *mounts = json_get_array(s->c->doc, "Mounts");
	struct driver *runtime;

	if (s->control >= 0) {
		shim_message_init(&s->message, SHIM_ABORT);
		(void)shim_request(s->control, &s->message, NULL, 0, &ignored);
	}
	(void)network_detach_all(s->core, s->c, &ignored);
	for (size_t i = 0; i < json_array_size(mounts); i++) {
		const char *name =
			json_get_string(json_object_array_get_idx(mounts, i), "Name");

		if (name) {
			(void)volume_release(s->core, name, s->c->id, &ignored);
		}
	}
	if (container_runtime(s->core, s->c, &runtime, &ignored) == 0) {
		(void)runtime_delete(runtime,
				     &GANTRY_RUNTIME_DELETE_ARGS(.id = s->c->id, .state_dir = s->state_dir,
								 .force = 1),
				     &ret, &ignored);
	}
	json_set_int(s->c->state, "Pid", 0);
	json_set_int(s->c->state, "ExitCode", why->code == GANTRY_ERR_NOT_FOUND ? 127
					      : why->code == GANTRY_ERR_PERMISSION ? 126 : 128);
	json_set_string(s->c->state, "Error", why->message);
	(void)container_set_status(s->core, s->c, "created", &ignored);
	if (json_get_bool(container_host_config(s->c), "AutoRemove", 0)) {
		error_clear(&ignored);
		(void)container_delete(s->core, s->c, 1, &ignored);
	}
	pending_attach_free(container_take_pending(s->core, s->c->id));
}

static int prepare_folder(struct start *s, struct gantry_error *err)
{
	static const char *const stale[] = { "exit", "health" };
	int r = make_dirs(AT_FDCWD, s->state_dir, 0711);

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(stale); i++) {
		auto_free char *path = path_join(s->run_dir, stale[i], NULL);

		unlink(path);
	}
	return r < 0 ? error_errno(err, -r, "cannot create folder %s", s->state_dir) : 0;
}

static int start_container(struct start *s, int64_t width, int64_t height, struct gantry_error *err)
{
	int pid = 0;
	int r = prepare_folder(s, err);

	if (r == 0) {
		r = start_shim(s, err);
	}
	if (r == 0) {
		r = mount_root(s, err);
	}
	if (r == 0) {
		r = network_write_files(s->core, s->c, s->run_dir, err);
	}
	if (r == 0) {
		r = write_bundle(s, err);
	}
	if (r == 0) {
		r = create_in_shim(s, width, height, &pid, err);
	}
	container_tell_waiters(s->c->id);
	if (r == 0 && network_wanted(s->c)) {
		r = network_attach_all(s->core, s->c, pid, err);
		/* Now that there may be addresses. */
		if (r == 0 && strcmp(json_get_string(container_host_config(s->c), "NetworkMode"), "none")) {
			r = network_write_files(s->core, s->c, s->run_dir, err);
		}
	}
	if (r == 0) {
		r = network_tell_sockets(s->core, s->c, pid, err);
	}
	if (r == 0) {
		r = send_pending(s, err);
	}
	if (r == 0) {
		r = record_running(s, pid, err);
	}
	if (r == 0) {
		container_await_waiters(s->c->id);
		shim_message_init(&s->message, SHIM_START);
		r = shim_request(s->control, &s->message, NULL, 0, err);
	}
	return r;
}

int container_run_from(struct core *core, struct container *c, int64_t width, int64_t height,
		       const char *images, struct gantry_error *err)
{
	struct start *s = calloc(1, sizeof(*s));
	int r;

	if (!s) {
		return error_no_memory(err);
	}
	s->core = core;
	s->c = c;
	s->lock = s->control = s->root = -1;
	s->images = images;
	s->run_dir = container_run_dir(core, c->id);
	s->state_dir = container_runtime_dir(core, c->id);
	r = s->run_dir && s->state_dir ? start_container(s, width, height, err) : error_no_memory(err);
	if (r < 0) {
		undo(s, err);
	} else {
		container_event(core, c, "start", NULL);
	}
	start_done(s);
	return r;
}

int container_run(struct core *core, struct container *c, int64_t width, int64_t height,
		  struct gantry_error *err)
{
	return container_run_from(core, c, width, height, NULL, err);
}

/* One that was to be removed at its end has ended before it began. */
static void remove_unstarted(struct core *core, struct container *c)
{
	struct gantry_error ignored = GANTRY_ERROR_INIT;

	if (json_get_bool(container_host_config(c), "AutoRemove", 0)) {
		(void)container_delete(core, c, 1, &ignored);
	}
}

ENGINE_OP(container_start)
{
	struct core *core = self;
	auto_container struct container *c = NULL;
	auto_free char *images = NULL;
	int r = container_find_locked(core, args->name, &c, err);

	if (r == 0 && args->checkpoint && *args->checkpoint) {
		r = container_find_checkpoint(core, c, args->checkpoint, args->checkpoint_dir, &images, err);
	}
	if (r < 0) {
		return r;
	}
	if (container_is(c, "paused")) {
		return error_set(err, GANTRY_ERR_INVALID,
				 "cannot start a paused container, try unpause instead");
	}
	if (container_is_running(c)) {
		return error_set(err, GANTRY_ERR_CONFLICT, "container %s is already running", c->name);
	}
	json_set_int(c->state, "RestartCount", 0);
	r = container_run_from(core, c, args->width, args->height, images, err);
	if (r < 0) {
		remove_unstarted(core, c);
		return error_prefix(err, "cannot start container %s", c->name);
	}
	return 0;
}
