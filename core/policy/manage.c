/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The engine operation "policy": one door to the operations of the policy kind
 * that operators use.  Each row of the table calls one and makes one JSON of its
 * results.
 */
#include <string.h>

#include <gantry/calls.h>

#include "core/engine/engine.h"
#include "core/policy/internal.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"

struct manage {
	struct driver *driver;
	const struct gantry_engine_policy_args *args;
	struct reply *reply;
};

static int need_name(const struct manage *m, struct gantry_error *err)
{
	return m->args->name ? 0 : error_set(err, GANTRY_ERR_INVALID, "which policy?");
}

/* The JSON result `field` of the call as it is. */
static int put_json(const struct manage *m, struct gantry_reply *reply, uint32_t field)
{
	const char *text = reply_string(m->reply, field);

	return gantry_engine_policy_set_report(reply, text ? text : "{}");
}

static int manage_list(struct manage *m, struct gantry_reply *reply, struct gantry_error *err)
{
	int r = policy_list(m->driver, &GANTRY_POLICY_LIST_ARGS(), m->reply, err);

	return r < 0 ? r : put_json(m, reply, GANTRY_POLICY_LIST_RET_POLICIES);
}

static int manage_reload(struct manage *m, struct gantry_reply *reply, struct gantry_error *err)
{
	int r = policy_reload(m->driver, &GANTRY_POLICY_RELOAD_ARGS(), m->reply, err);

	return r < 0 ? r : put_json(m, reply, GANTRY_POLICY_RELOAD_RET_POLICIES);
}

static int manage_show(struct manage *m, struct gantry_reply *reply, struct gantry_error *err)
{
	auto_json struct json_object *o = json_object_new_object();
	int r = need_name(m, err);

	if (r == 0) {
		r = policy_show(m->driver, &GANTRY_POLICY_SHOW_ARGS(.name = m->args->name), m->reply,
				err);
	}
	if (r < 0) {
		return r;
	}
	json_set_string(o, "text", reply_string(m->reply, GANTRY_POLICY_SHOW_RET_TEXT));
	json_set_string(o, "test", reply_string(m->reply, GANTRY_POLICY_SHOW_RET_TEST));
	return gantry_engine_policy_set_report(reply, json_text(o));
}

static int manage_enable(struct manage *m, struct gantry_reply *reply, struct gantry_error *err)
{
	int r = need_name(m, err);

	if (r == 0 && !m->args->text) {
		r = error_set(err, GANTRY_ERR_INVALID, "the script of %s is missing", m->args->name);
	}
	if (r == 0) {
		auto_json struct json_object *who = asking_now();

		r = policy_enable(m->driver, &GANTRY_POLICY_ENABLE_ARGS(.name = m->args->name,
				  .text = m->args->text, .test = m->args->test, .who = json_text(who)),
				  m->reply, err);
	}
	return r < 0 ? r : put_json(m, reply, GANTRY_POLICY_ENABLE_RET_REPORT);
}

static int manage_disable(struct manage *m, struct gantry_reply *reply, struct gantry_error *err)
{
	int r = need_name(m, err);

	if (r == 0) {
		auto_json struct json_object *who = asking_now();

		r = policy_disable(m->driver, &GANTRY_POLICY_DISABLE_ARGS(.name = m->args->name,
				   .who = json_text(who)), m->reply, err);
	}
	return r < 0 ? r : gantry_engine_policy_set_report(reply, "{}");
}

static int manage_test(struct manage *m, struct gantry_reply *reply, struct gantry_error *err)
{
	int r = need_name(m, err);

	if (r == 0) {
		r = policy_test(m->driver, &GANTRY_POLICY_TEST_ARGS(.name = m->args->name,
				.text = m->args->text, .test = m->args->test), m->reply, err);
	}
	return r < 0 ? r : put_json(m, reply, GANTRY_POLICY_TEST_RET_REPORT);
}

static int manage_check(struct manage *m, struct gantry_reply *reply, struct gantry_error *err)
{
	int r = need_name(m, err);

	if (r == 0) {
		r = policy_check(m->driver, &GANTRY_POLICY_CHECK_ARGS(.name = m->args->name,
				 .text = m->args->text), m->reply, err);
	}
	return r < 0 ? r : put_json(m, reply, GANTRY_POLICY_CHECK_RET_FINDINGS);
}

