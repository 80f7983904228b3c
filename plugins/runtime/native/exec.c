/* SPDX-License-Identifier: Apache-2.0 */
/* Another process in a running container. */
#include <errno.h>
#include <grp.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include <json-c/json.h>

#include <helpers/cleanup.h>
#include <helpers/error.h>
#include <helpers/io.h>

#include "container.h"
#include "emulate.h"
#include "devices.h"
#include "jref.h"
#include "lsm.h"
#include "notify.h"
#include "process.h"
#include "scheduling.h"
#include "seccomp_filter.h"
#include "spec.h"
#include "state.h"
#include "sync.h"
#include "sys.h"

struct exec {
	const struct exec_options *o;
	struct state state;
	struct cgroup_host host;
	struct cgroup cgroup;
	struct seccomp_filter filter;
	struct spec spec; /* .process is what runs */
	struct spec container; /* whose filter and rules hold */
	struct json_object *json;
	struct arena arena;
	int init, root, notify_sock, emulator, sync[2];
	struct emulation emulation;
	char *notify_state;
	bool own_id;
	struct container_process process;
};

static int parse_process(struct exec *e, struct gantry_error *err)
{
	struct jref top = { .key = "process.json" };
	char dropped[160]; /* was told when the container was created */
	int r = jref_parse(e->o->process, strlen(e->o->process), top.key, &e->json, err);

	if (r < 0)
		return r;
	top.obj = e->json;
	r = process_parse(&top, &e->arena, &e->spec.process, err);
	if (r == 0)
		(void)lsm_drop_labels(&e->spec.process, NULL, dropped, sizeof(dropped));
	if (r == 0 && e->o->console_width && e->o->console_height) {
		e->spec.process.console_width = e->o->console_width;
		e->spec.process.console_height = e->o->console_height;
	}
	return r;
}

/* The container's own filter and rules hold for every process in it. */
static int prepare_filter(struct exec *e, struct gantry_error *err)
{
	struct process_spec *p = &e->spec.process;
	struct spec *c = &e->container;
	int r = container_read_spec(e->o->state_dir, c, err);

	if (r < 0)
		return r;
	if (!p->landlock.present)
		p->landlock = c->process.landlock;
	r = seccomp_prepare(c->seccomp, e->o->seccomp, p->caps[CAPS_BOUNDING], e->o->cache_dir,
			    &e->filter, err);
	if (r < 0 || (r = notify_connect(c->seccomp, &e->notify_sock, err)) < 0 ||
	    (r = emulate_connect(c, &e->emulation, &e->emulator, err)) < 0)
		return r;
	e->own_id = spec_keeps_id(c);
	if (e->notify_sock >= 0) {
		auto_free char *state = state_to_json(&e->state, STATUS_RUNNING);

		e->notify_state = state ? notify_message(c->seccomp, state, 0) : NULL;
		if (!e->notify_state)
			return error_no_memory(err);
	}
	return 0;
}

static int open_container(struct exec *e, struct gantry_error *err)
{
	char path[PATH_MAX];
	enum status status;
	int r = state_read(e->o->state_dir, &e->state, err);

	if (r < 0 || (r = cgroup_detect(&e->host, err)) < 0)
		return r;
	e->init = e->state.pid > 0 ? sys_pidfd_open(e->state.pid) : -1;
	status = state_status(e->o->state_dir, &e->state, &e->host);
	if (e->init < 0 || status == STATUS_STOPPED)
		return error_set(err, GANTRY_ERR_CONFLICT, "it is not running");
	if (status == STATUS_PAUSED && !e->o->ignore_paused) {
		error_set(err, GANTRY_ERR_CONFLICT, "it is paused");
		return error_hint(err, "resume it first");
	}
	if (!(e->state.namespaces & CLONE_NEWNS)) {
		snprintf(path, sizeof(path), "/proc/%d/root", e->state.pid);
		e->root = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	}
	if (!e->state.cgroup_path || !e->state.cgroup_path[0])
		return 0;
	snprintf(path, sizeof(path), "%s%s%s", e->state.cgroup_path,
		 e->o->cgroup ? "/" : "", e->o->cgroup ? e->o->cgroup : "");
	if (strstr(path, ".."))
		return error_set(err, GANTRY_ERR_INVALID, "cgroup: \"%s\" must not contain ..",
				 e->o->cgroup);
	return cgroup_open(&e->host, path, &e->cgroup, err);
}

