/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs in the new process, single-threaded, with a copy of the creator's memory.
 * Whatever fails is told to the creator (later: to whoever starts the container)
 * and the process exits; it leaves nothing, since all that it makes lives in its
 * own namespaces.
 */
#include <errno.h>
#include <grp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#include <helpers/cleanup.h>
#include <helpers/error.h>
#include <helpers/io.h>
#include <helpers/netns.h>

#include "beneath.h"
#include "cgroup.h"
#include "devices.h"
#include "hooks.h"
#include "init.h"
#include "mounts.h"
#include "notify.h"
#include "process.h"
#include "seccomp_filter.h"
#include "state.h"
#include "sync.h"
#include "sys.h"
#include "sysctl.h"

/* What the first process learns on its way. */
struct init {
	struct init_context *c;
	int host_proc;
	int master, slave;
	bool in_cgroup;
	int host_pid;
	int report; /* who hears of errors now */
};

static int join_namespaces(struct init *in, struct gantry_error *err)
{
	struct init_context *c = in->c;

	for (int kind = 0; kind < NS_MAX; kind++) {
		/* the creator has joined the pid namespace: its children are born there */
		if (c->ns_fds[kind] < 0 || kind == NS_PID)
			continue;
		if (setns(c->ns_fds[kind], ns_flags[kind]) < 0)
			return error_errno(err, errno, "linux.namespaces: cannot join %s (%s)",
					   c->spec->ns[kind].path, ns_names[kind]);
	}
	return 0;
}

/* Becomes the root of the user namespace. */
static int become_root(struct gantry_error *err)
{
	setgroups(0, NULL); /* refused where the namespace has given it up */
	if (setresgid(0, 0, 0) < 0 || setresuid(0, 0, 0) < 0) {
		error_errno(err, errno, "cannot become root of the user namespace");
		return error_hint(err, "linux.uidMappings and gidMappings must map id 0");
	}
	return 0;
}

/* After joining a user namespace the new namespaces must belong to it, and a new
 * pid namespace takes a new process: it goes on and this one ends. */
static int continue_in_second(struct init *in, struct gantry_error *err)
{
	struct clone_args args = {
		.flags = (uint64_t)in->c->second_flags | CLONE_PARENT,
	};
	pid_t pid = sys_clone3(&args);

	if (pid < 0)
		return error_errno(err, errno, "linux.namespaces: cannot create them");
	if (pid == 0)
		return 0;
	_exit(sync_send(in->c->sync, SYNC_PID, pid) < 0);
}

static int enter_namespaces(struct init *in, struct gantry_error *err)
{
	struct init_context *c = in->c;
	bool userns = c->spec->ns[NS_USER].present;
	int r;

	if (c->birth_flags & CLONE_NEWUSER) {
		r = sync_expect(c->sync, SYNC_MAPPED, err);
		if (r < 0)
			return r;
	}
	r = join_namespaces(in, err);
	if (r < 0 || (userns && (r = become_root(err)) < 0))
		return r;
	if (c->second_flags && (r = continue_in_second(in, err)) < 0)
		return r;
	if (c->late_flags && unshare(c->late_flags) < 0)
		return error_errno(err, errno, "linux.namespaces: cannot create them");
	return 0;
}

/* Waits until this process is in its control groups; their namespace starts
 * there. */
static int await_cgroup(void *data, struct gantry_error *err)
{
	struct init *in = data;
	struct sync_message m;
	int fd, r;

	if (in->in_cgroup)
		return 0;
	r = sync_receive(in->c->sync, &m, &fd);
	if (r <= 0 || m.type != SYNC_CGROUP)
		return error_set(err, GANTRY_ERR_CANCELLED, "the creating process is gone");
	in->host_pid = m.value;
	if (!in->c->cgroup->host && m.error.message[0] &&
	    (r = cgroup_open(in->c->host, m.error.message, in->c->cgroup, err)) < 0)
		return r;
	in->in_cgroup = true;
	if (in->c->spec->ns[NS_CGROUP].present && in->c->ns_fds[NS_CGROUP] < 0 &&
	    unshare(CLONE_NEWCGROUP) < 0)
		return error_errno(err, errno, "linux.namespaces: cannot create one of type cgroup");
	return 0;
}

/* A new network has nothing but its loopback interface, which is down; where this process
 * may not, whoever furnishes the network will. */
