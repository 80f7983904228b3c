/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The points around a whole request of the Engine API: api.request,
 * api.authenticated and api.answer.  Hooks see the body parsed, as the api driver
 * will parse it; a body of JSON that cannot be shown in full is refused.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/auth/auth.h"
#include "core/engine/engine.h"
#include "core/policy/internal.h"
#include "helpers/buf.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"

static int is_json(struct json_object *headers)
{
	const char *type = json_get_string(headers, "content-type");

	return type && strncasecmp(type, "application/json", 16) == 0;
}

/* Could whoever serves the request read its body as JSON? Also without a type. */
static int may_be_json(struct json_object *headers)
{
	const char *type = json_get_string(headers, "content-type");

	return !type || !*type || is_json(headers);
}

static int add_body(const struct gantry_api_handle_args *request, struct json_object *object,
		    struct gantry_error *err)
{
	auto_json struct json_object *headers = NULL;
	struct json_object *body;
	int r = json_parse_object(request->headers, "headers", &headers, err);

	if (r < 0) {
		return r;
	}
	if (request->body_stream >= 0) {
		json_set_bool(object, "BodyStream", 1);
		if (!may_be_json(headers)) {
			return 0;
		}
		error_set(err, GANTRY_ERR_DENIED, "policy cannot be shown the whole body of this request, "
			  "so it is refused");
		return error_hint(err, "send at most 4 MiB with a Content-Length; what is no JSON says so in "
				  "its Content-Type");
	}
	if (request->body.size == 0) {
		return 0;
	}
	r = json_parse(request->body.data, request->body.size, "body", &body, err);
	if (r == 0) {
		json_set(object, "Body", body);
	}
	/* What is no JSON is not for hooks, unless it claims to be. */
	if (r < 0 && !is_json(headers)) {
		error_clear(err);
		return 0;
	}
	return r;
}

/* The headers but those that carry secrets. */
static int add_headers(const struct gantry_api_handle_args *request, struct json_object *object,
		       struct gantry_error *err)
{
	static const char *const secret[] = { "authorization", "x-registry-auth", "x-registry-config",
					      "x-api-key", "cookie" };
	struct json_object *headers;
	int r = json_parse_object(request->headers, "headers", &headers, err);

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(secret); i++) {
		json_object_object_del(headers, secret[i]);
	}
	return r < 0 ? r : json_set(object, "Headers", headers);
}

static int describe(struct policy *policy, const struct gantry_api_handle_args *request,
		    struct json_object **ret, struct gantry_error *err)
{
	size_t path = strcspn(request->target, "?");
	struct json_object *object = json_object_new_object();
	auto_free char *text = strndup(request->target, path);
	int r;

	if (!object || !text) {
		json_object_put(object);
		return error_no_memory(err);
	}
	json_set_string(object, "Method", request->method);
	json_set_string(object, "Path", text);
	json_set_string(object, "Query", request->target[path] ? request->target + path + 1 : "");
	r = add_body(request, object, err);
	if (r == 0 && atomic_load(&policy->headers)) {
		r = add_headers(request, object, err);
	}
	if (r < 0) {
		json_object_put(object);
		return r;
	}
	*ret = object;
	return 0;
}

/* {"message": ...} with the status of a refusal. */
static int put_refusal(struct reply *ret, const struct gantry_error *err, const char *challenge)
{
	auto_json struct json_object *body = json_object_new_object();
	auto_json struct json_object *headers = json_object_new_object();
	int status = err->code == GANTRY_ERR_INVALID	    ? 400
		     : err->code == GANTRY_ERR_UNAUTHORIZED ? 401
							    : 403;
	const char *text;

	json_set_string(body, "message", err->message);
	json_set_string(headers, "content-type", "application/json");
	json_set_string(headers, "www-authenticate", challenge);
	text = json_text(body);
	reply_done(ret);
	ret->base.ops->put_integer(&ret->base, GANTRY_API_HANDLE_RET_STATUS, status);
	ret->base.ops->put_string(&ret->base, GANTRY_API_HANDLE_RET_HEADERS, json_text(headers));
	return ret->base.ops->put_bytes(&ret->base, GANTRY_API_HANDLE_RET_BODY, text, strlen(text));
}

/* The request that the hooks left: *text holds what *changed borrows. */
static void use_rewritten(const struct gantry_api_handle_args *request, struct json_object *object,
			  struct buf *target, struct gantry_api_handle_args *changed)
{
	const char *query = json_get_string(object, "Query");
	struct json_object *body = json_get(object, "Body");

	*changed = *request;
	buf_adds(target, json_get_string(object, "Path") ? json_get_string(object, "Path") : "/");
	if (query && *query) {
		buf_addf(target, "?%s", query);
	}
	changed->target = buf_str(target);
	if (body) {
		changed->body.data = json_text(body);
		changed->body.size = strlen(changed->body.data);
	}
}

