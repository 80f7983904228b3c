/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <helpers/buf.h>
#include <helpers/cleanup.h>
#include <helpers/error.h>
#include <helpers/io.h>

#include "criu.h"
#include "lookup.h"
#include "sync.h"
#include "sys.h"

#define END_MS 10000
#define LOG_LIMIT (64 << 20)

/* A copy out of the way of the numbers that they will have. */
static int above(int fd)
{
	auto_fd int null = fd < 0 ? open("/dev/null", O_RDWR | O_CLOEXEC) : -1;

	return fcntl(fd < 0 ? null : fd, F_DUPFD_CLOEXEC, CRIU_FIRST_FD + CRIU_MAX_FDS);
}

static int place_descriptors(const struct criu_launch *l, int sock)
{
	int from[CRIU_FIRST_FD + CRIU_MAX_FDS];
	int n = CRIU_FIRST_FD + (int)l->n_fds;

	for (int i = 0; i < n; i++) {
		from[i] = above(i < 3 ? l->stdio[i] : i == 3 ? sock : l->fds[i - CRIU_FIRST_FD]);
		if (from[i] < 0)
			return -errno;
	}
	for (int i = 0; i < n; i++) {
		if (dup3(from[i], i, 0) < 0)
			return -errno;
	}
	return 0;
}

static void become_criu(const struct criu_launch *l, const char *program, int sock, int setup)
{
	char *argv[] = { (char *)"criu", (char *)"swrk", (char *)"3", NULL };
	struct gantry_error err = GANTRY_ERROR_INIT;
	sigset_t none;
	int r = sync_expect(setup, SYNC_GO, &err);

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (r == 0 && l->before)
		r = l->before(l->data, &err);
	if (r == 0) {
		setup = fcntl(setup, F_DUPFD_CLOEXEC, 100);
		r = setup < 0 ? -errno : place_descriptors(l, sock);
		if (r < 0)
			error_errno(&err, -r, "cannot pass descriptors to CRIU");
	}
	if (r == 0) {
		sys_close_range(CRIU_FIRST_FD + (unsigned int)l->n_fds, ~0U, CLOSE_RANGE_CLOEXEC);
		execve(program, argv, environ);
		error_errno(&err, errno, "cannot run %s", program);
	}
	sync_send_error(setup, SYNC_ERROR, &err);
	_exit(127);
}

static int find_program(const char *name, char **ret, struct gantry_error *err)
{
	int r = lookup_program(name ? name : "criu", environ, ret, err);

	if (r == 0)
		return 0;
	error_set(err, GANTRY_ERR_UNSUPPORTED, "CRIU is not installed: there is no program %s",
		  name ? name : "criu");
	return error_hint(err, "install CRIU (package criu)");
}

int criu_launch(const struct criu_launch *l, struct criu *ret, struct gantry_error *err)
{
	struct clone_args args = { .flags = CLONE_PIDFD };
	struct criu c = CRIU_INIT;
	auto_free char *program = NULL;
	int socks[2], setup[2];
	int r = find_program(l->program, &program, err);

	if (r < 0)
		return r;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, socks) < 0)
		return error_errno(err, errno, "cannot create a socket");
	r = sync_pair(setup);
	if (r < 0) {
		close(socks[0]);
		close(socks[1]);
		return error_errno(err, -r, "cannot create a socket");
	}
	args.pidfd = (uint64_t)(uintptr_t)&c.pidfd;
	if (l->cgroup >= 0) {
		args.flags |= CLONE_INTO_CGROUP;
		args.cgroup = (uint64_t)l->cgroup;
	}
	if (l->parent == CHILD_OF_CALLERS_PARENT)
		args.flags |= CLONE_PARENT;
	else
		args.exit_signal = SIGCHLD;
	c.pid = sys_clone3(&args);
	r = errno;
	if (c.pid == 0) {
		close(socks[0]);
		close(setup[0]);
		become_criu(l, program, socks[1], setup[1]);
	}
	close(socks[1]);
	close(setup[1]);
	c.sock = socks[0];
	c.setup = setup[0];
	c.parent = l->parent;
	if (c.pid < 0) {
		criu_done(&c);
		return error_errno(err, r, "cannot create a process for CRIU");
	}
	*ret = c;
	return 0;
}

int criu_go(struct criu *c, struct gantry_error *err)
{
	struct sync_message m;
	int fd, r;

	sync_send(c->setup, SYNC_GO, 0);
	r = sync_receive(c->setup, &m, &fd);
	if (r > 0 && fd >= 0)
		close(fd);
	replace_fd(&c->setup, -1);
	if (r < 0)
		return error_errno(err, -r, "cannot hear from CRIU's process");
	if (r > 0) {
		*err = m.error;
		return err->code < 0 ? err->code
				     : error_set(err, GANTRY_ERR_INTERNAL, "unknown failure");
	}
	return 0;
}

