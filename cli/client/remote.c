/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The Engine API over a socket.  One connection is kept for the next plain
 * request; streams and upgrades own theirs.  Single-threaded.
 */
#include <errno.h>
#include <netdb.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cli/client/client.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "helpers/io.h"
#include "helpers/json.h"

#define UPLOAD_CHUNK 65536

struct remote {
	struct client_options options;
	const char *host;   /* as the user wrote it */
	struct stream idle; /* kept open after a complete answer */
};

int remote_open(const struct client_options *options, void **ret, struct gantry_error *err)
{
	const char *h = options->host;
	struct remote *remote;

	if (strstr(h, "://") && strncmp(h, "unix://", 7) != 0 && strncmp(h, "tcp://", 6) != 0 &&
	    strncmp(h, "http://", 7) != 0 && strncmp(h, "https://", 8) != 0 &&
	    strncmp(h, "fd://", 5) != 0) {
		error_set(err, GANTRY_ERR_INVALID, "unable to parse docker host `%s`", h);
		return error_hint(err, "write unix:///path, tcp://host:port or fd://number");
	}
	remote = calloc(1, sizeof(*remote));
	if (!remote) {
		return error_no_memory(err);
	}
	remote->options = *options;
	remote->host = h;
	stream_open_fd(&remote->idle, -1);
	/* A daemon that goes away is an error of the write, not of this process. */
	signal(SIGPIPE, SIG_IGN);
	*ret = remote;
	return 0;
}

static void remote_close(void *self)
{
	struct remote *remote = self;

	stream_close(&remote->idle);
	free(remote);
}

static int cannot_connect(const struct remote *remote, int why, struct gantry_error *err)
{
	if (why == EACCES) {
		error_set(err, GANTRY_ERR_PERMISSION,
			  "permission denied while trying to connect to the daemon socket at %s",
			  remote->host);
		return error_hint(err, "join the group that owns the socket, or run as root");
	}
	error_set(err, GANTRY_ERR_UNAVAILABLE,
		  "Cannot connect to the Docker daemon at %s. Is the docker daemon running?",
		  remote->host);
	return error_hint(err, "without -H and DOCKER_HOST, no daemon is needed");
}

static int connect_tcp(const struct remote *remote, char name[256], struct gantry_error *err)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
	const char *scheme = strstr(remote->host, "://");
	const char *address = scheme ? scheme + 3 : remote->host;
	struct addrinfo *list = NULL;
	char *port;
	int fd = -1;

	snprintf(name, 256, "%s", address + (*address == '['));
	name[strcspn(name, "/")] = '\0';
	port = strrchr(name, ':');
	if (port) {
		port[port > name && port[-1] == ']' ? -1 : 0] = '\0';
		port++;
	} else {
		port = name + strlen(name);
	}
	if (getaddrinfo(name, *port ? port : remote->options.use_tls ? "2376" : "2375", &hints,
			&list) != 0) {
		return cannot_connect(remote, 0, err);
	}
	for (struct addrinfo *a = list; a && fd < 0; a = a->ai_next) {
		fd = socket(a->ai_family, a->ai_socktype | SOCK_CLOEXEC, a->ai_protocol);
		if (fd >= 0 && connect(fd, a->ai_addr, a->ai_addrlen) < 0) {
			close(fd);
			fd = -1;
		}
	}
	freeaddrinfo(list);
	return fd < 0 ? cannot_connect(remote, errno, err) : fd;
}

static int connect_new(struct remote *remote, struct stream *ret, struct gantry_error *err)
{
	char name[256] = "localhost";
	int fd, r;

	if (strncmp(remote->host, "unix://", 7) == 0) {
		fd = unix_connect(remote->host + 7);
		if (fd < 0) {
			return cannot_connect(remote, -fd, err);
		}
	} else if (strncmp(remote->host, "fd://", 5) == 0) {
		fd = dup(atoi(remote->host + 5));
		if (fd < 0) {
			return cannot_connect(remote, errno, err);
		}
	} else {
		fd = connect_tcp(remote, name, err);
		if (fd < 0) {
			return fd;
		}
	}
	stream_open_fd(ret, fd);
	if (remote->options.use_tls && strncmp(remote->host, "unix://", 7) != 0) {
		r = tls_connect(fd, name, &remote->options.tls, &ret->tls, err);
		if (r < 0) {
			stream_close(ret);
			return r;
		}
	}
	return 0;
}

static void write_head(struct buf *out, const char *version, const struct client_request *rq,
		       const char *body)
{
	buf_addf(out, "%s /v%s%s HTTP/1.1\r\nHost: api.moby.localhost\r\nUser-Agent: gantry\r\n",
		 rq->method, version, rq->target);
	if (rq->want == CLIENT_UPGRADE) {
		buf_adds(out, "Connection: Upgrade\r\nUpgrade: tcp\r\n");
	}
	if (rq->registry_auth) {
		buf_addf(out, "X-Registry-Auth: %s\r\n", rq->registry_auth);
	}
	if (body) {
		buf_addf(out, "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
			 strlen(body), body);
	} else if (rq->has_body_fd) {
		buf_adds(out, "Content-Type: application/x-tar\r\nTransfer-Encoding: chunked\r\n\r\n");
	} else {
		buf_adds(out, strcmp(rq->method, "POST") == 0 ? "Content-Length: 0\r\n\r\n" : "\r\n");
	}
}

