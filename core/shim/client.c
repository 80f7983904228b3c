/* SPDX-License-Identifier: Apache-2.0 */
/* A client is never freed in its own callback: it is marked, and stdio_settle(),
 * the last line there, drops it.  A peer that hung up may have sent input that is
 * not read yet; that is delivered first. */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "core/shim/client.h"
#include "core/shim/protocol.h"
#include "helpers/error.h"
#include "helpers/io.h"

#define INPUT_CHUNK 16384

/* "ctrl-p,ctrl-q" or "a,b": one byte per key; -1 for what is no key. */
static int parse_key(const char *text, size_t len)
{
	if (len == 1) {
		return (unsigned char)text[0];
	}
	if (len == 6 && !strncmp(text, "ctrl-", 5)) {
		unsigned char c = (unsigned char)tolower((unsigned char)text[5]);

		if ((c >= 'a' && c <= 'z') || c == '@' || (c >= '[' && c <= '_')) {
			return c >= 'a' ? c - 'a' + 1 : c - '@';
		}
	}
	return -1;
}

static int parse_keys(struct client *c, const char *text, struct gantry_error *err)
{
	const char *p = text ? text : "ctrl-p,ctrl-q";

	while (*p) {
		size_t len = strcspn(p, ",");
		int key = parse_key(p, len);

		if (key < 0 || c->n_keys == CLIENT_MAX_KEYS) {
			error_set(err, GANTRY_ERR_INVALID, "invalid detach keys \"%s\"", text);
			return error_hint(err, "at most %d keys separated by commas, each a character or "
					  "ctrl-<letter>", CLIENT_MAX_KEYS);
		}
		c->keys[c->n_keys++] = (unsigned char)key;
		p += len + (p[len] == ',');
	}
	return 0;
}

static void read_input(struct client *c);
static void flush_queue(struct client *c);

static void client_ready(struct source *s, uint32_t events)
{
	struct client *c = container_of(s, struct client, source);

	if (events & EPOLLOUT) {
		flush_queue(c);
	}
	if (events & EPOLLIN) {
		read_input(c);
	} else if (events & (EPOLLHUP | EPOLLERR)) {
		c->hung = 1;
	}
	stdio_settle(c->stdio);
}

int client_new(struct stdio *s, int sock, const struct shim_message *m, struct client **ret,
	       struct gantry_error *err)
{
	struct client *c = calloc(1, sizeof(*c));
	int r;

	if (!c) {
		return error_no_memory(err);
	}
	c->stdio = s;
	c->want = (shim_message_get_int(m, "stdin", 0) ? STDIO_STDIN : 0) |
		  (shim_message_get_int(m, "stdout", 0) ? STDIO_STDOUT : 0) |
		  (shim_message_get_int(m, "stderr", 0) ? STDIO_STDERR : 0);
	c->framed = shim_message_get_int(m, "framed", 0) != 0;
	r = s->tty ? parse_keys(c, shim_message_get(m, "detach_keys"), err) : 0;
	if (r == 0 && fcntl(sock, F_SETFL, fcntl(sock, F_GETFL) | O_NONBLOCK) < 0) {
		r = error_errno(err, errno, "cannot use the descriptor to attach");
	}
	if (r < 0) {
		free(c);
		return r;
	}
	source_init(&c->source, s->loop, sock, client_ready);
	*ret = c;
	return 0;
}

void client_free(struct client *c)
{
	char rest[4096];

	/* Unread input would make the peer read a reset instead of the end. */
	shutdown(c->source.fd, SHUT_RDWR);
	while (recv(c->source.fd, rest, sizeof(rest), MSG_DONTWAIT) > 0) {
	}
	source_close(&c->source);
	buf_done(&c->queue);
	free(c);
}

/* The child holds nothing but the socket: not the lock, no other stream. */
static void send_rest_and_exit(struct client *c)
{
	sigset_t none;

	dup2(c->source.fd, 3);
	close_range(4, ~0U, 0);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_IGN);
	_exit(write_all(3, c->queue.data, c->queue.len) < 0);
}

void client_hand_over(struct client *c)
{
	pid_t pid = c->hung || !c->queue.len ? -1 : fork();

	if (pid == 0) {
		send_rest_and_exit(c);
	}
	if (pid < 0) {
		client_free(c);
		return;
	}
	source_close(&c->source);
	buf_done(&c->queue);
	free(c);
}

