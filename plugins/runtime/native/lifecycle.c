/* SPDX-License-Identifier: Apache-2.0 */
/* Signals, freezing, limits and the end of a container. */
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <json-c/json.h>

#include <helpers/buf.h>
#include <helpers/cleanup.h>
#include <helpers/error.h>
#include <helpers/io.h>

#include "checkpoint.h"
#include "container.h"
#include "hooks.h"
#include "jref.h"
#include "members.h"
#include "rdt.h"
#include "resources.h"
#include "spec.h"
#include "state.h"
#include "sys.h"
#include "systemd.h"

#define KILL_WAIT_MS 10000

static int open_state(const char *id, const char *state_dir, struct state *s,
		      struct cgroup_host *host, struct gantry_error *err)
{
	int r = state_read(state_dir, s, err);

	if (r < 0)
		return error_prefix(err, "container %s", id);
	return cgroup_detect(host, err);
}

static int signal_all(const struct state *s, const struct cgroup_host *host, int signal,
		      struct gantry_error *err)
{
	auto_(members) struct members m = { NULL, 0 };
	int r;

	if (signal == SIGKILL) {
		r = cgroup_kill(host, s->cgroup_path, err);
		if (r != 0)
			return r < 0 ? r : 0;
	}
	r = members_find(host, s, &m, err);
	if (r < 0 && err->code != GANTRY_ERR_NOT_FOUND)
		return r;
	error_clear(err);
	for (size_t i = 0; i < m.n; i++)
		kill(m.pids[i], signal);
	return 0;
}

int container_signal(const char *id, const char *state_dir, int sig, bool all,
		     struct gantry_error *err)
{
	auto_(state) struct state s = { 0 };
	struct cgroup_host host;
	auto_fd int pidfd = -1;
	int r = open_state(id, state_dir, &s, &host, err);

	if (r < 0)
		return r;
	if (all && s.cgroup_path)
		return signal_all(&s, &host, sig, err);
	/* first the descriptor, then the question whether it is still the one meant */
	pidfd = s.pid > 0 ? sys_pidfd_open(s.pid) : -1;
	if (pidfd < 0 || !state_is_alive(&s) || sys_pidfd_send_signal(pidfd, sig) < 0) {
		if (pidfd >= 0 && errno == EPERM)
			return error_errno(err, EPERM, "cannot signal container %s", id);
		return error_set(err, GANTRY_ERR_CONFLICT,
				 "cannot signal container %s: container not running", id);
	}
	return 0;
}

int container_freeze(const char *id, const char *state_dir, bool freeze,
		     struct gantry_error *err)
{
	auto_(state) struct state s = { 0 };
	struct cgroup_host host;
	enum status status;
	int r = open_state(id, state_dir, &s, &host, err);

	if (r < 0)
		return r;
	status = state_status(state_dir, &s, &host);
	if (status == STATUS_STOPPED || status == STATUS_CREATING)
		return error_set(err, GANTRY_ERR_CONFLICT, "container %s is not running", id);
	r = cgroup_freeze(&host, s.cgroup_path, freeze, err);
	return r < 0 ? error_prefix(err, "container %s", id) : 0;
}

int container_update(const char *id, const char *state_dir, const char *resources,
		     struct gantry_error *err)
{
	auto_(state) struct state s = { 0 };
	auto_(cgroup) struct cgroup cgroup = CGROUP_INIT;
	struct json_object *json = NULL;
	struct jref top = { .key = "resources" };
	struct resources *res = NULL;
	struct arena arena = { NULL };
	struct cgroup_host host;
	int r = open_state(id, state_dir, &s, &host, err);

	if (r < 0)
		return r;
	r = jref_parse(resources, strlen(resources), top.key, &json, err);
	top.obj = json;
	if (r == 0)
		r = resources_parse(&top, &arena, &res, err);
	if (r == 0 && (!s.cgroup_path || !s.cgroup_path[0]))
		r = error_set(err, GANTRY_ERR_UNSUPPORTED, "it has no control group");
	if (r == 0)
		r = cgroup_open(&host, s.cgroup_path, &cgroup, err);
	if (r == 0)
		r = cgroup_update(&cgroup, res, err);
	if (r == 0 && s.scope)
		r = systemd_update_scope(s.scope, res, err);
	json_object_put(json);
	arena_done(&arena);
	return r < 0 ? error_prefix(err, "cannot update container %s", id) : 0;
}

int container_update_rdt(const char *id, const char *state_dir, const char *l3,
			 const char *bandwidth, struct gantry_error *err)
{
	auto_(spec) struct spec spec = { 0 };
	int r = container_read_spec(state_dir, &spec, err);

	if (r == 0)
		r = rdt_update(&spec, id, l3, bandwidth, err);
	return r < 0 ? error_prefix(err, "cannot update container %s", id) : 0;
}

