/* SPDX-License-Identifier: Apache-2.0 */
/*
 * OpenSSL's library, loaded when something of it is first needed: most commands make no
 * digest and check no signature, and linking it costs each of them.
 */
#ifndef HELPERS_LIBCRYPTO_H
#define HELPERS_LIBCRYPTO_H

#include <gantry/error.h>

/* A function of the library, or NULL. */
void *libcrypto_symbol(const char *name);

/* Says that it cannot be had, and what it is for: "verifies digests". */
int libcrypto_missing(const char *what_for, struct gantry_error *err);

#endif
