/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "helpers/base64.h"
#include "helpers/buf.h"
#include "helpers/cleanup.h"
#include "helpers/digest.h"
#include "helpers/error.h"
#include "helpers/json.h"
#include "parse.h"

#define MAX_TOKEN 65536
#define MAX_RETRY_AFTER 60

/* One key=value or key="value" of a challenge; returns what follows, or NULL. */
static const char *parse_parameter(const char *p, char *key, size_t key_size, char *value,
				   size_t value_size)
{
	size_t n = strcspn(p, "= ,\"");

	if (n == 0 || n >= key_size || p[n] != '=')
		return NULL;
	memcpy(key, p, n);
	key[n] = '\0';
	p += n + 1;
	n = 0;
	if (*p == '"') {
		for (p++; *p && *p != '"'; p++) {
			if (*p == '\\' && p[1])
				p++;
			if (n + 1 >= value_size)
				return NULL;
			value[n++] = *p;
		}
		if (*p != '"')
			return NULL;
		p++;
	} else {
		for (; *p && *p != ',' && *p != ' '; p++) {
			if (n + 1 >= value_size)
				return NULL;
			value[n++] = *p;
		}
	}
	value[n] = '\0';
	return p;
}

static int store_parameter(struct challenge *c, const char *key, const char *value)
{
	char *to = NULL;
	size_t size = 0;

	if (!strcasecmp(key, "realm")) {
		to = c->realm;
		size = sizeof(c->realm);
	} else if (!strcasecmp(key, "service")) {
		to = c->service;
		size = sizeof(c->service);
	} else if (!strcasecmp(key, "scope")) {
		to = c->scope;
		size = sizeof(c->scope);
	}
	if (!to)
		return 0;
	if (strlen(value) >= size)
		return -1;
	strcpy(to, value);
	return 0;
}

int challenge_parse(const char *value, struct challenge *ret)
{
	struct challenge c = { 0 };
	char key[64], text[2048];
	const char *p = value;

	while (*p == ' ')
		p++;
	if (!strncasecmp(p, "bearer", 6) && (p[6] == ' ' || !p[6])) {
		c.scheme = AUTH_BEARER;
		p += 6;
	} else if (!strncasecmp(p, "basic", 5) && (p[5] == ' ' || !p[5])) {
		c.scheme = AUTH_BASIC;
		p += 5;
	} else {
		return -1;
	}
	for (;;) {
		while (*p == ' ' || *p == ',' || *p == '\t')
			p++;
		if (!*p)
			break;
		p = parse_parameter(p, key, sizeof(key), text, sizeof(text));
		if (!p || store_parameter(&c, key, text) < 0)
			return -1;
	}
	if (c.scheme == AUTH_BEARER && !c.realm[0])
		return -1;
	*ret = c;
	return 0;
}

static void wipe(char **secret)
{
	if (*secret)
		explicit_bzero(*secret, strlen(*secret));
	free(*secret);
	*secret = NULL;
}

void credentials_done(struct credentials *c)
{
	wipe(&c->username);
	wipe(&c->password);
	wipe(&c->identity_token);
	wipe(&c->registry_token);
}

/* Copies a member unless it is missing or empty; refuses what would break out
 * of a header line. */
static int copy_member(struct json_object *o, const char *key, char **ret, struct gantry_error *err)
{
	const char *text = json_get_string(o, key);

	if (!text || !*text)
		return 0;
	for (const char *p = text; *p; p++) {
		if ((unsigned char)*p < 0x20)
			return error_set(err, GANTRY_ERR_INVALID, "%s contains a control character", key);
	}
	free(*ret);
	*ret = strdup(text);
	return *ret ? 0 : error_no_memory(err);
}

int credentials_from_json(const char *text, struct credentials *ret, struct gantry_error *err)
{
	auto_json struct json_object *o = NULL;
	int r = json_parse_object(text, "credentials", &o, err);

	if (r == 0)
		r = copy_member(o, "username", &ret->username, err);
	if (r == 0)
		r = copy_member(o, "password", &ret->password, err);
	if (r == 0)
		r = copy_member(o, "identitytoken", &ret->identity_token, err);
	if (r == 0)
		r = copy_member(o, "registrytoken", &ret->registry_token, err);
	return r;
}

void config_key_host(const char *key, char *to, size_t size)
{
	const char *scheme = strstr(key, "://");
	size_t len;

	if (scheme)
		key = scheme + 3;
	len = strcspn(key, "/");
	if (len >= size)
		len = 0;
	memcpy(to, key, len);
	to[len] = '\0';
}

