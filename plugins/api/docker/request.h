/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One request on its way through the driver: what was asked, taken apart, and
 * the engine that answers.  It lives on the stack of one call.
 */
#ifndef API_DOCKER_REQUEST_H
#define API_DOCKER_REQUEST_H

#include <gantry/api.h>
#include <gantry/engine.h>

#include "helpers/reply.h"
#include "query.h"

#define API_VERSION_MIN 24 /* minor numbers of 1.x */
#define API_VERSION_MAX 47
#define API_VERSION_MAX_TEXT "1.47"

struct json_object;

/* What open() returned: the engine with every operation it knows. */
struct front {
	void *engine_self;
	struct gantry_engine_ops engine; /* own copy; NULL where the host lacks one */
};

struct request {
	const struct front *front;
	const struct gantry_api_handle_args *args;
	struct gantry_reply *reply;
	const char *method;
	char *target;       /* owned; path and query point into it */
	char *path;         /* without version prefix and leading slash */
	const char *name;   /* what the route's wildcard matched, decoded, or NULL */
	int version;        /* minor number asked for */
	struct query query;
	struct json_object *headers; /* owned; parsed when first asked for */
	char *body;                  /* owned; likewise */
};

/* Takes args apart.  INVALID for malformed targets and foreign versions; the
 * request is valid, and must be passed to request_done(), also then. */
int request_init(struct request *rq, const struct front *front,
		 const struct gantry_api_handle_args *args, struct gantry_reply *reply,
		 struct gantry_error *err);
void request_done(struct request *rq);

/* A header by its name in lower case, or NULL. */
const char *request_header(struct request *rq, const char *name);

/* The body as JSON text, owned by the request; NULL when there is none. */
int request_json(struct request *rq, const char **ret, struct gantry_error *err);

/* The same where a body is required. */
int request_json_required(struct request *rq, const char **ret, struct gantry_error *err);

/* The body to read from.  *ret_owned is a descriptor that the caller closes, or
 * -1 when *ret belongs to whoever called the driver. */
int request_body_fd(struct request *rq, int *ret, int *ret_owned, struct gantry_error *err);

/* The filters parameter for the engine; the caller frees it. */
int request_filters(struct request *rq, char **ret, struct gantry_error *err);

/* ENGINE(rq, container_start, &args, &reply, err): one call of the engine. */
#define ENGINE(rq, op, args, ret, err)                                                        \
	((rq)->front->engine.op ?                                                             \
		 (rq)->front->engine.op((rq)->front->engine_self, (args), &(ret)->base, (err)) : \
		 request_no_operation(#op, (err)))
int request_no_operation(const char *op, struct gantry_error *err);

#endif
