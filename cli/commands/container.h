/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What several container commands do alike: one request per name, sessions with
 * a container's streams, exit codes.
 */
#ifndef CLI_COMMANDS_CONTAINER_H
#define CLI_COMMANDS_CONTAINER_H

#include "cli/api.h"
#include "cli/command.h"

/* Calls fn for each argument, prints "Error ..." for those that fail and goes on;
 * the exit status. fn prints the name itself when that is wanted. */
int each_name(struct cli *cli, struct args *args,
	      int (*fn)(struct cli *cli, struct args *args, const char *name,
			struct gantry_error *err));

/* One attached session with a container. */
struct session_options {
	const char *id;
	int tty;
	int use_stdin;
	int raw;                 /* the user's terminal becomes raw */
	int sig_proxy;
	const char *detach_keys; /* NULL: the default */
	const char *resize_path; /* "/containers/ID/resize" */
};

/* Opens an attach (or exec) stream: POST target, upgraded. */
int session_open(struct cli *cli, const char *target, struct json_object *json,
		 struct client_response *ret, struct gantry_error *err);
/* Couples it with our streams; *ret_detached tells how it ended. */
int session_run(struct cli *cli, struct stream *stream, const struct session_options *o,
		int *ret_detached, struct gantry_error *err);
/* What attach and exec end with when the user detaches, as docker does. */
int session_left(struct gantry_error *err);
/* Tells the container how large our terminal is. */
void session_resize(struct cli *cli, const char *resize_path);

/* POST /containers/ID/wait, begun before the start so that nothing is missed. */
int wait_open(struct cli *cli, const char *id, const char *condition, struct client_response *ret,
	      struct gantry_error *err);
/* The exit code it tells in the end. */
int wait_finish(struct client_response *wait, int *ret_code, struct gantry_error *err);

/* Creates a container, pulling its image when it is missing and --pull allows;
 * *ret_id is the caller's. */
int container_create(struct cli *cli, const struct args *args, struct json_object *body,
		     char **ret_id, struct gantry_error *err);

/* "docker: MESSAGE", where to find help, and the hint; returns status. */
int report(const struct cli *cli, const struct args *args, const struct gantry_error *err,
	   int status);

/* POST /images/create for reference, with progress on fd-like stream out. */
int image_pull(struct cli *cli, const char *reference, const char *platform, int lazy, int quiet,
	       int to_stderr, struct gantry_error *err);

#endif
