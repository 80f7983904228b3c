/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TLS for tcp:// engines.  The library is loaded when a connection asks for it,
 * so that no other command pays for it.
 */
#ifndef CLI_CLIENT_TLS_H
#define CLI_CLIENT_TLS_H

#include <stddef.h>
#include <sys/types.h>

#include <gantry/error.h>

struct tls;

struct tls_options {
	const char *ca, *cert, *key; /* files; each may be NULL */
	int verify;
};

/* Shakes hands over fd, which stays the caller's. */
int tls_connect(int fd, const char *host, const struct tls_options *options, struct tls **ret,
		struct gantry_error *err);
/* Takes NULL, returns NULL. */
struct tls *tls_free(struct tls *tls);
ssize_t tls_read(struct tls *tls, void *data, size_t len);
int tls_write(struct tls *tls, const void *data, size_t len);
int tls_pending(const struct tls *tls);
void tls_close_write(struct tls *tls);

#endif
