/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy replay and policy bench: a script against requests that really came.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "helpers/io.h"
#include "helpers/json.h"

#include "lua/policy/audit.h"
#include "lua/policy/fakes.h"
#include "lua/policy/internal.h"
#include "lua/policy/test.h"

/* A report holds at most so many differences; the counts go on. */
#define CHANGED_MAX 1000

struct replay {
	struct policy_config config;
	struct fakes fakes;
	struct policy_set *set;
	json_object *changed;
	int64_t seen;
	int64_t replayed;
};

static int get_fakes(void *ctx, const char *script, const char *const *needs,
		     struct services *ret, struct gantry_error *err)
{
	struct replay *replay = ctx;

	(void)script;
	(void)needs;
	(void)err;
	fakes_services(&replay->fakes, ret);
	return 0;
}

static int open_set(struct replay *replay, const struct policy_limits *limits, const char *name,
		    const char *text, size_t len, struct gantry_error *err)
{
	struct policy_script *script = NULL;
	int r;

	replay->config = (struct policy_config){ .limits = *limits, .get_services = get_fakes,
						 .ctx = replay };
	fakes_init(&replay->fakes);
	r = policy_script_load(&replay->config, name, text, len, &script, err);
	if (r == 0) {
		r = policy_set_new(&replay->config, &script, 1, &replay->set, err);
	}
	policy_script_unref(script);
	return r;
}

static void close_set(struct replay *replay)
{
	policy_set_unref(replay->set);
	fakes_done(&replay->fakes);
}

/* The moment of the record is the moment of the replay. */
static void set_clock(struct replay *replay, const char *time)
{
	struct tm tm;

	memset(&tm, 0, sizeof(tm));
	if (time && strptime(time, "%Y-%m-%dT%H:%M:%S", &tm)) {
		replay->fakes.now_ns = (int64_t)timegm(&tm) * 1000000000;
	}
}

static void add_difference(struct replay *replay, json_object *record, const char *now,
			   const struct policy_decision *decision)
{
	static const char *const copied[] = { "seq", "time", "point", "who", "target", NULL };
	json_object *o = json_object_new_object();
	int i;

	for (i = 0; copied[i]; i++) {
		json_set(o, copied[i], json_object_get(json_get(record, copied[i])));
	}
	json_set_string(o, "was", json_get_string(record, "decision"));
	json_set_string(o, "now", now);
	json_set_string(o, "reason", decision->reason[0] ? decision->reason : NULL);
	json_set(o, "changes", json_object_get(decision->changes));
	json_object_array_add(replay->changed, o);
}

static int replay_record(struct replay *replay, json_object *record, struct gantry_error *err)
{
	const char *point = json_get_string(record, "point");
	const char *was = json_get_string(record, "decision"), *now;
	struct policy_decision decision;
	int r, number = point ? policy_point_find(point) : -1;

	if (number < 0 || !was || (!json_get(record, "object") && !json_get(record, "answer"))) {
		return 0;
	}
	set_clock(replay, json_get_string(record, "time"));
	replay->replayed++;
	r = policy_evaluate(replay->set, number, record, &decision, err);
	if (r < 0) {
		return r;
	}
	now = decision.denied ? "deny" : decision.changes ? "rewrite" : "allow";
	if (strcmp(was, now) != 0 && json_object_array_length(replay->changed) < CHANGED_MAX) {
		add_difference(replay, record, now, &decision);
	}
	policy_decision_done(&decision);
	return 0;
}

static int replay_line(void *arg, int64_t number, const char *text, size_t len,
		       struct gantry_error *err)
{
	struct gantry_error ignored = GANTRY_ERROR_INIT;
	struct replay *replay = arg;
	auto_json json_object *record = NULL;

	(void)number;
	replay->seen++;
	if (json_parse(text, len, "audit line", &record, &ignored) < 0) {
		return 0; /* audit verify is for those */
	}
	return replay_record(replay, record, err);
}

int policy_replay(const struct policy_limits *limits, const char *name, const char *text,
		  size_t len, const char *audit_path, json_object **ret, struct gantry_error *err)
{
	struct replay replay = { .changed = json_object_new_array() };
	int r = open_set(&replay, limits, name, text, len, err);

	if (r == 0) {
		r = audit_read(audit_path, replay_line, &replay, err);
	}
	if (r == 0) {
		*ret = json_object_new_object();
		json_set_int(*ret, "seen", replay.seen);
		json_set_int(*ret, "replayed", replay.replayed);
		json_set(*ret, "changed", json_object_get(replay.changed));
	}
	json_object_put(replay.changed);
	close_set(&replay);
	return r;
}

/* ---- bench ---- */

/* A container as most are. */
static const char sample[] =
	"{\"who\":{\"uid\":1000,\"user\":\"ana\",\"auth\":\"peer\"},"
	"\"target\":{\"kind\":\"container\",\"name\":\"web\",\"image\":\"docker.io/library/nginx:1.27\"},"
	"\"object\":{\"Image\":\"nginx:1.27\",\"Cmd\":[\"nginx\"],\"Env\":[\"PATH=/bin\"],\"Labels\":{},"
	"\"HostConfig\":{\"Privileged\":false,\"Memory\":0,\"Binds\":[],\"NetworkMode\":\"bridge\"}},"
	"\"answer\":[],\"engine\":{}}";

static int bench_point(struct replay *replay, int point, int rounds, json_object *results,
		       struct gantry_error *err)
{
	auto_json json_object *request = NULL;
	json_object *o = json_object_new_object();
	struct policy_decision decision;
	int64_t start;
	int i, r;

	r = json_parse(sample, sizeof(sample) - 1, "sample request", &request, err);
	start = time_monotonic_ns();
	for (i = 0; r == 0 && i < rounds; i++) {
		r = policy_evaluate(replay->set, point, request, &decision, err);
		policy_decision_done(&decision);
	}
	json_set_string(o, "point", policy_points[point].name);
	json_set_int(o, "rounds", rounds);
	json_set_int(o, "ns", (time_monotonic_ns() - start) / (rounds > 0 ? rounds : 1));
	json_object_array_add(results, o);
	return r;
}

int policy_bench(const struct policy_limits *limits, const char *name, const char *text, size_t len,
		 int rounds, json_object **ret, struct gantry_error *err)
{
	struct replay replay = { .changed = NULL };
	json_object *results = json_object_new_array();
	int r = open_set(&replay, limits, name, text, len, err);
	int point;

	for (point = 0; r == 0 && policy_points[point].name; point++) {
		if (policy_set_has(replay.set, point)) {
			r = bench_point(&replay, point, rounds, results, err);
		}
	}
	close_set(&replay);
	if (r < 0) {
		json_object_put(results);
		return r;
	}
	*ret = results;
	return 0;
}
