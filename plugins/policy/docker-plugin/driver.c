/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy/docker-plugin: authorization plugins that speak Docker's plugin protocol, version
 * 1.  A plugin sees the request as it will be executed, its whole body with it, and the
 * answer as it will be sent; what it cannot be shown the engine refuses by itself.
 */
#include <stdlib.h>
#include <string.h>

#include <gantry/plugin.h>
#include <gantry/policy.h>

#include "helpers/base64.h"
#include "helpers/buf.h"
#include "helpers/cleanup.h"
#include "helpers/docker_plugin.h"
#include "helpers/error.h"

#define INTERFACE "authz"

struct adaptor {
	struct docker_plugin *plugin;
	int peer_user; /* tell the names of users of a Unix socket */
};

static int docker_points(void *self, const struct gantry_policy_points_args *args,
			 struct gantry_reply *reply, struct gantry_error *err)
{
	int r = gantry_policy_points_add_point(reply, "api.authenticated");

	if (r == 0) {
		r = gantry_policy_points_add_point(reply, "api.answer");
	}
	if (r == 0) {
		r = gantry_policy_points_add_detail(reply, "headers");
	}
	if (r == 0) {
		r = gantry_policy_points_add_detail(reply, "every_answer");
	}
	if (r == 0) {
		r = gantry_policy_points_set_changed(reply, 0);
	}
	return r < 0 ? error_no_memory(err) : 0;
}

/* "content-type" -> "Content-Type", as Go's programs spell headers. */
static void canonical(char *name)
{
	int first = 1;

	for (; *name; name++) {
		if (first && *name >= 'a' && *name <= 'z') {
			*name = (char)(*name - 'a' + 'A');
		}
		first = *name == '-';
	}
}

static void add_headers(struct json_object *from, struct json_object *to)
{
	struct json_object *headers = json_object_new_object();

	if (from) {
		json_object_object_foreach(from, key, value)
		{
			auto_free char *name = strdup(key);

			if (name) {
				canonical(name);
				json_set(headers, name, json_object_get(value));
			}
		}
	}
	json_set(to, "RequestHeaders", headers);
}

/* Docker tells the common name of a client's certificate, and nothing of other clients. */
static void add_user(const struct adaptor *a, struct json_object *who, struct json_object *to)
{
	const char *auth = json_get_string(who, "auth"), *user = json_get_string(who, "user");
	int is_tls = auth && !strcmp(auth, "tls");
	int told = user && (is_tls || (a->peer_user && auth && strcmp(auth, "none")));

	json_set_string(to, "User", told ? user : "");
	json_set_string(to, "UserAuthNMethod", !told ? "" : is_tls ? "TLS" : auth);
}

static int add_body(struct json_object *body, const char *key, struct json_object *to,
		    struct gantry_error *err)
{
	const char *text = body ? json_text(body) : NULL;
	auto_(buf) struct buf encoded = BUF_INIT;

	if (!text) {
		return 0;
	}
	base64_encode(text, strlen(text), &encoded);
	return buf_failed(&encoded) || json_set_string(to, key, buf_str(&encoded)) < 0
		       ? error_no_memory(err)
		       : 0;
}

static int describe(const struct adaptor *a, struct json_object *request, int is_answer,
		    struct json_object *to, struct gantry_error *err)
{
	struct json_object *object = json_get_object(request, "object");
	const char *path = json_get_string(object, "Path"), *query = json_get_string(object, "Query");
	auto_(buf) struct buf uri = BUF_INIT;
	int r;

	buf_addf(&uri, "%s%s%s", path ? path : "", query && *query ? "?" : "", query ? query : "");
	if (buf_failed(&uri)) {
		return error_no_memory(err);
	}
	add_user(a, json_get_object(request, "who"), to);
	json_set_string(to, "RequestMethod", json_get_string(object, "Method"));
	json_set_string(to, "RequestURI", buf_str(&uri));
	add_headers(json_get_object(object, "Headers"), to);
	r = add_body(json_get(object, "Body"), "RequestBody", to, err);
	if (r == 0 && is_answer) {
		json_set_int(to, "ResponseStatusCode", json_get_int(object, "Status", 200));
		r = add_body(json_get(request, "answer"), "ResponseBody", to, err);
	}
	return r;
}

