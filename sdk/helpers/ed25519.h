/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ed25519 signatures (RFC 8032) and keys in PEM, as `openssl genpkey -algorithm
 * ed25519` and `openssl pkey -pubout` write them.  libcrypto is loaded when the first
 * signature is made or checked.
 */
#ifndef HELPERS_ED25519_H
#define HELPERS_ED25519_H

#include <stddef.h>

#include <gantry/error.h>

#define ED25519_KEY_SIZE 32
#define ED25519_SIGNATURE_SIZE 64

/* Takes the key out of PEM text; what names it in errors.  INVALID when it is another kind. */
int ed25519_private_key(const char *pem, const char *what, unsigned char ret[ED25519_KEY_SIZE],
			struct gantry_error *err);
int ed25519_public_key(const char *pem, const char *what, unsigned char ret[ED25519_KEY_SIZE],
		       struct gantry_error *err);
/* The public key of a private one. */
int ed25519_public_of(const unsigned char key[ED25519_KEY_SIZE], unsigned char ret[ED25519_KEY_SIZE],
		      struct gantry_error *err);

int ed25519_sign(const unsigned char key[ED25519_KEY_SIZE], const void *data, size_t len,
		 unsigned char ret[ED25519_SIGNATURE_SIZE], struct gantry_error *err);
/* 0 when the signature is good; DENIED when it is not. */
int ed25519_verify(const unsigned char key[ED25519_KEY_SIZE], const void *data, size_t len,
		   const unsigned char *signature, size_t signature_len, struct gantry_error *err);

/* How a key is called: the first 16 hexadecimal digits of it. */
void ed25519_key_id(const unsigned char key[ED25519_KEY_SIZE], char ret[17]);

#endif
