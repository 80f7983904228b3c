/* SPDX-License-Identifier: Apache-2.0 */
/* gantry-shim: one small process per container.  Everything here aims at few dirty
 * pages: one thread, static messages of which only what is used is touched, no
 * library but libc. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <malloc.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "core/shim/control.h"
#include "core/shim/finish.h"
#include "core/shim/shim.h"
#include "helpers/buf.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "helpers/io.h"

#define UNPROTECTED INT_MIN

static struct shim the_shim;

void shim_note(struct shim *shim, const char *fmt, ...)
{
	auto_fd int fd = shim->run_dir < 0 ? dup(2)
					   : openat(shim->run_dir, "shim.log",
						    O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	va_list ap;

	if (fd >= 0) {
		dprintf(fd, "%lld ", (long long)(time_now_ns() / 1000000000));
		va_start(ap, fmt);
		vdprintf(fd, fmt, ap);
		va_end(ap);
		dprintf(fd, "\n");
	}
}

static void host_log(const struct gantry_host *host, uint32_t level, const char *text)
{
	const struct shim_host *h = (const struct shim_host *)host;

	if (level >= GANTRY_LOG_WARNING) {
		shim_note(h->shim, "%s: %s", h->driver, text);
	}
}

static const void *host_query(const struct gantry_host *host, const char *service,
			      uint32_t min_version)
{
	static const struct gantry_log_service log_service = { sizeof(log_service), 0, host_log };

	return min_version <= GANTRY_ABI_VERSION && !strcmp(service, "log") ? &log_service : NULL;
}

void shim_host_init(struct shim_host *h, struct shim *shim, const char *state_dir,
		    const char *run_dir, const char *driver)
{
	*h = (struct shim_host){
		.public = {
			.size = sizeof(h->public),
			.abi = GANTRY_ABI_VERSION,
			.state_dir = state_dir ? state_dir : "",
			.run_dir = run_dir ? run_dir : "",
			.query = host_query,
		},
		.shim = shim,
		.driver = driver,
	};
}

char *shim_path(const struct shim_message *create, const char *name)
{
	char *path;

	return asprintf(&path, "%s/%s", shim_message_get(create, "run_dir"), name) < 0 ? NULL : path;
}

char *shim_state_dir(const struct shim_message *create)
{
	return shim_path(create, "runtime");
}

static void signals_ready(struct source *s, uint32_t events)
{
	struct shim *shim = container_of(s, struct shim, signals);
	struct signalfd_siginfo info;

	/* TERM, HUP and the like are read and ignored: the container decides. */
	while (read(s->fd, &info, sizeof(info)) == sizeof(info)) {
	}
	reap_children(shim);
}

/* Blocks rather than ignores, since what is ignored stays so in the container. */
static int watch_signals(struct shim *shim, struct gantry_error *err)
{
	sigset_t set;
	int fd;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGQUIT);
	sigaddset(&set, SIGPIPE);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGUSR2);
	sigprocmask(SIG_SETMASK, &set, NULL);
	fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (fd < 0) {
		return error_errno(err, errno, "cannot create a signal descriptor");
	}
	source_init(&shim->signals, &shim->loop, fd, signals_ready);
	source_watch(&shim->signals, EPOLLIN);
	return 0;
}

/* The OOM killer shall take the container first; not everybody may ask for that. */
static void protect(struct shim *shim)
{
	auto_(buf) struct buf old = BUF_INIT;

	shim->oom_score_adj = UNPROTECTED;
	if (read_file(AT_FDCWD, "/proc/self/oom_score_adj", &old, 64) == 0 &&
	    write_control(AT_FDCWD, "/proc/self/oom_score_adj", "-999") == 0) {
		shim->oom_score_adj = atoi(buf_str(&old));
	}
}

void shim_unprotect(const struct shim *shim)
{
	char text[16];

	if (shim->oom_score_adj != UNPROTECTED) {
		snprintf(text, sizeof(text), "%d", shim->oom_score_adj);
		(void)write_control(AT_FDCWD, "/proc/self/oom_score_adj", text);
	}
}

static int begin(struct shim *shim, struct gantry_error *err)
{
	int r;

	mallopt(M_TOP_PAD, 4096);
	mallopt(M_TRIM_THRESHOLD, 65536);
	mallopt(M_MMAP_THRESHOLD, 65536);
	setsid();
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	close_range(SHIM_FD_CONTROL + 1, ~0U, 0);
	fcntl(SHIM_FD_CONTROL, F_SETFD, FD_CLOEXEC);
	shim->lock = -1;
	shim->mounts = -1;
	shim->spare_sock = -1;
	shim->status = SHIM_NEW;
	shim->run_dir = -1;
	shim->listener.fd = -1;
	shim->creator.source.fd = -1;
	r = loop_init(&shim->loop, err);
	if (r == 0) {
		r = watch_signals(shim, err);
	}
	if (r == 0) {
		r = control_add(shim, SHIM_FD_CONTROL, 1, err);
	}
	protect(shim);
	return r;
}

int main(int argc, char **argv)
{
	struct gantry_error err = GANTRY_ERROR_INIT;
	struct shim *shim = &the_shim;

	if (fcntl(SHIM_FD_CONTROL, F_GETFD) < 0) {
		fprintf(stderr, "gantry-shim: is started by gantry, with its socket\n");
		return 2;
	}
	shim->title = argc > 1 ? argv[1] : NULL;
	if (begin(shim, &err) < 0) {
		fprintf(stderr, "gantry-shim: %s\n", err.message);
		return 1;
	}
	loop_run(&shim->loop);
	control_close_all(shim);
	if (shim->abandoned) {
		finish_abandoned(shim);
	}
	finish_delete_leftovers(shim);
	return 0;
}
