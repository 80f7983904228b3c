/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The creating side.  It works beside the new process: while that one mounts, it
 * moves it into control groups and runs hooks.  If it dies at any point the new
 * process sees the end of the socket and exits; what remains (control groups and
 * the state folder) is on record and goes with container_delete().
 */
#include <errno.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include <helpers/buf.h>
#include <helpers/cleanup.h>
#include <helpers/error.h>
#include <helpers/io.h>

#include "creation.h"
#include "hooks.h"
#include "init.h"
#include "netdev.h"
#include "rdt.h"
#include "sync.h"
#include "sys.h"
#include "userns.h"

/* Clocks of a time namespace can be moved only before a process lives in it. */
static int set_time_offsets(const struct spec *s, struct gantry_error *err)
{
	auto_(buf) struct buf text = BUF_INIT;
	int r;

	if (!s->n_time_offsets)
		return 0;
	if (unshare(ns_flags[NS_TIME]) < 0)
		return error_errno(err, errno, "linux.namespaces: cannot create one of type time");
	for (size_t i = 0; i < s->n_time_offsets; i++)
		buf_addf(&text, "%s %lld %u\n", s->time_offsets[i].clock,
			 (long long)s->time_offsets[i].secs, s->time_offsets[i].nanosecs);
	r = write_control(AT_FDCWD, "/proc/self/timens_offsets", buf_str(&text));
	return r < 0 ? error_errno(err, -r, "linux.timeOffsets") : 0;
}

/* Which namespaces come when: with the process itself; by the process, which
 * makes the slow network namespace beside us; or with a second process, when all
 * must belong to a user namespace that is joined first. */
static void plan_namespaces(const struct creation *c, struct init_context *in)
{
	int flags = 0;

	for (int kind = 0; kind < NS_MAX; kind++) {
		if (c->spec.ns[kind].present && c->ns_fds[kind] < 0 && kind != NS_CGROUP)
			flags |= ns_flags[kind];
	}
	if (c->spec.n_time_offsets)
		flags &= ~ns_flags[NS_TIME]; /* set_time_offsets() has made it */
	if (c->ns_fds[NS_USER] >= 0) {
		in->second_flags = flags;
		return;
	}
	in->late_flags = flags & CLONE_NEWNET;
	in->birth_flags = flags & ~CLONE_NEWNET;
}

static int join_pid_namespace(struct creation *c, struct gantry_error *err)
{
	if (c->ns_fds[NS_PID] >= 0 && setns(c->ns_fds[NS_PID], CLONE_NEWPID) < 0)
		return error_errno(err, errno, "linux.namespaces: cannot join %s (pid)",
				   c->spec.ns[NS_PID].path);
	return 0;
}

static int spawn(struct creation *c, struct init_context *in, struct gantry_error *err)
{
	struct clone_args args = { 0 };
	pid_t pid;
	int r;

	if ((r = set_time_offsets(&c->spec, err)) < 0 || (r = join_pid_namespace(c, err)) < 0)
		return r;
	args.flags = (uint64_t)in->birth_flags | CLONE_PIDFD | CLONE_CLEAR_SIGHAND;
	args.pidfd = (uint64_t)(uintptr_t)&c->process.pidfd;
	if (c->cgroup.unified >= 0) {
		args.flags |= CLONE_INTO_CGROUP;
		args.cgroup = (uint64_t)c->cgroup.unified;
	}
	if (c->o->parent == CHILD_OF_CALLERS_PARENT)
		args.flags |= CLONE_PARENT;
	else
		args.exit_signal = SIGCHLD;
	pid = sys_clone3(&args);
	if (pid < 0) {
		r = errno;
		error_errno(err, r, "linux.namespaces: cannot create the container's process");
		if (r == EPERM)
			error_hint(err, "an ordinary user needs a user namespace in the "
					"configuration, and a kernel that allows it");
		return err->code;
	}
	if (pid == 0)
		init_main(in);
	c->process.pid = pid;
	replace_fd(&c->sync[1], -1);
	return 0;
}

static void set_oom_score(const struct creation *c)
{
	char path[64], text[16];

	if (!c->spec.process.has_oom_score_adj)
		return;
	snprintf(path, sizeof(path), "/proc/%d/oom_score_adj", c->process.pid);
	snprintf(text, sizeof(text), "%d", c->spec.process.oom_score_adj);
	if (write_control(AT_FDCWD, path, text) < 0)
		creation_warn((struct container_process *)&c->process,
		     "process.oomScoreAdj: this process may not set it");
}

/* Control groups; then the process may show them and look at itself in them. */
static int admit(struct creation *c, struct gantry_error *err)
{
	int r = c->scope[0] ? creation_enter_scope(c, err)
			    : cgroup_attach(&c->cgroup, c->process.pid, false, err);

	if (r < 0 || (r = rdt_apply(&c->spec, c->o->id, c->process.pid, err)) < 0)
		return r;
	set_oom_score(c);
	r = sync_send_text(c->sync[0], SYNC_CGROUP, c->process.pid, c->cgroup_path);
	/* a process that has failed by now has left its reason in the socket */
	return r < 0 && r != -EPIPE && r != -ECONNRESET
		       ? error_errno(err, -r, "cannot talk to the container's process")
		       : 0;
}

