/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The policy driver "lua": scripts in a folder decide.  Calls may come from any
 * number of threads; see lua/policy/manager.h for what is shared.
 */
#include <stdlib.h>
#include <string.h>

#include <gantry/plugin.h>
#include <gantry/policy.h>

#include "helpers/buf.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "helpers/json.h"

#include "lua/drivers/services.h"
#include "lua/policy/audit.h"
#include "lua/policy/manager.h"
#include "lua/policy/record.h"
#include "lua/policy/test.h"
#include "lua/sandbox/services.h"

#define GRANTS_MAX 64
#define ROUNDS_DEFAULT 10000
#define ROUNDS_MAX 1000000
#define TAIL_MAX 1000

struct lua_policy {
	const struct gantry_host *host;
	json_object *settings;
	struct audit *audit;
	char *audit_path;
	struct policy_limits limits;
	struct policy_manager *manager;
	const char *grants[GRANTS_MAX + 1]; /* borrowed from settings */
	int has_grants;
};

/* ---- services of scripts ---- */

static int get_services(void *ctx, const char *script, const char *const *needs,
			struct services *ret, struct gantry_error *err)
{
	const struct lua_policy *self = ctx;
	const char *missing;
	char prefix[160];
	struct script_host host = {
		.host = self->host, .prefix = prefix, .grants = needs,
		.secrets_folder = json_get_string(self->settings, "secrets"),
	};

	/* Who put the script there is the administrator, unless a list says how far
	 * that goes. */
	if (self->has_grants && !services_covers(self->grants, needs, &missing)) {
		error_set(err, GANTRY_ERR_DENIED, "it needs '%s', which is not granted", missing);
		return error_hint(err, "add it to grants of the policy driver in the configuration");
	}
	snprintf(prefix, sizeof(prefix), "policy/%s", script);
	return script_services_new(&host, ret, err);
}

static void drop_services(void *ctx, struct services *services)
{
	(void)ctx;
	script_services_free(services);
}

/* ---- opening ---- */

static void read_settings(struct lua_policy *self)
{
	json_object *grants = json_get_array(self->settings, "grants");
	size_t i, n = json_array_size(grants);

	self->limits.memory_bytes = (size_t)json_get_int(self->settings, "memory_kib", 16384) << 10;
	self->limits.deadline_ns = json_get_int(self->settings, "deadline_ms", 100) * 1000000;
	self->limits.budget_ns = json_get_int(self->settings, "budget_ms", 1000) * 1000000;
	self->has_grants = grants != NULL && n > 0;
	for (i = 0; i < n && i < GRANTS_MAX; i++) {
		self->grants[i] = json_item_string(grants, i);
	}
}

static int open_manager(struct lua_policy *self, struct gantry_error *err)
{
	const char *folder = json_get_string(self->settings, "folder");
	struct policy_config config = {
		.limits = self->limits, .get_services = get_services,
		.drop_services = drop_services, .ctx = self, .audit = self->audit,
		.record_requests = json_get_bool(self->settings, "record_requests", 1),
	};
	auto_free char *path = NULL;

	if (!folder || !*folder) {
		if (asprintf(&path, "%s/scripts", self->host->state_dir) < 0) {
			return error_no_memory(err);
		}
		folder = path;
	}
	return policy_manager_open(&config, folder, &self->manager, err);
}

static int open_audit(struct lua_policy *self, struct gantry_error *err)
{
	const char *path = json_get_string(self->settings, "audit");
	int r = path && *path ? asprintf(&self->audit_path, "%s", path) :
				asprintf(&self->audit_path, "%s/audit.log", self->host->state_dir);

	if (r < 0) {
		self->audit_path = NULL;
		return error_no_memory(err);
	}
	return audit_open(self->audit_path, &self->audit, err);
}

static void lua_policy_close(void *p)
{
	struct lua_policy *self = p;

	policy_manager_close(self->manager);
	audit_close(self->audit);
	json_object_put(self->settings);
	free(self->audit_path);
	free(self);
}

static int lua_policy_open(const struct gantry_host *host, const char *config, void **ret_self,
			   struct gantry_error *err)
{
	struct lua_policy *self = calloc(1, sizeof(*self));
	int r;

	if (!self) {
		return error_no_memory(err);
	}
	self->host = host;
	r = json_parse_object(config, "configuration of the policy driver", &self->settings, err);
	if (r == 0) {
		read_settings(self);
		r = open_audit(self, err);
	}
	if (r == 0) {
		r = open_manager(self, err);
	}
	if (r < 0) {
		lua_policy_close(self);
		return r;
	}
	*ret_self = self;
	return 0;
}

