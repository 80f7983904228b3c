/* SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>

#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "cli/client/tls.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"

/* Every function of libssl that is used here, found at run time. */
#define TLS_FUNCTIONS(X)                                                                       \
	X(TLS_client_method) X(SSL_CTX_new) X(SSL_CTX_free) X(SSL_CTX_set_verify)              \
	X(SSL_CTX_load_verify_locations) X(SSL_CTX_set_default_verify_paths)                   \
	X(SSL_CTX_use_certificate_chain_file) X(SSL_CTX_use_PrivateKey_file) X(SSL_new)        \
	X(SSL_free) X(SSL_set_fd) X(SSL_connect) X(SSL_read) X(SSL_write) X(SSL_pending)       \
	X(SSL_shutdown) X(SSL_ctrl) X(SSL_CTX_ctrl) X(SSL_get0_param) X(SSL_get_verify_result)

struct tls_library {
#define X(name) __typeof__(name) *name;
	TLS_FUNCTIONS(X)
#undef X
	__typeof__(X509_VERIFY_PARAM_set1_host) *set1_host;
	__typeof__(X509_VERIFY_PARAM_set1_ip_asc) *set1_ip;
	__typeof__(X509_verify_cert_error_string) *verify_error_string;
};

struct tls {
	SSL_CTX *ctx;
	SSL *ssl;
};

static struct tls_library lib;

static int load_library(struct gantry_error *err)
{
	static const char *const names[] = { "libssl.so.3", "libssl.so.1.1" };
	void *handle = NULL;
	int missing = 0;

	if (lib.SSL_new) {
		return 0;
	}
	for (size_t i = 0; !handle && i < ARRAY_SIZE(names); i++) {
		handle = dlopen(names[i], RTLD_NOW | RTLD_LOCAL);
	}
	if (!handle) {
		error_set(err, GANTRY_ERR_UNAVAILABLE, "cannot load the TLS library: %s", dlerror());
		return error_hint(err, "install OpenSSL's library (libssl3)");
	}
#define X(name)                            \
	lib.name = dlsym(handle, #name);   \
	missing += lib.name == NULL;
	TLS_FUNCTIONS(X)
#undef X
	lib.set1_host = dlsym(handle, "X509_VERIFY_PARAM_set1_host");
	lib.set1_ip = dlsym(handle, "X509_VERIFY_PARAM_set1_ip_asc");
	lib.verify_error_string = dlsym(handle, "X509_verify_cert_error_string");
	if (missing || !lib.set1_host || !lib.set1_ip || !lib.verify_error_string) {
		lib = (struct tls_library){ 0 };
		return error_set(err, GANTRY_ERR_UNSUPPORTED, "the TLS library lacks functions");
	}
	return 0;
}

static int is_address(const char *host)
{
	unsigned char addr[16];

	return inet_pton(AF_INET, host, addr) == 1 || inet_pton(AF_INET6, host, addr) == 1;
}

static int configure(struct tls *tls, const struct tls_options *o, struct gantry_error *err)
{
	lib.SSL_CTX_ctrl(tls->ctx, SSL_CTRL_SET_MIN_PROTO_VERSION, TLS1_2_VERSION, NULL);
	lib.SSL_CTX_set_verify(tls->ctx, o->verify ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, NULL);
	if (o->ca && lib.SSL_CTX_load_verify_locations(tls->ctx, o->ca, NULL) != 1) {
		error_set(err, GANTRY_ERR_INVALID, "cannot read certificates of the CA from %s", o->ca);
		return error_hint(err, "name a PEM file with --tlscacert");
	}
	if (!o->ca) {
		lib.SSL_CTX_set_default_verify_paths(tls->ctx);
	}
	if (o->cert && lib.SSL_CTX_use_certificate_chain_file(tls->ctx, o->cert) != 1) {
		return error_set(err, GANTRY_ERR_INVALID, "cannot read the client certificate %s",
				 o->cert);
	}
	if (o->key && lib.SSL_CTX_use_PrivateKey_file(tls->ctx, o->key, SSL_FILETYPE_PEM) != 1) {
		return error_set(err, GANTRY_ERR_INVALID,
				 "cannot read the client key %s, or it does not fit the certificate",
				 o->key);
	}
	return 0;
}

static int handshake(struct tls *tls, int fd, const char *host, const struct tls_options *o,
		     struct gantry_error *err)
{
	X509_VERIFY_PARAM *param;
	long why;

	tls->ssl = lib.SSL_new(tls->ctx);
	if (!tls->ssl) {
		return error_no_memory(err);
	}
	param = lib.SSL_get0_param(tls->ssl);
	if (is_address(host)) {
		lib.set1_ip(param, host);
	} else {
		lib.set1_host(param, host, 0);
		lib.SSL_ctrl(tls->ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name,
			     (void *)(uintptr_t)host);
	}
	lib.SSL_set_fd(tls->ssl, fd);
	if (lib.SSL_connect(tls->ssl) == 1) {
		return 0;
	}
	why = lib.SSL_get_verify_result(tls->ssl);
	if (o->verify && why != X509_V_OK) {
		return error_set(err, GANTRY_ERR_UNAUTHORIZED,
				 "the certificate of the engine at %s is not accepted: %s", host,
				 lib.verify_error_string(why));
	}
	return error_set(err, GANTRY_ERR_UNAVAILABLE, "no TLS connection to the engine at %s", host);
}

int tls_connect(int fd, const char *host, const struct tls_options *options, struct tls **ret,
		struct gantry_error *err)
{
	struct tls *tls;
	int r = load_library(err);

	if (r < 0) {
		return r;
	}
	tls = calloc(1, sizeof(*tls));
	if (!tls) {
		return error_no_memory(err);
	}
	tls->ctx = lib.SSL_CTX_new(lib.TLS_client_method());
	r = tls->ctx ? configure(tls, options, err) : error_no_memory(err);
	if (r == 0) {
		r = handshake(tls, fd, host, options, err);
	}
	if (r < 0) {
		tls_free(tls);
		return r;
	}
	*ret = tls;
	return 0;
}

struct tls *tls_free(struct tls *tls)
{
	if (tls) {
		if (tls->ssl) {
			lib.SSL_free(tls->ssl);
		}
		if (tls->ctx) {
			lib.SSL_CTX_free(tls->ctx);
		}
		free(tls);
	}
	return NULL;
}

ssize_t tls_read(struct tls *tls, void *data, size_t len)
{
	int n = lib.SSL_read(tls->ssl, data, len > INT_MAX ? INT_MAX : (int)len);

	return n > 0 ? n : 0;
}

int tls_write(struct tls *tls, const void *data, size_t len)
{
	const char *p = data;

	while (len > 0) {
		int n = lib.SSL_write(tls->ssl, p, len > 65536 ? 65536 : (int)len);

		if (n <= 0) {
			return -EPIPE;
		}
		p += n;
		len -= (size_t)n;
	}
	return 0;
}

int tls_pending(const struct tls *tls)
{
	return lib.SSL_pending(tls->ssl) > 0;
}

void tls_close_write(struct tls *tls)
{
	lib.SSL_shutdown(tls->ssl);
}