static int send_request(struct criu *c, enum criu_type type, const struct buf *opts, int answer,
			struct gantry_error *err)
{
	auto_(buf) struct buf text = BUF_INIT;
	int r;

	criu_put_int(&text, 1, type);
	if (opts)
		criu_put_message(&text, 2, opts);
	if (answer >= 0)
		criu_put_int(&text, 3, answer);
	if (buf_failed(&text))
		return error_no_memory(err);
	r = send_with_fds(c->sock, buf_str(&text), text.len, NULL, 0);
	return r < 0 ? error_errno(err, -r, "cannot talk to CRIU") : 0;
}

static int receive_answer(struct criu *c, struct criu_answer *ret, int *ret_fd,
			  struct gantry_error *err)
{
	char data[16384];
	size_t n_fds = 1;
	ssize_t n = recv_with_fds(c->sock, data, sizeof(data), ret_fd, &n_fds);

	if (n_fds == 0)
		*ret_fd = -1;
	if (n == 0)
		return error_set(err, GANTRY_ERR_INTERNAL, "CRIU ended without an answer");
	if (n < 0)
		return error_errno(err, (int)-n, "cannot hear from CRIU");
	if (criu_answer_parse(data, (size_t)n, ret) < 0)
		return error_set(err, GANTRY_ERR_INTERNAL, "CRIU said nonsense");
	return 0;
}

/* Tells CRIU whether it may go on. */
static int notify(struct criu *c, criu_notified *notified, void *data,
		  const struct criu_answer *a, int fd, struct gantry_error *err)
{
	struct gantry_error ignored = GANTRY_ERROR_INIT;
	int r;

	r = notified(data, a, fd, err);
	if (r == 0)
		return send_request(c, CRIU_NOTIFY, NULL, 1, err);
	send_request(c, CRIU_NOTIFY, NULL, 0, &ignored);
	return r;
}

/* What CRIU tries and can do without, where the container's limits are its own already. */
static bool is_harmless(const char *text)
{
	return !strncmp(text, "tun: ", 5) || !strncmp(text, "rlimit: ", 8);
}

/* "(00.012345) Error (criu/mount.c:1093): mnt: ..." without what stands before "mnt". */
static const char *find_error(char *log)
{
	for (char *at = strstr(log, "Error ("); at; at = strstr(at, "Error (")) {
		char *text = strstr(at, "): ");

		if (!text)
			return NULL;
		at = text += 3;
		if (is_harmless(text))
			continue;
		text[strcspn(text, "\n")] = '\0';
		return text;
	}
	return NULL;
}

/* The first error in CRIU's log is the cause of the others.  The log is whole when CRIU is
 * gone, which it soon is when we hang up. */
static int fail(struct criu *c, const struct criu_answer *a, const struct criu_log *log,
		struct gantry_error *err)
{
	auto_(buf) struct buf text = BUF_INIT;
	auto_free char *copy = NULL;
	const char *said = NULL;
	int r;

	replace_fd(&c->sock, -1);
	(void)container_wait_gone(c->pidfd, END_MS);
	r = read_file(log->dir, log->name, &text, LOG_LIMIT);
	if (r == 0 && text.len)
		copy = buf_steal(&text);
	said = copy ? find_error(copy) : NULL;
	if (!said && a->error > 0)
		said = strerror(a->error);
	if (!said)
		said = a->message[0] && !strstr(a->message, "tun: ") ? a->message : "no reason told";
	error_set(err, GANTRY_ERR_INTERNAL, "CRIU failed: %s", said);
	return r == 0 ? error_hint(err, "see %s/%s", log->path, log->name)
		      : error_hint(err, "CRIU has written no log; the images may be damaged");
}

int criu_request(struct criu *c, enum criu_type type, const struct buf *opts,
		 const struct criu_log *log, criu_notified *notified, void *data, pid_t *ret_pid,
		 struct gantry_error *err)
{
	struct criu_answer a;
	int fd = -1;
	int r;

	/* an old one would be taken for this request's */
	(void)unlinkat(log->dir, log->name, 0);
	r = send_request(c, type, opts, -1, err);
	while (r == 0) {
		r = receive_answer(c, &a, &fd, err);
		if (r < 0 || a.type != CRIU_NOTIFY || !a.success)
			break;
		r = notify(c, notified, data, &a, fd, err);
	}
	if (r < 0)
		return r;
	if (fd >= 0)
		close(fd);
	if (!a.success)
		return fail(c, &a, log, err);
	*ret_pid = a.pid;
	return 0;
}

void criu_done(struct criu *c)
{
	replace_fd(&c->setup, -1);
	replace_fd(&c->sock, -1);
	if (c->pidfd < 0)
		return;
	if (!container_wait_gone(c->pidfd, END_MS))
		sys_pidfd_send_signal(c->pidfd, SIGKILL);
	if (c->parent == CHILD_OF_CALLER)
		waitpid(c->pid, NULL, 0);
	replace_fd(&c->pidfd, -1);
}
