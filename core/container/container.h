/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A container's record, and the steps of its life that several operations share.
 * The document is what was asked for and decided at creation; the state is what
 * changes.  Both use the member names of the Engine API.
 *
 *   doc:   {Config, HostConfig, NetworkingConfig, Path, Args, Driver, Runtime,
 *           Mounts:[{Type,Name,Source,Destination,Driver,Mode,RW,Propagation}],
 *           ImageName}
 *   state: {Pid, StartedNs, FinishedNs, ExitCode, Error, OOMKilled, RestartCount,
 *           ManuallyStopped, Networks:{name:endpoint settings}, Ports:{...}}
 *
 * Whoever changes a container holds its lock (container_lock), which other
 * processes respect, and reads the record again under it.
 */
#ifndef CORE_CONTAINER_CONTAINER_H
#define CORE_CONTAINER_CONTAINER_H

#include "core/engine/engine.h"
#include "helpers/json.h"

struct container {
	char *id;
	char *name; /* without a slash */
	char *image; /* id, sha256:... */
	char *status; /* created, running, paused, restarting, removing, exited, dead */
	int64_t created_ns;
	struct json_object *doc;
	struct json_object *state;
	int lock; /* descriptor while locked, else -1 */
};

/* By id, unambiguous id prefix or name (a leading slash is ignored).  NOT_FOUND:
 * "No such container: x".  The status of a container whose shim has ended
 * meanwhile is brought up to date first. */
int container_find(struct core *core, const char *name, struct container **ret,
		   struct gantry_error *err);
struct container *container_free(struct container *c);
static inline void cleanup_container(struct container **c)
{
	container_free(*c);
}
#define auto_container __attribute__((cleanup(cleanup_container)))

/* Finds and locks against other changes (waits); the record is as of under the
 * lock.  container_free() unlocks. */
int container_find_locked(struct core *core, const char *name, struct container **ret,
			  struct gantry_error *err);

/* The same by full id, and without bringing the status up to date. */
int container_lock_by_id(struct core *core, const char *id, struct container **ret,
			 struct gantry_error *err);

/* Calls fn for each container, the newest first; fn must not keep it. */
int container_each(struct core *core, int (*fn)(struct core *core, struct container *c, void *data,
						struct gantry_error *err),
		   void *data, struct gantry_error *err);

/* Records status and state / the document. */
int container_save_state(struct core *core, struct container *c, struct gantry_error *err);
int container_save_doc(struct core *core, struct container *c, struct gantry_error *err);
int container_set_status(struct core *core, struct container *c, const char *status,
			 struct gantry_error *err);

static inline int container_is(const struct container *c, const char *status)
{
	return !__builtin_strcmp(c->status, status);
}
/* running, paused or restarting */
int container_is_running(const struct container *c);

static inline struct json_object *container_config(const struct container *c)
{
	return json_get_object(c->doc, "Config");
}
/* What it is called inside: as asked, like the host on the host's network, or its short id. */
#define CONTAINER_HOSTNAME_MAX 65
const char *container_hostname(const struct container *c, char buffer[CONTAINER_HOSTNAME_MAX]);
/* --storage-opt size=: how much it may write into its own files; 0: no limit. */
int64_t container_size_limit(const struct container *c);
static inline struct json_object *container_host_config(const struct container *c)
{
	return json_get_object(c->doc, "HostConfig");
}
int container_has_tty(const struct container *c);

/* Folders; the caller frees.  run_dir is what core/shim/protocol.h describes and
 * exists for every container after create or start; dir is durable and may not
 * exist. */
char *container_run_dir(struct core *core, const char *id);
char *container_dir(struct core *core, const char *id);
/* <run_dir>/runtime, the runtime driver's state_dir. */
char *container_runtime_dir(struct core *core, const char *id);

/* The drivers a container was created with. */
int container_storage(struct core *core, const struct container *c, struct driver **ret,
		      struct gantry_error *err);