static int decide(const struct adaptor *a, struct json_object *answer, struct gantry_reply *reply,
		  struct gantry_error *err)
{
	const char *why = json_get_string(answer, "Msg");
	struct json_object *allow = json_get(answer, "Allow");
	auto_(buf) struct buf reason = BUF_INIT;
	int r;

	if (!json_object_is_type(allow, json_type_boolean)) {
		return error_set(err, GANTRY_ERR_CORRUPT, "plugin %s neither allows nor denies",
				 docker_plugin_name(a->plugin));
	}
	if (json_object_get_boolean(allow)) {
		r = gantry_policy_evaluate_set_decision(reply, "allow");
		return r < 0 ? error_no_memory(err) : 0;
	}
	buf_addf(&reason, "authorization denied by plugin %s: %.600s", docker_plugin_name(a->plugin),
		 why ? why : "");
	r = gantry_policy_evaluate_set_decision(reply, "deny");
	if (r == 0) {
		r = gantry_policy_evaluate_set_reason(reply, buf_str(&reason));
	}
	return r < 0 ? error_no_memory(err) : 0;
}

static int docker_evaluate(void *self, const struct gantry_policy_evaluate_args *args,
			   struct gantry_reply *reply, struct gantry_error *err)
{
	auto_json struct json_object *request = NULL, *answer = NULL;
	auto_json struct json_object *to = json_object_new_object();
	const struct adaptor *a = self;
	int is_answer = !strcmp(args->point, "api.answer");
	int r = to ? json_parse_object(args->request, "request", &request, err) : error_no_memory(err);

	if (r == 0) {
		r = describe(a, request, is_answer, to, err);
	}
	if (r == 0) {
		r = docker_plugin_call(a->plugin, is_answer ? "AuthZPlugin.AuthZRes" : "AuthZPlugin.AuthZReq",
				       to, DOCKER_PLUGIN_DECIDE, &answer, err);
	}
	return r < 0 ? r : decide(a, answer, reply, err);
}

static int docker_discover(const char *config, const char *name, struct gantry_reply *reply,
			   struct gantry_error *err)
{
	return docker_plugin_discover(config, INTERFACE, 0, name, reply, err);
}

static void docker_close(void *self)
{
	struct adaptor *a = self;

	docker_plugin_free(a->plugin);
	free(a);
}

static int docker_open(const struct gantry_host *host, const char *config, void **ret_self,
		       struct gantry_error *err)
{
	auto_json struct json_object *o = NULL;
	struct adaptor *a = calloc(1, sizeof(*a));
	int r = a ? docker_plugin_new(config, INTERFACE, &a->plugin, err) : error_no_memory(err);

	if (r == 0) {
		r = json_parse_object(config, "the adaptor's configuration", &o, err);
	}
	if (r < 0) {
		if (a) {
			docker_close(a);
		}
		return r;
	}
	a->peer_user = json_get_bool(o, "peer_user", 0);
	*ret_self = a;
	return 0;
}

static const struct gantry_policy_ops ops = {
	.struct_size = sizeof(ops),
	.points = docker_points,
	.evaluate = docker_evaluate,
};

static const struct gantry_config_key keys[] = {
	DOCKER_PLUGIN_CONFIG,
	{ "peer_user", GANTRY_TYPE_BOOLEAN, 0, "false",
	  "tell plugins the user names of clients on Unix sockets, which Docker does not" },
	{ NULL, 0, 0, NULL, NULL },
};

static const struct gantry_driver driver = {
	.size = sizeof(driver),
	.threads = GANTRY_THREADS_PARALLEL,
	.kind = "policy",
	.name = "docker-plugin",
	.summary = "Docker's authorization plugins, found in /run/docker/plugins and by .spec files",
	.ops = &ops,
	.config = keys,
	.open = docker_open,
	.close = docker_close,
	.discover = docker_discover,
};

GANTRY_PLUGIN(.name = "policy-docker-plugin", .version = "0.1.0", .licence = "Apache-2.0",
	      .drivers = (const struct gantry_driver *const[]){ &driver, NULL },
	      .permissions = (const char *const[]){ DOCKER_PLUGIN_PERMISSIONS, NULL });
