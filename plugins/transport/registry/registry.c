/* SPDX-License-Identifier: Apache-2.0 */
/* The driver: configuration, opening, login. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "helpers/json.h"
#include "registry.h"

static const struct gantry_config_key config_keys[] = {
	{ "insecure_registries", GANTRY_TYPE_LIST, 0, NULL,
	  "HOST[:PORT] that may be reached by plain http or with any certificate" },
	{ "mirrors", GANTRY_TYPE_LIST, 0, NULL,
	  "HOST=URL: ask URL before HOST when pulling; several are tried in order" },
	{ "endpoints", GANTRY_TYPE_LIST, 0,
	  "docker.io=registry-1.docker.io,index.docker.io=registry-1.docker.io",
	  "HOST=HOST[:PORT]: who serves the API of a registry that is known by another name" },
	{ "certs_dir", GANTRY_TYPE_STRING, 0, "/etc/gantry/certs.d",
	  "folder with HOST/ca.crt, HOST/client.cert and HOST/client.key" },
	{ "retries", GANTRY_TYPE_INTEGER, 0, "5", "how often a request that failed is repeated" },
	{ "retry_delay_ms", GANTRY_TYPE_INTEGER, 0, "500",
	  "pause before the first repetition; it doubles each time" },
	{ "stall_timeout_s", GANTRY_TYPE_INTEGER, 0, "60",
	  "a transfer in which nothing moves for so long is broken off" },
	{ "connect_timeout_s", GANTRY_TYPE_INTEGER, 0, "30", "how long connecting may take" },
	{ "push_chunk_mb", GANTRY_TYPE_INTEGER, 0, "0", "size of the parts of an upload; 0: one part" },
	{ 0 },
};

static int bounded(struct json_object *o, const char *key, int64_t fallback, int64_t low,
		   int64_t high, int64_t *ret, struct gantry_error *err)
{
	int64_t v = json_get_int(o, key, fallback);

	if (v < low || v > high)
		return error_set(err, GANTRY_ERR_INVALID,
				 "transport/registry: %s must be between %lld and %lld", key,
				 (long long)low, (long long)high);
	*ret = v;
	return 0;
}

static int parse_numbers(struct json_object *o, struct http_options *http, int64_t *ret_chunk,
			 struct gantry_error *err)
{
	int64_t chunk = 0;
	int r = bounded(o, "retries", 5, 0, 100, &http->retries, err);

	if (r == 0)
		r = bounded(o, "retry_delay_ms", 500, 1, 60000, &http->retry_delay_ms, err);
	if (r == 0)
		r = bounded(o, "stall_timeout_s", 60, 1, 3600, &http->stall_s, err);
	if (r == 0)
		r = bounded(o, "connect_timeout_s", 30, 1, 600, &http->connect_s, err);
	if (r == 0)
		r = bounded(o, "push_chunk_mb", 0, 0, 4096, &chunk, err);
	if (r == 0)
		*ret_chunk = chunk * 1024 * 1024;
	return r;
}

/* Each entry is HOST=WHERE. */
static int check_pairs(struct json_object *list, const char *what, const char *form,
		       struct gantry_error *err)
{
	for (size_t i = 0; i < json_array_size(list); i++) {
		const char *item = json_item_string(list, i), *equals = item ? strchr(item, '=') : NULL;

		if (!equals || equals == item || !equals[1])
			return error_set(err, GANTRY_ERR_INVALID,
					 "transport/registry: %s \"%.200s\" is not of the form %s", what,
					 item ? item : "", form);
	}
	return 0;
}

static int registry_check(const char *config, struct gantry_error *err)
{
	auto_json struct json_object *o = NULL;
	struct http_options http;
	int64_t chunk = 0;
	int r = json_parse_object(config, "the configuration of transport/registry", &o, err);

	if (r == 0)
		r = parse_numbers(o, &http, &chunk, err);
	if (r == 0)
		r = check_pairs(json_get_array(o, "mirrors"), "mirror", "HOST=URL", err);
	return r < 0 ? r : check_pairs(json_get_array(o, "endpoints"), "endpoint", "HOST=HOST[:PORT]", err);
}

static void registry_close_driver(void *self)
{
	struct registry *r = self;

	while (r->sessions)
		session_forget(r, r->sessions->id);
	json_object_put(r->insecure);
	json_object_put(r->mirrors);
	json_object_put(r->endpoints);
	free(r->certs_dir);
	pthread_mutex_destroy(&r->lock);
	free(r);
}

static int registry_open_driver(const struct gantry_host *host, const char *config, void **ret_self,
				struct gantry_error *err)
{
	auto_json struct json_object *o = NULL;
	struct registry *r;
	const char *certs;
	int code = json_parse_object(config, "the configuration of transport/registry", &o, err);

