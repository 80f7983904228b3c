/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who is on the other end of a connection, as the JSON that the api drivers and
 * policies see.
 */
#ifndef CORE_DAEMON_PEER_H
#define CORE_DAEMON_PEER_H

struct buf;

/* Appends {"transport":"unix","uid":..,"gid":..,"pid":..} or
 * {"transport":"tcp"|"tls","address":"HOST:PORT","certificate":"SUBJECT"}.
 * certificate: the checked client certificate's subject, or NULL. */
enum peer_security { PEER_PLAIN, PEER_TLS };
void peer_describe(int sock, enum peer_security security, const char *certificate,
		   struct buf *out);

#endif
