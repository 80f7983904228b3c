/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A carrier is used by its own thread only, and frees itself.  It ends when both
 * directions have, or either side is gone.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "core/daemon/tls.h"

#include "helpers/cleanup.h"
#include "helpers/error.h"

#define HANDSHAKE_S 30
#define CARRIER_SIZE 16384
#define CARRIER_STACK (256 * 1024)

struct tls_context {
	SSL_CTX *ctx;
};

struct side {
	char data[CARRIER_SIZE];
	size_t off, len;
	int ended;
};

struct carrier {
	SSL *ssl;
	int sock;  /* the client's; owned */
	int inner; /* our end of the pair; owned */
	struct side in;  /* from the client */
	struct side out; /* to the client */
	short sock_events, inner_events; /* what to wait for */
};

static int tls_failed(struct gantry_error *err, const char *what, const char *path)
{
	char reason[256];

	ERR_error_string_n(ERR_get_error(), reason, sizeof(reason));
	ERR_clear_error();
	return error_set(err, GANTRY_ERR_INVALID, "cannot use the TLS %s %s: %s", what, path, reason);
}

static int load_files(SSL_CTX *ctx, const struct tls_files *files, struct gantry_error *err)
{
	if (!files->certificate || !files->key) {
		error_set(err, GANTRY_ERR_INVALID, "TLS needs a certificate and a key");
		return error_hint(err, "give --tlscert and --tlskey");
	}
	if (SSL_CTX_use_certificate_chain_file(ctx, files->certificate) != 1) {
		return tls_failed(err, "certificate", files->certificate);
	}
	if (SSL_CTX_use_PrivateKey_file(ctx, files->key, SSL_FILETYPE_PEM) != 1 ||
	    SSL_CTX_check_private_key(ctx) != 1) {
		return tls_failed(err, "key", files->key);
	}
	if (!files->ca) {
		return 0;
	}
	if (SSL_CTX_load_verify_locations(ctx, files->ca, NULL) != 1) {
		return tls_failed(err, "authority", files->ca);
	}
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
	SSL_CTX_set_client_CA_list(ctx, SSL_load_client_CA_file(files->ca));
	return 0;
}

int tls_context_new(const struct tls_files *files, struct tls_context **ret,
		    struct gantry_error *err)
{
	struct tls_context *tls = calloc(1, sizeof(*tls));
	int r;

	if (!tls) {
		return error_no_memory(err);
	}
	tls->ctx = SSL_CTX_new(TLS_server_method());
	if (!tls->ctx) {
		tls_context_free(tls);
		return error_no_memory(err);
	}
	SSL_CTX_set_min_proto_version(tls->ctx, TLS1_2_VERSION);
	SSL_CTX_set_options(tls->ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_IGNORE_UNEXPECTED_EOF);
	SSL_CTX_set_mode(tls->ctx, SSL_MODE_ENABLE_PARTIAL_WRITE |
					   SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
					   SSL_MODE_RELEASE_BUFFERS);
	SSL_CTX_set_session_cache_mode(tls->ctx, SSL_SESS_CACHE_OFF);
	r = load_files(tls->ctx, files, err);
	if (r < 0) {
		tls_context_free(tls);
		return r;
	}
	*ret = tls;
	return 0;
}

struct tls_context *tls_context_free(struct tls_context *tls)
{
	if (tls) {
		SSL_CTX_free(tls->ctx);
		free(tls);
	}
	return NULL;
}

static void carrier_free(struct carrier *c)
{
	SSL_free(c->ssl);
	if (c->sock >= 0) {
		close(c->sock);
	}
	if (c->inner >= 0) {
		close(c->inner);
	}
	free(c);
}

/* What a call of SSL waits for; 1 when the connection is broken. */
static int ssl_wants(struct carrier *c, int n)
{
	switch (SSL_get_error(c->ssl, n)) {
	case SSL_ERROR_WANT_READ:
		c->sock_events |= POLLIN;
		return 0;
	case SSL_ERROR_WANT_WRITE:
		c->sock_events |= POLLOUT;
		return 0;
	default:
		ERR_clear_error();
		return 1;
	}
}

