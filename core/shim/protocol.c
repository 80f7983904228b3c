/* SPDX-License-Identifier: Apache-2.0 */
/* No state; a message belongs to one thread at a time.  Whatever arrives is
 * checked here once: it is whole, its last field ends, it has a known size. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/un.h>

#include "core/shim/protocol.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"

#define OVERFLOW SIZE_MAX /* len after a field that did not fit */

void shim_message_init(struct shim_message *m, enum shim_type type)
{
	m->type = type;
	m->len = 0;
	for (unsigned i = 0; i < SHIM_MAX_FDS; i++) {
		m->fds[i] = -1;
	}
}

void shim_message_add(struct shim_message *m, const char *key, const char *value)
{
	size_t key_len = strlen(key);
	size_t value_len;

	if (!value || m->len == OVERFLOW) {
		return;
	}
	value_len = strlen(value);
	if (key_len + value_len + 2 > SHIM_FIELDS_MAX - m->len) {
		m->len = OVERFLOW;
		return;
	}
	memcpy(m->fields + m->len, key, key_len);
	m->fields[m->len + key_len] = '=';
	memcpy(m->fields + m->len + key_len + 1, value, value_len + 1);
	m->len += key_len + value_len + 2;
}

void shim_message_add_int(struct shim_message *m, const char *key, int64_t value)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRId64, value);
	shim_message_add(m, key, text);
}

/* The value when the field at p has this key, else NULL. */
static const char *field_value(const char *p, const char *key, size_t key_len)
{
	return !strncmp(p, key, key_len) && p[key_len] == '=' ? p + key_len + 1 : NULL;
}

const char *shim_message_next(const struct shim_message *m, const char *key, const char *after)
{
	size_t key_len = strlen(key);
	const char *p = after ? after + strlen(after) + 1 : m->fields;

	if (m->len == OVERFLOW) {
		return NULL;
	}
	for (; p < m->fields + m->len; p += strlen(p) + 1) {
		const char *value = field_value(p, key, key_len);

		if (value) {
			return value;
		}
	}
	return NULL;
}

const char *shim_message_get(const struct shim_message *m, const char *key)
{
	return shim_message_next(m, key, NULL);
}

int64_t shim_message_get_int(const struct shim_message *m, const char *key, int64_t fallback)
{
	const char *text = shim_message_get(m, key);
	char *end;
	long long value;

	if (!text || !*text) {
		return fallback;
	}
	errno = 0;
	value = strtoll(text, &end, 10);
	return errno || *end ? fallback : value;
}

int shim_message_take_fd(struct shim_message *m, unsigned i)
{
	return i < SHIM_MAX_FDS ? steal_fd(&m->fds[i]) : -1;
}

void shim_message_done(struct shim_message *m)
{
	for (unsigned i = 0; i < SHIM_MAX_FDS; i++) {
		replace_fd(&m->fds[i], -1);
	}
}

void shim_message_set_error(struct shim_message *m, const struct gantry_error *err)
{
	shim_message_init(m, SHIM_ERROR);
	shim_message_add_int(m, "code", err->code);
	shim_message_add_int(m, "errno", err->sys_errno);
	shim_message_add(m, "message", err->message);
	shim_message_add(m, "hint", err->hint);
}

int shim_message_get_error(const struct shim_message *m, struct gantry_error *err)
{
	const char *message = shim_message_get(m, "message");
	const char *hint = shim_message_get(m, "hint");
	int64_t code = shim_message_get_int(m, "code", GANTRY_ERR_INTERNAL);

	if (code >= 0 || code < INT32_MIN) {
		code = GANTRY_ERR_INTERNAL;
	}
	error_set(err, (int)code, "%s", message && *message ? message : "the shim gave no reason");
	err->sys_errno = (int32_t)shim_message_get_int(m, "errno", 0);
	return hint && *hint ? error_hint(err, "%s", hint) : err->code;
}

int shim_send(int sock, const struct shim_message *m, const int *fds, size_t n_fds,
	      struct gantry_error *err)
{
	struct iovec parts[2] = {
		{ (void *)(uintptr_t)&m->type, sizeof(m->type) },
		{ (void *)(uintptr_t)m->fields, m->len },
	};
	union {
		struct cmsghdr align;
		char space[CMSG_SPACE(sizeof(int) * SHIM_MAX_FDS)];
	} control;
	struct msghdr msg = { .msg_iov = parts, .msg_iovlen = 2 };

	if (m->len == OVERFLOW) {
		return error_set(err, GANTRY_ERR_LIMIT,
				 "a message to or from a container's shim is larger than %d bytes",
				 SHIM_MESSAGE_MAX);
	}
	if (n_fds > SHIM_MAX_FDS) {
		return error_set(err, GANTRY_ERR_INTERNAL, "a shim message carries at most %d descriptors",
				 SHIM_MAX_FDS);
	}
	if (n_fds) {
		struct cmsghdr *c = &control.align;

		memset(&control, 0, sizeof(control));
		msg.msg_control = &control;
		msg.msg_controllen = CMSG_SPACE(sizeof(int) * n_fds);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int) * n_fds);
		memcpy(CMSG_DATA(c), fds, sizeof(int) * n_fds);
	}
	while (sendmsg(sock, &msg, MSG_NOSIGNAL) < 0) {
		if (errno == EPIPE || errno == ECONNRESET) {
			return error_set(err, GANTRY_ERR_UNAVAILABLE, "the container's shim has gone");
		}
		if (errno != EINTR) {
			return error_errno(err, errno, "cannot send to the container's shim");
		}
	}
	return 0;
}