int container_runtime(struct core *core, const struct container *c, struct driver **ret,
		      struct gantry_error *err);

/* A descriptor of its root filesystem: /proc/<pid>/root while it runs, else a
 * detached mount of its snapshot. */
int container_open_root(struct core *core, const struct container *c, int read_only, int *ret_fd,
			struct gantry_error *err);

/* Publishes {name, image, labels...} with extra members (borrowed, or NULL). */
void container_event(struct core *core, const struct container *c, const char *action,
		     struct json_object *extra);

/* Brings up a locked, not running container. */
int container_run(struct core *core, struct container *c, int64_t width, int64_t height,
		  struct gantry_error *err);
/* The same from a checkpoint's folder (NULL: none). */
int container_run_from(struct core *core, struct container *c, int64_t width, int64_t height,
		       const char *images, struct gantry_error *err);

/* The folder of its checkpoint `name` in dir (NULL: its own); the caller frees.  NOT_FOUND
 * when there is none. */
int container_find_checkpoint(struct core *core, const struct container *c, const char *name,
			      const char *dir, char **ret, struct gantry_error *err);

/* The user wishes its end: no restart policy counts any more; or, undone, it does. */
int container_announce_stop(struct core *core, const char *id, int undo, struct gantry_error *err);

/* After its shim has written `exit`, or died: detaches networks, unmounts volumes,
 * deletes the runtime's state, records exit code and times, publishes "die", and
 * removes it when it was --rm.  Idempotent; takes the lock. */
int container_finish(struct core *core, const char *id, struct gantry_error *err);
/* The same with the lock held; a --rm container is gone then. */
int container_finish_locked(struct core *core, struct container *c, struct gantry_error *err);

/* Removes a locked container that does not run: snapshot, anonymous volumes (with
 * volumes), logs, record. */
int container_delete(struct core *core, struct container *c, int volumes, struct gantry_error *err);

/* Sends a signal; stops waiting for it after timeout_s (-1: never) and kills.
 * The container is not locked meanwhile. */
int container_stop_and_wait(struct core *core, const char *id, int signal, int64_t timeout_s,
			    struct gantry_error *err);

/* Waits until a container's shim has ended; 0, or TIMEOUT after timeout_ms (-1:
 * never). */
int container_wait_shim(struct core *core, const char *id, int64_t timeout_ms,
			struct gantry_error *err);

/* Who waits for it in this process may look at it now: it is about to run, or will not. */
void container_tell_waiters(const char *id);
/* Until they have asked the shim for the end, or for a moment. */
void container_await_waiters(const char *id);

/* Streams to attach as soon as it starts (POST attach before POST start in the same
 * process); takes connection. */
struct pending_attach {
	struct pending_attach *next;
	char *id;
	int connection;
	int want_stdin, want_stdout, want_stderr;
	char detach_keys[64];
};
int container_attach_later(struct core *core, const char *id, const struct pending_attach *attach,
			   struct gantry_error *err);
/* Unlinks those of a container; the caller owns the list. */
struct pending_attach *container_take_pending(struct core *core, const char *id);
void pending_attach_free(struct pending_attach *list);

/* The OCI specification of a container that is about to run; root is its root
 * filesystem (users are looked up there); caller owns *ret. */
int container_make_spec(struct core *core, const struct container *c, const char *run_dir,
			int root, struct json_object **ret, struct gantry_error *err);
/* The OCI process object for exec: config is the exec's body. */
int container_make_exec_process(struct core *core, const struct container *c,
				struct json_object *config, int root, struct json_object **ret,
				struct gantry_error *err);

/* "default", "unconfined", or the profile that --security-opt seccomp=... carries;
 * borrowed from c or the configuration. */
const char *container_seccomp(struct core *core, const struct container *c);

/* signal name ("TERM", "SIGTERM") or number -> number; -1 unknown. */
int signal_from_text(const char *text);

#endif
