/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "core/shim/protocol.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "helpers/io.h"

void shim_message_init(struct shim_message *m, enum shim_type type)
{
	m->type = type;
	m->len = 0;
	for (int i = 0; i < SHIM_MAX_FDS; i++) {
		m->fds[i] = -1;
	}
}

void shim_message_add(struct shim_message *m, const char *key, const char *value)
{
	size_t room = m->len < SHIM_MESSAGE_MAX ? SHIM_MESSAGE_MAX - m->len : 0;
	int n;

	if (!value) {
		return;
	}
	n = snprintf(m->fields + m->len, room, "%s=%s", key, value);
	/* Past the end stays past the end: sending then fails. */
	m->len = n >= 0 && (size_t)n < room ? m->len + (size_t)n + 1 : SHIM_MESSAGE_MAX + 1;
}

void shim_message_add_int(struct shim_message *m, const char *key, int64_t value)
{
	char text[32];

	snprintf(text, sizeof(text), "%lld", (long long)value);
	shim_message_add(m, key, text);
}

const char *shim_message_next(const struct shim_message *m, const char *key, const char *after)
{
	size_t n = strlen(key);
	const char *p = after ? after + strlen(after) + 1 : m->fields;
	const char *end = m->fields + m->len;

	for (; p < end; p += strlen(p) + 1) {
		if (!strncmp(p, key, n) && p[n] == '=') {
			return p + n + 1;
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

	return text ? strtoll(text, NULL, 10) : fallback;
}

int shim_message_take_fd(struct shim_message *m, unsigned i)
{
	return i < SHIM_MAX_FDS ? steal_fd(&m->fds[i]) : -1;
}

void shim_message_done(struct shim_message *m)
{
	for (int i = 0; i < SHIM_MAX_FDS; i++) {
		replace_fd(&m->fds[i], -1);
	}
}

int shim_send(int sock, const struct shim_message *m, const int *fds, size_t n_fds,
	      struct gantry_error *err)
{
	union {
		struct cmsghdr align;
		char space[CMSG_SPACE(sizeof(int) * SHIM_MAX_FDS)];
	} control = { 0 };
	struct iovec iov[2] = {
		{ .iov_base = (void *)&m->type, .iov_len = sizeof(m->type) },
		{ .iov_base = (void *)m->fields, .iov_len = m->len },
	};
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = 2 };
	ssize_t n;

	if (m->len > SHIM_MESSAGE_MAX || n_fds > SHIM_MAX_FDS) {
		return error_set(err, GANTRY_ERR_LIMIT, "a message to the shim is larger than %d bytes",
				 SHIM_MESSAGE_MAX);
	}
	if (n_fds) {
		struct cmsghdr *c;

		msg.msg_control = control.space;
		msg.msg_controllen = CMSG_SPACE(sizeof(int) * n_fds);
		c = CMSG_FIRSTHDR(&msg);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int) * n_fds);
		memcpy(CMSG_DATA(c), fds, sizeof(int) * n_fds);
	}
	do {
		n = sendmsg(sock, &msg, MSG_NOSIGNAL);
	} while (n < 0 && errno == EINTR);
	return n < 0 ? error_errno(err, errno, "cannot speak to the shim") : 0;
}

int shim_receive(int sock, struct shim_message *m, struct gantry_error *err)
{
	struct {
		uint32_t type;
		char fields[SHIM_MESSAGE_MAX];
	} __attribute__((packed)) *in = malloc(sizeof(*in));
	size_t n_fds = SHIM_MAX_FDS;
	ssize_t n;

	shim_message_init(m, SHIM_INVALID);
	if (!in) {
		return error_no_memory(err);
	}
	n = recv_with_fds(sock, in, sizeof(*in), m->fds, &n_fds);
	if (n <= 0) {
		free(in);
		return n < 0 ? error_errno(err, (int)-n, "cannot hear the shim")
			     : error_set(err, GANTRY_ERR_UNAVAILABLE, "the shim has gone");
	}
	if ((size_t)n < sizeof(in->type) ||
	    ((size_t)n > sizeof(in->type) && in->fields[(size_t)n - sizeof(in->type) - 1] != '\0')) {
		free(in);
		shim_message_done(m);
		return error_set(err, GANTRY_ERR_CORRUPT, "malformed message of %zd bytes", n);
	}
	m->type = in->type;
	m->len = (size_t)n - sizeof(in->type);
	memcpy(m->fields, in->fields, m->len);
	free(in);
	return 0;
}

/* An ERROR answer becomes this side's error. */
static int take_error(const struct shim_message *m, struct gantry_error *err)
{
	const char *message = shim_message_get(m, "message");
	const char *hint = shim_message_get(m, "hint");
	int code = (int)shim_message_get_int(m, "code", GANTRY_ERR_INTERNAL);

	error_set(err, code < 0 ? code : GANTRY_ERR_INTERNAL, "%s", message ? message : "the shim failed");
	err->sys_errno = (int)shim_message_get_int(m, "errno", 0);
	return hint && *hint ? error_hint(err, "%s", hint) : err->code;
}

int shim_request(int sock, struct shim_message *m, const int *fds, size_t n_fds,
		 struct gantry_error *err)
{
	int r = shim_send(sock, m, fds, n_fds, err);

	if (r == 0) {
		r = shim_receive(sock, m, err);
	}
	if (r == 0 && m->type == SHIM_ERROR) {
		shim_message_done(m);
		r = take_error(m, err);
	}
	return r;
}

/* Named through the open folder: its own path may be longer than sun_path. */
int shim_connect(const char *run_dir, int *ret_sock, struct gantry_error *err)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	auto_fd int dir = open(run_dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	auto_fd int sock = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	if (dir < 0 || sock < 0) {
		return error_errno(err, errno, "cannot reach the shim in %s", run_dir);
	}
	snprintf(addr.sun_path, sizeof(addr.sun_path), "/proc/self/fd/%d/shim.sock", dir);
	if (connect(sock, (struct sockaddr *)&addr, sizeof(addr)) < 0) {
		return error_errno(err, errno, "cannot reach the shim in %s", run_dir);
	}
	*ret_sock = steal_fd(&sock);
	return 0;
}
