/* SPDX-License-Identifier: Apache-2.0 */
/* What every policy driver does; those that manage scripts are tested with one. */
#include <string.h>

#include <conformance/policy.h>

#define NAME "conformance"
#define SCRIPT                                                                                 \
	"hook { point = \"container.create\", run = function(request)\n"                        \
	"  if (request.object.HostConfig or {}).Privileged then return deny(\"no\") end\nend }\n"
#define REQUEST                                                                                \
	"{\"who\":{\"uid\":0,\"user\":\"root\",\"auth\":\"peer\"},\"target\":{\"kind\":\"container\"},"  \
	"\"object\":{\"Image\":\"busybox\",\"HostConfig\":{\"Privileged\":false}},\"engine\":{\"version\":\"0\"}}"

static int evaluate(struct kit *k, const char *point, const char *request)
{
	return call_evaluate(k, &GANTRY_POLICY_EVALUATE_ARGS(.point = point, .request = request));
}

static void check(struct kit *k)
{
	const char *decision = reply_string(&k->reply, GANTRY_POLICY_EVALUATE_RET_DECISION);

	KIT_TRUE(k, !strcmp(decision, "allow") || !strcmp(decision, "deny") || !strcmp(decision, "rewrite"),
		 "\"%s\" is no decision", decision);
	KIT_TRUE(k, strcmp(decision, "deny") || reply_string(&k->reply, GANTRY_POLICY_EVALUATE_RET_REASON),
		 "a denial has no reason");
}

static void life(struct kit *k, const char *id)
{
	(void)id;
	KIT_OK(k, evaluate(k, "container.create", REQUEST));
	check(k);
}

void conform_policy_points(struct kit *k)
{
	int64_t changed;

	KIT_OK(k, call_points(k, &GANTRY_POLICY_POINTS_ARGS()));
	changed = reply_integer(&k->reply, GANTRY_POLICY_POINTS_RET_CHANGED, -1);
	KIT_OK(k, call_points(k, &GANTRY_POLICY_POINTS_ARGS()));
	KIT_TRUE(k, reply_integer(&k->reply, GANTRY_POLICY_POINTS_RET_CHANGED, -1) == changed,
		 "`changed` differs, though nothing did");
}

static int enable(struct kit *k, const char *text)
{
	return call_enable(k, &GANTRY_POLICY_ENABLE_ARGS(.name = NAME, .text = text));
}

void conform_policy_evaluate(struct kit *k)
{
	life(k, "one");
	/* Where there is something to ask, a request that cannot be read is not allowed. */
	if (kit_has(k, GANTRY_POLICY_OP_ENABLE)) {
		KIT_OK(k, enable(k, SCRIPT));
	}
	if (evaluate(k, "container.create", "{\"object\":") == 0) {
		KIT_TRUE(k, !strcmp(reply_string(&k->reply, GANTRY_POLICY_EVALUATE_RET_DECISION), "deny"),
			 "a request that is no JSON is allowed");
	}
}

void conform_policy_enable(struct kit *k)
{
	KIT_NEEDS(k, GANTRY_POLICY_OP_ENABLE);
	KIT_TRUE(k, enable(k, "this is no script (") < 0, "what is no script is put in force");
	KIT_OK(k, enable(k, SCRIPT));
	life(k, "enabled");
}

void conform_policy_disable(struct kit *k)
{
	KIT_NEEDS(k, GANTRY_POLICY_OP_DISABLE);
	(void)KIT_IS(k, call_disable(k, &GANTRY_POLICY_DISABLE_ARGS(.name = "absent")), GANTRY_ERR_NOT_FOUND);
	KIT_OK(k, enable(k, SCRIPT));
	KIT_OK(k, call_disable(k, &GANTRY_POLICY_DISABLE_ARGS(.name = NAME)));
}

void conform_policy_show(struct kit *k)
{
	KIT_NEEDS(k, GANTRY_POLICY_OP_SHOW);
	(void)KIT_IS(k, call_show(k, &GANTRY_POLICY_SHOW_ARGS(.name = "absent")), GANTRY_ERR_NOT_FOUND);
	KIT_OK(k, enable(k, SCRIPT));
	KIT_OK(k, call_show(k, &GANTRY_POLICY_SHOW_ARGS(.name = NAME)));
	KIT_TRUE(k, !strcmp(reply_string(&k->reply, GANTRY_POLICY_SHOW_RET_TEXT), SCRIPT), "the script was changed");
}

void conform_policy_list(struct kit *k)
{
	KIT_NEEDS(k, GANTRY_POLICY_OP_LIST);
	KIT_OK(k, enable(k, SCRIPT));
	KIT_OK(k, call_list(k, &GANTRY_POLICY_LIST_ARGS()));
	KIT_TRUE(k, strstr(reply_string(&k->reply, GANTRY_POLICY_LIST_RET_POLICIES), NAME), "an enabled policy is not listed");
}

void conform_policy_reload(struct kit *k)
{
	KIT_NEEDS(k, GANTRY_POLICY_OP_RELOAD);
	KIT_OK(k, call_reload(k, &GANTRY_POLICY_RELOAD_ARGS()));
}

void conform_policy_test(struct kit *k)
{
	KIT_NEEDS(k, GANTRY_POLICY_OP_TEST);
	KIT_OK(k, call_test(k, &GANTRY_POLICY_TEST_ARGS(.name = NAME, .text = SCRIPT)));
}

void conform_policy_check(struct kit *k)
{
	KIT_NEEDS(k, GANTRY_POLICY_OP_CHECK);
	KIT_OK(k, call_check(k, &GANTRY_POLICY_CHECK_ARGS(.name = NAME, .text = SCRIPT)));
	KIT_TRUE(k, reply_string(&k->reply, GANTRY_POLICY_CHECK_RET_FINDINGS)[0] == '[', "findings is no JSON array");
}

void conform_policy_replay(struct kit *k)
{
	KIT_NEEDS(k, GANTRY_POLICY_OP_REPLAY);
	KIT_OK(k, call_replay(k, &GANTRY_POLICY_REPLAY_ARGS(.name = NAME, .text = SCRIPT)));
}

void conform_policy_bench(struct kit *k)
{
	KIT_NEEDS(k, GANTRY_POLICY_OP_BENCH);
	KIT_OK(k, call_bench(k, &GANTRY_POLICY_BENCH_ARGS(.name = NAME, .text = SCRIPT, .rounds = 10)));
}

void conform_policy_audit(struct kit *k)
{
	KIT_NEEDS(k, GANTRY_POLICY_OP_AUDIT);
	life(k, "audited");
	KIT_OK(k, call_audit(k, &GANTRY_POLICY_AUDIT_ARGS(.tail = 5)));
	KIT_TRUE(k, reply_integer(&k->reply, GANTRY_POLICY_AUDIT_RET_BAD_LINE, 1) == 0, "the audit log is not sound");
}

const struct kit_kind kit_policy = {
	.kind = "policy",
	.operations = conform_policy_operations,
	.life = life,
	.recover = life,
	.may_keep = 8 << 20, /* decisions are recorded */
};
