/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Base64 as the Engine API uses it in headers: X-Registry-Auth comes URL-safe
 * and often unpadded, X-Docker-Container-Path-Stat goes out in the standard
 * alphabet with padding.
 */
#ifndef API_DOCKER_BASE64_H
#define API_DOCKER_BASE64_H

#include <stddef.h>

#include <gantry/error.h>

struct buf;

/* Appends the standard encoding of data. */
void base64_encode(const void *data, size_t len, struct buf *out);

/* Appends what text, in either alphabet, decodes to.  Returns 0, or INVALID
 * without filling an error. */
int base64_decode(const char *text, struct buf *out);

/* X-Registry-Auth to its JSON object.  *ret is owned by the caller, or NULL
 * when text is NULL or empty. */
int registry_auth_decode(const char *text, char **ret, struct gantry_error *err);

#endif
