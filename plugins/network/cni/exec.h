/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One execution of a CNI plugin: configuration to its stdin, parameters in its
 * environment, result or error object from its stdout.
 */
#ifndef CNI_EXEC_H
#define CNI_EXEC_H

#include "helpers/json.h"

struct cni_exec {
	struct json_object *bin_dirs; /* where plugins are */
	const char *type;             /* the plugin */
	const char *command;          /* ADD, DEL, CHECK, GC, STATUS, VERSION */
	const char *network;          /* for messages */
	const char *container;        /* parameters; NULL: not set */
	const char *netns;
	const char *interface;
	const char *args;
	int64_t deadline_ms;
	const char *record_dir;       /* where a failure's whole output is left; or NULL */
};

/* Runs it with config as its input.  *ret_result is what it printed, the caller's, NULL
 * when that is nothing.  An error has the plugin's own code, message and details. */
int cni_exec(const struct cni_exec *e, struct json_object *config, struct json_object **ret_result,
	     struct gantry_error *err);

/* The error that a failed plugin's output means.  For tests and the fuzzer. */
int cni_read_error(const struct cni_exec *e, int status, const char *out, size_t out_len,
		   const char *said, struct gantry_error *err);

#endif
