/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a registry or a user's file says, taken apart: authentication challenges,
 * credentials in config.json, names and error replies.  Pure functions on
 * untrusted text, so that they can be fuzzed.
 */
#ifndef REGISTRY_PARSE_H
#define REGISTRY_PARSE_H

#include <stddef.h>

#include <gantry/error.h>

struct buf;
struct json_object;

enum auth_scheme {
	AUTH_NONE = 0,
	AUTH_BASIC = 1,
	AUTH_BEARER = 2,
};

struct challenge {
	enum auth_scheme scheme;
	char realm[2048];
	char service[512];
	char scope[1024];
};

/* Reads the value of one WWW-Authenticate header.  Returns 0, or -1 when no
 * scheme that we know is in it or a part is too long. */
int challenge_parse(const char *value, struct challenge *ret);

/* What identifies the user; empty strings are absent.  Wiped by _done. */
struct credentials {
	char *username;
	char *password;
	char *identity_token; /* exchanged for access tokens */
	char *registry_token; /* used as it is */
};

void credentials_done(struct credentials *c);
static inline int credentials_are_empty(const struct credentials *c)
{
	return !c->username && !c->identity_token && !c->registry_token;
}

/* From an operation's auth argument. */
int credentials_from_json(const char *text, struct credentials *ret, struct gantry_error *err);

/* The host part of a key in config.json: "https://host:5000/v1/" -> "host:5000". */
void config_key_host(const char *key, char *to, size_t size);

/* Looks a host up in a parsed config.json.  Sets *ret_helper to the name of a
 * credential helper to ask instead (owned by config), or NULL. */
int credentials_from_config(struct json_object *config, const char *host,
			    struct credentials *ret, const char **ret_helper,
			    struct gantry_error *err);

/* From a credential helper's answer. */
int credentials_from_helper(const char *text, size_t len, struct credentials *ret,
			    struct gantry_error *err);

/* HOST[:PORT]/REPOSITORY. */
struct location {
	char host[300];
	char repository[256];
};
int location_parse(const char *text, struct location *ret, struct gantry_error *err);
int is_valid_host(const char *host);
int is_valid_reference(const char *reference); /* a tag or a digest */
int is_loopback_host(const char *host);

/* The message of an error reply, made printable; "" when there is none. */
void error_reply_text(const char *body, size_t len, char *to, size_t size);

/* Seconds to wait by a Retry-After header, at most 60; -1: says nothing. */
int retry_after_seconds(const char *value);

/* The target of a Link header with rel="next"; 0, or -1. */
int next_link(const char *value, char *to, size_t size);

/* An access token, and a refresh token or NULL, from a token server's answer. */
int token_parse(const char *text, size_t len, char **ret_token, char **ret_refresh,
		struct gantry_error *err);

#endif
