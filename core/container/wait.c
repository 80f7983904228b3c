/* SPDX-License-Identifier: Apache-2.0 */
/* Waiting.  A container that does not run yet is waited for through its run folder
 * (inotify), or, where this process will start it, through a word from container_run(): the
 * kernel is slow at giving up an inotify descriptor, and `run` ends with that.  One that runs
 * is waited for through its shim; the waiter offers to finish what follows the end, so that
 * `run` needs no further process for it. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "core/container/container.h"
#include "core/engine/leftovers.h"
#include "core/shim/protocol.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "helpers/io.h"

enum condition {
	WAIT_NOT_RUNNING = 1,
	WAIT_NEXT_EXIT,
	WAIT_REMOVED,
};

struct wait {
	char *id;
	enum condition condition;
	int running; /* when the request came */
	int64_t started_ns; /* its last start before the request came */
	int64_t code; /* the last known exit code */
	int lost; /* the shim has gone without a word: killed, or it restarts the container */
	int watch; /* inotify on the run folder, since before the answer; -1: none */
	int watches; /* has a watch been tried? */
	int told;  /* eventfd: this process starts it; -1: that is over */
	int heard; /* it was told, and goes to the shim */
	struct wait *next; /* of those who are told */
};

#define TELL_S 1 /* how long a start waits for those whom it has told */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t left = PTHREAD_COND_INITIALIZER;
static struct wait *to_be_told; /* until they have asked the shim */

static void be_told(struct wait *w)
{
	w->told = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	pthread_mutex_lock(&lock);
	w->next = to_be_told;
	to_be_told = w;
	pthread_mutex_unlock(&lock);
}

static void leave_list(struct wait *w)
{
	struct wait **at = &to_be_told;

	pthread_mutex_lock(&lock);
	while (*at && *at != w) {
		at = &(*at)->next;
	}
	if (*at) {
		*at = w->next;
		pthread_cond_broadcast(&left);
	}
	pthread_mutex_unlock(&lock);
	replace_fd(&w->told, -1);
}

static int is_awaited(const char *id)
{
	for (const struct wait *w = to_be_told; w; w = w->next) {
		if (!strcmp(w->id, id)) {
			return 1;
		}
	}
	return 0;
}

void container_tell_waiters(const char *id)
{
	pthread_mutex_lock(&lock);
	for (struct wait *w = to_be_told; w; w = w->next) {
		if (!strcmp(w->id, id)) {
			(void)eventfd_write(w->told, 1);
		}
	}
	pthread_mutex_unlock(&lock);
}

/* A container that ends before anybody waits on its shim is finished by one more process. */
void container_await_waiters(const char *id)
{
	struct timespec until;
	int code = 0;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += TELL_S;
	pthread_mutex_lock(&lock);
	while (code == 0 && is_awaited(id)) {
		code = pthread_cond_timedwait(&left, &lock, &until);
	}
	pthread_mutex_unlock(&lock);
}

static void wait_free(struct wait *w)
{
	leave_list(w);
	replace_fd(&w->watch, -1);
	free(w->id);
	free(w);
}

static void answer(int sink, int64_t code, const char *error)
{
	auto_json struct json_object *o = json_object_new_object();

	json_set_int(o, "StatusCode", code);
	if (error) {
		struct json_object *e = json_object_new_object();

		json_set_string(e, "Message", error);
		json_set(o, "Error", e);
	}
	(void)write_all(sink, json_text(o), strlen(json_text(o)));
	(void)write_all(sink, "\n", 1);
}

/* A shim that comes or goes, an end, and the folder's own: a start writes much more. */
static int is_news(const struct inotify_event *e)
{
	return !e->len || !strcmp(e->name, "shim.sock") || !strcmp(e->name, "exit");
}

/* Reads all that has happened; was there any news? */
static int read_news(int watch)
{
	char text[4096] __attribute__((aligned(__alignof__(struct inotify_event))));
	int news = 0;
	ssize_t n;

	while ((n = read(watch, text, sizeof(text))) > 0) {
		for (const char *at = text; at < text + n;) {
			const struct inotify_event *e = (const struct inotify_event *)(const void *)at;

			news |= is_news(e);
			at += sizeof(*e) + e->len;
		}
	}
	return news;
}

