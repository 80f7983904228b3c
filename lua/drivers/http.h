/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HTTP for scripts, over libcurl, which is loaded when the first script asks:
 * its thirty libraries would cost every command more than all else here.
 */
#ifndef LUA_DRIVERS_HTTP_H
#define LUA_DRIVERS_HTTP_H

#include <gantry/error.h>

struct buf;
struct service_http;

/* Has the shape of services.http; ctx is not used.  No redirects (the host was
 * granted, not where it points), no proxies from the environment, answers up to
 * 4 MiB. */
int http_request(void *ctx, const struct service_http *request, int *ret_status,
		 struct buf *ret_body, struct gantry_error *err);

#endif
