/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writing down what was decided: a line per hook in the decision's trace, and
 * one line per decision in the audit log.
 */
#ifndef LUA_POLICY_RECORD_H
#define LUA_POLICY_RECORD_H

#include "lua/policy/internal.h"

/* Adds {hook, script, version, result, us[, error]} to *trace, made when NULL.
 * answer is NULL after a failure. */
void record_step(json_object **trace, const struct hook *hook, int r, const struct answer *answer,
		 const struct gantry_error *err, int64_t spent_ns, int denied);

int record_decision(const struct policy_config *config, int point, json_object *request,
		    const struct policy_decision *decision, struct gantry_error *err);

/* Appends what became of a policy: point is "policy.enable", "policy.disable" or
 * "policy.load", decision what came of it, reason why (or NULL), who may be NULL. */
int record_change(struct audit *audit, const char *point, const char *name, const char *decision,
		  const char *reason, json_object *who, struct gantry_error *err);

#endif