/* An ordinary user may join the pid namespace only together with the user
 * namespace that owns it, and only children are born in it: one goes on. */
static int continue_in_second(struct exec *e, struct gantry_error *err)
{
	struct clone_args args = { .flags = CLONE_PARENT };
	pid_t pid = sys_clone3(&args);

	if (pid < 0)
		return error_errno(err, errno, "cannot create a process");
	if (pid == 0)
		return 0;
	_exit(sync_send(e->sync[1], SYNC_PID, pid) < 0);
}

static int join_all(struct exec *e, struct gantry_error *err)
{
	bool userns = e->state.namespaces & CLONE_NEWUSER;
	int flags = userns ? e->state.namespaces : e->state.namespaces & ~CLONE_NEWPID;
	int r;

	if (flags && setns(e->init, flags) < 0)
		return error_errno(err, errno, "cannot join the container's namespaces");
	if (userns && (flags & CLONE_NEWPID) && (r = continue_in_second(e, err)) < 0)
		return r;
	if (e->root >= 0 && (fchdir(e->root) < 0 || chroot(".") < 0))
		return error_errno(err, errno, "cannot enter the container's root");
	if (!userns)
		return 0;
	setgroups(0, NULL);
	if (setresgid(0, 0, 0) < 0 || setresuid(0, 0, 0) < 0)
		return error_errno(err, errno, "cannot become root of the user namespace");
	return 0;
}

static int make_terminal(struct exec *e, int *ret_slave, struct gantry_error *err)
{
	auto_fd int root = -1;
	auto_fd int master = -1;
	int r;

	if (!e->spec.process.terminal)
		return 0;
	root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (root < 0)
		return error_errno(err, errno, "cannot open the container's root");
	r = devices_terminal(root, &e->spec.process, &master, ret_slave, err);
	if (r < 0)
		return r;
	if (sync_send_fd(e->sync[1], SYNC_CONSOLE, master) < 0)
		return error_set(err, GANTRY_ERR_CANCELLED, "the creating process is gone");
	return 0;
}

static int run(struct exec *e, struct gantry_error *err)
{
	struct process_run p = {
		.spec = &e->spec.process, .filter = &e->filter, .slave = -1, .reaper = -1,
		.notify_sock = e->notify_sock, .notify_state = e->notify_state,
		.stdio = { e->o->stdio[0], e->o->stdio[1], e->o->stdio[2] },
		.preserve_fds = e->o->preserve_fds, .own_id = e->own_id,
		.emulation = e->emulation, .emulator = e->emulator,
		.host_proc = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC),
	};
	int r;

	if (p.host_proc < 0)
		return error_errno(err, errno, "cannot open /proc");
	/* in its control groups before it is seen in the container */
	if ((r = sync_expect(e->sync[1], SYNC_CGROUP, err)) < 0 || (r = join_all(e, err)) < 0 ||
	    (r = make_terminal(e, &p.slave, err)) < 0 || (r = process_prepare(&p, err)) < 0 ||
	    (r = process_become(&p, NULL, err)) < 0)
		return r;
	return process_exec(&p, err);
}

static void __attribute__((noreturn)) child_main(struct exec *e)
{
	struct gantry_error err = GANTRY_ERROR_INIT;

	close(e->sync[0]);
	process_reset_signals();
	/* the container must not look into this process before execve */
	if (!(e->state.namespaces & CLONE_NEWUSER))
		prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	run(e, &err);
	sync_send_error(e->sync[1], SYNC_ERROR, &err);
	_exit(1);
}

static int spawn(struct exec *e, struct gantry_error *err)
{
	struct clone_args args = {
		.flags = CLONE_PIDFD | CLONE_CLEAR_SIGHAND,
		.pidfd = (uint64_t)(uintptr_t)&e->process.pidfd,
	};
	const char *affinity = e->spec.process.cpu_affinity_initial;
	pid_t pid;
	int r;

	if (affinity && affinity[0] && (r = sched_set_affinity(affinity, err)) < 0)
		return r;
	if ((e->state.namespaces & (CLONE_NEWPID | CLONE_NEWUSER)) == CLONE_NEWPID &&
	    setns(e->init, CLONE_NEWPID) < 0)
		return error_errno(err, errno, "cannot join the container's pid namespace");
	if (e->cgroup.unified >= 0) {
		args.flags |= CLONE_INTO_CGROUP;
		args.cgroup = (uint64_t)e->cgroup.unified;
	}
	if (e->o->parent == CHILD_OF_CALLERS_PARENT)
		args.flags |= CLONE_PARENT;
	else
		args.exit_signal = SIGCHLD;
	pid = sys_clone3(&args);
	if (pid < 0)
		return error_errno(err, errno, "cannot create a process");
	if (pid == 0)
		child_main(e);
	e->process.pid = pid;
	replace_fd(&e->sync[1], -1);
	return 0;
}