/* ---- deciding ---- */

static int lua_policy_points(void *p, const struct gantry_policy_points_args *args,
			     struct gantry_reply *reply, struct gantry_error *err)
{
	struct lua_policy *self = p;
	int i, r = 0;

	(void)args;
	for (i = 0; policy_points[i].name && r == 0; i++) {
		if (policy_manager_has(self->manager, i)) {
			r = gantry_policy_points_add_point(reply, policy_points[i].name);
		}
	}
	if (r == 0) {
		r = gantry_policy_points_set_changed(reply,
						     policy_manager_changed(self->manager));
	}
	if (r == 0 && policy_manager_mentions(self->manager, "usage")) {
		r = gantry_policy_points_add_detail(reply, "usage");
	}
	return r < 0 ? error_no_memory(err) : 0;
}

static int put_decision(struct gantry_reply *reply, const struct policy_decision *d)
{
	int r = gantry_policy_evaluate_set_decision(reply, d->denied  ? "deny" :
							   d->changes ? "rewrite" :
									"allow");

	if (r == 0 && d->denied) {
		r = gantry_policy_evaluate_set_reason(reply, d->reason);
	}
	if (r == 0 && d->hook[0]) {
		r = gantry_policy_evaluate_set_hook(reply, d->hook);
	}
	if (r == 0 && d->object && !d->denied) {
		r = gantry_policy_evaluate_set_object(reply, json_text(d->object));
	}
	if (r == 0 && d->answer && !d->denied) {
		r = gantry_policy_evaluate_set_answer(reply, json_text(d->answer));
	}
	if (r == 0 && d->changes && !d->denied) {
		r = gantry_policy_evaluate_set_changes(reply, json_text(d->changes));
	}
	return r;
}

static int lua_policy_evaluate(void *p, const struct gantry_policy_evaluate_args *args,
			       struct gantry_reply *reply, struct gantry_error *err)
{
	struct lua_policy *self = p;
	auto_json json_object *request = NULL;
	struct policy_decision decision;
	int point = policy_point_find(args->point);
	int r;

	if (point < 0) {
		return error_set(err, GANTRY_ERR_INVALID, "'%s' is not a policy point", args->point);
	}
	if (!policy_manager_has(self->manager, point)) {
		return gantry_policy_evaluate_set_decision(reply, "allow") < 0 ?
			       error_no_memory(err) : 0;
	}
	r = json_parse_object(args->request, "policy request", &request, err);
	if (r == 0) {
		r = policy_manager_evaluate(self->manager, point, request, &decision, err);
	}
	if (r < 0) {
		return r;
	}
	r = put_decision(reply, &decision);
	policy_decision_done(&decision);
	return r < 0 ? error_no_memory(err) : 0;
}

/* ---- managing ---- */

static int lua_policy_list(void *p, const struct gantry_policy_list_args *args,
			   struct gantry_reply *reply, struct gantry_error *err)
{
	struct lua_policy *self = p;
	auto_json json_object *list = NULL;
	int r = policy_manager_list(self->manager, &list, err);

	(void)args;
	return r < 0 ? r : gantry_policy_list_set_policies(reply, json_text(list));
}

static int lua_policy_reload(void *p, const struct gantry_policy_reload_args *args,
			     struct gantry_reply *reply, struct gantry_error *err)
{
	struct lua_policy *self = p;
	auto_json json_object *list = NULL;
	int r = policy_manager_list(self->manager, &list, err); /* which looks for changes */

	(void)args;
	return r < 0 ? r : gantry_policy_reload_set_policies(reply, json_text(list));
}

static int lua_policy_show(void *p, const struct gantry_policy_show_args *args,
			   struct gantry_reply *reply, struct gantry_error *err)
{
	struct lua_policy *self = p;
	struct gantry_error ignored = GANTRY_ERROR_INIT;
	auto_(buf) struct buf text = BUF_INIT;
	auto_(buf) struct buf test = BUF_INIT;
	int r = policy_manager_read(self->manager, args->name, 0, &text, err);

	if (r == 0) {
		r = gantry_policy_show_set_text(reply, buf_str(&text));
	}
	if (r == 0 && policy_manager_read(self->manager, args->name, 1, &test, &ignored) == 0) {
		r = gantry_policy_show_set_test(reply, buf_str(&test));
	}
	return r;
}