static int manage_replay(struct manage *m, struct gantry_reply *reply, struct gantry_error *err)
{
	int r = need_name(m, err);

	if (r == 0) {
		r = policy_replay(m->driver, &GANTRY_POLICY_REPLAY_ARGS(.name = m->args->name,
				  .text = m->args->text), m->reply, err);
	}
	return r < 0 ? r : put_json(m, reply, GANTRY_POLICY_REPLAY_RET_REPORT);
}

static int manage_bench(struct manage *m, struct gantry_reply *reply, struct gantry_error *err)
{
	int r = need_name(m, err);

	if (r == 0) {
		r = policy_bench(m->driver, &GANTRY_POLICY_BENCH_ARGS(.name = m->args->name,
				 .text = m->args->text, .rounds = m->args->number), m->reply, err);
	}
	return r < 0 ? r : put_json(m, reply, GANTRY_POLICY_BENCH_RET_REPORT);
}

static int manage_audit(struct manage *m, struct gantry_reply *reply, struct gantry_error *err)
{
	auto_json struct json_object *o = json_object_new_object();
	struct json_object *tail = json_object_new_array();
	const char *const *line;
	int r = policy_audit(m->driver, &GANTRY_POLICY_AUDIT_ARGS(.tail = m->args->number), m->reply,
			     err);

	json_set(o, "tail", tail);
	if (r < 0) {
		return r;
	}
	json_set_string(o, "path", reply_string(m->reply, GANTRY_POLICY_AUDIT_RET_PATH));
	json_set_int(o, "lines", reply_integer(m->reply, GANTRY_POLICY_AUDIT_RET_LINES, 0));
	json_set_int(o, "bad_line", reply_integer(m->reply, GANTRY_POLICY_AUDIT_RET_BAD_LINE, 0));
	json_set_string(o, "problem", reply_string(m->reply, GANTRY_POLICY_AUDIT_RET_PROBLEM));
	for (line = reply_list(m->reply, GANTRY_POLICY_AUDIT_RET_TAIL); *line; line++) {
		json_add_string(tail, *line);
	}
	return gantry_engine_policy_set_report(reply, json_text(o));
}

enum { OPEN, PRIVATE, CHANGES }; /* for everybody; for those who may manage; and it changes */

static const struct {
	const char *command;
	int (*run)(struct manage *m, struct gantry_reply *reply, struct gantry_error *err);
	int access;
} commands[] = {
	{ "list", manage_list, OPEN },
	{ "show", manage_show, OPEN },
	{ "enable", manage_enable, CHANGES },
	{ "disable", manage_disable, CHANGES },
	{ "test", manage_test, OPEN },
	{ "check", manage_check, OPEN },
	{ "replay", manage_replay, PRIVATE }, /* shows what others asked */
	{ "bench", manage_bench, PRIVATE },
	{ "audit", manage_audit, PRIVATE },
	{ "reload", manage_reload, CHANGES },
};

static int run_command(struct core *core, size_t i, struct manage *m, struct gantry_reply *reply,
		       struct gantry_error *err)
{
	int r = commands[i].access == OPEN ? 0 : asking_may_manage(err);

	if (r == 0) {
		r = commands[i].run(m, reply, err);
	}
	/* Also after a failure: half of a change is one. */
	if (commands[i].access == CHANGES) {
		policy_changed(core->policy);
	}
	return r;
}

ENGINE_OP(policy)
{
	struct core *core = self;
	auto_(reply) struct reply result = REPLY_INIT;
	struct manage m = { NULL, args, &result };
	int r = engine_driver(core, "policy", &m.driver, err);
	size_t i;

	if (r < 0) {
		return r;
	}
	for (i = 0; i < ARRAY_SIZE(commands); i++) {
		if (strcmp(commands[i].command, args->command) == 0) {
			return run_command(core, i, &m, reply, err);
		}
	}
	return error_set(err, GANTRY_ERR_INVALID, "'%s' is no command for policies", args->command);
}
