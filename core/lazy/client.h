/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The engine's side of gantry-lazyfs: finding the one that runs, starting one, asking it.
 */
#ifndef CORE_LAZY_CLIENT_H
#define CORE_LAZY_CLIENT_H

#include <gantry/error.h>

struct core;

/* The folder of a layer that is read in place (its name is the blob's digest without
 * "sha256:"), or of all (NULL).  The caller frees. */
char *lazy_path(struct core *core, const char *name);

/* A connection to the server, which is started when none runs. */
int lazy_connect(struct core *core, int *ret_fd, struct gantry_error *err);

/* One request and its answer; ret_fd may be NULL. */
int lazy_ask(int connection, const char *request, int *ret_fd, struct gantry_error *err);

/* A descriptor of its mount. */
int lazy_mount(struct core *core, int *ret_fd, struct gantry_error *err);

#endif
