/* SPDX-License-Identifier: Apache-2.0 */
/* Turning a challenge into an Authorization header. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "helpers/base64.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "helpers/io.h"
#include "helpers/json.h"
#include "registry.h"

#define TOKEN_REPLY_LIMIT (256 * 1024)
#define DEFAULT_LIFE_S 60
#define CLIENT_ID "gantry"

static int need_login(const struct endpoint *e, struct gantry_error *err)
{
	error_set(err, GANTRY_ERR_UNAUTHORIZED, "registry %s wants a login", e->host);
	return error_hint(err, "run `gantry login %s`", e->host);
}

static int refused(const struct endpoint *e, const struct http_response *r,
		   struct gantry_error *err)
{
	char text[256];

	if (credentials_are_empty(&e->credentials))
		return need_login(e, err);
	error_reply_text(buf_str(&r->body), r->body.len, text, sizeof(text));
	error_set(err, GANTRY_ERR_UNAUTHORIZED, "registry %s refused the credentials%s%s", e->host,
		  *text ? ": " : "", text);
	return error_hint(err, "run `gantry login %s`", e->host);
}

static void basic_header(const struct credentials *c, struct buf *out)
{
	auto_(buf) struct buf plain = BUF_INIT;

	buf_addf(&plain, "%s:%s", c->username, c->password ? c->password : "");
	buf_adds(out, "Authorization: Basic ");
	base64_encode(buf_str(&plain), plain.len, out);
	if (plain.data)
		explicit_bzero(plain.data, plain.len);
}

static void set_authorization(struct endpoint *e, char *line, int64_t life_s)
{
	if (e->authorization)
		explicit_bzero(e->authorization, strlen(e->authorization));
	free(e->authorization);
	e->authorization = line;
	e->expires_ns = life_s > 0 ? time_monotonic_ns() + life_s * 1000000000 : 0;
}

/* name=value pairs of a query or form, for service and scopes. */
static void add_scopes(const struct session *s, const struct endpoint *e, struct buf *out)
{
	auto_(buf) struct buf scope = BUF_INIT;

	if (e->challenge.service[0]) {
		buf_adds(out, "&service=");
		http_escape(out, e->challenge.service);
	}
	if (s->mode == SESSION_LOGIN)
		return;
	/* Pushing asks for all it will need at once. */
	if (s->mode == SESSION_PUSH && !strstr(e->challenge.scope, "push"))
		buf_addf(&scope, "repository:%s:pull,push", e->repository);
	else if (e->challenge.scope[0])
		buf_adds(&scope, e->challenge.scope);
	else
		buf_addf(&scope, "repository:%s:pull", e->repository);
	buf_adds(out, "&scope=");
	http_escape(out, buf_str(&scope));
	if (e->mount_from[0]) {
		buf_clear(&scope);
		buf_addf(&scope, "repository:%s:pull", e->mount_from);
		buf_adds(out, "&scope=");
		http_escape(out, buf_str(&scope));
	}
}

/* An identity token is exchanged by a form; a password goes as Basic. */
static int request_token(struct session *s, struct endpoint *e, int offline,
			 struct http_response *ret, struct gantry_error *err)
{
	static const char *const form_header[] = { "Content-Type: application/x-www-form-urlencoded", NULL };
	const struct credentials *c = &e->credentials;
	auto_(buf) struct buf url = BUF_INIT;
	auto_(buf) struct buf form = BUF_INIT;
	auto_(buf) struct buf basic = BUF_INIT;
	struct http_request q = { .method = "GET", .source = -1, .sink = -1, .tls = e->tls,
				  .allow_http = e->allow_http, .body_limit = TOKEN_REPLY_LIMIT };

	/* The realm comes from the registry: what it may be is our decision. */
	if (strncasecmp(e->challenge.realm, "https://", 8) != 0 &&
	    !(e->allow_http && !strncasecmp(e->challenge.realm, "http://", 7)))
		return error_set(err, GANTRY_ERR_DENIED,
				 "registry %s wants tokens from %.200s, which is not https", e->host,
				 e->challenge.realm);
	buf_adds(&url, e->challenge.realm);
	if (c->identity_token) {
		buf_adds(&form, "grant_type=refresh_token&client_id=" CLIENT_ID "&refresh_token=");
		http_escape(&form, c->identity_token);
		add_scopes(s, e, &form);
		q.method = "POST";
		q.headers = form_header;
		q.body = buf_str(&form);
		q.body_size = form.len;
	} else {
		buf_adds(&url, strchr(e->challenge.realm, '?') ? "&" : "?");
		buf_adds(&url, "client_id=" CLIENT_ID);
		add_scopes(s, e, &url);
		if (c->username) {
			buf_adds(&url, "&account=");
			http_escape(&url, c->username);
			basic_header(c, &basic);
			q.authorization = buf_str(&basic);
		}
		if (offline)
			buf_adds(&url, "&offline_token=true");
	}
	q.url = buf_str(&url);
	if (buf_failed(&url) || buf_failed(&form) || buf_failed(&basic))
		return error_no_memory(err);
	return http_perform(&s->pool, &q, ret, err);
}

static int64_t token_life(const struct http_response *r)
{
	struct gantry_error ignored = GANTRY_ERROR_INIT;
	auto_json struct json_object *o = NULL;
	int64_t life = DEFAULT_LIFE_S;

	if (json_parse(buf_str(&r->body), r->body.len, "token", &o, &ignored) == 0)
		life = json_get_int(o, "expires_in", DEFAULT_LIFE_S);
	/* Renewed a little early; never so often that nothing else is done. */
	return life > 20 ? life - 10 : 10;
}

static int bearer(struct session *s, struct endpoint *e, char **ret_refresh,
		  struct gantry_error *err)
{
	auto_(http_response) struct http_response r = { 0 };
	auto_free char *token = NULL;
	char *line = NULL;
	int code = request_token(s, e, ret_refresh != NULL, &r, err);

	if (code < 0)
		return error_prefix(err, "cannot get a token for registry %s", e->host);
	if (r.status == 401 || r.status == 403 || r.status == 400)
		return refused(e, &r, err);
	if (r.status != 200)
		return error_set(err, GANTRY_ERR_UNAVAILABLE, "%.200s answered %ld to a token request",
				 e->challenge.realm, r.status);
	code = token_parse(buf_str(&r.body), r.body.len, &token, ret_refresh, err);
	if (code < 0)
		return error_prefix(err, "registry %s", e->host);
	if (asprintf(&line, "Authorization: Bearer %s", token) < 0)
		return error_no_memory(err);
	set_authorization(e, line, token_life(&r));
	return 0;
}

int auth_answer(struct session *s, struct endpoint *e, char **ret_refresh,
		struct gantry_error *err)
{
	auto_(buf) struct buf line = BUF_INIT;

	if (e->credentials.registry_token) {
		buf_addf(&line, "Authorization: Bearer %s", e->credentials.registry_token);
	} else if (e->challenge.scheme == AUTH_BEARER) {
		return bearer(s, e, ret_refresh, err);
	} else if (e->credentials.username) {
		basic_header(&e->credentials, &line);
	} else {
		return need_login(e, err);
	}
	if (buf_failed(&line))
		return error_no_memory(err);
	set_authorization(e, buf_steal(&line), 0);
	return 0;
}
