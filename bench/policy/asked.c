/* SPDX-License-Identifier: Apache-2.0 */
/* A decision as the engine asks for it: the request written as text, the driver called
 * through the loader, which records it, and its answer read. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <gantry/calls.h>

#include "bench/policy/asked.h"
#include "core/plugin/native.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "helpers/json.h"
#include "tests/unit/fake_host.h"

static int64_t used_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

static void die(const struct gantry_error *err)
{
	fprintf(stderr, "%s\n", err->message);
	exit(1);
}

/* The time that writing the request, asking and reading takes. */
static int64_t ask(struct driver *driver, json_object *request)
{
	auto_(reply) struct reply reply = REPLY_INIT;
	struct gantry_error err = GANTRY_ERROR_INIT;
	json_object *copy = NULL;
	int64_t start;

	json_object_deep_copy(request, &copy, NULL); /* which has no text of an earlier round */
	start = used_ns();
	if (policy_evaluate(driver, &GANTRY_POLICY_EVALUATE_ARGS(.point = "container.create",
			    .request = json_text(copy)), &reply, &err) < 0) {
		die(&err);
	}
	start = used_ns() - start;
	json_object_put(copy);
	return start;
}

double asked_ns(const char *script, const char *request_text, int rounds)
{
	struct gantry_error err = GANTRY_ERROR_INIT;
	struct fake_host *host = fake_host_new();
	struct native_plugin *plugin = NULL;
	struct driver *driver = NULL;
	json_object *request = json_tokener_parse(request_text);
	auto_(reply) struct reply reply = REPLY_INIT;
	int64_t spent = 0;

	if (native_plugin_load("plugins/policy/lua/lua.so", &plugin, &err) < 0 ||
	    native_driver_open(plugin, "policy", "lua", fake_host_get(host),
			       "{\"deadline_ms\":9000,\"budget_ms\":9000}", &driver, &err) < 0 ||
	    policy_enable(driver, &GANTRY_POLICY_ENABLE_ARGS(.name = "bench", .text = script), &reply,
			  &err) < 0) {
		die(&err);
	}
	for (int i = 0; i < rounds / 10; i++) {
		(void)ask(driver, request);
	}
	for (int i = 0; i < rounds; i++) {
		spent += ask(driver, request);
	}
	json_object_put(request);
	driver_free(driver);
	native_plugin_unref(plugin);
	fake_host_free(host);
	return (double)spent / rounds;
}
