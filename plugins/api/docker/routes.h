/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which handler serves a method and path.
 */
#ifndef API_DOCKER_ROUTES_H
#define API_DOCKER_ROUTES_H

#include "handlers.h"

/* The handler, or NULL.  Decodes what a wildcard matched into rq->name; INVALID
 * through err when that is malformed (the return is NULL then, too). */
handler_fn route_find(struct request *rq, struct gantry_error *err);

#endif
