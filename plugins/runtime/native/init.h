/* SPDX-License-Identifier: Apache-2.0 */
/* The container's first process, from its birth to execve(2). */
#ifndef NATIVE_INIT_H
#define NATIVE_INIT_H

#include <stdbool.h>

#include <helpers/emulate.h>

#include "rootfs.h"
#include "spec.h"

struct cgroup;
struct seccomp_filter;
struct state;

/* All that the creating process has prepared; everything is borrowed. */
struct init_context {
	const struct spec *spec;
	const char *bundle;
	const struct cgroup_host *host;
	struct cgroup *cgroup; /* empty when systemd has yet to make it */
	const struct seccomp_filter *filter;
	int sync;               /* this side's end */
	int creator_sync;       /* the creator's end, to be closed here */
	int root;               /* detached mount */
	int *mount_sources;
	int ns_fds[NS_MAX];     /* namespaces to join, or -1 */
	int listener;           /* start socket; -1: SYNC_START on sync */
	int stdio[3];
	int notify_sock;
	struct emulation emulation;
	int emulator;
	struct state *state;    /* for hooks */
	enum rootfs_pivot pivot;
	bool new_keyring;
	bool stop_for_hooks;    /* SYNC_NAMESPACES, wait for SYNC_GO */
	bool die_with_parent;   /* until it has started */
	int reaper;             /* program of a small pid 1, or -1 */
	int preserve_fds;
	int birth_flags;        /* CLONE_NEW* it was born with */
	int late_flags;         /* CLONE_NEW* that it creates itself */
	int second_flags;       /* CLONE_NEW* of a second process, after joining a user
	                         * namespace; 0: there is none */
	const char *id;
};

/* Never returns. */
void init_main(struct init_context *c) __attribute__((noreturn));

#endif
