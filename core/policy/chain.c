/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The drivers of policy.drivers, which decide after the managed one.  Their number and
 * order are the configuration's; what each wants is read with the managed driver's points.
 */
#include <string.h>

#include <gantry/calls.h>

#include "core/engine/engine.h"
#include "core/policy/internal.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"

static size_t n_links(const struct policy *policy)
{
	return json_array_size(config_list(policy->core->config, "policy.drivers"));
}

static const char *link_name(const struct policy *policy, size_t i)
{
	return json_item_string(config_list(policy->core->config, "policy.drivers"), i);
}

static void read_details(struct policy *policy, const struct reply *reply)
{
	const char *const *name = reply_list(reply, GANTRY_POLICY_POINTS_RET_DETAIL);

	for (; *name; name++) {
		if (!strcmp(*name, "usage")) {
			atomic_store(&policy->usage, 1);
		} else if (!strcmp(*name, "headers")) {
			atomic_store(&policy->headers, 1);
		} else if (!strcmp(*name, "every_answer")) {
			atomic_store(&policy->every_answer, 1);
		}
	}
}

static unsigned look_at(struct policy *policy, struct policy_link *link, const char *name)
{
	auto_(reply) struct reply reply = REPLY_INIT;
	struct gantry_error ignored = GANTRY_ERROR_INIT;
	struct driver *driver = NULL;
	const char *const *point;
	unsigned wanted = 0;

	if (registry_get(policy->core->registry, "policy", name, &driver, &ignored) < 0 ||
	    policy_points(driver, &GANTRY_POLICY_POINTS_ARGS(), &reply, &ignored) < 0) {
		wanted = ~0u;
	}
	for (point = reply_list(&reply, GANTRY_POLICY_POINTS_RET_POINT); *point; point++) {
		for (unsigned i = 0; i < POLICY_AT_COUNT; i++) {
			wanted |= (unsigned)!strcmp(*point, policy_names[i]) << i;
		}
	}
	read_details(policy, &reply);
	atomic_store(&link->driver, driver);
	atomic_store(&link->wanted, wanted);
	return wanted;
}

unsigned chain_look(struct policy *policy)
{
	size_t n = n_links(policy);
	unsigned wanted = n > POLICY_LINKS ? ~0u : 0;

	for (size_t i = 0; i < n && i < POLICY_LINKS; i++) {
		wanted |= look_at(policy, &policy->links[i], link_name(policy, i));
	}
	return wanted;
}

/* Why a driver cannot be had; it says so anew, since that may change. */
static int cannot_ask(struct policy *policy, const char *name, struct gantry_error *err)
{
	struct driver *driver;

	if (registry_get(policy->core->registry, "policy", name, &driver, err) == 0) {
		error_set(err, GANTRY_ERR_UNAVAILABLE, "it was not ready a moment ago");
	}
	error_prefix(err, "policy driver %s cannot be asked, so the request is refused", name);
	return err->code = GANTRY_ERR_DENIED;
}

int chain_evaluate(struct policy *policy, enum policy_at at, struct json_object *request,
		   struct json_object **object, struct json_object **answer,
		   struct gantry_error *err)
{
	size_t n = n_links(policy);

	if (n > POLICY_LINKS) {
		return error_set(err, GANTRY_ERR_DENIED, "policy.drivers lists more than %d drivers, so the "
				 "request is refused", POLICY_LINKS);
	}
	for (size_t i = 0; i < n; i++) {
		struct policy_link *link = &policy->links[i];
		struct driver *driver = atomic_load(&link->driver);
		int r;

		if (!((atomic_load(&link->wanted) >> at) & 1)) {
			continue;
		}
		if (!driver) {
			return cannot_ask(policy, link_name(policy, i), err);
		}
		/* Each sees what the one before made of it. */
		json_set(request, "object", json_object_get(*object));
		if (answer) {
			json_set(request, "answer", json_object_get(*answer));
		}
		r = policy_ask_driver(driver, policy_names[at], request, object, answer, err);
		if (r < 0) {
			return r;
		}
	}
	return 0;
}