/* Client to server.  1: moved something, 0: waits, -1: over. */
static int carry_in(struct carrier *c)
{
	struct side *s = &c->in;
	ssize_t n;

	if (s->len == 0 && !s->ended) {
		n = SSL_read(c->ssl, s->data, sizeof(s->data));
		if (n <= 0 && SSL_get_error(c->ssl, (int)n) == SSL_ERROR_ZERO_RETURN) {
			s->ended = 1;
			shutdown(c->inner, SHUT_WR);
			return 1;
		}
		if (n <= 0) {
			return ssl_wants(c, (int)n) ? -1 : 0;
		}
		s->off = 0;
		s->len = (size_t)n;
	}
	if (s->len == 0) {
		return 0;
	}
	n = send(c->inner, s->data + s->off, s->len, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (n < 0 && errno == EAGAIN) {
		c->inner_events |= POLLOUT;
		return 0;
	}
	if (n < 0) {
		return -1;
	}
	s->off += (size_t)n;
	s->len -= (size_t)n;
	return 1;
}

/* Server to client, likewise. */
static int carry_out(struct carrier *c)
{
	struct side *s = &c->out;
	ssize_t n;

	if (s->len == 0 && !s->ended) {
		n = recv(c->inner, s->data, sizeof(s->data), MSG_DONTWAIT);
		if (n < 0 && errno == EAGAIN) {
			c->inner_events |= POLLIN;
			return 0;
		}
		if (n <= 0) {
			s->ended = 1;
			SSL_shutdown(c->ssl);
			shutdown(c->sock, SHUT_WR);
			return 1;
		}
		s->off = 0;
		s->len = (size_t)n;
	}
	if (s->len == 0) {
		return 0;
	}
	n = SSL_write(c->ssl, s->data + s->off, (int)s->len);
	if (n <= 0) {
		return ssl_wants(c, (int)n) ? -1 : 0;
	}
	s->off += (size_t)n;
	s->len -= (size_t)n;
	return 1;
}

static void *carrier_run(void *arg)
{
	struct carrier *c = arg;

	for (;;) {
		int in, out;

		c->sock_events = c->inner_events = 0;
		in = carry_in(c);
		out = carry_out(c);
		if (in < 0 || out < 0 || (c->in.ended && c->out.ended && !c->in.len && !c->out.len)) {
			break;
		}
		if (in == 0 && out == 0) {
			struct pollfd pfds[] = {
				{ .fd = c->sock_events ? c->sock : -1, .events = c->sock_events },
				{ .fd = c->inner, .events = c->inner_events },
			};

			poll(pfds, 2, -1);
			if (pfds[1].revents & POLLHUP && c->out.ended) {
				break; /* the server is through with this connection */
			}
		}
	}
	carrier_free(c);
	return NULL;
}

static int handshake(struct carrier *c)
{
	struct timeval limit = { .tv_sec = HANDSHAKE_S };
	struct timeval none = { 0 };

	setsockopt(c->sock, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	setsockopt(c->sock, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
	if (SSL_accept(c->ssl) != 1) {
		ERR_clear_error();
		return -EPROTO;
	}
	setsockopt(c->sock, SOL_SOCKET, SO_RCVTIMEO, &none, sizeof(none));
	setsockopt(c->sock, SOL_SOCKET, SO_SNDTIMEO, &none, sizeof(none));
	return fcntl(c->sock, F_SETFL, fcntl(c->sock, F_GETFL) | O_NONBLOCK) < 0 ? -errno : 0;
}

/* In RFC 2253's form, which escapes what would make one name look like two. */
static char *subject_of(SSL *ssl)
{
	X509 *certificate = SSL_get_peer_certificate(ssl);
	BIO *text = certificate ? BIO_new(BIO_s_mem()) : NULL;
	char *subject = NULL, *data;
	long len;

	if (text && X509_NAME_print_ex(text, X509_get_subject_name(certificate), 0,
				       XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB) >= 0) {
		len = BIO_get_mem_data(text, &data);
		subject = strndup(data, (size_t)len);
	}
	BIO_free(text);
	X509_free(certificate);
	return subject;
}

static int start_carrier(struct carrier *c)
{
	pthread_attr_t attr;
	pthread_t thread;
	int r;

	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	pthread_attr_setstacksize(&attr, CARRIER_STACK);
	r = pthread_create(&thread, &attr, carrier_run, c);
	pthread_attr_destroy(&attr);
	return -r;
}

int tls_accept(struct tls_context *tls, int sock, char **ret_subject)
{
	struct carrier *c = calloc(1, sizeof(*c));
	char *subject = NULL;
	int ends[2] = { -1, -1 };
	int r = -ENOMEM;

	if (!c) {
		return r;
	}
	c->sock = sock;
	c->inner = -1;
	c->ssl = SSL_new(tls->ctx);
	if (c->ssl && SSL_set_fd(c->ssl, sock) == 1) {
		r = handshake(c);
	}
	if (r == 0 && socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0) {
		r = -errno;
	}
	if (r == 0) {
		c->inner = ends[1];
		subject = subject_of(c->ssl);
		r = start_carrier(c);
	}
	if (r < 0) {
		c->sock = -1;
		carrier_free(c);
		replace_fd(&ends[0], -1);
		free(subject);
		return r;
	}
	*ret_subject = subject;
	return ends[0];
}
