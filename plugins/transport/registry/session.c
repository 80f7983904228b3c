/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sessions are counted references, so that close may come while a transfer
 * runs.  An endpoint's lock is held while its token is fetched: other transfers
 * wait for the token instead of asking for one each.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "helpers/io.h"
#include "helpers/json.h"
#include "registry.h"

static void endpoint_done(struct endpoint *e)
{
	credentials_done(&e->credentials);
	if (e->authorization)
		explicit_bzero(e->authorization, strlen(e->authorization));
	free(e->authorization);
	pthread_mutex_destroy(&e->lock);
}

static void session_free(struct session *s)
{
	for (size_t i = 0; i < s->n_endpoints; i++)
		endpoint_done(&s->endpoints[i]);
	http_pool_done(&s->pool);
	free(s);
}

static struct endpoint *add_endpoint(struct session *s, const char *host, struct json_object *insecure)
{
	struct endpoint *e = &s->endpoints[s->n_endpoints];

	if (pthread_mutex_init(&e->lock, NULL) != 0)
		return NULL;
	s->n_endpoints++;
	snprintf(e->host, sizeof(e->host), "%s", host);
	snprintf(e->repository, sizeof(e->repository), "%s", s->location.repository);
	if (is_loopback_host(host) || host_is_listed(s->registry->insecure, host) ||
	    host_is_listed(insecure, host)) {
		e->tls = HTTP_TLS_ANY;
		e->allow_http = 1;
	}
	return e;
}

/* A mirror is [http[s]://]HOST[:PORT][/PREFIX]; naming http allows it. */
static int add_mirror(struct session *s, const char *text, struct json_object *insecure,
		      struct gantry_error *err)
{
	const char *rest = strstr(text, "://") ? strstr(text, "://") + 3 : text;
	size_t len = strcspn(rest, "/");
	char host[300];
	struct endpoint *e;

	if (s->n_endpoints + 1 >= MAX_ENDPOINTS)
		return 0;
	snprintf(host, sizeof(host), "%.*s", (int)len, rest);
	if (len >= sizeof(host) || !is_valid_host(host))
		return error_set(err, GANTRY_ERR_INVALID, "mirror \"%.200s\" is no URL", text);
	e = add_endpoint(s, host, insecure);
	if (!e)
		return error_no_memory(err);
	e->is_mirror = 1;
	rest += len;
	while (*rest == '/')
		rest++;
	len = strlen(rest);
	while (len > 0 && rest[len - 1] == '/')
		len--;
	if (len > 0 && len < 256)
		snprintf(e->repository, sizeof(e->repository), "%.*s/%s", (int)len, rest,
			 s->location.repository);
	if (!strncasecmp(text, "http://", 7)) {
		e->allow_http = 1;
		e->use_http = 1;
	}
	return credentials_load(e->host, &e->credentials, err);
}

/* The configuration's entries are HOST=URL; a session's own are just URLs. */
static int add_mirrors(struct session *s, struct json_object *list, int with_host,
		       struct json_object *insecure, struct gantry_error *err)
{
	size_t len = strlen(s->location.host);

	for (size_t i = 0; i < json_array_size(list); i++) {
		const char *item = json_item_string(list, i);
		int r;

		if (!item)
			continue;
		if (with_host) {
			if (strncasecmp(item, s->location.host, len) != 0 || item[len] != '=')
				continue;
			item += len + 1;
		}
		r = add_mirror(s, item, insecure, err);
		if (r < 0)
			return r;
	}
	return 0;
}

static int add_endpoints(struct session *s, const char *auth, const char *options,
			 struct gantry_error *err)
{
	auto_json struct json_object *o = NULL;
	struct json_object *insecure;
	struct endpoint *e;
	int r = json_parse_object(options, "the session's options", &o, err);

