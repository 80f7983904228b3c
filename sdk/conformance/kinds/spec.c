/* SPDX-License-Identifier: Apache-2.0 */
/* What every spec driver does: a specification that asks for nothing comes back sound. */
#include <string.h>

#include <conformance/spec.h>

#include "helpers/json.h"

#define CONTAINER "{\"Id\":\"0123456789ab\",\"Name\":\"/kit\",\"HasBindMounts\":false}"
#define SPEC "{\"ociVersion\":\"1.0.2\",\"process\":{\"args\":[\"true\"],\"cwd\":\"/\"},\"root\":{\"path\":\"rootfs\"}}"

static const char *const none[] = { NULL };
static const char *const absent[] = { "conformance.invalid/nothing=none", NULL };

static int apply(struct kit *k, const char *const *devices)
{
	return call_apply(k, &GANTRY_SPEC_APPLY_ARGS(.container = CONTAINER, .devices = devices, .spec = SPEC));
}

static void life(struct kit *k, const char *id)
{
	auto_json struct json_object *o = NULL;
	const char *spec;

	(void)id;
	KIT_OK(k, apply(k, none));
	spec = reply_string(&k->reply, GANTRY_SPEC_APPLY_RET_SPEC);
	KIT_TRUE(k, !spec || (json_parse_object(spec, "spec", &o, &k->err) == 0 && json_get(o, "process")),
		 "apply returned a specification without a process: %.200s", spec);
}

void conform_spec_check(struct kit *k)
{
	KIT_NEEDS(k, GANTRY_SPEC_OP_CHECK);
	KIT_OK(k, call_check(k, &GANTRY_SPEC_CHECK_ARGS(.devices = none)));
	/* What check lets pass, apply takes. */
	if (call_check(k, &GANTRY_SPEC_CHECK_ARGS(.devices = absent)) == 0) {
		KIT_OK(k, apply(k, absent));
	}
}

void conform_spec_apply(struct kit *k)
{
	life(k, "one");
	KIT_TRUE(k, call_apply(k, &GANTRY_SPEC_APPLY_ARGS(.container = CONTAINER, .devices = none, .spec = "{\"process\":")) <
			    0 || !reply_string(&k->reply, GANTRY_SPEC_APPLY_RET_SPEC),
		 "a specification that is no JSON comes back as one");
}

void conform_spec_list(struct kit *k)
{
	KIT_NEEDS(k, GANTRY_SPEC_OP_LIST);
	KIT_OK(k, call_list(k, &GANTRY_SPEC_LIST_ARGS()));
}

const struct kit_kind kit_spec = {
	.kind = "spec",
	.operations = conform_spec_operations,
	.life = life,
	.recover = life,
};
