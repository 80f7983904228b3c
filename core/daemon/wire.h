/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes between descriptors: whole sends, a stream sent as a body, a tunnel in
 * both directions, and a close that loses nothing of what was sent.  All end
 * when the client goes.
 */
#ifndef CORE_DAEMON_WIRE_H
#define CORE_DAEMON_WIRE_H

#include <stddef.h>

struct buf;

/* Sends head, then data.  0 or a negative errno. */
int wire_send(int sock, const struct buf *head, const void *data, size_t len);

/* Waits for input.  0, or -ETIMEDOUT or another negative errno. */
int wire_wait(int sock, int timeout_ms);

/* Receives into in; waits at most timeout_ms for the first byte.  Returns the
 * count, 0 at the end, or a negative errno. */
long wire_receive(int sock, struct buf *in, int timeout_ms);

/* Sends what stream has until its end.  0 when all was sent; a negative errno
 * when the client went or the stream failed, and then the body is incomplete. */
enum wire_framing { WIRE_CHUNKED, WIRE_PLAIN };
int wire_stream(int sock, int stream, enum wire_framing framing);

/* Waits a moment until the other end has read all that was sent, where that can be known: on a
 * Unix socket.  Some clients lose what comes together with the head of an answer. */
void wire_wait_read(int sock);

/* Carries both directions until inner ends or the client goes; a half-closed
 * side is passed on.  first is what the client sent already. */
void wire_tunnel(int sock, int inner, const struct buf *first);

/* Ends the sending side and waits a moment for the client to end its own:
 * closing with input unread would take from it what it has not read yet. */
void wire_linger(int sock);

#endif
