/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The registry transport: a session is one repository seen through its mirrors
 * and its own host, with what was learned about each (scheme, access token).
 */
#ifndef REGISTRY_H
#define REGISTRY_H

#include <pthread.h>
#include <stdint.h>

#include <gantry/plugin.h>
#include <gantry/transport.h>

#include "http.h"
#include "parse.h"

#define MAX_ENDPOINTS 8
#define MANIFEST_LIMIT (4 * 1024 * 1024)

struct json_object;
struct registry;

/* One place that serves the repository. */
struct endpoint {
	char host[300];           /* HOST[:PORT] */
	char repository[600];     /* with a mirror's prefix */
	int is_mirror;
	enum http_tls tls;
	int allow_http;
	struct credentials credentials;

	pthread_mutex_t lock; /* guards what follows */
	int use_http;         /* it was found not to speak TLS */
	struct challenge challenge;
	char *authorization;  /* header line, or NULL */
	int64_t expires_ns;   /* monotonic; 0: never */
	char mount_from[256]; /* another repository that the token must cover */
};

enum session_mode {
	SESSION_PULL = 1,
	SESSION_PUSH = 2,
	SESSION_LOGIN = 3,
};

struct session {
	struct registry *registry;
	uint64_t id;
	int refs; /* guarded by the registry's lock */
	enum session_mode mode;
	struct location location;
	struct http_options http; /* the driver's, with this session's options */
	struct http_pool pool;
	struct endpoint endpoints[MAX_ENDPOINTS]; /* the registry itself is the last */
	size_t n_endpoints;
	struct session *next;
};

struct registry {
	const struct gantry_host *host;
	struct http_options http;
	char *certs_dir;
	struct json_object *insecure; /* lists; read-only after open */
	struct json_object *mirrors;
	struct json_object *endpoints;
	int64_t chunk_bytes; /* of an upload; 0: whole */
	pthread_mutex_t lock;
	struct session *sessions;
	uint64_t last_id;
};

/* Session table (session.c). */
int session_open(struct registry *r, const char *location, enum session_mode mode,
		 const char *auth, const char *options, struct session **ret,
		 struct gantry_error *err);
struct session *session_get(struct registry *r, uint64_t id, struct gantry_error *err);
void session_put(struct session *s);
static inline void session_auto(struct session **s)
{
	if (*s)
		session_put(*s);
}
/* Takes it out of the table; it goes with its last user. */
void session_forget(struct registry *r, uint64_t id);

static inline struct endpoint *session_origin(struct session *s)
{
	return &s->endpoints[s->n_endpoints - 1];
}

/* Performs a request with the endpoint's credentials, asking for new ones when
 * they are refused.  request->url is absolute, or starts with '/' and is below
 * the endpoint.  Fills authorization, tls and allow_http itself. */
int session_request(struct session *s, struct endpoint *e, struct http_request *request,
		    struct http_response *ret, struct gantry_error *err);

/* What a reply that is no success means for what was asked ("manifest X"). */
int session_status_error(const struct session *s, const struct endpoint *e,
			 const struct http_response *r, const char *what,
			 struct gantry_error *err);

/* Answers a challenge (auth.c); the endpoint's lock is held.  *ret_refresh may be
 * NULL; with it an identity token is asked for. */
int auth_answer(struct session *s, struct endpoint *e, char **ret_refresh,
		struct gantry_error *err);

/* Who serves the API of a registry, by a list of HOST=HOST: mostly itself (hosts.c). */
const char *host_of_api(struct json_object *endpoints, const char *host);
/* Is the host in a list of HOST[:PORT] and subnets, of which the latter may cost a look-up? */
int host_is_listed(struct json_object *list, const char *host);

/* The user's stored credentials for a host (credentials.c); none is no error. */
int credentials_load(const char *host, struct credentials *ret, struct gantry_error *err);

/* The operations. */
int registry_list(void *self, const struct gantry_transport_list_args *args,
		  struct gantry_reply *reply, struct gantry_error *err);
int registry_resolve(void *self, const struct gantry_transport_resolve_args *args,
		     struct gantry_reply *reply, struct gantry_error *err);
int registry_fetch(void *self, const struct gantry_transport_fetch_args *args,
		   struct gantry_reply *reply, struct gantry_error *err);
int registry_has_blob(void *self, const struct gantry_transport_has_blob_args *args,
		      struct gantry_reply *reply, struct gantry_error *err);
int registry_put_blob(void *self, const struct gantry_transport_put_blob_args *args,
		      struct gantry_reply *reply, struct gantry_error *err);
int registry_put_manifest(void *self, const struct gantry_transport_put_manifest_args *args,
			  struct gantry_reply *reply, struct gantry_error *err);
int registry_login(void *self, const struct gantry_transport_login_args *args,
		   struct gantry_reply *reply, struct gantry_error *err);

#endif