	insecure = json_get_array(o, "insecure_registries");
	if (r == 0 && s->mode == SESSION_PULL)
		r = add_mirrors(s, json_get_array(o, "mirrors"), 0, insecure, err);
	if (r == 0 && s->mode == SESSION_PULL)
		r = add_mirrors(s, s->registry->mirrors, 1, insecure, err);
	if (r < 0)
		return r;
	s->http.retries = json_get_int(o, "retries", s->http.retries);
	s->http.stall_s = json_get_int(o, "stall_timeout_s", s->http.stall_s);
	e = add_endpoint(s, host_of_api(s->registry->endpoints, s->location.host), insecure);
	if (!e)
		return error_no_memory(err);
	if (auth && *auth)
		return credentials_from_json(auth, &e->credentials, err);
	return credentials_load(s->location.host, &e->credentials, err);
}

int session_open(struct registry *r, const char *location, enum session_mode mode,
		 const char *auth, const char *options, struct session **ret,
		 struct gantry_error *err)
{
	struct session *s = calloc(1, sizeof(*s));
	int code = 0;

	if (!s)
		return error_no_memory(err);
	s->registry = r;
	s->mode = mode;
	s->refs = 1;
	s->http = r->http;
	if (http_pool_init(&s->pool, &s->http) < 0) {
		free(s);
		return error_no_memory(err);
	}
	if (mode == SESSION_LOGIN && is_valid_host(location))
		strcpy(s->location.host, location);
	else
		code = location_parse(location, &s->location, err);
	if (code == 0)
		code = add_endpoints(s, auth, options, err);
	if (code < 0) {
		session_free(s);
		return code;
	}
	pthread_mutex_lock(&r->lock);
	s->id = ++r->last_id;
	s->next = r->sessions;
	r->sessions = s;
	pthread_mutex_unlock(&r->lock);
	*ret = s;
	return 0;
}

struct session *session_get(struct registry *r, uint64_t id, struct gantry_error *err)
{
	struct session *s;

	pthread_mutex_lock(&r->lock);
	for (s = r->sessions; s && s->id != id; s = s->next)
		;
	if (s)
		s->refs++;
	pthread_mutex_unlock(&r->lock);
	if (!s)
		error_set(err, GANTRY_ERR_INVALID, "transport/registry has no session %llu",
			  (unsigned long long)id);
	return s;
}

void session_put(struct session *s)
{
	struct registry *r = s->registry;
	int last;

	pthread_mutex_lock(&r->lock);
	last = --s->refs == 0;
	pthread_mutex_unlock(&r->lock);
	if (last)
		session_free(s);
}

void session_forget(struct registry *r, uint64_t id)
{
	struct session **p, *s;

	pthread_mutex_lock(&r->lock);
	for (p = &r->sessions; *p && (*p)->id != id; p = &(*p)->next)
		;
	s = *p;
	if (s)
		*p = s->next;
	pthread_mutex_unlock(&r->lock);
	if (s)
		session_put(s);
}

/* The header to use now, as a copy; NULL: none. */
static int current_authorization(struct session *s, struct endpoint *e, char **ret,
				 struct gantry_error *err)
{
	int r = 0;

	pthread_mutex_lock(&e->lock);
	if (e->expires_ns && time_monotonic_ns() > e->expires_ns)
		r = auth_answer(s, e, NULL, err);
	*ret = NULL;
	if (r == 0 && e->authorization) {
		*ret = strdup(e->authorization);
		if (!*ret)
			r = error_no_memory(err);
	}
	pthread_mutex_unlock(&e->lock);
	return r;
}

/* The header that was used (NULL: none) was refused. */
static int renew_authorization(struct session *s, struct endpoint *e, const char *used,
			       const char *challenge, struct gantry_error *err)
{
	int r = 0;

	pthread_mutex_lock(&e->lock);
	/* Another thread may have got a new one meanwhile. */
	if (!e->authorization || (used && !strcmp(used, e->authorization))) {
		if (challenge_parse(challenge, &e->challenge) < 0)
			r = error_set(err, GANTRY_ERR_UNSUPPORTED,
				      "registry %s wants an authentication that is not known: %.100s",
				      e->host, challenge);
		else
			r = auth_answer(s, e, NULL, err);
	}
	pthread_mutex_unlock(&e->lock);
	return r;
}

static int make_url(struct endpoint *e, const char *path, struct buf *out)
{
	int use_http;

	buf_clear(out);
	pthread_mutex_lock(&e->lock);
	use_http = e->use_http;
	pthread_mutex_unlock(&e->lock);
	if (path[0] == '/')
		buf_addf(out, "%s://%s", use_http ? "http" : "https", e->host);
	buf_adds(out, path);
	return buf_failed(out) ? -1 : 0;
}