/* The member whose key names this host: as it is, or written as a URL. */
static struct json_object *find_host(struct json_object *o, const char *host)
{
	struct json_object *found = json_get(o, host);
	char name[300];

	if (found || !o)
		return found;
	json_object_object_foreach(o, key, value) {
		config_key_host(key, name, sizeof(name));
		if (!strcasecmp(name, host))
			return value;
	}
	return NULL;
}

/* base64("user:password"). */
static int decode_auth(const char *text, const char *host, struct credentials *ret,
		       struct gantry_error *err)
{
	auto_(buf) struct buf plain = BUF_INIT;
	char *colon;

	if (base64_decode(text, strlen(text), &plain) < 0 || buf_failed(&plain) ||
	    !(colon = strchr(buf_str(&plain), ':')) || strlen(buf_str(&plain)) != plain.len)
		return error_set(err, GANTRY_ERR_INVALID, "the credentials of %s in config.json are damaged",
				 host);
	*colon = '\0';
	ret->username = strdup(plain.data);
	ret->password = strdup(colon + 1);
	explicit_bzero(plain.data, plain.len);
	return ret->username && ret->password ? 0 : error_no_memory(err);
}

int credentials_from_config(struct json_object *config, const char *host,
			    struct credentials *ret, const char **ret_helper,
			    struct gantry_error *err)
{
	struct json_object *entry = find_host(json_get_object(config, "credHelpers"), host);
	const char *auth;
	int r;

	*ret_helper = NULL;
	if (entry && json_object_is_type(entry, json_type_string)) {
		*ret_helper = json_object_get_string(entry);
		return 0;
	}
	*ret_helper = json_get_string(config, "credsStore");
	if (*ret_helper && **ret_helper)
		return 0;
	*ret_helper = NULL;
	entry = find_host(json_get_object(config, "auths"), host);
	if (!entry || !json_object_is_type(entry, json_type_object))
		return 0;
	auth = json_get_string(entry, "auth");
	r = auth && *auth ? decode_auth(auth, host, ret, err) : 0;
	if (r == 0 && !ret->username) {
		r = copy_member(entry, "username", &ret->username, err);
		if (r == 0)
			r = copy_member(entry, "password", &ret->password, err);
	}
	if (r == 0)
		r = copy_member(entry, "identitytoken", &ret->identity_token, err);
	if (r == 0)
		r = copy_member(entry, "registrytoken", &ret->registry_token, err);
	return r;
}

int credentials_from_helper(const char *text, size_t len, struct credentials *ret,
			    struct gantry_error *err)
{
	auto_json struct json_object *o = NULL;
	int r = json_parse(text, len, "the credential helper's answer", &o, err);

	if (r == 0)
		r = copy_member(o, "Username", &ret->username, err);
	if (r < 0)
		return r;
	if (ret->username && !strcmp(ret->username, "<token>")) {
		wipe(&ret->username);
		return copy_member(o, "Secret", &ret->identity_token, err);
	}
	return copy_member(o, "Secret", &ret->password, err);
}

int is_valid_host(const char *host)
{
	size_t len = strlen(host);

	if (len == 0 || len >= sizeof(((struct location *)0)->host) || host[0] == '-')
		return 0;
	for (size_t i = 0; i < len; i++) {
		if (!isalnum((unsigned char)host[i]) && !strchr(".-_:[]", host[i]))
			return 0;
	}
	return 1;
}

static int is_valid_repository(const char *name)
{
	char last = '/';

	if (!*name || strlen(name) > 255)
		return 0;
	for (; *name; name++) {
		int plain = islower((unsigned char)*name) || isdigit((unsigned char)*name);

		if (!plain && !strchr("._-/", *name))
			return 0;
		/* A component starts and ends with a letter or digit. */
		if (!plain && (last == '/' || (*name == '/' && strchr("._-", last))))
			return 0;
		last = *name;
	}
	return !strchr("._-/", last);
}

int is_valid_reference(const char *reference)
{
	size_t len = strlen(reference);

	if (strchr(reference, ':'))
		return digest_is_valid(reference);
	if (len == 0 || len > 128 || reference[0] == '.' || reference[0] == '-')
		return 0;
	for (size_t i = 0; i < len; i++) {
		if (!isalnum((unsigned char)reference[i]) && !strchr("._-", reference[i]))
			return 0;
	}
	return 1;
}

