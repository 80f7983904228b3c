/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One HTTP request to a service whose address comes from a configuration: a Unix
 * socket, TCP, or TCP with TLS.  Nothing is followed (no redirect, no proxy), the
 * answer has a limit and the whole call a deadline.  Link CURL_LIBS when you use this.
 */
#ifndef HELPERS_HTTP_CALL_H
#define HELPERS_HTTP_CALL_H

#include <stddef.h>

#include <gantry/error.h>

struct buf;

struct http_place {
	char *socket;  /* path of a Unix socket; NULL: url alone says where */
	char *url;     /* without a path: http://HOST[:PORT] or https://... */
	char *ca_file; /* PEM; NULL: the system's authorities */
	char *cert_file;
	char *key_file;
	int insecure;  /* the certificate is not looked at */
};

/* Of unix:///PATH, tcp://HOST:PORT, http://, https://; INVALID otherwise. */
int http_place_parse(const char *address, struct http_place *ret, struct gantry_error *err);
void http_place_done(struct http_place *p);
static inline void http_place_auto(struct http_place *p)
{
	http_place_done(p);
}
#define HTTP_PLACE_INIT { NULL, NULL, NULL, NULL, NULL, 0 }

struct http_call {
	const char *path;      /* "/Plugin.Activate" */
	const char *accept;    /* media type; also of the body */
	const char *body;
	size_t body_len;
	long deadline_ms;      /* of the whole call; 0: none (a stream that is followed) */
	size_t limit;          /* bytes of the answer; 0: none */
	/* Takes the answer's body as it comes; non-zero ends the call (not an error). */
	int (*take)(void *data, const char *bytes, size_t len);
	/* Asked now and then; non-zero ends the call (not an error).  May be NULL. */
	int (*stop)(void *data);
	void *data;
};

/* POSTs.  *ret_status is the HTTP status.  UNAVAILABLE: nobody serves there;
 * TIMEOUT: the deadline passed; CORRUPT: it is no HTTP, or over the limit.  Thread-safe. */
int http_post(const struct http_place *place, const struct http_call *call, int *ret_status,
	      struct gantry_error *err);

/* Same, and collects the answer. */
int http_post_buf(const struct http_place *place, const struct http_call *call, int *ret_status,
		  struct buf *ret_body, struct gantry_error *err);

#endif
