/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A container that is being made: what creating one anew and restoring one from a
 * checkpoint have in common.  The steps are called in the order in which they stand
 * here; each records its intent before it has an effect, and creation_undo() takes back
 * whatever has been done by then.
 */
#ifndef NATIVE_CREATION_H
#define NATIVE_CREATION_H

#include <helpers/emulate.h>

#include "cgroup.h"
#include "container.h"
#include "seccomp_filter.h"
#include "spec.h"
#include "state.h"

#include <limits.h>

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
void creation_init(struct creation *c, const struct container_options *o);
/* Closes and frees; it takes nothing back. */
void creation_done(struct creation *c);

/* Notes what was asked for and cannot be done, and stops nothing. */
void creation_warn(struct container_process *p, const char *text);

/* Reads the configuration and keeps a copy, which exec, hooks and update need. */
int creation_load(struct creation *c, struct gantry_error *err);
/* Writes the state: whoever finds it can remove what comes next. */
int creation_record(struct creation *c, struct gantry_error *err);
/* Everything that can be done, and can fail, before there is a process; the next two
 * among it. */
int creation_prepare(struct creation *c, struct gantry_error *err);
int creation_open_namespaces(struct creation *c, struct gantry_error *err);
int creation_enter_cgroups(struct creation *c, struct gantry_error *err);
/* systemd puts a process that exists into a new scope. */
int creation_enter_scope(struct creation *c, struct gantry_error *err);
/* The terminal's master, which it takes: to the console socket, or kept. */
int creation_take_console(struct creation *c, int fd, struct gantry_error *err);
/* Writes the state of the container that exists now. */
int creation_finish(struct creation *c, struct gantry_error *err);
void creation_undo(struct creation *c);

#endif