/* Copies fd as chunks.  A daemon that answers early stops reading: then its answer counts. */
static int upload(struct stream *s, int fd, struct gantry_error *err)
{
	auto_free char *data = malloc(UPLOAD_CHUNK + 16);
	char size[16];
	ssize_t n;
	int used;

	if (!data) {
		return error_no_memory(err);
	}
	do {
		do {
			n = read(fd, data, UPLOAD_CHUNK);
		} while (n < 0 && errno == EINTR);
		if (n < 0) {
			return error_errno(err, errno, "cannot read what is to be sent");
		}
		used = snprintf(size, sizeof(size), "%zx\r\n", (size_t)n);
		memcpy(data + n, "\r\n", 2);
		if (stream_write(s, size, (size_t)used) < 0 ||
		    stream_write(s, data, (size_t)n + 2) < 0) {
			return 0;
		}
	} while (n > 0);
	return 0;
}

static int read_head(struct remote *remote, struct stream *s, const char *method,
		     struct http_head *head, struct gantry_error *err)
{
	size_t len = 0;
	ssize_t n;
	int r;

	for (;;) {
		char *room = buf_reserve(&s->ahead, 4096);

		if (!room) {
			return error_no_memory(err);
		}
		/* Reads behind what is already ahead, so not through stream_read_raw(). */
		if (s->tls) {
			n = tls_read(s->tls, room, 4096);
		} else {
			do {
				n = read(s->fd, room, 4096);
			} while (n < 0 && errno == EINTR);
		}
		if (n <= 0) {
			return error_set(err, GANTRY_ERR_UNAVAILABLE,
					 "the engine at %s closed the connection without an answer",
					 remote->host);
		}
		s->ahead.len += (size_t)n;
		len = http_head_length(s->ahead.data, s->ahead.len);
		if (!len) {
			if (s->ahead.len > HTTP_MAX_HEAD) {
				return error_set(err, GANTRY_ERR_LIMIT,
						 "the engine's answer has too many headers");
			}
			continue;
		}
		r = http_parse_head(s->ahead.data, len, method, head, err);
		if (r < 0) {
			return r;
		}
		buf_consume(&s->ahead, len);
		if (head->status != 100) {
			return 0;
		}
		http_head_done(head);
	}
}

static int read_body(struct stream *s, struct buf *out, struct gantry_error *err)
{
	ssize_t n;

	for (;;) {
		char *room = buf_reserve(out, 65536);

		if (!room) {
			return error_no_memory(err);
		}
		n = stream_read(s, room, 65536);
		if (n < 0) {
			return error_errno(err, (int)-n, "the engine's answer ended too early");
		}
		if (n == 0) {
			room[0] = '\0';
			return 0;
		}
		out->len += (size_t)n;
		if (out->len > CLIENT_MAX_BODY) {
			return error_set(err, GANTRY_ERR_LIMIT, "the engine's answer is too large");
		}
	}
}

static int send_request(struct remote *remote, struct stream *s, const char *version,
			const struct client_request *rq, struct gantry_error *err)
{
	auto_(buf) struct buf out = BUF_INIT;

	write_head(&out, version, rq, rq->json ? json_text(rq->json) : NULL);
	if (buf_failed(&out)) {
		return error_no_memory(err);
	}
	if (stream_write(s, out.data, out.len) < 0) {
		return error_set(err, GANTRY_ERR_UNAVAILABLE, "the engine at %s closed the connection",
				 remote->host);
	}
	return rq->has_body_fd ? upload(s, rq->body_fd, err) : 0;
}

static int take_answer(struct remote *remote, struct stream *s, const struct client_request *rq,
		       struct client_response *ret, struct gantry_error *err)
{
	struct http_head head;
	int r = read_head(remote, s, rq->method, &head, err);

	if (r < 0) {
		return r;
	}
	ret->status = head.status;
	ret->headers = head.headers;
	s->body = head.body;
	if (head.status < 400 && rq->want != CLIENT_BODY) {
		ret->stream = *s;
		stream_open_fd(s, -1);
		return 0;
	}
	r = read_body(s, &ret->body, err);
	if (r < 0) {
		client_response_done(ret);
		return r;
	}
	if (head.keep_alive && s->body.done && !s->ahead.len) {
		remote->idle = *s;
		stream_open_fd(s, -1);
	}
	return 0;
}

static int remote_request(void *self, const char *version, const struct client_request *rq,
			  struct client_response *ret, struct gantry_error *err)
{
	struct remote *remote = self;
	struct gantry_error stale = GANTRY_ERROR_INIT;
	auto_(stream) struct stream s = STREAM_INIT;
	int reused = remote->idle.fd >= 0 && !rq->has_body_fd;
	int r;

	if (reused) {
		s = remote->idle;
		stream_open_fd(&remote->idle, -1);
		r = send_request(remote, &s, version, rq, &stale);
		r = r < 0 ? r : take_answer(remote, &s, rq, ret, &stale);
		if (r == 0) {
			return 0;
		}
		stream_close(&s);
		/* Only a request that cannot have been served is sent again. */
		if (stale.code != GANTRY_ERR_UNAVAILABLE) {
			*err = stale;
			return r;
		}
	}
	r = connect_new(remote, &s, err);
	r = r < 0 ? r : send_request(remote, &s, version, rq, err);
	return r < 0 ? r : take_answer(remote, &s, rq, ret, err);
}

const struct client_ops remote_ops = {
	.request = remote_request,
	.close = remote_close,
};
