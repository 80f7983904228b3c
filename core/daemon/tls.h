/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TLS for listening sockets.  It ends in front of the server: a thread per
 * connection carries plain bytes over a socket pair, so that everything behind
 * it, raw streams and half-closes included, knows sockets only.
 */
#ifndef CORE_DAEMON_TLS_H
#define CORE_DAEMON_TLS_H

#include <gantry/error.h>

struct tls_context;

struct tls_files {
	const char *certificate; /* PEM; the server's own, with its chain */
	const char *key;         /* PEM */
	const char *ca;          /* PEM; clients must show a certificate that it signed; or NULL */
};

int tls_context_new(const struct tls_files *files, struct tls_context **ret,
		    struct gantry_error *err);
/* NULL is fine; returns NULL. */
struct tls_context *tls_context_free(struct tls_context *tls);

/* Shakes hands on sock, waiting at most some seconds for each step.  Returns the
 * plain end, which replaces sock; sock belongs to the carrying thread from then
 * on.  A negative errno leaves sock alone.  *ret_subject: the client
 * certificate's subject, owned by the caller, or NULL. */
int tls_accept(struct tls_context *tls, int sock, char **ret_subject);

#endif