static int is_wanted(const struct client *c, int stream)
{
	return c->want & (stream == STREAM_STDERR ? STDIO_STDERR : STDIO_STDOUT);
}

static void lost_peer(struct client *c)
{
	c->hung = 1;
	buf_clear(&c->queue);
}

void client_send(struct client *c, int stream, const void *data, size_t len)
{
	unsigned char header[8] = { (unsigned char)stream, 0, 0, 0, (unsigned char)(len >> 24),
				    (unsigned char)(len >> 16), (unsigned char)(len >> 8),
				    (unsigned char)len };
	size_t header_len = c->stdio->tty && !c->framed ? 0 : sizeof(header);
	struct iovec parts[2] = { { header, header_len }, { (void *)(uintptr_t)data, len } };
	struct msghdr msg = { .msg_iov = parts, .msg_iovlen = 2 };
	ssize_t n = 0;

	if (c->hung || c->closing || !is_wanted(c, stream)) {
		return;
	}
	if (!c->queue.len) {
		n = sendmsg(c->source.fd, &msg, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (n < 0 && errno != EAGAIN && errno != EINTR) {
			lost_peer(c);
			return;
		}
		n = n < 0 ? 0 : n;
	}
	if ((size_t)n < header_len) {
		buf_add(&c->queue, header + n, header_len - (size_t)n);
		n = 0;
	} else {
		n -= (ssize_t)header_len;
	}
	buf_add(&c->queue, (const char *)data + n, len - (size_t)n);
	if (buf_failed(&c->queue)) {
		lost_peer(c); /* better no client than a torn stream */
	}
}

static void flush_queue(struct client *c)
{
	ssize_t n = send(c->source.fd, c->queue.data, c->queue.len, MSG_DONTWAIT | MSG_NOSIGNAL);

	if (n > 0) {
		buf_consume(&c->queue, (size_t)n);
		if (!c->queue.len) {
			buf_done(&c->queue);
		}
	} else if (n < 0 && errno != EAGAIN && errno != EINTR) {
		lost_peer(c);
	}
}

/* Passes input on, holding back what may become the detach sequence.  Returns 1
 * when it is complete. */
static int pass_input(struct client *c, const unsigned char *data, size_t len)
{
	size_t from = 0;

	for (size_t i = 0; c->n_keys && i < len; i++) {
		if (data[i] == c->keys[c->matched]) {
			size_t before = i > from ? i - from : 0;

			if (!c->matched && before) {
				stdio_input(c->stdio, data + from, before);
			}
			from = i + 1;
			if (++c->matched == c->n_keys) {
				return 1;
			}
		} else if (c->matched) {
			stdio_input(c->stdio, c->keys, c->matched);
			c->matched = 0;
			from = i;
			i--; /* this key may begin the sequence anew */
		}
	}
	if (from < len) {
		stdio_input(c->stdio, data + from, len - from);
	}
	return 0;
}

/* As in Docker: with stdin_once the process sees the end too; else only this
 * client's visit ends.  A terminal has no end of input. */
static void end_input(struct client *c)
{
	c->input_ended = 1;
	if (!(c->want & STDIO_STDIN) || c->stdio->tty) {
		return;
	}
	if (c->stdio->stdin_once) {
		stdio_input_end(c->stdio);
	} else {
		c->closing = 1;
	}
}

static void read_input(struct client *c)
{
	unsigned char chunk[INPUT_CHUNK];
	ssize_t n = recv(c->source.fd, chunk, sizeof(chunk), MSG_DONTWAIT);

	if (n > 0) {
		if ((c->want & STDIO_STDIN) && pass_input(c, chunk, (size_t)n)) {
			c->closing = 1;
			c->input_ended = 1;
		}
	} else if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
		c->hung |= n < 0;
		end_input(c);
	}
}

int client_is_done(const struct client *c)
{
	if (c->hung) {
		return c->input_ended || c->closing || !(c->want & STDIO_STDIN);
	}
	return c->closing && !c->queue.len;
}

void client_watch(struct client *c)
{
	uint32_t events = c->hung ? 0 : EPOLLHUP;

	if (!c->input_ended && stdio_takes_input(c->stdio)) {
		events |= EPOLLIN;
	}
	if (c->queue.len && !c->hung) {
		events |= EPOLLOUT;
	}
	source_watch(&c->source, events);
}
