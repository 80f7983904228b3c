/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Drivers in Lua: a script that declares a driver and returns a table of
 * functions named as the operations of its kind.
 *
 *     driver { kind = "volume", name = "example", needs = { "exec:mount" } }
 *     local volume = {}
 *     function volume.create(args) ... end
 *     return volume
 *
 * A function gets the arguments as a table and returns the results as one;
 * fail(code, message, hint) ends it with an error.  `config`, `state_dir` and
 * `run_dir` are globals.
 */
#ifndef LUA_HOST_H
#define LUA_HOST_H

#include <json-c/json.h>

#include <gantry/plugin.h>

#include "lua/sandbox/sandbox.h"
#include "lua/sandbox/services.h"

#define SCRIPT_OPS_MAX 32

/* Processor time that one call may take; tests shorten it. */
extern int64_t script_cpu_ns;

/* A script that was read and declared itself; constant from then on. */
struct script {
	char *name;            /* of the file, for messages */
	char *text;
	size_t len;
	char *folder;          /* of its package: where require looks */
	json_object *declared; /* what driver{} was given */
	char **permissions;
	const struct gantry_interface *iface;
	uint64_t has;          /* bit per operation */
	struct services describing; /* to be described it needs no more than its package */

	struct gantry_plugin plugin;
	struct gantry_driver driver;
	const struct gantry_driver *drivers[2];
	struct gantry_config_key *keys;
	void *ops;             /* the kind's table, filled with trampolines */
};

#define CALL_FDS_MAX 16

/* One opened driver. */
struct instance {
	const struct script *script;
	const struct gantry_host *host;
	json_object *config;
	struct services services;
	struct sandbox *sb; /* loaded again after a stop */

	/* Of the call that runs: the descriptors that the script knows by number, from 1. */
	int calling;
	struct {
		int fd;
		int owned; /* made by the call, closed at its end unless it is a result */
	} fds[CALL_FDS_MAX];
	int n_fds;
};

int instance_open(const struct script *script, const struct gantry_host *host, const char *config,
		  struct instance **ret, struct gantry_error *err);
void instance_close(struct instance *instance);
int instance_invoke(struct instance *instance, unsigned op, const void *args,
		    struct gantry_reply *reply, struct gantry_error *err);

/* A state in which the script has run; bodies may use its result.  instance is
 * NULL while a script is only described, which then has no services. */
int script_run(const struct script *script, const struct instance *instance,
	       json_object **ret_declared, struct sandbox **ret, struct gantry_error *err);

/* The instance whose operation runs in this state, or NULL.  Does not raise. */
struct instance *calling_instance(lua_State *L);

/* Descriptors of a call.  descriptor_add takes an owned one over, also when it raises;
 * descriptor_of raises when the argument is none; descriptor_take moves one out of the
 * call, or returns -1 when it is not the script's to give. */
int descriptor_add(lua_State *L, struct instance *instance, int fd, int owned);
int descriptor_of(lua_State *L, struct instance *instance, int index);
int descriptor_take(struct instance *instance, lua_Integer number);

/* Raises the error as fail() does, so that it becomes the operation's own. */
void raise_code(lua_State *L, const struct gantry_error *err) __attribute__((noreturn));

/* tree.c: the global table `tree`.  Raises. */
void tree_open(lua_State *L);

/* trampolines.c: the function that calls operation number op. */
gantry_op_fn trampoline(unsigned op);

/* marshal.c; both raise. */
void push_args(lua_State *L, const struct gantry_op *op, const void *args);
void put_results(lua_State *L, int index, const struct gantry_op *op, struct gantry_reply *reply);

/* The number of a GANTRY_ERR_ name without prefix, or 0. */
int error_code_of_name(const char *name);

#endif