static int run_hooks(struct creation *c, struct gantry_error *err)
{
	auto_free char *created = NULL;
	auto_free char *state = NULL;
	int r;

	c->state.pid = c->process.pid;
	/* the oldest kind of hook is from before there was a state "creating" */
	created = state_to_json(&c->state, STATUS_CREATED);
	state = state_to_json(&c->state, STATUS_CREATING);
	if (!state || !created)
		return error_no_memory(err);
	if ((r = netdev_move(&c->spec, c->process.pid, err)) < 0 ||
	    (r = hooks_run(&c->spec, HOOK_PRESTART, c->o->bundle, created, err)) < 0 ||
	    (r = hooks_run(&c->spec, HOOK_CREATE_RUNTIME, c->o->bundle, state, err)) < 0)
		return r;
	sync_send(c->sync[0], SYNC_GO, 0);
	return 0;
}

/* The process that goes on after a user namespace was joined. */
static int adopt(struct creation *c, pid_t pid, struct gantry_error *err)
{
	c->first = steal_fd(&c->process.pidfd);
	if (c->o->parent == CHILD_OF_CALLER)
		waitpid(c->process.pid, NULL, 0);
	c->process.pid = pid;
	c->process.pidfd = sys_pidfd_open(pid);
	if (c->process.pidfd < 0)
		return error_errno(err, errno, "the container's process is gone");
	return admit(c, err);
}

static int handle(struct creation *c, const struct sync_message *m, int fd,
		  struct gantry_error *err)
{
	switch (m->type) {
	case SYNC_ERROR:
		*err = m->error;
		return err->code < 0 ? err->code
				     : error_set(err, GANTRY_ERR_INTERNAL, "unknown failure");
	case SYNC_WARNING:
		creation_warn(&c->process, m->error.message);
		return 0;
	case SYNC_PID:
		return adopt(c, m->value, err);
	case SYNC_NAMESPACES:
		return run_hooks(c, err);
	case SYNC_CONSOLE:
		return creation_take_console(c, fd, err);
	default:
		if (fd >= 0)
			close(fd);
		return 0;
	}
}

/* Talks with the process until only execve(2) is left to do. */
static int converse(struct creation *c, const struct init_context *in, struct gantry_error *err)
{
	int r = 0;

	if (in->birth_flags & CLONE_NEWUSER) {
		r = userns_write_maps(c->process.pid, &c->spec.maps, err);
		if (r < 0)
			return r;
		sync_send(c->sync[0], SYNC_MAPPED, 0);
	}
	if (!in->second_flags)
		r = admit(c, err);
	while (r == 0) {
		struct sync_message m;
		int fd;

		r = sync_receive(c->sync[0], &m, &fd);
		if (r < 0)
			return error_errno(err, -r, "cannot hear from the container's process");
		if (r == 0)
			return error_set(err, GANTRY_ERR_INTERNAL,
					 "the container's process died while it was set up");
		if (m.type == SYNC_READY)
			return 0;
		r = handle(c, &m, fd, err);
	}
	return r;
}

static int create(struct creation *c, struct gantry_error *err)
{
	struct init_context in = { 0 };
	int r;

	if ((r = creation_load(c, err)) < 0 || (r = creation_record(c, err)) < 0 ||
	    (r = creation_prepare(c, err)) < 0)
		return r;
	in = (struct init_context){
		.spec = &c->spec, .bundle = c->o->bundle, .host = &c->host, .cgroup = &c->cgroup,
		.filter = &c->filter, .sync = c->sync[1], .creator_sync = c->sync[0],
		.root = c->root, .mount_sources = c->sources, .listener = c->listener,
		.stdio = { c->o->stdio[0], c->o->stdio[1], c->o->stdio[2] },
		.notify_sock = c->notify_sock, .emulation = c->emulation,
		.emulator = c->emulator, .state = &c->state, .pivot = c->o->pivot,
		.new_keyring = c->o->new_keyring, .reaper = c->reaper,
		.preserve_fds = c->o->preserve_fds, .id = c->o->id,
		.die_with_parent = c->o->parent == CHILD_OF_CALLERS_PARENT,
		.stop_for_hooks = c->spec.hooks[HOOK_PRESTART].n ||
				  c->spec.hooks[HOOK_CREATE_RUNTIME].n ||
				  c->spec.hooks[HOOK_CREATE_CONTAINER].n || c->spec.n_net_devices,
	};
	memcpy(in.ns_fds, c->ns_fds, sizeof(in.ns_fds));
	plan_namespaces(c, &in);
	if ((r = spawn(c, &in, err)) < 0 || (r = converse(c, &in, err)) < 0)
		return r;
	return creation_finish(c, err);
}

int container_create(const struct container_options *o, struct container_process *ret,
		     struct gantry_error *err)
{
	struct creation c;
	int r;

	creation_init(&c, o);
	r = create(&c, err);
	if (r < 0) {
		creation_undo(&c);
	} else {
		*ret = c.process;
		c.process = (struct container_process)CONTAINER_PROCESS_INIT;
		if (o->start == START_BY_CALLER)
			ret->sync = steal_fd(&c.sync[0]);
		ret->poststart = c.spec.hooks[HOOK_POSTSTART].n > 0;
	}
	creation_done(&c);
	return r;
}
