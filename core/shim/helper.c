/* SPDX-License-Identifier: Apache-2.0 */
/* Between fork and the runtime's work the child undoes what the shim is: its blocked
 * signals, its descriptors (the lock above all), its protection from the OOM killer. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <gantry/calls.h>

#include "core/plugin/native.h"
#include "core/shim/helper.h"
#include "core/shim/shim.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "helpers/io.h"

static int compare_fds(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

/* Closes every descriptor from 3 up but these. */
static void close_others(const int *keep, size_t n)
{
	int sorted[HELPER_MAX_FDS + 2];
	unsigned from = 3;

	memcpy(sorted, keep, n * sizeof(*keep));
	qsort(sorted, n, sizeof(*sorted), compare_fds);
	for (size_t i = 0; i < n; i++) {
		if (sorted[i] < (int)from) {
			continue;
		}
		if ((unsigned)sorted[i] > from) {
			close_range(from, (unsigned)sorted[i] - 1, 0);
		}
		from = (unsigned)sorted[i] + 1;
	}
	close_range(from, ~0U, 0);
}

static void become_ordinary(struct shim *shim)
{
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	shim_unprotect(shim);
}

static int open_runtime(struct helper_side *side, struct shim_host *host, struct gantry_error *err)
{
	const struct shim_message *m = &side->shim->create;
	const char *name = shim_message_get(m, "runtime.driver");
	const char *path = shim_message_get(m, "runtime.path");
	struct native_plugin *plugin;
	int r;

	if (!name || !path) {
		return error_set(err, GANTRY_ERR_INVALID, "CREATE names no runtime driver and its file");
	}
	shim_host_init(host, side->shim, shim_message_get(m, "runtime.state"),
		       shim_message_get(m, "runtime.run"), name);
	r = native_plugin_load(path, &plugin, err);
	return r < 0 ? r
		     : native_driver_open(plugin, "runtime", name, &host->public,
					  shim_message_get(m, "runtime.config"), &side->runtime, err);
}

static void do_job(struct shim *shim, const struct helper_job *job, int sock)
{
	struct helper_side side = { shim, sock, NULL, &shim->scratch };
	struct gantry_error err = GANTRY_ERROR_INIT;
	struct shim_host host;
	int r = open_runtime(&side, &host, &err);
	if (r == 0) {
		r = job->run(&side, job, &err);
	}
	if (r < 0) {
		struct gantry_error ignored = GANTRY_ERROR_INIT;

		shim_message_set_error(side.message, &err);
		(void)shim_send(sock, side.message, NULL, 0, &ignored);
	}
	_exit(r < 0);
}

static void run_child(struct shim *shim, const struct helper_job *job, int sock)
{
	int keep[HELPER_MAX_FDS + 2];

	memcpy(keep, job->fds, sizeof(job->fds));
	keep[HELPER_MAX_FDS] = sock;
	keep[HELPER_MAX_FDS + 1] = shim->run_dir;
	close_others(keep, ARRAY_SIZE(keep));
	become_ordinary(shim);
	do_job(shim, job, sock);
}

/* The job of creating, as the shim describes it: CREATE's fields, and which descriptors come
 * beside them. */
