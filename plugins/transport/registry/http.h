/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One HTTP exchange with a registry: redirects followed by our own rules,
 * failures that pass retried with growing pauses, limits on all that is kept in
 * memory.  It knows nothing of authentication; auth.c asks for what it needs.
 */
#ifndef REGISTRY_HTTP_H
#define REGISTRY_HTTP_H

#include <pthread.h>
#include <stdint.h>

#include <curl/curl.h>
#include <gantry/error.h>

#include "helpers/buf.h"

#define HTTP_POOL 16

/* What the configuration says; shared by all sessions of a driver. */
struct http_options {
	int64_t retries;         /* after the first try */
	int64_t retry_delay_ms;  /* before the first retry; doubles */
	int64_t stall_s;         /* give up when nothing moves for so long */
	int64_t connect_s;
	const char *certs_dir;   /* HOST/ca.crt, client.cert, client.key */
};

/* Idle connections of one session, for calls from several threads. */
struct http_pool {
	const struct http_options *options;
	pthread_mutex_t lock;
	CURL *idle[HTTP_POOL];
	size_t n_idle;
};

int http_pool_init(struct http_pool *pool, const struct http_options *options);
void http_pool_done(struct http_pool *pool);

enum http_tls {
	HTTP_TLS_VERIFY = 0,
	HTTP_TLS_ANY = 1, /* loopback and hosts configured as insecure */
};

struct http_request {
	const char *method;        /* "GET", ... */
	const char *url;
	const char *authorization; /* a whole header line, or NULL; never sent to another host */
	const char *const *headers; /* more header lines, ends with NULL; or NULL */
	enum http_tls tls;
	int allow_http;            /* plain http may be used for this host */

	const void *body;          /* sent from memory, ... */
	size_t body_size;
	int source;                /* ... or from here (-1: no) */
	int64_t source_size;

	int sink;                  /* a success's body goes here (-1: to memory) */
	int64_t offset;            /* start there; what comes before is dropped */
	int64_t length;            /* no more than so many bytes; 0: to the end */
	size_t body_limit;         /* of a body in memory */
	int no_retry;              /* the caller repeats it in its own way */
};

struct http_response {
	long status;
	struct buf body;
	int64_t written;       /* bytes that went to the sink, over all tries */
	int sink_errno;        /* why the sink took no more */
	int source_errno;      /* why the source gave no more */
	CURLcode curl;         /* the last try's result */
	int is_transient;      /* it failed in a way that may pass */
	int tls_failed;        /* the peer does not speak TLS */
	char url[4096];        /* where it was answered, after redirects */
	char location[4096];   /* the Location header, absolute */
	char content_type[256];
	char digest[160];      /* Docker-Content-Digest */
	char range[64];        /* Range of an upload */
	char link[2048];
	char challenge[4096];  /* the WWW-Authenticate header that we can use best */
	int retry_after;       /* seconds; -1: absent */
	char text[CURL_ERROR_SIZE]; /* what went wrong, if anything */
};

static inline void http_response_done(struct http_response *r)
{
	buf_done(&r->body);
}
static inline void http_response_auto(struct http_response *r)
{
	http_response_done(r);
}

/* Performs it.  0: there is a response, whatever its status; otherwise
 * UNAVAILABLE, TIMEOUT, CANCELLED (the sink's reader gave up), LIMIT, IO. */
int http_perform(struct http_pool *pool, const struct http_request *request,
		 struct http_response *ret, struct gantry_error *err);

/* Two URLs with the same scheme, host and port? */
int http_same_origin(const char *a, const char *b);

/* Makes reference absolute against base; 0, or -1. */
int http_resolve_url(const char *base, const char *reference, char *to, size_t size);

/* Appends text percent-encoded for a query. */
void http_escape(struct buf *out, const char *text);

#endif
