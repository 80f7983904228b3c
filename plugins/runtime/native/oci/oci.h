/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gantry-oci: the native runtime as a command line that runc's and crun's callers
 * know.  One file per command; each returns the program's exit status.
 */
#ifndef OCI_H
#define OCI_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include <gantry/error.h>

struct checkpoint_options;
struct container_options;
struct container_process;

/* Options before the command. */
struct oci {
	const char *root;   /* folder with one state folder per container */
	const char *log;    /* file for messages; NULL: stderr */
	const char *criu;   /* the program; NULL: as PATH has it */
	bool log_json, debug, errors_only, systemd_cgroup, no_cgroups;
	char *cache_dir;    /* compiled filters */
};

struct oci_command {
	const char *name, *arguments, *summary;
	int (*run)(struct oci *o, int argc, char **argv);
};

extern const struct oci_command oci_commands[];

int oci_create(struct oci *o, int argc, char **argv);
int oci_run(struct oci *o, int argc, char **argv);
int oci_start(struct oci *o, int argc, char **argv);
int oci_exec(struct oci *o, int argc, char **argv);
int oci_state(struct oci *o, int argc, char **argv);
int oci_kill(struct oci *o, int argc, char **argv);
int oci_delete(struct oci *o, int argc, char **argv);
int oci_list(struct oci *o, int argc, char **argv);
int oci_ps(struct oci *o, int argc, char **argv);
int oci_pause(struct oci *o, int argc, char **argv);
int oci_resume(struct oci *o, int argc, char **argv);
int oci_update(struct oci *o, int argc, char **argv);
int oci_events(struct oci *o, int argc, char **argv);
int oci_spec(struct oci *o, int argc, char **argv);
int oci_features(struct oci *o, int argc, char **argv);
int oci_checkpoint(struct oci *o, int argc, char **argv);
int oci_restore(struct oci *o, int argc, char **argv);

/* Can the log be written?  Says why not and returns 1. */
int oci_check_log(const struct oci *o);

/* Says what went wrong, to stderr and to the log, and returns 1. */
int oci_fail(const struct oci *o, const struct gantry_error *err);
void oci_warn(const struct oci *o, const char *text);
/* One that is shown without --debug. */
void oci_warn_user(const struct oci *o, const char *text);

/* Says how the command is used and returns 1. */
int oci_usage(const char *command, const char *problem);

/* The state folder of a container (caller frees), after a look at the id. */
char *oci_state_dir(const struct oci *o, const char *id, struct gantry_error *err);

/* Writes a pid file so that a reader never sees half of it. */
int oci_write_pid_file(const char *path, pid_t pid, struct gantry_error *err);

/* Passes a descriptor of the process on by a Unix socket (NULL: it does not). */
int oci_send_pidfd(const char *socket, const struct container_process *p,
		   struct gantry_error *err);

/* A number of the command line from min to max; false when text is none. */
bool oci_parse_number(const char *text, long min, long max, long *ret);

/* Calls fn for the container, or with `regex` for each whose whole ID matches; returns the
 * exit status. */
int oci_each(struct oci *o, const char *id, bool regex,
	     int (*fn)(struct oci *o, const char *id, const char *dir, void *data,
		       struct gantry_error *err),
	     void *data);

/* The name of a user of the host, or "#UID". */
const char *oci_user_name(uid_t uid, char *out, size_t size);

/* What create and run have in common (common.c). */
struct oci_new {
	const char *bundle, *config, *console_socket, *pid_file, *pidfd_socket;
	const char *id;
	char *state_dir;      /* owned */
	char *bundle_path;    /* owned; absolute */
	int preserve_fds;
	const struct checkpoint_options *restore; /* what to restore; NULL: a new one */
	bool no_pivot, no_new_keyring, detach, keep;
};

/* Parses their options; returns 0, or an exit status through *ret_status. */
int oci_parse_new(int argc, char **argv, const char *command, struct oci_new *n);
/* Makes the state folder and creates the container. */
int oci_new_container(const struct oci *o, struct oci_new *n, bool start_by_caller,
		      struct container_process *ret, struct gantry_error *err);
void oci_new_done(struct oci_new *n);

/* What run and restore do with a new container: pid file, start, wait; returns the
 * program's exit status. */
int oci_run_new(const struct oci *o, struct oci_new *n);

/* Removes a container's state folder after container_delete(). */
int oci_remove_state_dir(const char *state_dir, struct gantry_error *err);

/* Passes signals and, when console >= 0, a terminal's bytes on until the process
 * ends (watch.c).  Returns its exit status as a shell would. */
int oci_watch(pid_t pid, int console);
/* Must come before the process exists, so that no signal is lost. */
void oci_watch_prepare(void);

/* Makes sure that this program's file cannot be written through the container;
 * executes itself anew when it must (self.c). */
void oci_protect_self(char **argv);

#endif
