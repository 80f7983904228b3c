/* SPDX-License-Identifier: Apache-2.0 */
/* Used by the shim's only thread.  A record that was begun is always written whole before
 * the next, or the plugin would misread all that follow; one that was not begun may be
 * lost.  A pipe whose reader died is replaced by a new one, so that the new reader does
 * not start within a record. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "entry.h"
#include "helpers/buf.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "helpers/io.h"
#include "helpers/sigpipe.h"
#include "writer.h"

#define PIPE_ROOM (1 << 20)
#define RECORD_MAX 16384 /* sdk/interfaces/log.lua */
#define RETRY_NS INT64_C(1000000000)

struct writer {
	struct docker_plugin *plugin;
	struct json_object *request; /* of StartLogging */
	char *folder;
	char *container;
	char *path;                  /* of the pipe */
	int fd;                      /* the writing end; -1: the plugin is gone */
	int64_t patience_ms;
	int64_t retry_at;
	int deaf;                    /* it did not read in time: do not wait again */
	struct buf rest;             /* of a record that was begun */
	int ordinal[3];              /* parts of the current line of stdout, stderr */
	unsigned lines[3];
};

static void copy(struct json_object *from, const char *key, struct json_object *to, const char *as)
{
	struct json_object *value = json_get(from, key);

	if (value) {
		json_set(to, as, json_object_get(value));
	}
}

struct json_object *writer_info(const char *container, const char *options, const char *info)
{
	struct json_object *o = json_object_new_object();
	auto_json struct json_object *given = NULL, *config = NULL;
	struct gantry_error ignored = GANTRY_ERROR_INIT;
	const char *name;
	char text[160];

	(void)json_parse_object(info, "info", &given, &ignored);
	(void)json_parse_object(options, "options", &config, &ignored);
	name = json_get_string(given, "Name");
	snprintf(text, sizeof(text), "/%s", name ? name : "");
	json_set(o, "Config", json_object_get(config));
	json_set_string(o, "ContainerID", container);
	json_set_string(o, "ContainerName", text);
	copy(given, "ImageName", o, "ContainerImageName");
	copy(given, "ImageID", o, "ContainerImageID");
	copy(given, "Path", o, "ContainerEntrypoint");
	copy(given, "Args", o, "ContainerArgs");
	copy(given, "Created", o, "ContainerCreated");
	copy(given, "Env", o, "ContainerEnv");
	copy(given, "Labels", o, "ContainerLabels");
	json_set_string(o, "LogPath", "");
	json_set_string(o, "DaemonName", "docker");
	return o;
}

/* ---- the pipe ---- */

static int wait_reader(struct writer *w, struct gantry_error *err)
{
	int64_t end = time_monotonic_ns() + w->patience_ms * 1000000;
	struct pollfd p = { .fd = w->fd };

	/* A pipe without a reader reports an error. */
	while (poll(&p, 1, 0) > 0 && (p.revents & POLLERR)) {
		if (time_monotonic_ns() >= end) {
			return error_set(err, GANTRY_ERR_TIMEOUT, "plugin %s did not open the pipe %s",
					 docker_plugin_name(w->plugin), w->path);
		}
		usleep(2000);
	}
	return 0;
}

/* Pipes that nobody reads any more: of writers that were killed. */
static void remove_stale(DIR *folder)
{
	struct dirent *e;

	while ((e = readdir(folder))) {
		const char *dot = strrchr(e->d_name, '.');
		int fd;

		if (!dot || strcmp(dot, ".fifo") != 0) {
			continue;
		}
		fd = openat(dirfd(folder), e->d_name, O_WRONLY | O_NONBLOCK | O_CLOEXEC);
		if (fd < 0 && errno == ENXIO) {
			(void)unlinkat(dirfd(folder), e->d_name, 0);
		}
		replace_fd(&fd, -1);
	}
}

/* At a path that no pipe had before: plugins tell logs apart by it, also those of a writer
 * that was killed before it could say so.  Both ends are open before another writer, who
 * has the folder's lock then, could take it for stale. */
static int make_pipe(struct writer *w, int *ret_both, struct gantry_error *err)
{
	auto_dir DIR *folder = opendir(w->folder);
	int fd;

	if (w->path) {
		unlink(w->path);
		free(w->path);
	}
	if (asprintf(&w->path, "%s/%.64s-%llx.fifo", w->folder, w->container,
		     (unsigned long long)time_now_ns()) < 0) {
		w->path = NULL;
		return error_no_memory(err);
	}
	json_set_string(w->request, "File", w->path);
	if (folder && flock(dirfd(folder), LOCK_EX) == 0) {
		remove_stale(folder);
	}
	if (mkfifo(w->path, 0600) < 0) {
		return error_errno(err, errno, "cannot make the pipe %s", w->path);
	}
	fd = open(w->path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0) {
		return error_errno(err, errno, "cannot open the pipe %s", w->path);
	}
	*ret_both = fd;
	return 0;
}

/* A plugin may open its end in StartLogging and wait there for a writer, or open it later:
 * so the pipe has both ends until the plugin has answered. */
static int connect_plugin(struct writer *w, struct gantry_error *err)
{
	auto_fd int both = -1;
	int r = make_pipe(w, &both, err);

	if (r < 0) {
		return r;
	}
	(void)fcntl(both, F_SETPIPE_SZ, PIPE_ROOM);
	r = docker_plugin_call(w->plugin, "LogDriver.StartLogging", w->request, DOCKER_PLUGIN_WORK, NULL,
			       err);
	if (r < 0) {
		return r;
	}
	w->fd = open(w->path, O_WRONLY | O_NONBLOCK | O_CLOEXEC);
	if (w->fd < 0) {
		return error_errno(err, errno, "cannot open the pipe %s", w->path);
	}
	replace_fd(&both, -1);
	r = wait_reader(w, err);
	if (r < 0) {
		replace_fd(&w->fd, -1);
	}
	return r;
}