static void bring_loopback_up(const struct init_context *c)
{
	auto_fd int sock = -1;

	if (!c->spec->ns[NS_NETWORK].present || c->ns_fds[NS_NETWORK] >= 0)
		return;
	sock = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (sock >= 0)
		(void)loopback_up(sock);
}

static int set_names(const struct spec *s, struct gantry_error *err)
{
	if (s->hostname && sethostname(s->hostname, strlen(s->hostname)) < 0)
		return error_errno(err, errno, "hostname: cannot set \"%s\"", s->hostname);
	if (s->domainname && setdomainname(s->domainname, strlen(s->domainname)) < 0)
		return error_errno(err, errno, "domainname: cannot set \"%s\"", s->domainname);
	return 0;
}

static int make_terminal(struct init *in, struct gantry_error *err)
{
	int r;

	if (!in->c->spec->process.terminal)
		return 0;
	r = devices_console(in->c->root, &in->c->spec->process, &in->master, &in->slave, err);
	if (r == 0 && sync_send_fd(in->c->sync, SYNC_CONSOLE, in->master) < 0)
		r = error_set(err, GANTRY_ERR_CANCELLED, "the creating process is gone");
	replace_fd(&in->master, -1);
	return r;
}

/* Hooks that run inside are told the pid as it is inside. */
static int run_hooks(struct init *in, enum hook_stage stage, enum status status, const char *dir,
		     struct gantry_error *err)
{
	auto_free char *state = NULL;

	if (!in->c->spec->hooks[stage].n)
		return 0;
	in->c->state->pid = getpid();
	state = state_to_json(in->c->state, status);
	return state ? hooks_run(in->c->spec, stage, dir, state, err) : error_no_memory(err);
}

/* The listener is announced with the pid on the host. */
static int make_notify_message(struct init *in, struct process_run *p, struct gantry_error *err)
{
	auto_free char *state = NULL;

	if (in->c->notify_sock < 0)
		return 0;
	state = state_to_json(in->c->state, STATUS_CREATING);
	p->notify_state = state ? notify_message(in->c->spec->seccomp, state, in->host_pid) : NULL;
	return p->notify_state ? 0 : error_no_memory(err);
}

/* The creator runs its hooks in the host's namespaces, then this process its own. */
static int run_create_hooks(struct init *in, struct gantry_error *err)
{
	int r;

	if (!in->c->stop_for_hooks)
		return 0;
	if (sync_send(in->c->sync, SYNC_NAMESPACES, 0) < 0)
		return error_set(err, GANTRY_ERR_CANCELLED, "the creating process is gone");
	r = sync_expect(in->c->sync, SYNC_GO, err);
	return r < 0 ? r : run_hooks(in, HOOK_CREATE_CONTAINER, STATUS_CREATING, in->c->bundle,
					      err);
}

static int build_root(struct init *in, struct gantry_error *err)
{
	struct init_context *c = in->c;
	struct mount_context mounts = {
		.spec = c->spec, .bundle = c->bundle, .root = c->root, .sources = c->mount_sources,
		.cgroup = c->cgroup, .proc = in->host_proc, .before_cgroup = await_cgroup,
		.data = in,
	};
	int r;

	if (c->root < 0)
		mounts.root = c->root = rootfs_open(c->bundle, c->spec->root_path, err);
	if (c->root < 0)
		return c->root;
	if ((r = rootfs_attach(c->root, c->spec, c->bundle, err)) < 0 || (r = mounts_apply(&mounts, err)) < 0 ||
	    (r = devices_create(c->root, c->spec, err)) < 0 || (r = make_terminal(in, err)) < 0 ||
	    (r = await_cgroup(in, err)) < 0 || (r = run_create_hooks(in, err)) < 0)
		return r;
	if ((r = rootfs_make_cwd(c->root, c->spec, err)) < 0 ||
	    (r = sysctl_apply(c->spec, in->host_proc, err)) < 0 ||
	    (r = rootfs_protect(c->root, c->spec, err)) < 0)
		return r;
	return rootfs_enter(c->root, c->spec, c->pivot, err);
}

/* Without a mount namespace of its own the process can only be confined by chroot. */
static int enter_plain_root(struct init *in, struct gantry_error *err)
{
	int r = await_cgroup(in, err);

	if (r < 0 || (r = run_create_hooks(in, err)) < 0)
		return r;
	if (fchdir(in->c->root) < 0 || chroot(".") < 0 || chdir("/") < 0)
		return error_errno(err, errno, "cannot enter the container's root");
	return 0;
}

