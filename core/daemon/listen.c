/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/daemon/listen.h"
#include "core/daemon/notify.h"

#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "helpers/io.h"

#define BACKLOG 128

static int add(struct listen_set *set, struct listen_socket socket, struct gantry_error *err)
{
	if (set->n == LISTEN_MAX) {
		close(socket.fd);
		free(socket.unix_path);
		return error_set(err, GANTRY_ERR_LIMIT, "more than %d addresses to listen on",
				 LISTEN_MAX);
	}
	set->sockets[set->n++] = socket;
	return 0;
}

/* Makes the folder, and sees that no living daemon has the socket. */
static int prepare_path(const char *path, struct gantry_error *err)
{
	auto_free char *folder = strdup(path);
	char *slash = folder ? strrchr(folder, '/') : NULL;
	int r;

	if (!folder) {
		return error_no_memory(err);
	}
	if (slash && slash != folder) {
		*slash = '\0';
		r = make_dirs(AT_FDCWD, folder, 0755);
		if (r < 0) {
			return error_errno(err, -r, "cannot create folder %s", folder);
		}
	}
	r = unix_connect(path);
	if (r >= 0) {
		close(r);
		error_set(err, GANTRY_ERR_IN_USE,
			  "cannot listen on %s: another process serves there", path);
		return error_hint(err, "stop it, or choose another socket with -H");
	}
	return 0;
}

static int give_to_group(const char *path, const char *group, struct gantry_error *err)
{
	struct group *g = getgrnam(group);
	char *end;
	long gid = strtol(group, &end, 10);

	if (!g && (*end || !*group)) {
		return error_set(err, GANTRY_ERR_NOT_FOUND, "group %s does not exist", group);
	}
	if (chown(path, (uid_t)-1, g ? g->gr_gid : (gid_t)gid) < 0) {
		return error_errno(err, errno, "cannot give %s to group %s", path, group);
	}
	return 0;
}

static int open_unix(struct listen_set *set, const char *path, const char *group,
		     struct gantry_error *err)
{
	struct listen_socket socket = { .fd = -1 };
	struct stat st;
	int r = prepare_path(path, err);

	if (r < 0) {
		return r;
	}
	socket.fd = unix_listen(path, 0660);
	if (socket.fd < 0) {
		return error_errno(err, -socket.fd, "cannot listen on %s", path);
	}
	socket.unix_path = strdup(path);
	socket.inode = stat(path, &st) == 0 ? st.st_ino : 0;
	r = add(set, socket, err);
	return r == 0 && group ? give_to_group(path, group, err) : r;
}

static int bind_tcp(const struct addrinfo *a)
{
	auto_fd int fd = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int one = 1;

	if (fd < 0) {
		return -errno;
	}
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (a->ai_family == AF_INET6) {
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one));
	}
	if (bind(fd, a->ai_addr, a->ai_addrlen) < 0 || listen(fd, BACKLOG) < 0) {
		return -errno;
	}
	return steal_fd(&fd);
}

/* Splits "HOST:PORT", "[V6]:PORT", "HOST" in place. */
static void split_host_port(char *text, char **ret_host, char **ret_port)
{
	char *colon = strrchr(text, ':');

	*ret_port = NULL;
	*ret_host = text;
	if (*text == '[') {
		char *end = strchr(text, ']');

		*ret_host = text + 1;
		colon = end && end[1] == ':' ? end + 1 : NULL;
		if (end) {
			*end = '\0';
		}
	}
	if (colon) {
		*colon = '\0';
		*ret_port = colon + 1;
	}
}

static int open_tcp(struct listen_set *set, const char *address, int default_port,
		    struct gantry_error *err)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE };
	struct addrinfo *found = NULL;
	auto_free char *copy = strdup(address);
	char *host, *port, number[16];
	int r;

	if (!copy) {
		return error_no_memory(err);
	}
	split_host_port(copy, &host, &port);
	snprintf(number, sizeof(number), "%d", default_port);
	/* An address without a host means this machine only; who wants all writes 0.0.0.0. */
	r = getaddrinfo(*host ? host : "127.0.0.1", port && *port ? port : number, &hints, &found);
	if (r) {
		return error_set(err, GANTRY_ERR_INVALID, "cannot listen on tcp://%s: %s", address,
				 gai_strerror(r));
	}
	r = bind_tcp(found);
	freeaddrinfo(found);
	if (r < 0) {
		return error_errno(err, -r, "cannot listen on tcp://%s", address);
	}
	return add(set, (struct listen_socket){ .fd = r, .is_tcp = 1 }, err);
}

static int open_passed(struct listen_set *set, struct gantry_error *err)
{
	int n = notify_passed_sockets();

	if (n <= 0) {
		error_set(err, GANTRY_ERR_INVALID, "cannot listen on fd://: no sockets were passed");
		return error_hint(err, "start gantryd through gantryd.socket, or listen on unix://PATH");
	}
	for (int i = 0; i < n; i++) {
		struct sockaddr_storage address = { 0 };
		socklen_t size = sizeof(address);
		int fd = NOTIFY_FIRST_FD + i;
		int r;

		fcntl(fd, F_SETFD, FD_CLOEXEC);
		if (getsockname(fd, (struct sockaddr *)&address, &size) < 0) {
			return error_errno(err, errno, "descriptor %d that was passed is no socket", fd);
		}
		r = add(set, (struct listen_socket){ .fd = fd, .is_tcp = address.ss_family != AF_UNIX },
			err);
		if (r < 0) {
			return r;
		}
	}
	return 0;
}

int listen_open(struct listen_set *set, const char *address, const char *group, int default_port,
		struct gantry_error *err)
{
	if (!strncmp(address, "unix://", 7) && address[7]) {
		return open_unix(set, address + 7, group, err);
	}
	if (!strncmp(address, "tcp://", 6)) {
		return open_tcp(set, address + 6, default_port, err);
	}
	if (!strncmp(address, "fd://", 5)) {
		return open_passed(set, err);
	}
	if (!strstr(address, "://") && *address) {
		return open_tcp(set, address, default_port, err); /* as dockerd reads it */
	}
	error_set(err, GANTRY_ERR_INVALID, "cannot listen on %s: unknown kind of address", address);
	return error_hint(err, "use unix://PATH, tcp://HOST:PORT or fd://");
}

void listen_done(struct listen_set *set)
{
	for (size_t i = 0; i < set->n; i++) {
		struct listen_socket *s = &set->sockets[i];
		struct stat st;

		if (s->fd >= 0) {
			close(s->fd);
		}
		if (s->unix_path && stat(s->unix_path, &st) == 0 && st.st_ino == s->inode) {
			unlink(s->unix_path);
		}
		free(s->unix_path);
	}
	set->n = 0;
}
