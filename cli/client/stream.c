/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cli/client/stream.h"
#include "cli/client/tls.h"
#include "helpers/io.h"

void stream_open_fd(struct stream *s, int fd)
{
	*s = (struct stream)STREAM_INIT;
	s->fd = fd;
}

void stream_close(struct stream *s)
{
	s->tls = tls_free(s->tls);
	if (s->fd >= 0) {
		close(s->fd);
	}
	buf_done(&s->ahead);
	*s = (struct stream)STREAM_INIT;
}

ssize_t stream_read_raw(struct stream *s, void *data, size_t len)
{
	ssize_t n;

	if (s->ahead.len > 0) {
		n = (ssize_t)(len < s->ahead.len ? len : s->ahead.len);
		memcpy(data, s->ahead.data, (size_t)n);
		buf_consume(&s->ahead, (size_t)n);
		return n;
	}
	if (s->fd < 0) {
		return 0;
	}
	if (s->tls) {
		return tls_read(s->tls, data, len);
	}
	do {
		n = read(s->fd, data, len);
	} while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n;
}

/* Bytes of a line of the chunk framing, one at a time: they are few and usually ahead. */
static int read_framing(struct stream *s)
{
	char c;
	ssize_t n;

	while (http_body_wants_framing(&s->body)) {
		n = stream_read_raw(s, &c, 1);
		if (n == 0) {
			return -EPIPE;
		}
		if (n < 0) {
			return (int)n;
		}
		if (http_body_framing(&s->body, c) < 0) {
			return -EPROTO;
		}
	}
	return 0;
}

ssize_t stream_read(struct stream *s, void *data, size_t len)
{
	ssize_t n;
	int r;

	if (s->body.framing == HTTP_UNTIL_CLOSE) {
		return stream_read_raw(s, data, len);
	}
	r = read_framing(s);
	if (r < 0) {
		return r;
	}
	if (s->body.done || len == 0) {
		return 0;
	}
	if ((uint64_t)len > s->body.left) {
		len = (size_t)s->body.left;
	}
	n = stream_read_raw(s, data, len);
	if (n == 0) {
		return -EPIPE; /* cut short */
	}
	if (n > 0) {
		http_body_took(&s->body, (size_t)n);
	}
	return n;
}

int stream_pending(const struct stream *s)
{
	return s->ahead.len > 0 || s->body.done || (s->tls && tls_pending(s->tls));
}

int stream_write(struct stream *s, const void *data, size_t len)
{
	return s->tls ? tls_write(s->tls, data, len) : write_all(s->fd, data, len);
}

void stream_close_write(struct stream *s)
{
	if (s->tls) {
		tls_close_write(s->tls);
	} else if (s->fd >= 0) {
		shutdown(s->fd, SHUT_WR);
	}
}
