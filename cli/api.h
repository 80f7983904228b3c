/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests as commands make them: a target with escaped parts, a JSON answer,
 * and failures as errors that read as Docker's do.
 */
#ifndef CLI_API_H
#define CLI_API_H

#include "cli/client/client.h"
#include "cli/cli.h"
#include "helpers/json.h"

/* Appends text with what a path or query may not hold escaped. */
void target_escape(struct buf *target, const char *text);
/* Appends "?key=value" or "&key=value"; NULL appends nothing. */
void target_add(struct buf *target, const char *key, const char *value);
void target_addf(struct buf *target, const char *key, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* "/containers/NAME/start": each %s of fmt is escaped. */
void target_set(struct buf *target, const char *fmt, ...);

/* Turns an answer with a failure status into an error; 0 for success. */
int api_check(const struct client_response *response, struct gantry_error *err);
/* As it is sent: the request's answer, whatever the status. */
int api_send(struct cli *cli, const struct client_request *request, struct client_response *ret,
	     struct gantry_error *err);
/* A request without a body or with a JSON one; json (or NULL) stays the caller's.
 * ret may be NULL; else *ret is the parsed answer (owned), or NULL when it is empty. */
int api_call(struct cli *cli, const char *method, const char *target, struct json_object *json,
	     struct json_object **ret, struct gantry_error *err);
/* An answer that is read as it comes. */
int api_stream(struct cli *cli, const char *method, const char *target, struct json_object *json,
	       struct client_response *ret, struct gantry_error *err);

/* "name=value" filters of a repeated flag as the query wants them: {"name":{"value":true}}.
 * Adds nothing when there are none. */
struct args;
void target_add_filters(struct buf *target, const struct args *args, const char *flag);

#endif
