/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LUA_SANDBOX_SIGNATURE_H
#define LUA_SANDBOX_SIGNATURE_H

#include <stddef.h>

#define SIGNATURE_KEY_MAX 4096 /* of PEM */
#define SIGNATURE_TEXT_MAX 2048 /* of base64 */

/* Is signature (base64) one of data by the public key (PEM: Ed25519, or ECDSA or RSA
 * of up to 4,096 bits over SHA-256)?  1, 0, or -1 when the key is none. */
int signature_verify(const char *pem, size_t pem_len, const void *data, size_t len,
		     const char *signature, size_t signature_len);

#endif
