/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A container's lifecycle: what the plugin's driver and gantry-oci are made of.
 * State is in a folder per container, so that any process can do any step.
 */
#ifndef NATIVE_CONTAINER_H
#define NATIVE_CONTAINER_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "cgroup.h"
#include "rootfs.h"

struct gantry_error;
struct state;

/* Whose child the new process becomes. */
enum container_parent {
	CHILD_OF_CALLER,
	CHILD_OF_CALLERS_PARENT, /* CLONE_PARENT; it dies with that parent until it is started */
};

enum container_start {
	START_BY_SOCKET, /* container_start(), by any process */
	START_BY_CALLER, /* container_release(), by the creator alone */
};

#define MAX_WARNINGS 8

struct container_options {
	const char *id, *bundle, *state_dir;
	const char *spec;      /* text of the configuration; NULL: config.json in bundle */
	const char *seccomp;   /* see seccomp_prepare() */
	const char *cache_dir; /* for compiled filters; NULL: none */
	int rootfs;            /* detached mount that becomes the root; -1: root.path */
	int stdio[3];          /* -1: /dev/null */
	int console_socket;    /* takes the terminal's master; -1: it is returned */
	int preserve_fds;
	unsigned short console_width, console_height;
	enum container_parent parent;
	enum container_start start;
	enum cgroup_join join;
	enum rootfs_pivot pivot;
	bool reaper, new_keyring, systemd_cgroup, no_cgroups;
	bool process_optional; /* a container without one ends when it is started */
};

/* How CRIU saves and restores; what the flags mean is in criu(8). */
struct checkpoint_options {
	const char *images;    /* the folder; made when it is missing */
	const char *work;      /* folder for the log; NULL: images */
	const char *parent;    /* an earlier pre-dump, relative to images; NULL: none */
	const char *criu;      /* the program; NULL: "criu" */
	const char *lsm_profile, *lsm_mount_context; /* restore: other labels; NULL: those saved */
	const char *page_server; /* address to which the memory is sent; NULL: into images */
	int page_server_port;
	unsigned int empty_ns; /* CLONE_NEWNET: an empty one is restored */
	int manage_cgroups;    /* CRIU's number for a mode; 0: the runtime makes the groups */
	int network_lock;      /* CRIU's number for a method; 0: its default */
	int status_fd;         /* gets a NUL when memory can be fetched (lazy_pages); -1: none */
	bool leave_running, pre_dump, auto_dedup, link_remap, lazy_pages;
	bool ext_unix_sk, tcp_established, tcp_skip_in_flight, tcp_close, shell_job, file_locks;
	bool hold;             /* restore: stopped until container_start() */
};

struct container_process {
	pid_t pid;
	int pidfd;    /* owned */
	int console;  /* owned; the terminal's master or -1 */
	int sync;     /* owned; START_BY_CALLER: for container_release() */
	char *warnings[MAX_WARNINGS]; /* owned */
	size_t n_warnings;
	bool poststart; /* there are hooks to run after the start */
};

#define CONTAINER_PROCESS_INIT { 0, -1, -1, -1, { NULL }, 0, false }

void container_process_done(struct container_process *p);
static inline void container_process_auto(struct container_process *p)
{
	container_process_done(p);
}

/* Sets a container up and leaves its first process waiting for the start.  On
 * failure nothing is left. */
int container_create(const struct container_options *o, struct container_process *ret,
		     struct gantry_error *err);

/* START_BY_CALLER: lets it run.  Returns when execve(2) has succeeded or failed. */
int container_release(const char *state_dir, struct container_process *p,
		      struct gantry_error *err);

/* The same for one that container_restore() has let run already. */
int container_restored(const char *state_dir, struct container_process *p,
		       struct gantry_error *err);

/* START_BY_SOCKET: the same. */
int container_start(const char *id, const char *state_dir, struct gantry_error *err);
/* The same; *ret_ended: it ran, and a poststart hook that failed has ended it. */
int container_start_told(const char *id, const char *state_dir, bool *ret_ended,
			 struct gantry_error *err);

/* Saves the container's processes; without leave_running and pre_dump it ends them. */
int container_checkpoint(const char *id, const char *state_dir,
			 const struct checkpoint_options *o, struct gantry_error *err);

/* As container_create(), but from what container_checkpoint() has saved; it runs at once,
 * or after container_start() with o->hold. */
int container_restore(const struct container_options *co, const struct checkpoint_options *o,
		      struct container_process *ret, struct gantry_error *err);

struct exec_options {
	const char *id, *state_dir;
	const char *process;   /* text of the OCI process object */
	const char *seccomp;   /* used when the container's configuration has none */
	const char *cache_dir;
	const char *cgroup;    /* a group below the container's; NULL: the container's */
	int stdio[3];
	int console_socket;
	int preserve_fds;
	unsigned short console_width, console_height;
	enum container_parent parent;
	bool ignore_paused;
};

/* Starts another process in the container; returns when execve(2) has succeeded. */
int container_exec(const struct exec_options *o, struct container_process *ret,
		   struct gantry_error *err);

int container_signal(const char *id, const char *state_dir, int signal, bool all,
		     struct gantry_error *err);
int container_freeze(const char *id, const char *state_dir, bool freeze,
		     struct gantry_error *err);
/* resources: text of linux.resources */
int container_update(const char *id, const char *state_dir, const char *resources,
		     struct gantry_error *err);
/* Schemata of its class of cache and memory bandwidth; NULL: as they are. */
int container_update_rdt(const char *id, const char *state_dir, const char *l3,
			 const char *bandwidth, struct gantry_error *err);
/* Counters as JSON text (docs/reference/runtime-stats.md); the caller frees it. */
int container_stats(const char *id, const char *state_dir, char **ret, struct gantry_error *err);
int container_pids(const char *id, const char *state_dir, pid_t **ret, size_t *ret_n,
		   struct gantry_error *err);
/* Removes control groups and state, runs poststop hooks; force kills first.  What
 * is not there is no error. */
int container_delete(const char *id, const char *state_dir, bool force,
		     struct gantry_error *err);

/* The same; *ret_warning is what a poststop hook failed of (code 0: none did). */
int container_delete_warned(const char *id, const char *state_dir, bool force,
			    struct gantry_error *ret_warning, struct gantry_error *err);

/* The OCI features document as JSON text; the caller frees it. */
char *runtime_features(void);

/* Reads the copy of the configuration in the state folder; spec_done() is due. */
struct spec;
int container_read_spec(const char *state_dir, struct spec *ret, struct gantry_error *err);

/* Polls until the process of pidfd is gone, at most ms; false when it is not. */
bool container_wait_gone(int pidfd, int ms);

#endif
