/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one way to the engine: a request of the Engine API goes out, a status with
 * a body, a stream or an upgraded connection comes back.  Behind it is the core
 * in this process or an engine at the other end of a socket.
 */
#ifndef CLI_CLIENT_CLIENT_H
#define CLI_CLIENT_CLIENT_H

#include <gantry/error.h>

#include "cli/client/stream.h"
#include "cli/client/tls.h"
#include "helpers/buf.h"

struct client;
struct json_object;

#define CLIENT_API_VERSION "1.47"
#define CLIENT_MAX_BODY ((size_t)256 << 20)

/* What the caller wants of a successful answer. */
enum client_want {
	CLIENT_BODY,    /* all of it in memory */
	CLIENT_STREAM,  /* read it as it comes */
	CLIENT_UPGRADE, /* the connection itself */
};

struct client_request {
	const char *method;
	const char *target;        /* path and query, without the version */
	struct json_object *json;  /* a JSON body; or NULL */
	int body_fd;               /* a tar body is read from here; -1: none */
	int has_body_fd;           /* body_fd counts: zero is a descriptor */
	const char *registry_auth; /* X-Registry-Auth; or NULL */
	enum client_want want;
};

struct client_response {
	int status;
	struct json_object *headers; /* names in lower case; or NULL */
	struct buf body;             /* failures: always here */
	struct stream stream;        /* CLIENT_STREAM, CLIENT_UPGRADE */
};

#define CLIENT_RESPONSE_INIT { .stream = STREAM_INIT }

void client_response_done(struct client_response *r);
static inline void client_response_auto(struct client_response *r)
{
	client_response_done(r);
}

struct client_options {
	const char *root, *run_root; /* in process */
	int will_start;              /* in process: a container will be started */
	const char *host;            /* unix://, tcp://, fd://N; NULL: in process */
	int use_tls;
	struct tls_options tls;
};

/* Connects to nothing yet.  The options' strings are borrowed. */
int client_open(const struct client_options *options, struct client **ret,
		struct gantry_error *err);
struct client *client_close(struct client *client);

/* Is there a daemon, or is the engine in this process? */
int client_is_remote(const struct client *client);
/* The API version in use, "1.47" or what the daemon can do at most. */
const char *client_api_version(const struct client *client);

/* Sends one request.  An error means that there was no answer; an answer with a
 * failure status is a response. */
int client_request(struct client *client, const struct client_request *request,
		   struct client_response *ret, struct gantry_error *err);

/* One implementation: in process or remote. */
struct client_ops {
	int (*request)(void *self, const char *version, const struct client_request *request,
		       struct client_response *ret, struct gantry_error *err);
	void (*close)(void *self);
};

int inprocess_open(const struct client_options *options, void **ret, struct gantry_error *err);
extern const struct client_ops inprocess_ops;
int remote_open(const struct client_options *options, void **ret, struct gantry_error *err);
extern const struct client_ops remote_ops;

#endif
