/* SPDX-License-Identifier: Apache-2.0 */
/* Letting a created container run. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <helpers/buf.h>
#include <helpers/cleanup.h>
#include <helpers/error.h>
#include <helpers/io.h>

#include "container.h"
#include "hooks.h"
#include "members.h"
#include "spec.h"
#include "state.h"
#include "sync.h"

int container_read_spec(const char *state_dir, struct spec *ret, struct gantry_error *err)
{
	auto_(buf) struct buf text = BUF_INIT;
	char path[PATH_MAX];
	int r;

	if (snprintf(path, sizeof(path), "%s/config.json", state_dir) >= (int)sizeof(path))
		return error_errno(err, ENAMETOOLONG, "%s", state_dir);
	r = read_file(AT_FDCWD, path, &text, 4 << 20);
	if (r < 0)
		return error_errno(err, -r, "cannot read %s", path);
	return spec_parse(buf_str(&text), text.len, ret, err);
}

/* Configurations without hooks of this stage, nearly all, are not parsed again. */
static int run_poststart(const char *state_dir, const struct state *s, struct gantry_error *err)
{
	auto_(buf) struct buf text = BUF_INIT;
	auto_(spec) struct spec spec = { 0 };
	auto_free char *state = NULL;
	char path[PATH_MAX];
	int r;

	snprintf(path, sizeof(path), "%s/config.json", state_dir);
	if (read_file(AT_FDCWD, path, &text, 4 << 20) < 0 || !strstr(buf_str(&text), "poststart"))
		return 0;
	r = spec_parse(buf_str(&text), text.len, &spec, err);
	if (r < 0)
		return r;
	state = state_to_json(s, STATUS_RUNNING);
	if (!state)
		return error_no_memory(err);
	r = hooks_run(&spec, HOOK_POSTSTART, s->bundle, state, err);
	if (r < 0)
		kill(s->pid, SIGKILL);
	return r;
}

/* The end of the stream is the success of execve(2); before it comes an error. */
static int await_exec(int sock, struct gantry_error *err)
{
	struct sync_message m = { 0 };
	ssize_t n = read_full(sock, &m, sizeof(m));

	if (n == 0 || n == -ECONNRESET)
		return 0;
	if (n < 0)
		return error_errno(err, (int)-n, "cannot hear from the container's process");
	if (n != sizeof(m) || m.type != SYNC_ERROR || m.error.code >= 0)
		return error_set(err, GANTRY_ERR_INTERNAL, "the container's process said nonsense");
	m.error.message[sizeof(m.error.message) - 1] = '\0';
	m.error.hint[sizeof(m.error.hint) - 1] = '\0';
	*err = m.error;
	return err->code;
}

int container_release(const char *state_dir, struct container_process *p,
		      struct gantry_error *err)
{
	struct sync_message m;
	int fd, r;

	sync_send(p->sync, SYNC_START, 0);
	r = sync_receive(p->sync, &m, &fd);
	if (fd >= 0)
		close(fd);
	replace_fd(&p->sync, -1);
	if (r > 0 && m.type == SYNC_ERROR) {
		*err = m.error;
		return err->code;
	}
	return container_restored(state_dir, p, err);
}

int container_restored(const char *state_dir, struct container_process *p,
		       struct gantry_error *err)
{
	auto_(state) struct state s = { 0 };
	int r;

	if (!p->poststart)
		return 0;
	r = state_read(state_dir, &s, err);
	return r < 0 ? r : run_poststart(state_dir, &s, err);
}

/* Of several who connected the process answers one and hangs up on the others. */
static bool ask_to_start(int sock)
{
	char answer;

	return send(sock, "S", 1, MSG_NOSIGNAL) == 1 && read_full(sock, &answer, 1) == 1;
}

/* Restored processes were stopped by SIGSTOP. */
static int resume_restored(const struct state *s, const char *mark, struct gantry_error *err)
{
	auto_(members) struct members m = { NULL, 0 };
	struct cgroup_host host;
	int r = cgroup_detect(&host, err);

	if (r < 0 || (r = members_find(&host, s, &m, err)) < 0)
		return r;
	for (size_t i = 0; i < m.n; i++)
		kill(m.pids[i], SIGCONT);
	return unlink(mark) < 0 ? error_errno(err, errno, "cannot remove %s", mark) : 0;
}

static int start_restored(const char *id, const char *state_dir, const struct state *s,
			  bool *ret_ended, struct gantry_error *err)
{
	char path[PATH_MAX];
	int r;

	snprintf(path, sizeof(path), "%s/" STATE_RESTORED, state_dir);
	if (access(path, F_OK) < 0)
		return error_set(err, GANTRY_ERR_CONFLICT,
				 "cannot start container %s: it is running already", id);
	r = resume_restored(s, path, err);
	if (r < 0)
		return error_prefix(err, "cannot start container %s", id);
	r = run_poststart(state_dir, s, err);
	*ret_ended = r < 0;
	return r;
}

int container_start(const char *id, const char *state_dir, struct gantry_error *err)
{
	bool ended;

	return container_start_told(id, state_dir, &ended, err);
}

int container_start_told(const char *id, const char *state_dir, bool *ret_ended,
			 struct gantry_error *err)
{
	auto_(state) struct state s = { 0 };
	auto_fd int sock = -1;
	char path[PATH_MAX];
	int r = state_read(state_dir, &s, err);

	*ret_ended = false;
	if (r < 0)
		return error_prefix(err, "cannot start container %s", id);
	snprintf(path, sizeof(path), "%s/" STATE_START_SOCKET, state_dir);
	if (!state_is_alive(&s))
		return error_set(err, GANTRY_ERR_CONFLICT,
				 "cannot start container %s: it has stopped", id);
	sock = unix_connect(path);
	if (sock < 0)
		return start_restored(id, state_dir, &s, ret_ended, err);
	r = ask_to_start(sock) ? await_exec(sock, err)
			       : error_set(err, GANTRY_ERR_CONFLICT, "another process started it");
	unlink(path);
	if (r < 0)
		return error_prefix(err, "cannot start container %s", id);
	r = run_poststart(state_dir, &s, err);
	*ret_ended = r < 0;
	return r;
}
