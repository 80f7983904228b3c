/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gantry-plugin-host: runs one driver in a process of its own.  The program is two
 * processes: a supervisor, which the plugin cannot reach, and its child, which
 * confines itself and then serves a native driver or executes one that speaks the
 * protocol itself.
 *
 * Descriptor 3 is the conversation with the engine, 4 the leash: when its other end
 * is closed everything ends, and the supervisor tells there how the child ended.
 */
#ifndef CORE_PLUGINHOST_PLUGINHOST_H
#define CORE_PLUGINHOST_PLUGINHOST_H

#include <stdint.h>

#include <gantry/error.h>

#include "core/plugin/permissions.h"

#define CHANNEL_FD 3
#define LEASH_FD 4
#define PERMISSIONS_MAX 64
#define FOLDERS_MAX 8

struct host_options {
	const char *kind;
	const char *driver;
	const char *file;
	int exec;
	const char *state_dir;
	const char *run_dir;
	const char *permissions[PERMISSIONS_MAX + 1];
	unsigned n_permissions;
	const char *folders[FOLDERS_MAX]; /* given to it by the engine */
	unsigned n_folders;
	long long memory; /* bytes */
	long long pids;
};

/* The permissions taken apart; INVALID names one that is unknown. */
int read_permits(const struct host_options *options, struct permits *ret, struct gantry_error *err);

/* Runs the child and returns the program's exit status. */
int supervise(const struct host_options *options);

/* The child: serves until the conversation ends. */
int serve(const struct host_options *options);

/* Answers the greeting, whose number is 1, with an error. */
void refuse_greeting(const struct gantry_error *err);

/* The call that this thread executes, if it is time to say that it goes on; else 0. */
int64_t serve_call_to_extend(void);
/* Has its caller given up on it? */
int serve_is_cancelled(void);

#endif
