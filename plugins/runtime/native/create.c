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
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <json-c/json.h>

#include <helpers/buf.h>
#include <helpers/cleanup.h>
#include <helpers/error.h>
#include <helpers/io.h>
#include <helpers/privilege.h>

#include "container.h"
#include "emulate.h"
#include "hooks.h"
#include "init.h"
#include "lsm.h"
#include "mounts.h"
#include "netdev.h"
#include "notify.h"
#include "process.h"
#include "rdt.h"
#include "reaper.h"
#include "seccomp_filter.h"
#include "spec.h"
#include "state.h"
#include "sync.h"
#include "sys.h"
#include "systemd.h"
#include "userns.h"

#define SPEC_LIMIT (4 << 20)

struct creation {
	const struct container_options *o;
	struct spec spec;
	struct cgroup_host host;
	struct cgroup cgroup;
	struct seccomp_filter filter;
	struct state state;
	char cgroup_path[512], rootfs[PATH_MAX];
	char slice[256], scope[256]; /* systemd's; "" when it has no part in this */
	int *sources; /* of bind mounts */
	int root, listener, notify_sock, emulator, reaper, sync[2];
	struct emulation emulation;
	int ns_fds[NS_MAX];
	int first; /* pidfd of the process that ends after joining a user namespace */
	pid_t parent_before;
	struct container_process process;
};

static void warn(struct container_process *p, const char *text)
{
	if (p->n_warnings < MAX_WARNINGS && (p->warnings[p->n_warnings] = strdup(text)))
		p->n_warnings++;
}

void container_process_done(struct container_process *p)
{
	replace_fd(&p->pidfd, -1);
	replace_fd(&p->console, -1);
	replace_fd(&p->sync, -1);
	for (size_t i = 0; i < p->n_warnings; i++)
		free(p->warnings[i]);
	p->n_warnings = 0;
}

static void creation_start(struct creation *c, const struct container_options *o)
{
	*c = (struct creation){
		.o = o, .cgroup = CGROUP_INIT, .root = -1, .listener = -1, .notify_sock = -1,
		.emulator = -1,
		.reaper = -1, .sync = { -1, -1 }, .first = -1, .process = CONTAINER_PROCESS_INIT,
		.parent_before = getppid(),
	};
	for (int kind = 0; kind < NS_MAX; kind++)
		c->ns_fds[kind] = -1;
}

static void creation_done(struct creation *c)
{
	for (size_t i = 0; c->sources && i < c->spec.n_mounts; i++)
		replace_fd(&c->sources[i], -1);
	free(c->sources);
	for (int kind = 0; kind < NS_MAX; kind++)
		replace_fd(&c->ns_fds[kind], -1);
	/* the caller's own descriptor stays the caller's */
	if (c->root >= 0 && c->root != c->o->rootfs)
		close(c->root);
	replace_fd(&c->listener, -1);
	replace_fd(&c->notify_sock, -1);
	replace_fd(&c->emulator, -1);
	replace_fd(&c->reaper, -1);
	replace_fd(&c->sync[0], -1);
	replace_fd(&c->sync[1], -1);
	replace_fd(&c->first, -1);
	cgroup_done(&c->cgroup);
	seccomp_filter_done(&c->filter);
	container_process_done(&c->process);
	spec_done(&c->spec);
}

/* Reads the configuration and keeps a copy, which exec, hooks and update need. */
static int load_spec(struct creation *c, struct gantry_error *err)
{
	auto_(buf) struct buf text = BUF_INIT;
	char path[PATH_MAX];
	int r;

	if (c->o->spec) {
		buf_adds(&text, c->o->spec);
	} else {
		snprintf(path, sizeof(path), "%s/config.json", c->o->bundle);
		r = read_file(AT_FDCWD, path, &text, SPEC_LIMIT);
		if (r < 0) {
			error_errno(err, -r, "cannot read %s", path);
			return error_hint(err, "the bundle must contain a config.json");
		}
	}
	if (buf_failed(&text))
		return error_no_memory(err);
	r = spec_parse(buf_str(&text), text.len, &c->spec, err);
	if (r < 0)
		return r;
	if (!c->spec.has_process && !c->o->process_optional)
		return error_set(err, GANTRY_ERR_INVALID, "config.json: process is missing");
	if (!c->spec.root_path && c->o->rootfs < 0)
		return error_set(err, GANTRY_ERR_INVALID, "config.json: root is missing");
	if (c->o->console_width && c->o->console_height) {
		c->spec.process.console_width = c->o->console_width;
		c->spec.process.console_height = c->o->console_height;
	}
	snprintf(path, sizeof(path), "%s/config.json", c->o->state_dir);
	r = write_file_atomic(AT_FDCWD, path, buf_str(&text), text.len, 0600, 0);
	return r < 0 ? error_errno(err, -r, "cannot write %s", path) : 0;
}

