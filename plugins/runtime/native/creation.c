/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <limits.h>
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

#include "creation.h"
#include "emulate.h"
#include "lsm.h"
#include "mounts.h"
#include "notify.h"
#include "process.h"
#include "rdt.h"
#include "reaper.h"
#include "sync.h"
#include "sys.h"
#include "systemd.h"

#define SPEC_LIMIT (4 << 20)

void creation_warn(struct container_process *p, const char *text)
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

void creation_init(struct creation *c, const struct container_options *o)
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

void creation_done(struct creation *c)
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

int creation_load(struct creation *c, struct gantry_error *err)
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

int creation_record(struct creation *c, struct gantry_error *err)
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
	if (c->o->no_cgroups)
		c->cgroup_path[0] = '\0';
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

int creation_open_namespaces(struct creation *c, struct gantry_error *err)
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
int creation_enter_cgroups(struct creation *c, struct gantry_error *err)
{
	int r;

	if (c->host.mode == CGROUP_NONE || c->scope[0] || c->o->no_cgroups)
		return 0;
	r = cgroup_create(&c->host, c->cgroup_path, c->spec.resources, c->o->join, &c->cgroup, err);
	if (r == 0)
		return cgroup_delegate(&c->cgroup, &c->spec, err);
	if (r != GANTRY_ERR_PERMISSION || is_host_root())
		return r;
	creation_warn(&c->process, "linux.resources: this user may not create control groups here; there are "
			  "no limits");
	error_clear(err);
	c->cgroup_path[0] = '\0';
	return 0;
}

int creation_prepare(struct creation *c, struct gantry_error *err)
{
	struct process_spec *p = &c->spec.process;
	char refused[64], text[160];
	int r;

	if (lsm_drop_labels(p, &c->spec, text, sizeof(text)))
		creation_warn(&c->process, text);
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
		creation_warn(&c->process, text);
	}
	if (p->unknown_caps) {
		snprintf(text, sizeof(text), "process.capabilities: %s is not known and is ignored",
			 p->unknown_caps[0]);
		creation_warn(&c->process, text);
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
	    (r = creation_open_namespaces(c, err)) < 0 || (r = make_listener(c, err)) < 0)
		return r;
	if (c->o->reaper && (c->reaper = reaper_open(err)) < 0)
		return c->reaper;
	r = sync_pair(c->sync);
	if (r < 0)
		return error_errno(err, -r, "cannot create a socket");
	return creation_enter_cgroups(c, err);
}

/* systemd puts a process that exists into a new scope; what is below that is ours. */
int creation_enter_scope(struct creation *c, struct gantry_error *err)
{
	int r = systemd_start_scope(c->slice, c->scope, c->o->id, c->process.pid,
				    c->spec.resources, c->state.annotations, c->cgroup_path, sizeof(c->cgroup_path), err);

	if (r < 0)
		return error_prefix(err, "--systemd-cgroup");
	r = cgroup_create(&c->host, c->cgroup_path, c->spec.resources, c->o->join, &c->cgroup, err);
	if (r < 0 || (r = cgroup_delegate(&c->cgroup, &c->spec, err)) < 0)
		return r;
	return cgroup_attach(&c->cgroup, c->process.pid, true, err);
}

int creation_take_console(struct creation *c, int fd, struct gantry_error *err)
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

int creation_finish(struct creation *c, struct gantry_error *err)
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

void creation_undo(struct creation *c)
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
	snprintf(path, sizeof(path), "%s/" STATE_RESTORED, c->o->state_dir);
	unlink(path);
	snprintf(path, sizeof(path), "%s/config.json", c->o->state_dir);
	unlink(path);
	snprintf(path, sizeof(path), "%s/state.json", c->o->state_dir);
	unlink(path);
}
