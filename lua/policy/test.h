/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A script's own tests, and running it over what was recorded: neither touches
 * the engine, and services are fakes.
 */
#ifndef LUA_POLICY_TEST_H
#define LUA_POLICY_TEST_H

#include <stddef.h>

#include <json-c/json.h>

#include <gantry/error.h>

struct policy_limits;

/* Runs the tests of NAME_test.lua against the script, each on a fresh state.
 * *ret (the caller puts it) is {tests: [{name, ok, error}], passed, failed}.
 * Returns INVALID, with the first failure as message, when one failed; the
 * report is set then too.  A script without any test passes. */
int policy_test(const struct policy_limits *limits, const char *name, const char *text, size_t len,
		const char *test_text, size_t test_len, json_object **ret,
		struct gantry_error *err);

/* Runs the script over the decisions in an audit log that kept requests.  *ret
 * is {seen, replayed, changed: [{seq, time, point, who, target, was, now,
 * reason, changes}]}: what it would have decided otherwise. */
int policy_replay(const struct policy_limits *limits, const char *name, const char *text,
		  size_t len, const char *audit_path, json_object **ret, struct gantry_error *err);

/* Lints: *ret is [{line, severity, message}], empty when all is well. */
int policy_check(const struct policy_limits *limits, const char *name, const char *text, size_t len,
		 json_object **ret, struct gantry_error *err);

/* Times the script's hooks on a request of their point: {hook, point, rounds,
 * ns} each, in *ret. */
int policy_bench(const struct policy_limits *limits, const char *name, const char *text, size_t len,
		 int rounds, json_object **ret, struct gantry_error *err);

#endif