/* Moves arrived descriptors into the message; what is beyond its room is closed. */
static void take_rights(struct shim_message *m, struct msghdr *msg)
{
	unsigned n = 0;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR(msg, c)) {
		const unsigned char *data = CMSG_DATA(c);

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS) {
			continue;
		}
		for (size_t at = 0; at + sizeof(int) <= c->cmsg_len - CMSG_LEN(0); at += sizeof(int)) {
			int fd;

			memcpy(&fd, data + at, sizeof(fd));
			if (n < SHIM_MAX_FDS) {
				m->fds[n++] = fd;
			} else {
				close(fd);
			}
		}
	}
}

int shim_receive(int sock, struct shim_message *m, struct gantry_error *err)
{
	struct iovec parts[2] = {
		{ &m->type, sizeof(m->type) },
		{ m->fields, SHIM_FIELDS_MAX },
	};
	union {
		struct cmsghdr align;
		char space[CMSG_SPACE(sizeof(int) * SHIM_MAX_FDS)];
	} control;
	struct msghdr msg = {
		.msg_iov = parts, .msg_iovlen = 2,
		.msg_control = &control, .msg_controllen = sizeof(control),
	};
	ssize_t n;

	shim_message_init(m, SHIM_INVALID);
	do {
		n = recvmsg(sock, &msg, MSG_CMSG_CLOEXEC);
	} while (n < 0 && errno == EINTR);
	if (n < 0 && errno != ECONNRESET) {
		return error_errno(err, errno, "cannot receive from the container's shim");
	}
	if (n <= 0) {
		m->type = SHIM_INVALID;
		return error_set(err, GANTRY_ERR_UNAVAILABLE, "the container's shim has gone");
	}
	take_rights(m, &msg);
	m->len = (size_t)n > sizeof(m->type) ? (size_t)n - sizeof(m->type) : 0;
	if ((size_t)n < sizeof(m->type) || (msg.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) ||
	    (m->len && m->fields[m->len - 1])) {
		shim_message_done(m);
		shim_message_init(m, SHIM_INVALID);
		return error_set(err, GANTRY_ERR_CORRUPT, "a message of the shim protocol is truncated");
	}
	return 0;
}

int shim_request(int sock, struct shim_message *m, const int *fds, size_t n_fds,
		 struct gantry_error *err)
{
	int r = shim_send(sock, m, fds, n_fds, err);

	if (r == 0) {
		r = shim_receive(sock, m, err);
	}
	if (r == 0 && m->type == SHIM_ERROR) {
		return shim_message_get_error(m, err);
	}
	return r;
}

/* An address that also works when the path is longer than sun_path; ret_dir keeps
 * the folder open meanwhile. */
static int socket_address(const char *run_dir, struct sockaddr_un *addr, int *ret_dir,
			  struct gantry_error *err)
{
	int n;

	memset(addr, 0, sizeof(*addr));
	addr->sun_family = AF_UNIX;
	n = snprintf(addr->sun_path, sizeof(addr->sun_path), "%s/shim.sock", run_dir);
	if (n > 0 && (size_t)n < sizeof(addr->sun_path)) {
		return 0;
	}
	*ret_dir = open(run_dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (*ret_dir < 0) {
		return error_errno(err, errno, "cannot open %s", run_dir);
	}
	snprintf(addr->sun_path, sizeof(addr->sun_path), "/proc/self/fd/%d/shim.sock", *ret_dir);
	return 0;
}

int shim_connect(const char *run_dir, int *ret_sock, struct gantry_error *err)
{
	struct sockaddr_un addr;
	auto_fd int dir = -1;
	auto_fd int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	int r;

	if (fd < 0) {
		return error_errno(err, errno, "cannot make a socket");
	}
	r = socket_address(run_dir, &addr, &dir, err);
	if (r < 0) {
		return r;
	}
	if (connect(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0) {
		if (errno == ENOENT || errno == ECONNREFUSED) {
			return error_set(err, GANTRY_ERR_UNAVAILABLE, "no shim listens in %s", run_dir);
		}
		return error_errno(err, errno, "cannot connect to the shim in %s", run_dir);
	}
	*ret_sock = steal_fd(&fd);
	return 0;
}

int shim_listen(const char *run_dir, int *ret_sock, struct gantry_error *err)
{
	struct sockaddr_un addr;
	auto_fd int dir = -1;
	auto_fd int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int r;

	if (fd < 0) {
		return error_errno(err, errno, "cannot make a socket");
	}
	r = socket_address(run_dir, &addr, &dir, err);
	if (r < 0) {
		return r;
	}
	unlink(addr.sun_path);
	/* The inode takes the socket's mode less the umask: never open for a moment. */
	fchmod(fd, 0600);
	if (bind(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0 || listen(fd, 128) < 0) {
		return error_errno(err, errno, "cannot listen on %s/shim.sock", run_dir);
	}
	*ret_sock = steal_fd(&fd);
	return 0;
}