/* Who put a policy in force, or took it out, is in the log like what it decides. */
static int record(struct lua_policy *self, const char *point, const char *name, const char *who,
		  int r, struct gantry_error *err)
{
	struct gantry_error failure = GANTRY_ERROR_INIT;
	auto_json json_object *asking = NULL;

	if (who) {
		(void)json_parse_object(who, "who", &asking, &failure);
	}
	error_clear(&failure);
	if (record_change(self->audit, point, name, r < 0 ? "deny" : "allow", r < 0 ? err->message : NULL,
			  asking, &failure) < 0 && r == 0) {
		*err = failure;
		return err->code;
	}
	return r;
}

static int lua_policy_enable(void *p, const struct gantry_policy_enable_args *args,
			     struct gantry_reply *reply, struct gantry_error *err)
{
	struct lua_policy *self = p;
	auto_json json_object *report = NULL;
	int r = policy_manager_enable(self->manager, args->name, args->text, strlen(args->text),
				      args->test, args->test ? strlen(args->test) : 0, &report, err);

	if (report && gantry_policy_enable_set_report(reply, json_text(report)) < 0 && r == 0) {
		r = error_no_memory(err);
	}
	return record(self, "policy.enable", args->name, args->who, r, err);
}

static int lua_policy_disable(void *p, const struct gantry_policy_disable_args *args,
			      struct gantry_reply *reply, struct gantry_error *err)
{
	struct lua_policy *self = p;

	(void)reply;
	return record(self, "policy.disable", args->name, args->who,
		      policy_manager_disable(self->manager, args->name, err), err);
}

/* The text of an argument, or that of the named policy in *hold. */
static const char *text_or_stored(struct lua_policy *self, const char *name, const char *text,
				  struct buf *hold, struct gantry_error *err)
{
	if (text) {
		return text;
	}
	return policy_manager_read(self->manager, name, 0, hold, err) < 0 ? NULL : buf_str(hold);
}

static int lua_policy_test(void *p, const struct gantry_policy_test_args *args,
			   struct gantry_reply *reply, struct gantry_error *err)
{
	struct lua_policy *self = p;
	struct gantry_error failure = GANTRY_ERROR_INIT;
	auto_(buf) struct buf hold = BUF_INIT;
	auto_(buf) struct buf test_hold = BUF_INIT;
	auto_json json_object *report = NULL;
	const char *text = text_or_stored(self, args->name, args->text, &hold, err);
	const char *test = args->test;

	if (!text) {
		return err->code;
	}
	if (!test && !args->text &&
	    policy_manager_read(self->manager, args->name, 1, &test_hold, &failure) == 0) {
		test = buf_str(&test_hold);
	}
	/* Failing tests are the answer, not a failure of the operation. */
	(void)policy_test(&self->limits, args->name, text, strlen(text), test,
			  test ? strlen(test) : 0, &report, &failure);
	return gantry_policy_test_set_report(reply, json_text(report));
}

static int lua_policy_check(void *p, const struct gantry_policy_check_args *args,
			    struct gantry_reply *reply, struct gantry_error *err)
{
	struct lua_policy *self = p;
	auto_(buf) struct buf hold = BUF_INIT;
	auto_json json_object *findings = NULL;
	const char *text = text_or_stored(self, args->name, args->text, &hold, err);
	int r = text ? policy_check(&self->limits, args->name, text, strlen(text), &findings, err) :
		       err->code;

	return r < 0 ? r : gantry_policy_check_set_findings(reply, json_text(findings));
}

static int lua_policy_replay(void *p, const struct gantry_policy_replay_args *args,
			     struct gantry_reply *reply, struct gantry_error *err)
{
	struct lua_policy *self = p;
	auto_(buf) struct buf hold = BUF_INIT;
	auto_json json_object *report = NULL;
	const char *text = text_or_stored(self, args->name, args->text, &hold, err);
	int r = text ? policy_replay(&self->limits, args->name, text, strlen(text),
				     self->audit_path, &report, err) :
		       err->code;

	return r < 0 ? r : gantry_policy_replay_set_report(reply, json_text(report));
}

static int lua_policy_bench(void *p, const struct gantry_policy_bench_args *args,
			    struct gantry_reply *reply, struct gantry_error *err)
{
	struct lua_policy *self = p;
	auto_(buf) struct buf hold = BUF_INIT;
	auto_json json_object *report = NULL;
	const char *text = text_or_stored(self, args->name, args->text, &hold, err);
	int64_t rounds = args->rounds > 0 ? args->rounds : ROUNDS_DEFAULT;
	int r = text ? policy_bench(&self->limits, args->name, text, strlen(text),
				    (int)(rounds > ROUNDS_MAX ? ROUNDS_MAX : rounds), &report, err) :
		       err->code;

