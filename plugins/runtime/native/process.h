/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The last steps of a process on its way into a container's program: terminal,
 * limits, scheduling, user, capabilities, filter, execve.  Used by a container's
 * first process and by exec; runs inside the container.
 */
#ifndef NATIVE_PROCESS_H
#define NATIVE_PROCESS_H

#include <stdbool.h>

#include <helpers/emulate.h>

struct gantry_error;
struct process_spec;
struct seccomp_filter;
struct spec;

struct process_run {
	const struct process_spec *spec;
	const struct seccomp_filter *filter; /* NULL: none */
	int notify_sock;                     /* takes the seccomp listener, or -1 */
	const char *notify_state;            /* what is said beside it */
	int slave;                           /* the terminal, or -1 */
	int stdio[3];                        /* without a terminal; -1: /dev/null */
	int reaper;                          /* a small init that runs the program, or -1 */
	struct emulation emulation;          /* calls are answered by an emulator, */
	int emulator;                        /* which takes the listener here; or -1 */
	bool own_id;                         /* this user's own id gets the number that spec asks for */
	int preserve_fds;                    /* how many from 3 on stay open */
	int host_proc;                       /* the host's /proc, for security labels; or -1 */
	char **env;                          /* complete; made by process_prepare */
	char *program;                       /* the file to execute; made by process_become */
};

/* In the creating process, which may have more privileges: raises hard limits
 * that the container wants above ours.  Tells by name which one the kernel refused
 * ("" when none). */
void process_raise_limits(const struct process_spec *p, char *refused, int size);

/* In the new process: no signal is blocked, handled or ignored.  It was created
 * with CLONE_CLEAR_SIGHAND, which leaves what is ignored. */
void process_reset_signals(void);

/* Session, terminal and descriptors 0 to 2; environment. */
int process_prepare(struct process_run *run, struct gantry_error *err);

/* Scheduling, limits, user and working directory; finds the program.  Keeps what
 * installing the filter needs. */
int process_become(struct process_run *run, const struct spec *container,
		   struct gantry_error *err);

/* Filter, final capabilities and execve(2).  Returns only on failure. */
int process_exec(struct process_run *run, struct gantry_error *err);

#endif
