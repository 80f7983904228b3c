/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the engine and a container's shim say to each other.  Messages travel
 * over SOCK_SEQPACKET Unix sockets, at most SHIM_MESSAGE_MAX bytes each: a type
 * and fields "key=value", NUL-terminated, with descriptors beside them.  Text
 * that can be large (the OCI specification, a process object) lies in a file of
 * the container's run folder and is named by its path.
 *
 * The run folder, <run-root>/containers/<id>/:
 *   shim.lock    flock(2)ed by the engine that starts the shim, handed to the shim with
 *                CREATE and kept until it ends: locked means that a shim lives
 *   shim.sock    where the shim listens
 *   config.json  the OCI specification; the folder is the bundle
 *   runtime/     the runtime driver's state_dir
 *   exit         written once by rename when the container has ended and its
 *                output is in the log: "code finished_ns signal\n"
 *   restarting   the same while it waits to be started again
 *   health       State.Health of the Engine API as JSON, replaced by rename
 *   exec-<id>.exit   "code\n" when an exec has ended
 *   restart.delay    the shim's own: how long it waited before the last restart
 *   emulate.sock where the emulator listens, if the container has one
 *   shim.log     what went wrong and had nobody to be told to; made when needed
 *
 * `exit` there and the lock held: it is being finished.  A container that waits to
 * be restarted has no `exit` yet (SHIM_STATE tells).  The program is started with an argument of 64
 * characters, over which it writes the id, for ps only.  `reconcile` is run as
 *	<reconcile> [--root R] [--run-root R] [--config C] [--plugin-path P] WHAT...
 * with WHAT one of
 *	exited ID          finish it (the shim waits for the program, then ends)
 *	restart ID         finish and start it again; replaces the shim's own process,
 *	                   so that the lock is free
 *	health ID STATUS   its health became healthy or unhealthy: publish that
 *
 * A connection carries one request at a time; WAIT blocks its connection.  The
 * first connection is the socketpair end that the shim inherits as descriptor 3.
 */
#ifndef CORE_SHIM_PROTOCOL_H
#define CORE_SHIM_PROTOCOL_H

#include <stddef.h>
#include <stdint.h>

#include <gantry/error.h>

#define SHIM_MESSAGE_MAX 65536
#define SHIM_FIELDS_MAX (SHIM_MESSAGE_MAX - (int)sizeof(uint32_t))
#define SHIM_MAX_FDS 4
#define SHIM_FD_CONTROL 3

enum shim_type {
	SHIM_INVALID = 0,

	/* Requests. */

	/* Creates the container; the init waits.  Descriptors: the lock, and the root's
	 * detached mount (optional).  Fields:
	 *   id, run_dir
	 *   runtime.path, runtime.driver, runtime.config, runtime.state, runtime.run
	 *                           plugin file, driver, its configuration and folders
	 *   runtime.host, runtime.exec, runtime.permission (repeated), and so for log: the
	 *                           driver runs in a process of its own, by this program
	 *   seccomp, init (0|1), tty (0|1), width, height
	 *   stdin (0|1: keep a pipe open), stdin_once (0|1: close it when the first
	 *                           attached client goes)
	 *   log.path, log.driver, log.config, log.state, log.run, log.dir, log.options,
	 *   log.info                (no log.driver: output only goes to attached clients);
	 *   log1.path ... log7.options   the further drivers of a chain
	 *   emulate                 program that answers emulated calls (absent: none are)
	 *   hold_mounts (0|1)       its mounts may outlive it, as long as the shim lives
	 *   reconcile               program that finishes what the shim cannot
	 *   root, run_root, config, plugin_path   its --root, --run-root ... (may be absent)
	 *   restart (no|always|on-failure|unless-stopped), restart_max, restart_count
	 *   health.arg (repeated: the probe's argument vector; it runs with the user,
	 *   environment and capabilities of the bundle's process; absent: no probes),
	 *   health.interval_ns, health.timeout_ns, health.start_period_ns,
	 *   health.start_interval_ns, health.retries   (absent or 0: Docker's defaults)
	 * Answer: OK with pid and any number of warning fields. */
	SHIM_CREATE = 1,

	/* Executes the program; only on the first connection.  Answer: OK with started_ns, or ERROR (e.g. not found). */
	SHIM_START = 2,

	/* Another pair of ears: stdin, stdout, stderr (0|1), detach_keys ("" for none,
	 * absent: "ctrl-p,ctrl-q"; terminals only).
	 * Descriptor: a connected stream socket that the shim then owns.  Output is
	 * framed as in the Engine API unless the container has a tty.  May come between
	 * CREATE and START, so that nothing is missed.  Answer: OK. */
	SHIM_ATTACH = 3,