int container_pids(const char *id, const char *state_dir, pid_t **ret, size_t *ret_n,
		   struct gantry_error *err)
{
	auto_(state) struct state s = { 0 };
	struct cgroup_host host;
	struct members m;
	int r = open_state(id, state_dir, &s, &host, err);

	if (r < 0)
		return r;
	r = members_find(&host, &s, &m, err);
	if (r < 0 && r != GANTRY_ERR_NOT_FOUND)
		return r;
	error_clear(err);
	*ret = m.pids;
	*ret_n = m.n;
	return 0;
}

static int kill_and_wait(const struct state *s, const struct cgroup_host *host,
			 struct gantry_error *err)
{
	auto_fd int pidfd = sys_pidfd_open(s->pid);
	struct gantry_error ignored = GANTRY_ERROR_INIT;

	/* a frozen process does not die in version 1 */
	if (cgroup_is_frozen(host, s->cgroup_path) && !host->unified[0])
		cgroup_freeze(host, s->cgroup_path, false, &ignored);
	if (cgroup_kill(host, s->cgroup_path, &ignored) <= 0 && pidfd >= 0 && state_is_alive(s))
		sys_pidfd_send_signal(pidfd, SIGKILL);
	if (pidfd >= 0 && state_is_alive(s) && !container_wait_gone(pidfd, KILL_WAIT_MS))
		return error_set(err, GANTRY_ERR_TIMEOUT, "process %d does not die", s->pid);
	return 0;
}

/* Hooks of this stage come after the container is gone; their failure changes
 * nothing and is the caller's to tell. */
static int run_poststop(const char *state_dir, const struct state *s, struct gantry_error *err)
{
	auto_(buf) struct buf text = BUF_INIT;
	auto_(spec) struct spec spec = { 0 };
	auto_free char *state = NULL;
	char path[PATH_MAX];
	int r;

	snprintf(path, sizeof(path), "%s/config.json", state_dir);
	if (read_file(AT_FDCWD, path, &text, 4 << 20) < 0 ||
	    (!strstr(buf_str(&text), "poststop") && !strstr(buf_str(&text), "intelRdt")))
		return 0;
	r = spec_parse(buf_str(&text), text.len, &spec, err);
	if (r < 0)
		return r;
	rdt_remove(&spec, s->id);
	state = state_to_json(s, STATUS_STOPPED);
	return state ? hooks_run(&spec, HOOK_POSTSTOP, s->bundle, state, err) : error_no_memory(err);
}

/* Also what a creator that was killed has left half-written.  The folder may hold
 * more, which is its owner's. */
static void remove_files(const char *state_dir)
{
	static const char *const files[] = { STATE_START_SOCKET, STATE_RESTORED,
					     CHECKPOINT_CONFIG, "config.json", "state.json" };
	auto_dir DIR *d = opendir(state_dir);
	struct dirent *e;

	if (d)
		unlinkat(dirfd(d), CHECKPOINT_ROOT, AT_REMOVEDIR);
	while (d && (e = readdir(d))) {
		for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
			size_t len = strlen(files[i]);

			if (!strncmp(e->d_name, files[i], len) &&
			    (!e->d_name[len] || e->d_name[len] == '.'))
				unlinkat(dirfd(d), e->d_name, 0);
		}
	}
}

int container_delete(const char *id, const char *state_dir, bool force,
		     struct gantry_error *err)
{
	struct gantry_error ignored = GANTRY_ERROR_INIT;

	return container_delete_warned(id, state_dir, force, &ignored, err);
}

int container_delete_warned(const char *id, const char *state_dir, bool force,
			    struct gantry_error *ret_warning, struct gantry_error *err)
{
	auto_(state) struct state s = { 0 };
	struct cgroup_host host;
	enum status status;
	int r = open_state(id, state_dir, &s, &host, err);

	if (r == GANTRY_ERR_NOT_FOUND) {
		error_clear(err);
		remove_files(state_dir);
		return 0;
	}
	if (r < 0)
		return r;
	status = state_status(state_dir, &s, &host);
	if ((status == STATUS_RUNNING || status == STATUS_PAUSED) && !force) {
		error_set(err, GANTRY_ERR_CONFLICT,
			  "cannot delete container %s that is not stopped: %s", id,
			  status_name(status));
		return error_hint(err, "stop it first, or use --force");
	}
	if (status != STATUS_STOPPED && s.pid > 0 && (r = kill_and_wait(&s, &host, err)) < 0)
		return error_prefix(err, "cannot delete container %s", id);
	if (s.scope && (r = systemd_stop_scope(s.scope, err)) < 0)
		return error_prefix(err, "cannot delete container %s", id);
	if (s.cgroup_path && (r = cgroup_remove(&host, s.cgroup_path, err)) < 0)
		return error_prefix(err, "cannot delete container %s", id);
	run_poststop(state_dir, &s, ret_warning);
	remove_files(state_dir);
	return 0;
}
