/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The policies of one engine: a folder of enabled scripts, loaded as a set and
 * loaded again when a file changes, with the last version that passed its own
 * tests kept beside it.
 *
 *     FOLDER/NAME.lua        an enabled script
 *     FOLDER/NAME_test.lua   its tests
 *     FOLDER/.good/NAME.lua  its last version that passed
 */
#ifndef LUA_POLICY_MANAGER_H
#define LUA_POLICY_MANAGER_H

#include "lua/policy/policy.h"

struct policy_manager;

/* Loads what FOLDER holds (made when missing).  A script that cannot be loaded
 * and has no good version does not fail this: it denies every request until it
 * is repaired or disabled.  config is copied; what it points to is borrowed. */
int policy_manager_open(const struct policy_config *config, const char *folder,
			struct policy_manager **ret, struct gantry_error *err);
void policy_manager_close(struct policy_manager *manager);

/* The current set (the caller unrefs); looks for changed files first, at most
 * once a second unless `now`. */
struct policy_set *policy_manager_set(struct policy_manager *manager, int now);

/* Decides with the current set; see policy_evaluate. */
int policy_manager_evaluate(struct policy_manager *manager, int point, json_object *request,
			    struct policy_decision *ret, struct gantry_error *err);

/* Is there a hook, or a broken script, at the point? */
int policy_manager_has(struct policy_manager *manager, int point);

/* Does a script in force contain the word?  What no script mentions need not be put
 * into requests. */
int policy_manager_mentions(struct policy_manager *manager, const char *word);

/* A number that differs when the points may have changed. */
int64_t policy_manager_changed(struct policy_manager *manager);

/* [{name, version, digest, needs, hooks, state: "enabled" | "old" | "broken" |
 * "disabled", error}] */
int policy_manager_list(struct policy_manager *manager, json_object **ret,
			struct gantry_error *err);

/* Tests the text and, when that passes, enables it: INVALID leaves everything as
 * it was.  test_text may be NULL.  *ret_report as of policy_test, set also on
 * INVALID; may be NULL. */
int policy_manager_enable(struct policy_manager *manager, const char *name, const char *text,
			  size_t len, const char *test_text, size_t test_len,
			  json_object **ret_report, struct gantry_error *err);

/* Takes a script out of the set; its files stay, in FOLDER/.disabled. */
int policy_manager_disable(struct policy_manager *manager, const char *name,
			   struct gantry_error *err);

/* The text of an enabled script (test: of its tests), appended to ret. */
struct buf;
int policy_manager_read(struct policy_manager *manager, const char *name, int test,
			struct buf *ret, struct gantry_error *err);

#endif