	if (code < 0)
		return code;
	r = calloc(1, sizeof(*r));
	if (!r)
		return error_no_memory(err);
	if (pthread_mutex_init(&r->lock, NULL) != 0) {
		free(r);
		return error_no_memory(err);
	}
	r->host = host;
	certs = json_get_string(o, "certs_dir");
	r->certs_dir = strdup(certs ? certs : "/etc/gantry/certs.d");
	r->insecure = json_object_get(json_get_array(o, "insecure_registries"));
	r->mirrors = json_object_get(json_get_array(o, "mirrors"));
	r->endpoints = json_object_get(json_get_array(o, "endpoints"));
	code = parse_numbers(o, &r->http, &r->chunk_bytes, err);
	if (code == 0 && !r->certs_dir)
		code = error_no_memory(err);
	if (code < 0) {
		registry_close_driver(r);
		return code;
	}
	r->http.certs_dir = r->certs_dir;
	*ret_self = r;
	return 0;
}

static int registry_open(void *self, const struct gantry_transport_open_args *args,
			 struct gantry_reply *reply, struct gantry_error *err)
{
	enum session_mode mode = !strcmp(args->mode, "push") ? SESSION_PUSH : SESSION_PULL;
	struct session *s;
	int r;

	if (mode == SESSION_PULL && strcmp(args->mode, "pull") != 0)
		return error_set(err, GANTRY_ERR_INVALID, "mode \"%.40s\" is neither pull nor push",
				 args->mode);
	r = session_open(self, args->location, mode, args->auth, args->options, &s, err);
	if (r < 0)
		return r;
	if (gantry_transport_open_set_session(reply, s->id) < 0) {
		session_forget(self, s->id);
		return error_no_memory(err);
	}
	return 0;
}

static int registry_close(void *self, const struct gantry_transport_close_args *args,
			  struct gantry_reply *reply, struct gantry_error *err)
{
	session_forget(self, args->session);
	return 0;
}

/* Asks for the API's root: the challenge says how to log in, and the second
 * answer whether it worked. */
static int login_at(struct session *s, struct endpoint *e, char **ret_identity,
		    struct gantry_error *err)
{
	auto_(http_response) struct http_response r = { 0 };
	struct http_request q = { .method = "GET", .url = "/v2/", .source = -1, .sink = -1,
				  .body_limit = 65536 };
	struct gantry_error ignored = GANTRY_ERROR_INIT;
	int code = session_request(s, e, &q, &r, err);

	if (code < 0)
		return code;
	if (r.status == 401) {
		error_set(err, GANTRY_ERR_UNAUTHORIZED, "registry %s refused the user name or password",
			  e->host);
		return error_hint(err, "some registries want an access token instead of the password");
	}
	if (r.status != 200)
		return session_status_error(s, e, &r, "login", err);
	pthread_mutex_lock(&e->lock);
	if (e->challenge.scheme == AUTH_BEARER && !e->credentials.identity_token)
		(void)auth_answer(s, e, ret_identity, &ignored);
	pthread_mutex_unlock(&e->lock);
	return 0;
}

int registry_login(void *self, const struct gantry_transport_login_args *args,
		   struct gantry_reply *reply, struct gantry_error *err)
{
	auto_free char *identity = NULL;
	struct session *s;
	int r = session_open(self, args->server, SESSION_LOGIN, args->auth, args->options, &s, err);

	if (r < 0)
		return r;
	if (credentials_are_empty(&session_origin(s)->credentials))
		r = error_set(err, GANTRY_ERR_INVALID, "a login needs a user name");
	else
		r = login_at(s, session_origin(s), &identity, err);
	if (r == 0 && identity && gantry_transport_login_set_identity_token(reply, identity) < 0)
		r = error_no_memory(err);
	session_forget(self, s->id);
	return r;
}

static const struct gantry_transport_ops ops = {
	.struct_size = sizeof(ops),
	.open = registry_open,
	.list = registry_list,
	.resolve = registry_resolve,
	.fetch = registry_fetch,
	.has_blob = registry_has_blob,
	.put_blob = registry_put_blob,
	.put_manifest = registry_put_manifest,
	.login = registry_login,
	.close = registry_close,
};

static const struct gantry_driver driver = {
	.size = sizeof(driver),
	.threads = GANTRY_THREADS_PARALLEL,
	.kind = "transport",
	.name = "registry",
	.summary = "OCI and Docker registries over HTTPS",
	.ops = &ops,
	.config = config_keys,
	.check = registry_check,
	.open = registry_open_driver,
	.close = registry_close_driver,
};

static const struct gantry_driver *const drivers[] = { &driver, NULL };
static const char *const permissions[] = { "net", "exec:docker-credential-*", NULL };

/* Not unloadable: curl and the TLS library keep state for the whole process. */
GANTRY_PLUGIN(.name = "registry", .version = PACKAGE_VERSION, .licence = "Apache-2.0",
	      .drivers = drivers, .permissions = permissions);