/* Is it worth another try after this answer?  1: yes; 0: no. */
static int fix(struct session *s, struct endpoint *e, const char *used,
	       const struct http_response *r, int tried_auth, struct gantry_error *err)
{
	if (r->tls_failed && e->allow_http && !strncasecmp(r->url, "https://", 8)) {
		pthread_mutex_lock(&e->lock);
		e->use_http = 1;
		pthread_mutex_unlock(&e->lock);
		return 1;
	}
	if (r->status == 401 && r->challenge[0] && !tried_auth) {
		int code = renew_authorization(s, e, used, r->challenge, err);

		return code < 0 ? code : 1;
	}
	return 0;
}

int session_request(struct session *s, struct endpoint *e, struct http_request *request,
		    struct http_response *ret, struct gantry_error *err)
{
	const char *path = request->url;
	off_t start = request->source >= 0 ? lseek(request->source, 0, SEEK_CUR) : -1;
	int tried_auth = 0;

	request->tls = e->tls;
	request->allow_http = e->allow_http;
	for (int i = 0;; i++) {
		auto_(buf) struct buf url = BUF_INIT;
		auto_free char *authorization = NULL;
		struct gantry_error first = GANTRY_ERROR_INIT;
		int code = current_authorization(s, e, &authorization, err), again;

		if (code < 0)
			return code;
		if (make_url(e, path, &url) < 0)
			return error_no_memory(err);
		/* An upload's location may be on another host: it gets no token. */
		request->url = buf_str(&url);
		request->authorization = authorization;
		if (path[0] != '/') {
			char own[400];

			snprintf(own, sizeof(own), "%s://%s/", !strncasecmp(path, "http:", 5) ? "http" : "https",
				 e->host);
			if (!http_same_origin(own, path))
				request->authorization = NULL;
		}
		code = http_perform(&s->pool, request, ret, &first);
		request->url = path;
		again = i < 3 ? fix(s, e, authorization, ret, tried_auth, err) : 0;
		if (again < 0) {
			http_response_done(ret);
			return again;
		}
		if (again == 0 || (request->source >= 0 && lseek(request->source, start, SEEK_SET) < 0)) {
			if (code < 0)
				*err = first;
			if (code < 0 && ret->tls_failed && !e->allow_http)
				error_hint(err, "if it has no TLS, add \"%s\" to registry.insecure (gantryd "
						"--insecure-registry)", e->host);
			return code;
		}
		tried_auth = tried_auth || ret->status == 401;
		http_response_done(ret);
	}
}

int session_status_error(const struct session *s, const struct endpoint *e,
			 const struct http_response *r, const char *what, struct gantry_error *err)
{
	char text[256], detail[300] = "";

	error_reply_text(buf_str(&r->body), r->body.len, text, sizeof(text));
	if (*text)
		snprintf(detail, sizeof(detail), " (%s)", text);
	switch (r->status) {
	case 401:
	case 403:
		error_set(err, GANTRY_ERR_UNAUTHORIZED, "registry %s denies access to %s of %s%s", e->host,
			  what, e->repository, detail);
		return error_hint(err, "check the name; if it is private, run `gantry login %s`", e->host);
	case 404:
		return error_set(err, GANTRY_ERR_NOT_FOUND, "registry %s has no %s of %s%s", e->host, what,
				 e->repository, detail);
	case 429:
		error_set(err, GANTRY_ERR_UNAVAILABLE, "registry %s answers that there are too many requests%s",
			  e->host, detail);
		return error_hint(err, "wait a while, or log in: many registries allow more then");
	default:
		if (r->status >= 500)
			return error_set(err, GANTRY_ERR_UNAVAILABLE, "registry %s failed with status %ld for %s of %s%s",
					 e->host, r->status, what, e->repository, detail);
		return error_set(err, GANTRY_ERR_INVALID, "registry %s answered %ld for %s of %s%s", e->host,
				 r->status, what, e->repository, detail);
	}
}
