/* SPDX-License-Identifier: Apache-2.0 */
/* A line is appended with one write under O_APPEND, so that lines of several
 * processes never mix.  A log past its size is renamed to events.log.1 by whoever
 * finds it so; followers notice by its inode. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/paths.h"
#include "core/events/events.h"
#include "helpers/buf.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "helpers/io.h"
#include "helpers/json.h"

#define MAX_LOG (4 << 20)

struct events {
	pthread_mutex_t lock; /* fd */
	char *path;
	char *old_path;
	int fd; /* for appending; -1 until needed */
};

int events_new(const char *folder, struct events **ret, struct gantry_error *err)
{
	struct events *e = calloc(1, sizeof(*e));

	if (!e) {
		return error_no_memory(err);
	}
	pthread_mutex_init(&e->lock, NULL);
	e->fd = -1;
	e->path = path_join(folder, "events.log", NULL);
	e->old_path = path_join(folder, "events.log.1", NULL);
	if (!e->path || !e->old_path) {
		events_free(e);
		return error_no_memory(err);
	}
	*ret = e;
	return 0;
}

struct events *events_free(struct events *e)
{
	if (e) {
		if (e->fd >= 0) {
			close(e->fd);
		}
		pthread_mutex_destroy(&e->lock);
		free(e->path);
		free(e->old_path);
		free(e);
	}
	return NULL;
}

/* Opens the log, or a new one when it has grown or was renamed by another. */
static int ensure_open(struct events *e)
{
	struct stat named, opened;

	if (e->fd >= 0 && stat(e->path, &named) == 0 && fstat(e->fd, &opened) == 0 &&
	    named.st_ino == opened.st_ino && opened.st_size < MAX_LOG) {
		return 0;
	}
	if (stat(e->path, &named) == 0 && named.st_size >= MAX_LOG) {
		rename(e->path, e->old_path);
	}
	replace_fd(&e->fd, open(e->path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600));
	return e->fd < 0 ? -errno : 0;
}

static struct json_object *make_event(const char *type, const char *action, const char *actor,
				      struct json_object *attributes)
{
	struct json_object *o = json_object_new_object();
	struct json_object *who = json_object_new_object();
	int64_t now = time_now_ns();

	if (!strcmp(type, "container") || !strcmp(type, "image")) {
		json_set_string(o, "status", action);
		json_set_string(o, "id", actor);
		json_set_string(o, "from", json_get_string(attributes, "image"));
	}
	json_set_string(o, "Type", type);
	json_set_string(o, "Action", action);
	json_set_string(who, "ID", actor);
	json_set(who, "Attributes", json_object_get(attributes));
	json_set(o, "Actor", who);
	json_set_string(o, "scope", "local");
	json_set_int(o, "time", now / 1000000000);
	json_set_int(o, "timeNano", now);
	return o;
}

int events_record(struct events *e, const char *type, const char *action, const char *actor,
		  const char *attributes, struct gantry_error *err)
{
	auto_json struct json_object *parsed = NULL;
	auto_json struct json_object *o = NULL;
	auto_(buf) struct buf line = BUF_INIT;
	int r = json_parse_object(attributes, "event attributes", &parsed, err);

	if (r < 0) {
		return r;
	}
	o = make_event(type, action, actor, parsed);
	buf_adds(&line, json_text(o));
	buf_addc(&line, '\n');
	pthread_mutex_lock(&e->lock);
	r = ensure_open(e);
	if (r == 0) {
		r = write_all(e->fd, line.data, line.len);
	}
	pthread_mutex_unlock(&e->lock);
	return r < 0 ? error_errno(err, -r, "cannot write %s", e->path) : 0;
}

struct follow {
	struct events *events;
	struct json_object *filters;
	int64_t since_ns, until_ns;
	int fd;         /* the log being read */
	struct buf in;  /* bytes that are no whole line yet */
	struct buf out;
};

static int any_matches(struct json_object *values, const char *text, int prefix)
{
	for (size_t i = 0; text && i < json_array_size(values); i++) {
		const char *want = json_item_string(values, i);

		if (want && (!strcmp(want, text) || (prefix && !strncmp(want, text, strlen(want))))) {
			return 1;
		}
	}
	return 0;
}

/* label filters: each "key" or "key=value" must match. */
static int labels_match(struct json_object *wanted, struct json_object *attributes)
{
	for (size_t i = 0; i < json_array_size(wanted); i++) {
		const char *want = json_item_string(wanted, i);
		const char *eq = want ? strchr(want, '=') : NULL;
		auto_free char *key = want ? strndup(want, eq ? (size_t)(eq - want) : strlen(want)) : NULL;
		const char *have = key ? json_get_string(attributes, key) : NULL;

		if (!have || (eq && strcmp(have, eq + 1))) {
			return 0;
		}
	}
	return 1;
}

/* Does an event of this type carry an object filter such as container=NAME? */
static int object_matches(struct json_object *filters, const char *kind, const char *type,
			  const char *actor, struct json_object *attributes)
{
	struct json_object *wanted = json_get(filters, kind);
	const char *by_kind;

	if (!wanted) {
		return 1;
	}
	if (!strcmp(type, kind)) {
		return any_matches(wanted, actor, 1) ||
		       any_matches(wanted, json_get_string(attributes, "name"), 0);
	}
	by_kind = json_get_string(attributes, kind);
	return any_matches(wanted, by_kind, 1);
}

