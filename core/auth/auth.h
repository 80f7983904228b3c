/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who is asking a daemon: the chain of auth drivers.
 */
#ifndef CORE_AUTH_AUTH_H
#define CORE_AUTH_AUTH_H

#include <gantry/api.h>

#include "helpers/json.h"

struct core;

/* Identifies the peer of a request: *ret_who is {uid, gid, pid, transport, address,
 * certificate, user, groups, auth, administrator}, the caller's; `auth` is "none" when
 * nobody knows the peer.  A request without a peer is this process's own: *ret_who is
 * NULL.  UNAUTHORIZED: refused, and *ret_challenge may be a header's text (the caller
 * frees); PERMISSION: known, but may only look. */
int auth_who(struct core *core, const struct gantry_api_handle_args *request,
		  struct json_object **ret_who, char **ret_challenge, struct gantry_error *err);

#endif