	return r < 0 ? r : gantry_policy_bench_set_report(reply, json_text(report));
}

/* ---- the audit log ---- */

struct tail {
	char *lines[TAIL_MAX];
	int64_t n;
	int64_t seen;
};

static int tail_line(void *arg, int64_t number, const char *text, size_t len,
		     struct gantry_error *err)
{
	struct tail *tail = arg;
	char **slot = &tail->lines[tail->seen++ % tail->n];

	(void)number;
	free(*slot);
	*slot = strndup(text, len);
	return *slot ? 0 : error_no_memory(err);
}

static int put_tail(struct lua_policy *self, int64_t n, struct gantry_reply *reply,
		    struct gantry_error *err)
{
	auto_free struct tail *tail = calloc(1, sizeof(*tail));
	int64_t i;
	int r;

	if (!tail) {
		return error_no_memory(err);
	}
	tail->n = n > TAIL_MAX ? TAIL_MAX : n;
	r = audit_read(self->audit_path, tail_line, tail, err);
	for (i = tail->seen > tail->n ? tail->seen - tail->n : 0; r == 0 && i < tail->seen; i++) {
		r = gantry_policy_audit_add_tail(reply, tail->lines[i % tail->n]);
	}
	for (i = 0; i < tail->n; i++) {
		free(tail->lines[i]);
	}
	return r;
}

static int lua_policy_audit(void *p, const struct gantry_policy_audit_args *args,
			    struct gantry_reply *reply, struct gantry_error *err)
{
	struct lua_policy *self = p;
	struct gantry_error found = GANTRY_ERROR_INIT;
	struct audit_report report;
	int r = audit_verify(self->audit_path, &report, &found);

	if (r < 0 && r != GANTRY_ERR_CORRUPT) {
		*err = found;
		return r;
	}
	r = gantry_policy_audit_set_path(reply, self->audit_path);
	if (r == 0) {
		r = gantry_policy_audit_set_lines(reply, report.lines);
	}
	if (r == 0) {
		r = gantry_policy_audit_set_bad_line(reply, report.bad_line);
	}
	if (r == 0 && report.problem[0]) {
		r = gantry_policy_audit_set_problem(reply, report.problem);
	}
	if (r == 0 && args->tail > 0) {
		r = put_tail(self, args->tail, reply, err);
	}
	return r;
}

static const struct gantry_policy_ops ops = {
	.struct_size = sizeof(ops),
	.points = lua_policy_points,
	.evaluate = lua_policy_evaluate,
	.reload = lua_policy_reload,
	.list = lua_policy_list,
	.show = lua_policy_show,
	.enable = lua_policy_enable,
	.disable = lua_policy_disable,
	.test = lua_policy_test,
	.check = lua_policy_check,
	.replay = lua_policy_replay,
	.bench = lua_policy_bench,
	.audit = lua_policy_audit,
};

static const struct gantry_config_key keys[] = {
	{ "folder", GANTRY_TYPE_STRING, 0, NULL, "where enabled scripts lie" },
	{ "audit", GANTRY_TYPE_STRING, 0, NULL, "the audit log" },
	{ "record_requests", GANTRY_TYPE_BOOLEAN, 0, "true", "keep what was asked, for replay" },
	{ "budget_ms", GANTRY_TYPE_INTEGER, 0, "1000", "all hooks of a request together" },
	{ "deadline_ms", GANTRY_TYPE_INTEGER, 0, "100", "one hook that says nothing else" },
	{ "memory_kib", GANTRY_TYPE_INTEGER, 0, "16384", "one script" },
	{ "grants", GANTRY_TYPE_LIST, 0, NULL, "the most that scripts may need; empty: anything" },
	{ "secrets", GANTRY_TYPE_STRING, 0, NULL, "a folder with a file per secret" },
	{ NULL, 0, 0, NULL, NULL },
};

static const struct gantry_driver driver = {
	.size = sizeof(driver),
	.threads = GANTRY_THREADS_PARALLEL,
	.kind = "policy",
	.name = "lua",
	.summary = "Policies as sandboxed Lua scripts",
	.ops = &ops,
	.config = keys,
	.open = lua_policy_open,
	.close = lua_policy_close,
};

static const struct gantry_driver *const drivers[] = { &driver, NULL };

GANTRY_PLUGIN(.name = "policy-lua", .version = "0.1.0", .licence = "Apache-2.0",
	      .drivers = drivers);
