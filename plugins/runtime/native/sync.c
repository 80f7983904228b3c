/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include <helpers/error.h>
#include <helpers/io.h>

#include "sync.h"

int sync_pair(int ends[2])
{
	return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0 ? -errno : 0;
}

int sync_send(int sock, enum sync_type type, int32_t value)
{
	struct sync_message m = { .type = type, .value = value };

	return send_with_fds(sock, &m, offsetof(struct sync_message, error), NULL, 0);
}

int sync_send_text(int sock, enum sync_type type, int32_t value, const char *text)
{
	struct sync_message m = { .type = type, .value = value, .error = GANTRY_ERROR_INIT };

	snprintf(m.error.message, sizeof(m.error.message), "%s", text);
	return send_with_fds(sock, &m, sizeof(m), NULL, 0);
}

int sync_send_fd(int sock, enum sync_type type, int fd)
{
	struct sync_message m = { .type = type };

	return send_with_fds(sock, &m, offsetof(struct sync_message, error), &fd, 1);
}

int sync_send_error(int sock, enum sync_type type, const struct gantry_error *error)
{
	struct sync_message m = { .type = type, .error = *error };

	return send_with_fds(sock, &m, sizeof(m), NULL, 0);
}

int sync_receive(int sock, struct sync_message *ret, int *ret_fd)
{
	int fd = -1;
	size_t n_fds = 1;
	ssize_t n;

	ret->error = (struct gantry_error)GANTRY_ERROR_INIT;
	n = recv_with_fds(sock, ret, sizeof(*ret), &fd, &n_fds);
	/* The peer ended before it read everything.  The kernel says so once, ahead of
	 * the peer's last words, which are still there. */
	if (n == -ECONNRESET) {
		n_fds = 1;
		n = recv_with_fds(sock, ret, sizeof(*ret), &fd, &n_fds);
	}
	if (n == -ECONNRESET)
		n = 0;
	*ret_fd = n_fds == 1 ? fd : -1;
	if (n <= 0)
		return (int)n;
	if ((size_t)n < offsetof(struct sync_message, error)) {
		if (*ret_fd >= 0)
			close(*ret_fd);
		return -EPROTO;
	}
	ret->error.message[sizeof(ret->error.message) - 1] = '\0';
	ret->error.hint[sizeof(ret->error.hint) - 1] = '\0';
	return 1;
}

int sync_expect(int sock, enum sync_type type, struct gantry_error *err)
{
	struct sync_message m;
	int fd;
	int r = sync_receive(sock, &m, &fd);

	if (r > 0 && fd >= 0)
		close(fd);
	if (r < 0)
		return error_errno(err, -r, "cannot hear from the creating process");
	if (r == 0)
		return error_set(err, GANTRY_ERR_CANCELLED, "the creating process is gone");
	if (m.type != type)
		return error_set(err, GANTRY_ERR_INTERNAL, "message %u came where %u was due",
				 m.type, (unsigned)type);
	return 0;
}
