/* SPDX-License-Identifier: Apache-2.0 */
/* Drivers are asked on the request's thread; nothing is kept between requests. */
#include <stdlib.h>
#include <string.h>

#include <gantry/calls.h>

#include "core/auth/auth.h"
#include "core/engine/engine.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"

static void take_identity(const struct reply *reply, struct json_object *who)
{
	const char *const *group = reply_list(reply, GANTRY_AUTH_IDENTIFY_RET_GROUPS);
	struct json_object *groups = json_object_new_array();

	for (; group && *group; group++) {
		json_add_string(groups, *group);
	}
	json_set(who, "groups", groups);
	json_set_string(who, "user", reply_string(reply, GANTRY_AUTH_IDENTIFY_RET_USER));
	json_set_string(who, "auth", reply_string(reply, GANTRY_AUTH_IDENTIFY_RET_AUTH));
	if (reply_integer(reply, GANTRY_AUTH_IDENTIFY_RET_ADMINISTRATOR, 0)) {
		json_set_bool(who, "administrator", 1);
	}
}

static int refused(const struct reply *reply, char **ret_challenge, struct gantry_error *err)
{
	const char *reason = reply_string(reply, GANTRY_AUTH_IDENTIFY_RET_REASON);
	const char *challenge = reply_string(reply, GANTRY_AUTH_IDENTIFY_RET_CHALLENGE);

	*ret_challenge = challenge ? strdup(challenge) : NULL;
	return error_set(err, GANTRY_ERR_UNAUTHORIZED, "%s", reason ? reason : "who are you?");
}

static int is_looking(const char *method)
{
	return !strcmp(method, "GET") || !strcmp(method, "HEAD");
}

/* 1: known; 0: the next may know. */
static int ask(struct core *core, const char *name, const struct gantry_api_handle_args *request,
	       struct json_object *who, char **ret_challenge, struct gantry_error *err)
{
	auto_(reply) struct reply reply = REPLY_INIT;
	struct driver *driver;
	const char *decision;
	int r = registry_get(core->registry, "auth", name, &driver, err);

	if (r == 0) {
		r = auth_identify(driver, &GANTRY_AUTH_IDENTIFY_ARGS(.peer = request->peer,
				       .headers = request->headers, .method = request->method,
				       .target = request->target), &reply, err);
	}
	if (r < 0) {
		error_prefix(err, "auth driver %s cannot say who asks", name);
		return err->code = GANTRY_ERR_UNAUTHORIZED;
	}
	decision = reply_string(&reply, GANTRY_AUTH_IDENTIFY_RET_DECISION);
	if (decision && !strcmp(decision, "unknown")) {
		return 0;
	}
	if (!decision || strcmp(decision, "known")) {
		return refused(&reply, ret_challenge, err);
	}
	take_identity(&reply, who);
	if (reply_integer(&reply, GANTRY_AUTH_IDENTIFY_RET_READ_ONLY, 0) &&
	    !is_looking(request->method)) {
		return error_set(err, GANTRY_ERR_PERMISSION, "%s may only look, not change anything",
				 json_get_string(who, "user") ? json_get_string(who, "user") : "this user");
	}
	return 1;
}

int auth_who(struct core *core, const struct gantry_api_handle_args *request,
		  struct json_object **ret_who, char **ret_challenge, struct gantry_error *err)
{
	struct json_object *drivers = config_list(core->config, "auth.drivers");
	auto_json struct json_object *who = NULL;
	int known = 0;
	int r;

	*ret_who = NULL;
	*ret_challenge = NULL;
	if (!request->peer || !*request->peer) {
		return 0;
	}
	r = json_parse_object(request->peer, "peer", &who, err);
	for (size_t i = 0; r == 0 && !known && i < json_array_size(drivers); i++) {
		r = ask(core, json_item_string(drivers, i), request, who, ret_challenge, err);
		known = r > 0;
		r = r > 0 ? 0 : r;
	}
	if (r < 0) {
		return r;
	}
	if (!known && !config_bool(core->config, "auth.anonymous")) {
		error_set(err, GANTRY_ERR_UNAUTHORIZED, "nobody knows who you are, and auth.anonymous is off");
		return err->code;
	}
	if (!known) {
		json_set_string(who, "auth", "none");
	}
	*ret_who = steal(&who);
	return 0;
}