/* Without the folder there is nothing to watch; it is not made, since the container may be gone. */
static int watch_run_dir(struct core *core, const char *id)
{
	auto_free char *run_dir = container_run_dir(core, id);
	int fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);

	if (fd >= 0) {
		if (inotify_add_watch(fd, run_dir, IN_CREATE | IN_MOVED_TO | IN_DELETE | IN_DELETE_SELF |
							   IN_CLOSE_WRITE) < 0) {
			close(fd);
			fd = -1;
		}
	}
	return fd;
}

/* Sleeps until this process has started it; 0 when the client has gone. */
static int wait_to_be_told(struct wait *w, int sink)
{
	struct pollfd fds[2] = { { .fd = sink }, { .fd = w->told, .events = POLLIN } };

	while (poll(fds, 2, -1) < 0 && errno == EINTR) {
	}
	w->heard = 1;
	return !(fds[0].revents & (POLLERR | POLLHUP));
}

/* Sleeps until something happens in the run folder; 0 when the client has gone. */
static int wait_for_change(struct core *core, struct wait *w, int sink)
{
	struct pollfd fds[2] = { { .fd = sink }, { .fd = w->watch, .events = POLLIN } };
	int n;

	if (w->told >= 0) {
		return wait_to_be_told(w, sink);
	}
	if (w->watch < 0 && !w->watches) {
		/* What has happened until now is looked at once more. */
		w->watches = 1;
		w->watch = watch_run_dir(core, w->id);
		return 1;
	}
	do {
		/* Who was killed leaves nothing that would wake us. */
		n = poll(fds, w->watch >= 0 ? 2 : 1, w->watch >= 0 && !w->lost ? -1 : 50);
		if (fds[0].revents & (POLLERR | POLLHUP)) {
			return 0;
		}
	} while (n > 0 && !read_news(w->watch) && !w->lost);
	return 1;
}

/* What container_finish() will need is loaded while there is nothing else to do. */
static void prepare_finish(struct core *core, const char *id)
{
	struct gantry_error ignored = GANTRY_ERROR_INIT;
	auto_container struct container *c = NULL;
	struct driver *driver;

	if (container_find(core, id, &c, &ignored) == 0) {
		(void)container_runtime(core, c, &driver, &ignored);
	}
}

/* Waits on the shim for the end; 1 it ended (with *ret_code), 0 no shim there, or
 * negative when the client has gone. */
static int wait_on_shim(struct core *core, struct wait *w, int sink, int64_t *ret_code)
{
	auto_free char *run_dir = container_run_dir(core, w->id);
	auto_free struct shim_message *m = malloc(sizeof(*m));
	struct gantry_error err = GANTRY_ERROR_INIT;
	struct pollfd fds[2];
	auto_fd int sock = -1;

	if (!m || shim_connect(run_dir, &sock, &err) < 0) {
		return 0;
	}
	shim_message_init(m, SHIM_WAIT);
	shim_message_add_int(m, "clean", 1);
	if (shim_send(sock, m, NULL, 0, &err) < 0) {
		return 0;
	}
	leave_list(w);
	prepare_finish(core, w->id);
	fds[0] = (struct pollfd){ .fd = sink };
	fds[1] = (struct pollfd){ .fd = sock, .events = POLLIN };
	while (poll(fds, 2, -1) < 0 && errno == EINTR) {
	}
	if (!(fds[1].revents & (POLLIN | POLLHUP))) {
		return -1;
	}
	w->lost = shim_receive(sock, m, &err) < 0 || m->type != SHIM_EXITED;
	if (w->lost) {
		return 0;
	}
	*ret_code = shim_message_get_int(m, "code", 137);
	if (shim_message_get_int(m, "clean", 0)) {
		if (container_finish(core, w->id, &err) == 0) {
			leftovers_tell_shim(core, sock, m);
		} else {
			w->lost = 1; /* whoever looks tries again, and we look */
		}
	}
	return 1;
}

