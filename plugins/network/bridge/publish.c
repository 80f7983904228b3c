/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ground.h"
#include "helpers/address.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "helpers/io.h"
#include "helpers/json.h"
#include "publish.h"
#include "usernet.h"

#define MAX_PORTS 250
#define SPEC_MAX 96

/* argv and descriptors of one carrier; the namespace is the first descriptor. */
struct carrier {
	char specs[MAX_PORTS][SPEC_MAX];
	const char *argv[MAX_PORTS + 6];
	int fds[MAX_PORTS + 1];
	size_t n;
};

static void carrier_free(struct carrier *c)
{
	for (size_t i = 0; c && i < c->n; i++) {
		close(c->fds[i + 1]);
	}
	free(c);
}

static int listen_on(const struct address *host, int is_udp, uint16_t port, struct gantry_error *err)
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(port) };
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6, .sin6_port = htons(port) };
	int is_v6 = host->family == AF_INET6, one = 1;
	auto_fd int fd = socket(host->family, (is_udp ? SOCK_DGRAM : SOCK_STREAM) | SOCK_CLOEXEC, 0);
	char text[ADDRESS_TEXT];

	address_bytes(host, is_v6 ? in6.sin6_addr.s6_addr : (uint8_t *)&in.sin_addr);
	if (fd >= 0 && !is_udp) {
		(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	}
	if (fd >= 0 && is_v6) {
		(void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one));
	}
	if (fd < 0 || bind(fd, is_v6 ? (struct sockaddr *)&in6 : (struct sockaddr *)&in,
			   is_v6 ? sizeof(in6) : sizeof(in)) < 0 ||
	    (!is_udp && listen(fd, SOMAXCONN) < 0)) {
		int code = errno;

		error_errno(err, code, "cannot publish port %u on %s", port, address_format(host, text));
		if (code == EACCES) {
			error_hint(err, "choose a host port of 1024 or above, or let an administrator lower "
				   "net.ipv4.ip_unprivileged_port_start");
		}
		return err->code;
	}
	return steal_fd(&fd);
}

static int add_port(struct carrier *c, struct json_object *port, const struct address *v4,
		    const struct address *v6, struct gantry_error *err)
{
	const char *protocol = json_get_string(port, "Protocol");
	const struct address *to;
	struct address host;
	char text[ADDRESS_TEXT];
	int fd;

	if (!strcmp(protocol, "sctp")) {
		return error_set(err, GANTRY_ERR_UNSUPPORTED, "ports of protocol sctp cannot be published by "
				 "an ordinary user");
	}
	if (c->n == MAX_PORTS) {
		return error_set(err, GANTRY_ERR_LIMIT, "more than %d ports are published", MAX_PORTS);
	}
	if (address_parse(json_get_string(port, "HostIP"), &host) < 0) {
		return error_set(err, GANTRY_ERR_INTERNAL, "\"%s\" is no address", json_get_string(port, "HostIP"));
	}
	to = host.family == AF_INET6 && v6->family ? v6 : v4;
	fd = listen_on(&host, !strcmp(protocol, "udp"), (uint16_t)json_get_int(port, "HostPort", 0), err);
	if (fd < 0) {
		return fd;
	}
	snprintf(c->specs[c->n], SPEC_MAX, "%s:%d:%s:%d", protocol, USERNET_FIRST_FD + 1 + (int)c->n,
		 address_format(to, text), (int)json_get_int(port, "ContainerPort", 0));
	c->argv[5 + c->n] = c->specs[c->n];
	c->fds[++c->n] = fd;
	return 0;
}

static int file_of(const struct bridge_driver *d, const char *endpoint, char *path,
		   struct gantry_error *err)
{
	char name[80];

	snprintf(name, sizeof(name), "forward/%.64s", endpoint);
	return usernet_path(d, name, path, err);
}

/* Shorter than an endpoint's name, since the path is a socket's. */
int publish_give_path(const struct bridge_driver *d, const char *endpoint, char *path,
		      struct gantry_error *err)
{
	char name[32];

	snprintf(name, sizeof(name), "give/%.16s", endpoint);
	return usernet_path(d, name, path, err);
}

static int make_folder(const struct bridge_driver *d, const char *name, struct gantry_error *err)
{
	char path[PATH_MAX];
	int r = usernet_path(d, name, path, err);

	return r == 0 && make_dirs(AT_FDCWD, path, 0700) < 0 ?
		       error_errno(err, errno, "cannot create folder %s", path) :
		       r;
}

int publish_ports(const struct bridge_driver *d, const char *endpoint, const struct address *v4,
		  const struct address *v6, struct json_object *ports, int gives,
		  struct gantry_error *err)
{
	struct carrier *c;
	char path[PATH_MAX], give[PATH_MAX], number[16];
	int r;

	if (ground_namespace() < 0 || json_array_size(ports) == 0) {
		return 0;
	}
	r = make_folder(d, "forward", err);
	if (r == 0) {
		r = make_folder(d, "give", err);
	}
	if (r == 0) {
		r = file_of(d, endpoint, path, err);
	}
	if (r == 0) {
		r = publish_give_path(d, endpoint, give, err);
	}
	c = calloc(1, sizeof(*c));
	if (r < 0 || !c) {
		free(c);
		return r < 0 ? r : error_no_memory(err);
	}
	snprintf(number, sizeof(number), "%d", USERNET_FIRST_FD);
	c->argv[0] = "gantry-usernet";
	c->argv[1] = "forward";
	c->argv[2] = path;
	c->argv[3] = number;
	c->argv[4] = gives ? give : "-";
	c->fds[0] = ground_namespace();
	for (size_t i = 0; r == 0 && i < json_array_size(ports); i++) {
		r = add_port(c, json_object_array_get_idx(ports, i), v4, v6, err);
	}
	if (r == 0) {
		r = usernet_start(c->argv, c->fds, c->n + 1, err);
	}
	carrier_free(c);
	return r;
}

void publish_end(const struct bridge_driver *d, const char *endpoint)
{
	struct gantry_error ignored = GANTRY_ERROR_INIT;
	char path[PATH_MAX];

	if (ground_namespace() >= 0 && file_of(d, endpoint, path, &ignored) == 0) {
		usernet_end(path);
	}
	if (ground_namespace() >= 0 && publish_give_path(d, endpoint, path, &ignored) == 0) {
		(void)unlink(path);
	}
}

static int is_listed(const char *const *list, const char *text)
{
	for (; list && *list; list++) {
		if (!strcmp(*list, text)) {
			return 1;
		}
	}
	return 0;
}

void publish_reconcile(const struct bridge_driver *d, const char *const *endpoints)
{
	struct gantry_error ignored = GANTRY_ERROR_INIT;
	char path[PATH_MAX];
	auto_dir DIR *dir = usernet_path(d, "forward", path, &ignored) == 0 ? opendir(path) : NULL;
	struct dirent *e;

	while (dir && (e = readdir(dir))) {
		if (e->d_name[0] != '.' && !is_listed(endpoints, e->d_name)) {
			publish_end(d, e->d_name);
		}
	}
}