static void await_job(struct shim *shim, int sock)
{
	struct helper_job job = { .run = helper_run_container };
	struct shim_message *m = &shim->create;
	struct gantry_error err = GANTRY_ERROR_INIT;
	const char *there;
	unsigned n = 0;

	if (shim_receive(sock, m, &err) < 0) {
		_exit(0); /* nobody needs a container */
	}
	there = shim_message_get(m, "job.fds");
	for (size_t i = 0; i < HELPER_MAX_FDS; i++) {
		job.fds[i] = there && there[i] == '1' ? shim_message_take_fd(m, n++) : -1;
	}
	job.width = shim_message_get_int(m, "width", 0);
	job.height = shim_message_get_int(m, "height", 0);
	shim->run_dir = open(shim_message_get(m, "run_dir"), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	do_job(shim, &job, sock);
}

static void run_spare(struct shim *shim, const char *runtime, int sock)
{
	struct gantry_error ignored = GANTRY_ERROR_INIT;
	struct native_plugin *plugin;

	close_others(&sock, 1);
	become_ordinary(shim);
	/* What is wrong with it is told when it is needed. */
	(void)native_plugin_load(runtime, &plugin, &ignored);
	await_job(shim, sock);
}

void helper_prepare(struct shim *shim, const char *runtime)
{
	int pair[2];
	pid_t pid;

	if (shim->spare_sock >= 0 || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0) {
		return;
	}
	pid = fork();
	if (pid == 0) {
		run_spare(shim, runtime, pair[1]);
	}
	close(pair[1]);
	if (pid < 0) {
		close(pair[0]);
		return;
	}
	shim->spare = pid;
	shim->spare_sock = pair[0];
}

/* Gives the job to the helper that waits.  One that has died meanwhile takes nothing. */
static int hand_over(struct shim *shim, const struct helper_job *job)
{
	struct shim_message *m = &shim->scratch;
	struct gantry_error ignored = GANTRY_ERROR_INIT;
	char there[HELPER_MAX_FDS + 1] = "";
	int fds[HELPER_MAX_FDS];
	size_t n = 0;

	for (size_t i = 0; i < HELPER_MAX_FDS; i++) {
		there[i] = job->fds[i] >= 0 ? '1' : '0';
		if (job->fds[i] >= 0) {
			fds[n++] = job->fds[i];
		}
	}
	shim_message_init(m, SHIM_CREATE);
	memcpy(m->fields, shim->create.fields, shim->create.len);
	m->len = shim->create.len;
	shim_message_add(m, "job.fds", there);
	return shim_send(shim->spare_sock, m, fds, n, &ignored) == 0;
}

static void helper_ready(struct source *s, uint32_t events)
{
	struct helper *h = container_of(s, struct helper, source);
	struct shim_message *m = &h->shim->scratch;
	struct gantry_error err = GANTRY_ERROR_INIT;
	int r = shim_receive(s->fd, m, &err);

	if (r < 0) {
		helper_forget(h);
		h->answered(h, NULL);
		return;
	}
	h->answered(h, m);
}

/* Its socket may stay open in a process that it forked, so its death is told by reap.
 * What it said last comes first: there is at most one answer to a request. */
void helper_ended(struct helper *h)
{
	struct pollfd p = { .fd = h->source.fd, .events = POLLIN };

	h->ended = 1;
	if (poll(&p, 1, 0) == 1 && (p.revents & POLLIN)) {
		helper_ready(&h->source, EPOLLIN);
		return;
	}
	helper_forget(h);
	h->answered(h, NULL);
}

void helper_kill(const struct helper *h)
{
	if (source_is_open(&h->source) && !h->ended) {
		kill(h->pid, SIGKILL);
	}
}

static void watch(struct helper *h, struct shim *shim, pid_t pid, int sock,
		  void (*answered)(struct helper *h, struct shim_message *m))
{
	h->shim = shim;
	h->pid = pid;
	h->ended = 0;
	h->answered = answered;
	source_init(&h->source, &shim->loop, sock, helper_ready);
	source_watch(&h->source, EPOLLIN);
	shim->helpers++;
}

int helper_start(struct helper *h, struct shim *shim, const struct helper_job *job,
		 void (*answered)(struct helper *h, struct shim_message *m),
		 struct gantry_error *err)
{
	int pair[2];
	pid_t pid;

	if (shim->spare_sock >= 0 && job->run == helper_run_container) {
		if (hand_over(shim, job)) {
			watch(h, shim, shim->spare, steal_fd(&shim->spare_sock), answered);
			return 0;
		}
		replace_fd(&shim->spare_sock, -1);
	}
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0) {
		return error_errno(err, errno, "cannot make a socket pair");
	}
	pid = fork();
	if (pid == 0) {
		run_child(shim, job, pair[1]);
	}
	close(pair[1]);
	if (pid < 0) {
		close(pair[0]);
		return error_errno(err, errno, "cannot fork");
	}
	watch(h, shim, pid, pair[0], answered);
	return 0;
}

int helper_tell(struct helper *h, enum shim_type type, struct gantry_error *err)
{
	struct shim_message *m;

	if (!source_is_open(&h->source) || h->ended) {
		return error_set(err, GANTRY_ERR_INTERNAL, "the process that makes the container has died");
	}
	m = &h->shim->scratch;
	shim_message_init(m, type);
	return shim_send(h->source.fd, m, NULL, 0, err);
}

void helper_forget(struct helper *h)
{
	if (source_is_open(&h->source)) {
		source_close(&h->source);
		h->shim->helpers--;
	}
}
