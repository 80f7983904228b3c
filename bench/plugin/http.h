/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What Docker's plugin protocol costs at least: a POST of JSON to a Unix socket and its
 * answer, with a server that does nothing but read the request and answer it.
 */
#ifndef BENCH_PLUGIN_HTTP_H
#define BENCH_PLUGIN_HTTP_H

#include <sys/types.h>

/* Serves at path in a child; returns its process. */
pid_t http_serve(const char *path);
/* One request on a connection kept open; 0 or -1. */
int http_request(int connection);
int http_connect(const char *path);

#endif