/* Is the wait over?  Brings what ended meanwhile up to date by looking. */
static int is_over(struct core *core, struct wait *w)
{
	struct gantry_error err = GANTRY_ERROR_INIT;
	auto_container struct container *c = NULL;
	int r = container_find(core, w->id, &c, &err);

	if (r < 0) {
		return 1;
	}
	w->code = json_get_int(c->state, "ExitCode", 0);
	if (w->condition == WAIT_REMOVED || container_is_running(c)) {
		w->running |= container_is_running(c);
		return 0;
	}
	/* next-exit: a created container is not over before it has run; one whose shim was
	 * killed may have come and gone unseen. */
	return w->condition == WAIT_NOT_RUNNING || w->running ||
	       json_get_int(c->state, "StartedNs", 0) != w->started_ns;
}

/* It has ended, and somebody else finishes it: whoever waits may remove it next, so the
 * record shall say so, too. */
static void await_record(struct core *core, struct wait *w)
{
	for (int tries = 0; tries < 250 && w->condition != WAIT_REMOVED && !is_over(core, w); tries++) {
		nanosleep(&(struct timespec){ .tv_nsec = 20000000 }, NULL);
	}
}

static void run_wait(struct core *core, void *data, int sink)
{
	struct wait *w = data;
	int64_t code = -1;
	int r = 0;

	/* Who has just been told of the start goes to the shim at once: it may be over soon. */
	while (r >= 0 && (w->heard || !is_over(core, w))) {
		r = wait_on_shim(core, w, sink, &code);
		if (r > 0) {
			w->running = 1;
			await_record(core, w);
			if (w->condition != WAIT_REMOVED || is_over(core, w)) {
				break;
			}
		}
		if (w->heard) {
			w->heard = 0;
			leave_list(w);
		}
		if (r >= 0 && !wait_for_change(core, w, sink)) {
			r = -1;
		}
	}
	if (r >= 0) {
		answer(sink, code >= 0 ? code : w->code, NULL);
	}
	close(sink);
	wait_free(w);
}

static int parse_condition(const char *text, enum condition *ret, struct gantry_error *err)
{
	if (!text || !*text || !strcmp(text, "not-running")) {
		*ret = WAIT_NOT_RUNNING;
	} else if (!strcmp(text, "next-exit")) {
		*ret = WAIT_NEXT_EXIT;
	} else if (!strcmp(text, "removed")) {
		*ret = WAIT_REMOVED;
	} else {
		return error_set(err, GANTRY_ERR_INVALID, "invalid condition: \"%s\"", text);
	}
	return 0;
}

ENGINE_OP(container_wait)
{
	struct core *core = self;
	auto_container struct container *c = NULL;
	struct wait *w;
	enum condition condition = WAIT_NOT_RUNNING;
	int stream;
	int r = parse_condition(args->condition, &condition, err);

	if (r == 0) {
		r = container_find(core, args->name, &c, err);
	}
	if (r < 0) {
		return r;
	}
	w = calloc(1, sizeof(*w));
	if (w) {
		w->watch = w->told = -1;
	}
	if (!w || !(w->id = strdup(c->id))) {
		free(w);
		return error_no_memory(err);
	}
	w->condition = condition;
	w->code = json_get_int(c->state, "ExitCode", 0);
	w->running = container_is_running(c);
	w->started_ns = json_get_int(c->state, "StartedNs", 0);
	if (core->will_start && !w->running) {
		be_told(w);
	} else {
		auto_free char *run_dir = container_run_dir(core, c->id);

		make_dirs(AT_FDCWD, run_dir, 0711);
		w->watch = watch_run_dir(core, c->id);
		w->watches = 1;
	}
	r = engine_stream(core, run_wait, w, &stream, err);
	if (r < 0) {
		wait_free(w);
		return r;
	}
	return gantry_engine_container_wait_set_stream(reply, stream);
}
