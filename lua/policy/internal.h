/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of the policy engine share: a loaded script, its hooks and
 * their match filters.
 */
#ifndef LUA_POLICY_INTERNAL_H
#define LUA_POLICY_INTERNAL_H

#include <pthread.h>

#include "lua/policy/policy.h"
#include "lua/sandbox/sandbox.h"
#include "lua/sandbox/services.h"
#include "lua/sandbox/sha256.h"

#define POLICY_HOOKS_MAX 64
#define POLICY_POINTS 21
#define POLICY_FILTER_DEPTH 8
#define POLICY_DEADLINE_MAX INT64_C(10000000000)

/* One condition: the value at path is one of `values`. */
struct filter {
	char *path[POLICY_FILTER_DEPTH + 1]; /* NULL-terminated */
	json_object *values;                 /* an array of strings (globs), numbers, booleans */
};

struct hook {
	struct policy_script *script; /* borrowed: the script owns the hook */
	char *name;
	unsigned points;              /* bit per point */
	int priority;
	int number;                   /* in the order of declaration; where its function is */
	int fail_open;
	int64_t deadline_ns;
	struct filter *filters;
	size_t n_filters;
};

struct policy_script {
	int refs;
	char *name;
	char *version;
	char digest[SHA256_TEXT];
	char *text;
	size_t len;
	char **needs;        /* NULL-terminated */
	json_object *declared; /* what hook{} was given, in order; while loading */
	json_object *manifest; /* what policy{} was given */
	struct hook *hooks;
	size_t n_hooks;

	pthread_mutex_t lock; /* the sandbox is used by one thread at a time */
	struct sandbox *sb;   /* NULL after a stop: loaded again at the next use */
	struct services services;
	int has_services;
	const struct policy_config *config;
	struct policy_config config_copy;
};

/* filter.c */
int filters_read(json_object *match, struct filter **ret, size_t *ret_n,
		 struct gantry_error *err);
void filters_free(struct filter *filters, size_t n);
int filters_match(const struct filter *filters, size_t n, json_object *request);

/* script.c: makes sure that the script has a living state; the caller holds
 * script->lock. */
int script_revive(struct policy_script *script, int64_t budget_ns, struct gantry_error *err);

/* run.c: what one hook said. */
enum verdict { VERDICT_PASS = 0, VERDICT_DENY, VERDICT_REWRITE };

struct answer {
	enum verdict verdict;
	char reason[512];
	json_object *patch; /* of a rewrite; owned by who asked */
};

/* Runs the hook's function on the request within budget_ns. */
int hook_run(struct hook *hook, json_object *request, int64_t budget_ns, struct answer *ret,
	     struct gantry_error *err);

/* Registers hook, policy, allow, deny and rewrite in a new state. Raises. */
void hook_functions_open(lua_State *L);
extern const char hook_functions_key; /* the registry's list of run functions */

/* merge.c: applies a merge patch (RFC 7386) to *object (owned, replaced),
 * records each difference in changes with the hook's name, and refuses one that
 * changes the type of a member, or adds one that the point does not know. */
int merge_patch(json_object **object, json_object *patch, const char *point, const char *root,
		const char *hook, json_object *changes, struct gantry_error *err);

#endif
