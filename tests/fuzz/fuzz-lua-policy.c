/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bindings of policies.  An input is a script, a NUL, and a request as JSON; the
 * request passes every point at which the script has a hook.  A denial has a reason, a
 * rewrite is an object that can be written and read again, and the request that was
 * handed in is as it was.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "helpers/buf.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "helpers/json.h"
#include "lua/policy/fakes.h"
#include "lua/policy/policy.h"
#include "lua/sandbox/services.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int get_services(void *ctx, const char *script, const char *const *needs,
			struct services *ret, struct gantry_error *err)
{
	(void)script;
	(void)needs;
	(void)err;
	fakes_services(ctx, ret);
	return 0;
}

static void check_value(json_object *value)
{
	struct gantry_error err = GANTRY_ERROR_INIT;
	auto_json json_object *again = NULL;
	const char *text;

	if (!value) {
		return;
	}
	text = json_text(value);
	if (json_parse(text, strlen(text), "rewritten", &again, &err) < 0) {
		abort();
	}
}

static void decide(struct policy_set *set, json_object *request)
{
	auto_free char *before = strdup(json_text(request));

	for (int i = 0; policy_points[i].name; i++) {
		struct gantry_error err = GANTRY_ERROR_INIT;
		struct policy_decision decision;

		if (policy_evaluate(set, i, request, &decision, &err) == 0) {
			if (decision.denied && (!decision.reason[0] || !decision.hook[0])) {
				abort();
			}
			check_value(decision.object);
			check_value(decision.answer);
			check_value(decision.changes);
			policy_decision_done(&decision);
		}
		if (strcmp(before, json_text(request))) {
			abort();
		}
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *end = memchr(data, 0, size);
	size_t len = end ? (size_t)(end - data) : size;
	struct gantry_error err = GANTRY_ERROR_INIT;
	struct policy_script *script = NULL;
	struct policy_set *set = NULL;
	json_object *request = NULL;
	struct fakes fakes;
	struct policy_config config = {
		.limits = { .memory_bytes = 4 << 20, .deadline_ns = 10000000, .budget_ns = 40000000 },
		.get_services = get_services, .ctx = &fakes,
	};

	fakes_init(&fakes);
	if (json_parse(end ? (const char *)end + 1 : "{}", end ? size - len - 1 : 2, "request", &request,
		       &err) == 0 &&
	    json_object_is_type(request, json_type_object) &&
	    policy_script_load(&config, "fuzz", (const char *)data, len, &script, &err) == 0 &&
	    policy_set_new(&config, &script, 1, &set, &err) == 0) {
		decide(set, request);
	}
	policy_set_unref(set);
	policy_script_unref(script);
	json_object_put(request);
	fakes_done(&fakes);
	return 0;
}