int location_parse(const char *text, struct location *ret, struct gantry_error *err)
{
	const char *slash = strchr(text, '/');
	size_t len = slash ? (size_t)(slash - text) : 0;

	if (len == 0 || len >= sizeof(ret->host))
		return error_set(err, GANTRY_ERR_INVALID, "\"%.200s\" names no registry", text);
	memcpy(ret->host, text, len);
	ret->host[len] = '\0';
	if (!is_valid_host(ret->host))
		return error_set(err, GANTRY_ERR_INVALID, "\"%.200s\" is no valid registry host", ret->host);
	if (!is_valid_repository(slash + 1))
		return error_set(err, GANTRY_ERR_INVALID, "\"%.200s\" is no valid repository name",
				 slash + 1);
	strcpy(ret->repository, slash + 1);
	return 0;
}

int is_loopback_host(const char *host)
{
	unsigned int a, b, c, d;
	char name[300];
	size_t len = host[0] == '[' ? strcspn(host, "]") + 1 : strcspn(host, ":");
	int end = 0;

	if (len >= sizeof(name))
		return 0;
	memcpy(name, host, len);
	name[len] = '\0';
	if (!strcasecmp(name, "localhost") || !strcmp(name, "[::1]"))
		return 1;
	return sscanf(name, "%3u.%3u.%3u.%3u%n", &a, &b, &c, &d, &end) == 4 && !name[end] && a == 127 &&
	       b < 256 && c < 256 && d < 256;
}

void error_reply_text(const char *body, size_t len, char *to, size_t size)
{
	struct gantry_error ignored = GANTRY_ERROR_INIT;
	auto_json struct json_object *o = NULL;
	struct json_object *first;
	const char *code, *message;
	size_t n = 0;

	to[0] = '\0';
	if (len == 0 || json_parse(body, len, "error reply", &o, &ignored) < 0)
		return;
	first = json_get_array(o, "errors");
	first = json_array_size(first) ? json_object_array_get_idx(first, 0) : NULL;
	code = json_get_string(first, "code");
	message = json_get_string(first, "message");
	if (!message)
		message = json_get_string(o, "details");
	snprintf(to, size, "%s%s%s", code ? code : "", code && message ? ": " : "", message ? message : "");
	for (n = 0; to[n]; n++) {
		if ((unsigned char)to[n] < 0x20 || to[n] == 0x7f)
			to[n] = '?';
	}
}

int retry_after_seconds(const char *value)
{
	struct tm tm = { 0 };
	char *end;
	long n = strtol(value, &end, 10);

	if (end != value && (*end == '\0' || *end == ' ')) {
		if (n < 0)
			return -1;
		return n > MAX_RETRY_AFTER ? MAX_RETRY_AFTER : (int)n;
	}
	end = strptime(value, "%a, %d %b %Y %H:%M:%S", &tm);
	if (!end)
		return -1;
	n = timegm(&tm) - time(NULL);
	return n < 0 ? 0 : n > MAX_RETRY_AFTER ? MAX_RETRY_AFTER : (int)n;
}

int next_link(const char *value, char *to, size_t size)
{
	const char *open = strchr(value, '<');
	const char *close = open ? strchr(open, '>') : NULL;
	size_t len;

	if (!close || !strstr(close, "next"))
		return -1;
	len = (size_t)(close - open) - 1;
	if (len == 0 || len >= size)
		return -1;
	memcpy(to, open + 1, len);
	to[len] = '\0';
	return 0;
}

int token_parse(const char *text, size_t len, char **ret_token, char **ret_refresh,
		struct gantry_error *err)
{
	auto_json struct json_object *o = NULL;
	char *token = NULL, *refresh = NULL;
	int r = json_parse(text, len, "the token server's answer", &o, err);

	if (r == 0)
		r = copy_member(o, "access_token", &token, err);
	if (r == 0 && !token)
		r = copy_member(o, "token", &token, err);
	if (r == 0)
		r = copy_member(o, "refresh_token", &refresh, err);
	if (r == 0 && !token)
		r = error_set(err, GANTRY_ERR_UNAUTHORIZED, "the token server gave no token");
	if (r == 0 && strlen(token) > MAX_TOKEN)
		r = error_set(err, GANTRY_ERR_LIMIT, "the token server gave a token of more than %d bytes",
			      MAX_TOKEN);
	if (r < 0) {
		wipe(&token);
		wipe(&refresh);
		return r;
	}
	*ret_token = token;
	if (ret_refresh)
		*ret_refresh = refresh;
	else
		wipe(&refresh);
	return 0;
}