static int record_intent(struct creation *c, struct gantry_error *err)
{
	struct state *s = &c->state;
	struct json_object *annotations = NULL;
	int r = cgroup_detect(&c->host, err);

	if (r < 0)
		return r;
	if (c->o->systemd_cgroup)
		r = systemd_scope_name(c->spec.cgroups_path, c->o->id, c->slice, c->scope,
				       sizeof(c->scope), err);
	else
		r = cgroup_path(&c->host, c->spec.cgroups_path, c->o->id, c->cgroup_path,
				sizeof(c->cgroup_path), err);
	if (r < 0)
		return r;
	json_object_object_get_ex(c->spec.json, "annotations", &annotations);
	if (c->spec.root_path)
		snprintf(c->rootfs, sizeof(c->rootfs), "%s%s%s",
			 c->spec.root_path[0] == '/' ? "" : c->o->bundle,
			 c->spec.root_path[0] == '/' ? "" : "/", c->spec.root_path);
	*s = (struct state){
		.id = c->o->id, .bundle = c->o->bundle, .rootfs = c->rootfs,
		.cgroup_path = c->cgroup_path, .oci_version = c->spec.oci_version,
		.scope = c->scope[0] ? c->scope : NULL, .annotations = annotations, .owner = geteuid(), .created_ns = time_now_ns(),
	};
	for (int kind = 0; kind < NS_MAX; kind++)
		s->namespaces |= c->spec.ns[kind].present ? ns_flags[kind] : 0;
	return state_write(c->o->state_dir, s, err);
}

static int open_namespaces(struct creation *c, struct gantry_error *err)
{
	for (int kind = 0; kind < NS_MAX; kind++) {
		const char *path = c->spec.ns[kind].path;

		if (!path)
			continue;
		c->ns_fds[kind] = open(path, O_RDONLY | O_CLOEXEC);
		if (c->ns_fds[kind] < 0)
			return error_errno(err, errno, "linux.namespaces: cannot open %s (%s)", path,
					   ns_names[kind]);
	}
	return 0;
}

static int make_listener(struct creation *c, struct gantry_error *err)
{
	char path[PATH_MAX];
	int r;

	if (c->o->start != START_BY_SOCKET)
		return 0;
	snprintf(path, sizeof(path), "%s/" STATE_START_SOCKET, c->o->state_dir);
	r = unix_listen(path, 0600);
	if (r < 0)
		return error_errno(err, -r, "cannot create %s", path);
	c->listener = r;
	return 0;
}

/* Without root and without a delegated subtree there are no control groups. */
static int enter_cgroups(struct creation *c, struct gantry_error *err)
{
	int r;

	if (c->host.mode == CGROUP_NONE || c->scope[0])
		return 0;
	r = cgroup_create(&c->host, c->cgroup_path, c->spec.resources, c->o->join, &c->cgroup, err);
	if (r != GANTRY_ERR_PERMISSION || is_host_root())
		return r;
	warn(&c->process, "linux.resources: this user may not create control groups here; there are "
			  "no limits");
	error_clear(err);
	c->cgroup_path[0] = '\0';
	return 0;
}

/* Everything that can be done, and can fail, before there is a process. */
static int prepare(struct creation *c, struct gantry_error *err)
{
	struct process_spec *p = &c->spec.process;
	char refused[64], text[160];
	int r;

	if (lsm_drop_labels(p, &c->spec, text, sizeof(text)))
		warn(&c->process, text);
	r = seccomp_prepare(c->spec.seccomp, c->o->seccomp, p->caps[CAPS_BOUNDING], c->o->cache_dir,
			    &c->filter, err);
	if (r < 0 || (r = notify_connect(c->spec.seccomp, &c->notify_sock, err)) < 0 ||
	    (r = emulate_connect(&c->spec, &c->emulation, &c->emulator, err)) < 0)
		return r;
	process_raise_limits(p, refused, sizeof(refused));
	if (refused[0]) {
		snprintf(text, sizeof(text),
			 "process.rlimits: %s cannot be raised above this process's hard limit",
			 refused);
		warn(&c->process, text);
	}
	if (p->unknown_caps) {
		snprintf(text, sizeof(text), "process.capabilities: %s is not known and is ignored",
			 p->unknown_caps[0]);
		warn(&c->process, text);
	}
	c->sources = calloc(c->spec.n_mounts + 1, sizeof(*c->sources));
	if (!c->sources)
		return error_no_memory(err);
	for (size_t i = 0; i < c->spec.n_mounts; i++)
		c->sources[i] = -1;
	c->root = c->o->rootfs >= 0 ? c->o->rootfs
				    : rootfs_open(c->o->bundle, c->spec.root_path, err);
	if (c->root < 0 && !(err->sys_errno == EPERM && c->spec.ns[NS_USER].present))
		return c->root;
	/* an ordinary user's root is opened by the new process in its namespaces */
	error_clear(err);
	if ((r = mounts_open_sources(&c->spec, c->o->bundle, c->sources, err)) < 0 ||
	    (r = open_namespaces(c, err)) < 0 || (r = make_listener(c, err)) < 0)
		return r;
	if (c->o->reaper && (c->reaper = reaper_open(err)) < 0)
		return c->reaper;
	r = sync_pair(c->sync);
	if (r < 0)
		return error_errno(err, -r, "cannot create a socket");
	return enter_cgroups(c, err);
}

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
		warn((struct container_process *)&c->process,
		     "process.oomScoreAdj: this process may not set it");
}