static int passes(struct json_object *filters, const char *type, const char *action,
		  const char *actor, struct json_object *attributes)
{
	static const char *const kinds[] = { "container", "image", "network", "volume" };
	struct json_object *wanted = json_get(filters, "type");

	if (wanted && !any_matches(wanted, type, 0)) {
		return 0;
	}
	wanted = json_get(filters, "event");
	if (wanted && !any_matches(wanted, action, 0)) {
		auto_free char *base = strndup(action, strcspn(action, ":"));

		if (!any_matches(wanted, base, 0)) {
			return 0;
		}
	}
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		if (!object_matches(filters, kinds[i], type, actor, attributes)) {
			return 0;
		}
	}
	return labels_match(json_get(filters, "label"), attributes);
}

static void take_line(struct follow *f, const char *line)
{
	struct gantry_error ignored = GANTRY_ERROR_INIT;
	auto_json struct json_object *o = NULL;
	struct json_object *who;
	int64_t at;

	if (json_parse_object(line, "event", &o, &ignored) < 0) {
		return; /* torn by a power cut */
	}
	who = json_get_object(o, "Actor");
	at = json_get_int(o, "timeNano", 0);
	if (at >= f->since_ns && (!f->until_ns || at <= f->until_ns) && json_get_string(o, "Type") &&
	    json_get_string(o, "Action") && json_get_string(who, "ID") &&
	    passes(f->filters, json_get_string(o, "Type"), json_get_string(o, "Action"),
		   json_get_string(who, "ID"), json_get_object(who, "Attributes"))) {
		buf_adds(&f->out, line);
		buf_addc(&f->out, '\n');
	}
}

/* Reads what is there; whole lines are taken. */
static void read_lines(struct follow *f)
{
	ssize_t n;

	for (;;) {
		char *to = buf_reserve(&f->in, 65536);
		char *newline;
		size_t start = 0;

		n = to && f->fd >= 0 ? read(f->fd, to, 65536) : 0;
		if (n <= 0) {
			return;
		}
		f->in.len += (size_t)n;
		f->in.data[f->in.len] = '\0';
		while ((newline = memchr(f->in.data + start, '\n', f->in.len - start))) {
			*newline = '\0';
			take_line(f, f->in.data + start);
			start = (size_t)(newline - f->in.data) + 1;
		}
		buf_consume(&f->in, start);
	}
}

static int open_log(const char *path)
{
	return open(path, O_RDONLY | O_CLOEXEC);
}

/* Goes over to the new log when ours was renamed. */
static void notice_rotation(struct follow *f)
{
	struct stat named, opened;

	if (f->fd < 0 || (stat(f->events->path, &named) == 0 && fstat(f->fd, &opened) == 0 &&
			  named.st_ino != opened.st_ino)) {
		read_lines(f);
		buf_clear(&f->in);
		replace_fd(&f->fd, open_log(f->events->path));
		read_lines(f);
	}
}

static int watch_folder(const struct events *e)
{
	auto_free char *folder = strndup(e->path, (size_t)(strrchr(e->path, '/') - e->path));
	int fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);

	if (fd >= 0 && (!folder || inotify_add_watch(fd, folder, IN_MODIFY | IN_CREATE | IN_MOVED_TO) < 0)) {
		close(fd);
		fd = -1;
	}
	return fd;
}

/* Sleeps until something is written; 0 when the sink has gone. */
static int wait_for_more(int sink, int watch, int64_t until_ns)
{
	struct pollfd fds[2] = { { .fd = sink, .events = 0 }, { .fd = watch, .events = POLLIN } };
	int64_t left_ms = until_ns ? (until_ns - time_now_ns()) / 1000000 + 1 : 5000;
	int timeout = watch < 0 ? 200 : left_ms < 5000 ? (int)left_ms : 5000;
	char drain[4096];

	poll(fds, watch >= 0 ? 2 : 1, timeout > 0 ? timeout : 0);
	if (fds[0].revents & (POLLERR | POLLHUP)) {
		return 0;
	}
	while (watch >= 0 && read(watch, drain, sizeof(drain)) > 0) {
	}
	return 1;
}

static void read_history(struct follow *f)
{
	if (!f->since_ns) {
		f->since_ns = time_now_ns();
		f->fd = open_log(f->events->path);
		if (f->fd >= 0) {
			lseek(f->fd, 0, SEEK_END);
		}
		return;
	}
	f->fd = open_log(f->events->old_path);
	read_lines(f);
	buf_clear(&f->in);
	replace_fd(&f->fd, open_log(f->events->path));
}

int events_follow(struct events *e, int64_t since_ns, int64_t until_ns, struct json_object *filters,
		  int sink, struct gantry_error *err)
{
	struct follow f = { .events = e, .filters = filters, .since_ns = since_ns, .until_ns = until_ns,
			    .fd = -1 };
	auto_fd int watch = watch_folder(e);

	read_history(&f);
	do {
		read_lines(&f);
		notice_rotation(&f);
		if (f.out.len && write_all(sink, f.out.data, f.out.len) < 0) {
			break;
		}
		buf_clear(&f.out);
	} while (!(until_ns && time_now_ns() >= until_ns) && wait_for_more(sink, watch, until_ns));
	if (f.fd >= 0) {
		close(f.fd);
	}
	buf_done(&f.in);
	buf_done(&f.out);
	return 0;
}