	/* Waits for the end; clean=1 offers to finish what follows the end (see EXITED).
	 * Answer: EXITED, at once when it has ended.  A container that is restarted has
	 * not ended: the connection ends without an answer, connect to the next shim. */
	SHIM_WAIT = 4,

	/* The peer that EXITED chose (clean=1) has finished everything; the shim may go,
	 * after it has deleted the trees rest (repeated) and then the file mark, whose lock
	 * the descriptor beside it holds.  No answer.  When that peer dies instead, the shim
	 * runs `reconcile`. */
	SHIM_CLEANED = 5,

	/* The user wants it to end: no restart follows.  Sent before signals; undo=1 takes it
	 * back.  Answer: OK. */
	SHIM_STOPPING = 6,

	/* width, height, exec (optional id).  Answer: OK. */
	SHIM_RESIZE = 7,

	/* Starts a process.  exec (id), process (path of the OCI process object), seccomp,
	 * tty, stdin, stdout, stderr (0|1), width, height, detach_keys (as for ATTACH), framed
	 * (1: what a terminal prints is framed as stdout).
	 * Descriptor: a connected stream socket as for ATTACH; none: detached.
	 * Answer: OK with pid. */
	SHIM_EXEC = 8,

	/* exec (id).  Answer: OK with running (0|1), pid, code. */
	SHIM_EXEC_STATE = 9,

	/* Changes any of restart, restart_max, paused (0|1: no health probes while the
	 * container is frozen).  Answer: OK. */
	SHIM_UPDATE = 10,

	/* Gives up a container that was created and not started: kills, deletes, ends.
	 * Answer: OK.  The same happens when the first connection ends before START. */
	SHIM_ABORT = 11,

	/* Answer: OK with pid, started_ns, status (created, running, exited, restarting). */
	SHIM_STATE = 12,

	/* CREATE is to come; runtime.path is the plugin that it will most likely name, which
	 * can be loaded meanwhile.  No answer. */
	SHIM_WARM = 13,

	/* Answers. */

	SHIM_OK = 64,
	SHIM_ERROR = 65,  /* code, errno, message, hint */
	SHIM_EXITED = 66, /* code, signal, finished_ns, clean (1: this peer is to finish) */
};

struct shim_message {
	uint32_t type;
	size_t len;                  /* bytes of fields */
	char fields[SHIM_FIELDS_MAX];
	int fds[SHIM_MAX_FDS];       /* owned until taken; unused are -1 */
};

/* Empties it and sets the type; closes nothing. */
void shim_message_init(struct shim_message *m, enum shim_type type);
/* Adds a field; too much text makes sending fail with LIMIT.  NULL adds nothing. */
void shim_message_add(struct shim_message *m, const char *key, const char *value);
void shim_message_add_int(struct shim_message *m, const char *key, int64_t value);
/* The first field of that name, or NULL / fallback. */
const char *shim_message_get(const struct shim_message *m, const char *key);
int64_t shim_message_get_int(const struct shim_message *m, const char *key, int64_t fallback);
/* Successive fields of one name: pass NULL first, then the last result. */
const char *shim_message_next(const struct shim_message *m, const char *key, const char *after);
int shim_message_take_fd(struct shim_message *m, unsigned i);
/* Closes descriptors that nobody took. */
void shim_message_done(struct shim_message *m);
/* An ERROR answer made from err; and back again (returns err->code). */
void shim_message_set_error(struct shim_message *m, const struct gantry_error *err);
int shim_message_get_error(const struct shim_message *m, struct gantry_error *err);

/* Sends with the given descriptors, which stay the caller's. */
int shim_send(int sock, const struct shim_message *m, const int *fds, size_t n_fds,
	      struct gantry_error *err);
/* Receives one; UNAVAILABLE at the end of the connection. */
int shim_receive(int sock, struct shim_message *m, struct gantry_error *err);

/* Sends m and receives the answer into m; an ERROR answer becomes err. */
int shim_request(int sock, struct shim_message *m, const int *fds, size_t n_fds,
		 struct gantry_error *err);

/* Connects to <run_dir>/shim.sock; UNAVAILABLE when no shim listens there. */
int shim_connect(const char *run_dir, int *ret_sock, struct gantry_error *err);
/* The shim's side of it: a listening socket that does not block. */
int shim_listen(const char *run_dir, int *ret_sock, struct gantry_error *err);

#endif