static int rewrite_answer(struct policy *policy, struct json_object *object, struct reply *ret,
			  struct gantry_error *err)
{
	struct gantry_bytes body = reply_bytes(ret, GANTRY_API_HANDLE_RET_BODY);
	struct reply_value *value = &ret->values[GANTRY_API_HANDLE_RET_BODY];
	struct gantry_error ignored = GANTRY_ERROR_INIT;
	struct json_object *answer = NULL, *result = NULL;
	int64_t status = reply_integer(ret, GANTRY_API_HANDLE_RET_STATUS, 0);
	char *text;
	int r;

	if ((status >= 200 && status <= 299) || atomic_load(&policy->every_answer)) {
		(void)(body.size && json_parse(body.data, body.size, "answer", &answer, &ignored));
	}
	if (!answer && !atomic_load(&policy->every_answer)) {
		return 0;
	}
	json_set_int(object, "Status", status);
	r = ask_full(policy, POLICY_API_ANSWER, NULL, json_object_get(object), answer, NULL, &result, err);
	if (r < 0 || !result) {
		return r;
	}
	text = strdup(json_text(result));
	json_object_put(result);
	if (!text) {
		return error_no_memory(err);
	}
	free(value->data);
	value->data = text;
	value->size = strlen(text);
	return 0;
}

/* A point before the request is served; *object is replaced. */
static int ask_before(struct policy *policy, enum policy_at at, struct json_object **object,
		      struct gantry_error *err)
{
	struct json_object *result = NULL;
	int r;

	if (!policy_wants(policy, at)) {
		return 0;
	}
	r = policy_ask(policy, at, NULL, json_object_get(*object), &result, err);
	if (r == 0) {
		json_object_put(*object);
		*object = result;
	}
	return r;
}

/* Between the hooks that want it; who asks is known. */
static int serve_asked(struct core *core, struct policy *policy, const char *api,
		       const struct gantry_api_handle_args *request, struct json_object **object,
		       policy_serve_fn serve, struct reply *ret, struct gantry_error *err)
{
	auto_(buf) struct buf target = BUF_INIT;
	struct gantry_error denial = GANTRY_ERROR_INIT;
	struct gantry_api_handle_args changed;
	int r = ask_before(policy, POLICY_API_AUTHENTICATED, object, &denial);

	if (r < 0) {
		return put_refusal(ret, &denial, NULL);
	}
	use_rewritten(request, *object, &target, &changed);
	r = serve(core, api, &changed, ret, err);
	if (r == 0 && policy_wants(policy, POLICY_API_ANSWER) &&
	    rewrite_answer(policy, *object, ret, &denial) < 0) {
		return put_refusal(ret, &denial, NULL);
	}
	return r;
}

/* Who owns the state and asks without a daemon can always manage policies: also when
 * one is broken, or refuses everything. */
static int is_own_management(const struct gantry_api_handle_args *request)
{
	const char *path = request->target;

	if (request->peer && *request->peer) {
		return 0;
	}
	if (!strncmp(path, "/v", 2) && path[2] >= '0' && path[2] <= '9') {
		path += 1 + strcspn(path + 1, "/");
	}
	return !strcmp(path, "/gantry/policy");
}

static int is_watched(struct policy *policy, const struct gantry_api_handle_args *request)
{
	return !is_own_management(request) &&
	       (policy_wants(policy, POLICY_API_REQUEST) ||
		policy_wants(policy, POLICY_API_AUTHENTICATED) || policy_wants(policy, POLICY_API_ANSWER));
}

int policy_handle(struct core *core, struct policy *policy, const char *api,
		  const struct gantry_api_handle_args *request, policy_serve_fn serve,
		  struct reply *ret, struct gantry_error *err)
{
	struct gantry_error refusal = GANTRY_ERROR_INIT;
	auto_json struct json_object *object = NULL;
	auto_json struct json_object *who = NULL;
	auto_free char *challenge = NULL;
	struct json_object *before;
	int watched = is_watched(policy, request);
	int r = 0;

	if (watched) {
		r = describe(policy, request, &object, &refusal);
		r = r < 0 ? r : ask_before(policy, POLICY_API_REQUEST, &object, &refusal);
	}
	if (r == 0) {
		r = auth_who(core, request, &who, &challenge, &refusal);
	}
	if (r < 0) {
		return put_refusal(ret, &refusal, challenge);
	}
	before = set_asking(who);
	r = watched ? serve_asked(core, policy, api, request, &object, serve, ret, err) :
		      serve(core, api, request, ret, err);
	set_asking(before);
	return r;
}
