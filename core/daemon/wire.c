/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include <linux/sockios.h>

#include "core/daemon/wire.h"

#include "helpers/buf.h"
#include "helpers/cleanup.h"
#include "helpers/io.h"

#define RECEIVE_SIZE 16384
#define STREAM_SIZE 65536
#define TUNNEL_SIZE 32768
#define LINGER_MS 2000
#define READ_PAUSE_NS 200000 /* between looks whether a client has read the head */
#define READ_PAUSES 250      /* it gets 50 ms */
#define CHUNK_HEAD 10 /* room for a chunk's size line */

static int send_all(int sock, const char *data, size_t len)
{
	while (len > 0) {
		ssize_t n = send(sock, data, len, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR) {
			continue;
		}
		if (n < 0) {
			return -errno;
		}
		data += n;
		len -= (size_t)n;
	}
	return 0;
}

int wire_send(int sock, const struct buf *head, const void *data, size_t len)
{
	struct iovec iov[] = { { head->data, head->len }, { (void *)data, len } };
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = len ? 2 : 1 };
	size_t sent;
	ssize_t n;
	int r;

	do {
		n = sendmsg(sock, &msg, MSG_NOSIGNAL);
	} while (n < 0 && errno == EINTR);
	if (n < 0) {
		return -errno;
	}
	sent = (size_t)n;
	if (sent < head->len) {
		r = send_all(sock, head->data + sent, head->len - sent);
		return r < 0 ? r : send_all(sock, data, len);
	}
	sent -= head->len;
	return send_all(sock, (const char *)data + sent, len - sent);
}

int wire_wait(int sock, int timeout_ms)
{
	struct pollfd pfd = { .fd = sock, .events = POLLIN };
	int n;

	do {
		n = poll(&pfd, 1, timeout_ms);
	} while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n == 0 ? -ETIMEDOUT : 0;
}

long wire_receive(int sock, struct buf *in, int timeout_ms)
{
	char *to = buf_reserve(in, RECEIVE_SIZE);
	ssize_t n;
	int r;

	if (!to) {
		return -ENOMEM;
	}
	r = wire_wait(sock, timeout_ms);
	if (r < 0) {
		return r;
	}
	do {
		n = recv(sock, to, RECEIVE_SIZE, 0);
	} while (n < 0 && errno == EINTR);
	if (n < 0) {
		return -errno;
	}
	in->len += (size_t)n;
	in->data[in->len] = '\0';
	return n;
}

/* Waits until stream can be read; -EPIPE when the client went meanwhile. */
static int wait_stream(int sock, int stream)
{
	struct pollfd pfds[] = {
		{ .fd = stream, .events = POLLIN },
		{ .fd = sock, .events = POLLRDHUP },
	};

	for (;;) {
		if (poll(pfds, 2, -1) < 0) {
			if (errno == EINTR) {
				continue;
			}
			return -errno;
		}
		if (pfds[1].revents) {
			return -EPIPE;
		}
		if (pfds[0].revents) {
			return 0;
		}
	}
}

int wire_stream(int sock, int stream, enum wire_framing framing)
{
	auto_free char *room = malloc(CHUNK_HEAD + STREAM_SIZE + 2);
	char *data = room + CHUNK_HEAD;
	int r;

	if (!room) {
		return -ENOMEM;
	}
	for (;;) {
		char *from = data;
		char size[CHUNK_HEAD + 1];
		size_t len;
		ssize_t n;

		r = wait_stream(sock, stream);
		if (r < 0) {
			return r;
		}
		n = read(stream, data, STREAM_SIZE);
		if (n < 0 && (errno == EINTR || errno == EAGAIN)) {
			continue;
		}
		if (n < 0) {
			return -errno;
		}
		if (n == 0) {
			break;
		}
		len = (size_t)n;
		if (framing == WIRE_CHUNKED) {
			int digits = snprintf(size, sizeof(size), "%zx\r\n", len);

			from = memcpy(data - digits, size, (size_t)digits);
			memcpy(data + len, "\r\n", 2);
			len += (size_t)digits + 2;
		}
		r = send_all(sock, from, len);
		if (r < 0) {
			return r;
		}
	}
	return framing == WIRE_CHUNKED ? send_all(sock, "0\r\n\r\n", 5) : 0;
}