static void writer_free(struct writer *w)
{
	if (w->fd >= 0) {
		close(w->fd);
	}
	if (w->path) {
		unlink(w->path);
	}
	json_object_put(w->request);
	buf_done(&w->rest);
	free(w->path);
	free(w->folder);
	free(w->container);
	free(w);
}

int writer_open(struct docker_plugin *p, const char *folder, int64_t patience_ms,
		const struct gantry_log_open_args *args, struct writer **ret,
		struct gantry_error *err)
{
	struct writer *w = calloc(1, sizeof(*w));
	int r;

	if (!w) {
		return error_no_memory(err);
	}
	w->plugin = p;
	w->fd = -1;
	w->patience_ms = patience_ms;
	w->request = json_object_new_object();
	w->folder = strdup(folder);
	w->container = strdup(args->container);
	if (!w->request || !w->folder || !w->container) {
		writer_free(w);
		return error_no_memory(err);
	}
	json_set(w->request, "Info", writer_info(args->container, args->options, args->info));
	r = connect_plugin(w, err);
	if (r < 0) {
		writer_free(w);
		return r;
	}
	*ret = w;
	return 0;
}

/* ---- records ---- */

/* Writes what it can of a record that is in w->rest.  1: all; 0: some or nothing. */
static int push(struct writer *w)
{
	struct sigpipe_hold hold;
	ssize_t n;

	while (w->rest.len > 0) {
		sigpipe_hold(&hold);
		n = write(w->fd, w->rest.data, w->rest.len);
		sigpipe_release(&hold);
		if (n < 0 && errno == EINTR) {
			continue;
		}
		if (n < 0) {
			return errno == EAGAIN ? 0 : -errno;
		}
		buf_consume(&w->rest, (size_t)n);
	}
	return 1;
}

/* Pushes until all is written or patience ends.  Negative errno: the pipe is broken. */
static int push_all(struct writer *w)
{
	int64_t end = time_monotonic_ns() + (w->deaf ? 0 : w->patience_ms) * 1000000;
	int r = push(w);

	while (r == 0) {
		struct pollfd p = { .fd = w->fd, .events = POLLOUT };
		int64_t left = (end - time_monotonic_ns()) / 1000000;

		if (left <= 0) {
			w->deaf = 1;
			return 0;
		}
		(void)poll(&p, 1, (int)left);
		r = push(w);
	}
	w->deaf = 0;
	return r;
}

static int reconnect(struct writer *w, struct gantry_error *err)
{
	int r;

	if (time_monotonic_ns() < w->retry_at) {
		return error_set(err, GANTRY_ERR_UNAVAILABLE, "plugin %s reads no more",
				 docker_plugin_name(w->plugin));
	}
	buf_clear(&w->rest);
	r = connect_plugin(w, err);
	w->retry_at = time_monotonic_ns() + RETRY_NS;
	return r;
}

static void make_entry(struct writer *w, const struct gantry_log_write_args *args, struct entry *e)
{
	int stream = args->stream == 2 ? 2 : 1;
	const char *line = args->data.data;
	size_t len = args->data.size;
	/* A short part is the end of output that ends without a newline. */
	int goes_on = args->partial && len >= RECORD_MAX;

	*e = (struct entry){ .stream = stream, .time_ns = args->time_ns, .line = line, .len = len };
	if (!args->partial && len && line[len - 1] == '\n') {
		e->len--;
	}
	if (goes_on || w->ordinal[stream]) {
		e->partial = 1;
		e->last = !goes_on;
		e->ordinal = ++w->ordinal[stream];
		snprintf(e->id, sizeof(e->id), "%d-%u", stream, w->lines[stream]);
	}
	if (!goes_on) {
		w->ordinal[stream] = 0;
		w->lines[stream]++;
	}
}

int writer_add(struct writer *w, const struct gantry_log_write_args *args, struct gantry_error *err)
{
	struct entry e;
	int r;

	make_entry(w, args, &e);
	if (w->fd < 0) {
		r = reconnect(w, err);
		if (r < 0) {
			return r;
		}
	}
	r = push_all(w); /* the end of a record that was begun */
	if (r == 0) {
		return error_set(err, GANTRY_ERR_TIMEOUT, "plugin %s does not read what is logged",
				 docker_plugin_name(w->plugin));
	}
	if (r > 0) {
		entry_encode(&e, &w->rest);
		if (buf_failed(&w->rest)) {
			return error_no_memory(err);
		}
		r = push_all(w);
	}
	if (r >= 0) {
		return 0; /* what is left of it goes first next time */
	}
	replace_fd(&w->fd, -1);
	r = reconnect(w, err);
	if (r < 0) {
		return r;
	}
	entry_encode(&e, &w->rest);
	return push_all(w) < 0 ? error_set(err, GANTRY_ERR_UNAVAILABLE, "plugin %s closed the pipe",
					   docker_plugin_name(w->plugin))
			       : 0;
}

int writer_close(struct writer *w, struct gantry_error *err)
{
	auto_json struct json_object *request = json_object_new_object();
	int r = 0;

	if (w->fd >= 0) {
		(void)push_all(w);
		replace_fd(&w->fd, -1); /* the plugin reads to the end */
		json_set_string(request, "File", w->path);
		r = docker_plugin_call(w->plugin, "LogDriver.StopLogging", request, DOCKER_PLUGIN_WORK, NULL,
				       err);
	}
	writer_free(w);
	return r;
}
