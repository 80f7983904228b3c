/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Policy: scripts declare hooks, a request runs through the hooks of its point
 * in order, and the outcome is allow, deny with a reason, or allow with a
 * rewritten object whose every change is recorded.
 *
 * A request is one JSON object, the parsed thing that will be executed:
 * {who, target, object, answer, engine}; see docs/policy-cookbook.md.  Hooks
 * see it read-only.  What a hook fails at is decided by its `fail`: closed
 * denies, open goes on.
 */
#ifndef LUA_POLICY_H
#define LUA_POLICY_H

#include <stddef.h>
#include <stdint.h>

#include <json-c/json.h>

#include <gantry/error.h>

struct audit;
struct policy_set;
struct services;

enum { /* what hooks of a point may do */
	POLICY_MAY_DENY = 1,
	POLICY_MAY_REWRITE = 2,        /* the object */
	POLICY_MAY_REWRITE_ANSWER = 4, /* the answer */
};

struct policy_point {
	const char *name;
	unsigned flags;
	const char *doc;
};

/* All points, in lifecycle order; ends with a NULL name. */
extern const struct policy_point policy_points[];

/* The number of a point, or -1. */
int policy_point_find(const char *name);

struct policy_limits {
	size_t memory_bytes;   /* per script; 0: 16 MiB */
	int64_t deadline_ns;   /* per hook; 0: 100 ms; hooks may ask for less or up to 10 s */
	int64_t budget_ns;     /* per request over all hooks; 0: 1 s */
};

struct policy_config {
	struct policy_limits limits;

	/* What gantry.* of a script can do; called once per script with what its
	 * manifest declares in needs; fills *ret, which stays valid until
	 * drop_services.  NULL: nothing is available. */
	int (*get_services)(void *ctx, const char *script, const char *const *needs,
			    struct services *ret, struct gantry_error *err);
	void (*drop_services)(void *ctx, struct services *services);

	/* Is a rewritten object still a valid configuration?  Optional. */
	int (*validate)(void *ctx, const char *point, json_object *object,
			struct gantry_error *err);
	void *ctx;

	struct audit *audit; /* borrowed; NULL: decisions are not recorded */
	int record_requests; /* the audit log also keeps what was asked */
};

/* ---- one script ---- */

struct policy_script;

/* Compiles and runs text, which declares its hooks.  The message of an error
 * starts with script:line. */
int policy_script_load(const struct policy_config *config, const char *name, const char *text,
		       size_t len, struct policy_script **ret, struct gantry_error *err);
struct policy_script *policy_script_ref(struct policy_script *script);
struct policy_script *policy_script_unref(struct policy_script *script);

/* {name, version, digest, needs, hooks: [{name, points, priority, fail,
 * deadline_ms, match}]}; the caller puts it. */
json_object *policy_script_describe(const struct policy_script *script);
const char *policy_script_name(const struct policy_script *script);
const char *policy_script_digest(const struct policy_script *script);

/* ---- a set of scripts, and deciding ---- */

/* Takes references to the scripts.  The set never changes. */
int policy_set_new(const struct policy_config *config, struct policy_script *const *scripts,
		   size_t n, struct policy_set **ret, struct gantry_error *err);
struct policy_set *policy_set_ref(struct policy_set *set);
struct policy_set *policy_set_unref(struct policy_set *set);

/* Is there any hook at this point?  Cheap: ask before a request is put together. */
int policy_set_has(const struct policy_set *set, int point);
size_t policy_set_size(const struct policy_set *set);
const struct policy_script *policy_set_script(const struct policy_set *set, size_t i);

struct policy_decision {
	int denied;
	int hooks_run;
	char reason[512];     /* of a denial: what the user is told */
	char hook[128];       /* SCRIPT/HOOK that decided; "" when nothing did */
	json_object *object;  /* the rewritten object, or NULL */
	json_object *answer;  /* the rewritten answer, or NULL */
	json_object *changes; /* [{hook, path, old, new}], or NULL */
	json_object *trace;   /* [{hook, script, version, result, us, error}], or NULL */
	int64_t spent_ns;
};

#define POLICY_DECISION_INIT { 0, 0, "", "", NULL, NULL, NULL, NULL, 0 }

void policy_decision_done(struct policy_decision *decision);

/* Decides.  request is borrowed and not changed.  An error means that nothing
 * could be decided (unknown point, out of memory): treat it as a denial. */
int policy_evaluate(struct policy_set *set, int point, json_object *request,
		    struct policy_decision *ret, struct gantry_error *err);

#endif