/* One direction of a tunnel. */
struct flow {
	int from, to;
	char *data; /* TUNNEL_SIZE bytes, owned by the tunnel */
	size_t off, len;
	int ended;  /* from has no more */
	int failed; /* to takes no more */
};

static int flow_is_active(const struct flow *f)
{
	return !f->failed && (!f->ended || f->len > 0);
}

static void flow_write(struct flow *f)
{
	ssize_t n = send(f->to, f->data + f->off, f->len, MSG_DONTWAIT | MSG_NOSIGNAL);

	if (n < 0 && errno != EAGAIN && errno != EINTR) {
		f->failed = 1;
	}
	if (n > 0) {
		f->off += (size_t)n;
		f->len -= (size_t)n;
	}
	if (f->ended && f->len == 0) {
		shutdown(f->to, SHUT_WR);
	}
}

static void flow_read(struct flow *f)
{
	ssize_t n = recv(f->from, f->data, TUNNEL_SIZE, MSG_DONTWAIT);

	if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
		return;
	}
	if (n <= 0) {
		f->ended = 1;
		shutdown(f->to, SHUT_WR);
		return;
	}
	f->off = 0;
	f->len = (size_t)n;
	flow_write(f); /* most often it fits at once */
}

static short flow_events(const struct flow *f, int fd)
{
	if (f->failed) {
		return 0;
	}
	if (f->len > 0) {
		return fd == f->to ? POLLOUT : 0;
	}
	return fd == f->from && !f->ended ? POLLIN : 0;
}

static void run_tunnel(struct flow *in, struct flow *out)
{
	int client_gone = 0;

	while (flow_is_active(out)) {
		struct pollfd pfds[] = { { .fd = in->from }, { .fd = in->to } };

		/* Hang-ups are reported without being asked for: who has nothing to do
		 * is left out, or poll would spin.  The client is watched until it goes. */
		for (int i = 0; i < 2; i++) {
			pfds[i].events =
				(short)(flow_events(in, pfds[i].fd) | flow_events(out, pfds[i].fd));
			if (!pfds[i].events && (i == 1 || client_gone)) {
				pfds[i].fd = -1;
			}
		}
		if (poll(pfds, 2, -1) < 0) {
			if (errno == EINTR) {
				continue;
			}
			return;
		}
		client_gone = (pfds[0].revents & POLLHUP) != 0;
		if (pfds[0].revents & (POLLERR | POLLNVAL) ||
		    (client_gone && (in->ended || in->failed))) {
			return;
		}
		if (in->len > 0 && pfds[1].revents & (POLLOUT | POLLERR | POLLHUP)) {
			flow_write(in);
		} else if (!in->len && !in->ended && !in->failed && pfds[0].revents) {
			flow_read(in);
		}
		if (out->len > 0 && pfds[0].revents) {
			flow_write(out);
		} else if (!out->len && !out->ended && pfds[1].revents & (POLLIN | POLLHUP | POLLERR)) {
			flow_read(out);
		}
	}
}

void wire_tunnel(int sock, int inner, const struct buf *first)
{
	auto_free char *room = malloc(2 * TUNNEL_SIZE);
	struct flow in = { .from = sock, .to = inner, .data = room };
	struct flow out = { .from = inner, .to = sock, .data = room + TUNNEL_SIZE };

	if (!room || (first->len && send_all(inner, first->data, first->len) < 0)) {
		return;
	}
	run_tunnel(&in, &out);
}

void wire_wait_read(int sock)
{
	static const struct timespec pause = { 0, READ_PAUSE_NS };
	int domain = 0, unread;
	socklen_t size = sizeof(domain);

	if (getsockopt(sock, SOL_SOCKET, SO_DOMAIN, &domain, &size) < 0 || domain != AF_UNIX) {
		return;
	}
	for (int i = 0; i < READ_PAUSES && ioctl(sock, SIOCOUTQ, &unread) == 0 && unread > 0; i++) {
		nanosleep(&pause, NULL);
	}
}

void wire_linger(int sock)
{
	int64_t until = time_monotonic_ns() + LINGER_MS * (int64_t)1000000;
	char scrap[4096];

	shutdown(sock, SHUT_WR);
	for (;;) {
		int64_t left = (until - time_monotonic_ns()) / 1000000;

		if (left <= 0 || wire_wait(sock, (int)left) < 0 ||
		    recv(sock, scrap, sizeof(scrap), MSG_DONTWAIT) <= 0) {
			return;
		}
	}
}
