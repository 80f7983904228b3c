/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A byte stream to or from the engine: a plain descriptor in process, a socket
 * with HTTP framing or TLS around it when remote.  Reading and half-closing
 * look the same in all of them.
 */
#ifndef CLI_CLIENT_STREAM_H
#define CLI_CLIENT_STREAM_H

#include <stddef.h>
#include <sys/types.h>

#include "cli/client/http.h"
#include "helpers/buf.h"

struct tls;

struct stream {
	int fd;                /* to poll; -1 when closed */
	struct tls *tls;       /* owned; or NULL */
	struct buf ahead;      /* bytes read beyond the headers */
	struct http_body body; /* how the end is known */
};

#define STREAM_INIT { .fd = -1, .body = { .framing = HTTP_UNTIL_CLOSE } }

/* Takes fd; an upgraded connection or a body of its own. */
void stream_open_fd(struct stream *s, int fd);
void stream_close(struct stream *s);
static inline void stream_auto(struct stream *s)
{
	stream_close(s);
}

/* Up to len bytes; 0 at the end; a negative errno value.  Waits for the first byte. */
ssize_t stream_read(struct stream *s, void *data, size_t len);
/* Is there something to read that poll(2) on fd would not report? */
int stream_pending(const struct stream *s);
/* Writes all of it: 0 or a negative errno value. */
int stream_write(struct stream *s, const void *data, size_t len);
/* Says that nothing more will be written. */
void stream_close_write(struct stream *s);

/* Bytes under the HTTP framing. */
ssize_t stream_read_raw(struct stream *s, void *data, size_t len);

#endif