static int take_console(struct exec *e, int fd, struct gantry_error *err)
{
	int r;

	if (e->o->console_socket < 0) {
		replace_fd(&e->process.console, fd);
		return 0;
	}
	r = send_with_fds(e->o->console_socket, "console", 8, &fd, 1);
	close(fd);
	return r < 0 ? error_set(err, GANTRY_ERR_UNAVAILABLE,
				 "cannot pass the terminal to the console socket")
		     : 0;
}

static int adopt(struct exec *e, pid_t pid, struct gantry_error *err)
{
	if (e->o->parent == CHILD_OF_CALLER)
		waitpid(e->process.pid, NULL, 0);
	e->process.pid = pid;
	replace_fd(&e->process.pidfd, sys_pidfd_open(pid));
	return e->process.pidfd < 0 ? error_errno(err, errno, "the new process is gone") : 0;
}

/* Until execve closes the socket. */
static int converse(struct exec *e, struct gantry_error *err)
{
	int r = cgroup_attach(&e->cgroup, e->process.pid, false, err);

	if (r < 0)
		return r;
	if (e->spec.process.has_oom_score_adj) {
		char path[64], text[16];

		snprintf(path, sizeof(path), "/proc/%d/oom_score_adj", e->process.pid);
		snprintf(text, sizeof(text), "%d", e->spec.process.oom_score_adj);
		write_control(AT_FDCWD, path, text);
	}
	sync_send(e->sync[0], SYNC_CGROUP, e->process.pid);
	for (;;) {
		struct sync_message m;
		int fd;

		r = sync_receive(e->sync[0], &m, &fd);
		if (r < 0)
			return error_errno(err, -r, "cannot hear from the new process");
		if (r == 0)
			return 0;
		if (m.type == SYNC_ERROR) {
			*err = m.error;
			return err->code;
		}
		if (m.type == SYNC_CONSOLE)
			r = take_console(e, fd, err);
		else if (m.type == SYNC_PID)
			r = adopt(e, m.value, err);
		if (r < 0)
			return r;
	}
}

static int exec(struct exec *e, struct gantry_error *err)
{
	char refused[64];
	int r;

	if ((r = parse_process(e, err)) < 0 || (r = open_container(e, err)) < 0 ||
	    (r = prepare_filter(e, err)) < 0)
		return r;
	process_raise_limits(&e->spec.process, refused, sizeof(refused));
	r = sync_pair(e->sync);
	if (r < 0)
		return error_errno(err, -r, "cannot create a socket");
	r = spawn(e, err);
	return r < 0 ? r : converse(e, err);
}

static void exec_done(struct exec *e)
{
	replace_fd(&e->init, -1);
	replace_fd(&e->root, -1);
	replace_fd(&e->notify_sock, -1);
	replace_fd(&e->emulator, -1);
	replace_fd(&e->sync[0], -1);
	replace_fd(&e->sync[1], -1);
	free(e->notify_state);
	cgroup_done(&e->cgroup);
	seccomp_filter_done(&e->filter);
	state_done(&e->state);
	spec_done(&e->container);
	json_object_put(e->json);
	arena_done(&e->arena);
	container_process_done(&e->process);
}

int container_exec(const struct exec_options *o, struct container_process *ret,
		   struct gantry_error *err)
{
	struct exec e = { .o = o, .cgroup = CGROUP_INIT, .init = -1, .root = -1, .notify_sock = -1,
			  .emulator = -1,
			  .sync = { -1, -1 }, .process = CONTAINER_PROCESS_INIT };
	int r = exec(&e, err);

	if (r == 0) {
		*ret = e.process;
		e.process = (struct container_process)CONTAINER_PROCESS_INIT;
	} else {
		if (e.process.pidfd >= 0) {
			sys_pidfd_send_signal(e.process.pidfd, SIGKILL);
			if (o->parent == CHILD_OF_CALLER)
				waitpid(e.process.pid, NULL, 0);
		}
		error_prefix(err, "cannot exec in container %s", o->id);
	}
	exec_done(&e);
	return r;
}