/* systemd puts a process that exists into a new scope; what is below that is ours. */
static int enter_scope(struct creation *c, struct gantry_error *err)
{
	int r = systemd_start_scope(c->slice, c->scope, c->o->id, c->process.pid,
				    c->spec.resources, c->cgroup_path, sizeof(c->cgroup_path), err);

	if (r < 0)
		return error_prefix(err, "--systemd-cgroup");
	r = cgroup_create(&c->host, c->cgroup_path, c->spec.resources, c->o->join, &c->cgroup, err);
	return r < 0 ? r : cgroup_attach(&c->cgroup, c->process.pid, true, err);
}

/* Control groups; then the process may show them and look at itself in them. */
static int admit(struct creation *c, struct gantry_error *err)
{
	int r = c->scope[0] ? enter_scope(c, err)
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
	    (r = hooks_run(&c->spec, HOOK_PRESTART, created, err)) < 0 ||
	    (r = hooks_run(&c->spec, HOOK_CREATE_RUNTIME, state, err)) < 0)
		return r;
	sync_send(c->sync[0], SYNC_GO, 0);
	return 0;
}

static int take_console(struct creation *c, int fd, struct gantry_error *err)
{
	static const char name[] = "console";

	if (c->o->console_socket < 0) {
		replace_fd(&c->process.console, fd);
		return 0;
	}
	if (send_with_fds(c->o->console_socket, name, sizeof(name), &fd, 1) < 0) {
		close(fd);
		return error_set(err, GANTRY_ERR_UNAVAILABLE,
				 "cannot pass the terminal to the console socket");
	}
	close(fd);
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
		warn(&c->process, m->error.message);
		return 0;
	case SYNC_PID:
		return adopt(c, m->value, err);
	case SYNC_NAMESPACES:
		return run_hooks(c, err);
	case SYNC_CONSOLE:
		return take_console(c, fd, err);
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

static int finish(struct creation *c, struct gantry_error *err)
{
	int r;

	c->state.pid = c->process.pid;
	c->state.start_time = process_start_time(c->process.pid, NULL);
	/* with the parent went the one who would have noticed the process's end */
	if (c->o->parent == CHILD_OF_CALLERS_PARENT && getppid() != c->parent_before)
		return error_set(err, GANTRY_ERR_CANCELLED, "the parent process is gone");
	r = state_write(c->o->state_dir, &c->state, err);
	/* a process that nobody has on record must not wait for its start */
	if (r == 0 && c->o->start == START_BY_SOCKET)
		sync_send(c->sync[0], SYNC_GO, 0);
	return r;
}

bool container_wait_gone(int pidfd, int ms)
{
	struct pollfd p = { .fd = pidfd, .events = POLLIN };
	int r;

	do {
		r = poll(&p, 1, ms);
	} while (r < 0 && errno == EINTR);
	return r > 0;
}

static void undo(struct creation *c)
{
	struct gantry_error ignored = GANTRY_ERROR_INIT;
	char path[PATH_MAX];

	if (c->process.pidfd >= 0) {
		sys_pidfd_send_signal(c->process.pidfd, SIGKILL);
		container_wait_gone(c->process.pidfd, 10000);
		if (c->o->parent == CHILD_OF_CALLER)
			waitpid(c->process.pid, NULL, WNOHANG);
	}
	cgroup_done(&c->cgroup);
	if (c->cgroup_path[0])
		cgroup_remove(&c->host, c->cgroup_path, &ignored);
	if (c->scope[0] && c->process.pid)
		systemd_stop_scope(c->scope, &ignored);
	rdt_remove(&c->spec, c->o->id);
	snprintf(path, sizeof(path), "%s/" STATE_START_SOCKET, c->o->state_dir);
	unlink(path);
	snprintf(path, sizeof(path), "%s/config.json", c->o->state_dir);
	unlink(path);
	snprintf(path, sizeof(path), "%s/state.json", c->o->state_dir);
	unlink(path);
}

static int create(struct creation *c, struct gantry_error *err)
{
	struct init_context in = { 0 };
	int r;

	if ((r = load_spec(c, err)) < 0 || (r = record_intent(c, err)) < 0 ||
	    (r = prepare(c, err)) < 0)
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
	return finish(c, err);
}

int container_create(const struct container_options *o, struct container_process *ret,
		     struct gantry_error *err)
{
	struct creation c;
	int r;

	creation_start(&c, o);
	r = create(&c, err);
	if (r < 0) {
		undo(&c);
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