/* One who connects and says nothing has only asked whether we wait. */
static int await_start(struct init *in, struct gantry_error *err)
{
	int r;

	if (in->c->listener < 0)
		return sync_expect(in->c->sync, SYNC_START, err);
	r = sync_expect(in->c->sync, SYNC_GO, err);
	if (r < 0)
		return r;
	for (;;) {
		int fd = accept4(in->c->listener, NULL, NULL, SOCK_CLOEXEC);
		char word = 0;

		if (fd < 0 && (errno == EINTR || errno == ECONNABORTED))
			continue;
		if (fd < 0)
			return error_errno(err, errno, "cannot wait for the start");
		if (read(fd, &word, 1) == 1 && word == 'S') {
			(void)send(fd, "A", 1, MSG_NOSIGNAL);
			in->report = fd;
			return 0;
		}
		close(fd);
	}
}

/* From here on nobody but the one who starts the container is listening. */
static int announce(struct init *in, struct gantry_error *err)
{
	if (in->c->die_with_parent && prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
		return error_errno(err, errno, "cannot follow the parent");
	if (sync_send(in->c->sync, SYNC_READY, 0) < 0)
		return error_set(err, GANTRY_ERR_CANCELLED, "the creating process is gone");
	return 0;
}

/* A configuration may lack a program until it is started; then nothing runs. */
static int run_nothing(struct init *in, struct gantry_error *err)
{
	int r = announce(in, err);

	if (r < 0 || (r = await_start(in, err)) < 0)
		return r;
	_exit(0);
}

static int new_keyring(const char *id)
{
	char name[256];

	snprintf(name, sizeof(name), "_ses.%s", id);
	/* without keyrings in the kernel, or without quota, it stays in the old one */
	return (int)syscall(SYS_keyctl, 1 /* KEYCTL_JOIN_SESSION_KEYRING */, name);
}

static int run(struct init *in, struct gantry_error *err)
{
	struct init_context *c = in->c;
	struct process_run p = {
		.spec = &c->spec->process, .filter = c->filter, .notify_sock = c->notify_sock,
		.slave = -1, .stdio = { c->stdio[0], c->stdio[1], c->stdio[2] },
		.preserve_fds = c->preserve_fds, .reaper = c->reaper, .own_id = spec_keeps_id(c->spec),
		.emulation = c->emulation, .emulator = c->emulator,
	};
	int r;

	in->host_proc = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (in->host_proc < 0)
		return error_errno(err, errno, "cannot open /proc");
	if ((r = enter_namespaces(in, err)) < 0 || (r = set_names(c->spec, err)) < 0)
		return r;
	bring_loopback_up(c);
	r = c->spec->ns[NS_MOUNT].present && c->ns_fds[NS_MOUNT] < 0 ? build_root(in, err)
								      : enter_plain_root(in, err);
	if (r < 0)
		return r;
	if (c->new_keyring)
		new_keyring(c->id);
	if (!c->spec->has_process)
		return run_nothing(in, err);
	p.slave = in->slave;
	p.host_proc = in->host_proc;
	if ((r = make_notify_message(in, &p, err)) < 0 || (r = process_prepare(&p, err)) < 0 ||
	    (r = process_become(&p, c->spec, err)) < 0 || (r = announce(in, err)) < 0 || (r = await_start(in, err)) < 0 ||
	    (r = run_hooks(in, HOOK_START_CONTAINER, STATUS_CREATED, NULL, err)) < 0)
		return r;
	if (c->die_with_parent)
		prctl(PR_SET_PDEATHSIG, 0, 0, 0, 0);
	return process_exec(&p, err);
}

void init_main(struct init_context *c)
{
	struct gantry_error err = GANTRY_ERROR_INIT;
	struct init in = { .c = c, .host_proc = -1, .master = -1, .slave = -1, .report = c->sync };

	close(c->creator_sync);
	process_reset_signals();
	/* until execve nobody in the container may look into this process or at its
	 * program file; in a user namespace the ids already see to that, and /proc/self
	 * must stay ours */
	if (!c->spec->ns[NS_USER].present)
		prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	run(&in, &err);
	sync_send_error(in.report, SYNC_ERROR, &err);
	_exit(1);
}
