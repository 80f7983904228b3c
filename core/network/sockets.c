/* SPDX-License-Identifier: Apache-2.0 */
/* The plan that gantry-emulate gets (core/emulate/net.h), of what the drivers said about the
 * endpoints.  Which calls are asked about is settled before there is an endpoint, by the
 * networks' options. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/network/network.h"
#include "helpers/buf.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "helpers/io.h"
#include "helpers/netns.h"

#define OPTION "org.gantry.sockets"
#define PATIENCE_S 10

#ifndef SO_NETNS_COOKIE
#define SO_NETNS_COOKIE 71
#endif

static int network_has_sockets(struct core *core, const char *name)
{
	struct gantry_error ignored = GANTRY_ERROR_INIT;
	auto_network struct network *n = NULL;
	const char *value;

	if (network_find(core, name, &n, &ignored) < 0) {
		return 0; /* attaching to it tells why */
	}
	value = json_get_string(json_get_object(n->doc, "Options"), OPTION);
	return value && !strcmp(value, "true");
}

static int publishes(const struct container *c)
{
	struct json_object *hc = container_host_config(c);
	struct json_object *bindings = json_get_object(hc, "PortBindings");

	return (bindings && json_object_object_length(bindings) > 0) ||
	       json_get_bool(hc, "PublishAllPorts", 0);
}

/* Whose network a container has: its own, or another's. */
static int find_owner(struct core *core, const struct container *c, struct container **ret)
{
	struct gantry_error ignored = GANTRY_ERROR_INIT;
	const char *mode = json_get_string(container_host_config(c), "NetworkMode");

	return !strncmp(mode, "container:", 10) && container_find(core, mode + 10, ret, &ignored) == 0;
}

enum emulate_sockets network_sockets(struct core *core, const struct container *c)
{
	auto_container struct container *owner = NULL;
	const char *mode = json_get_string(container_host_config(c), "NetworkMode");
	struct json_object *asked =
		json_get_object(json_get_object(c->doc, "NetworkingConfig"), "EndpointsConfig");
	int has;

	if (core->ids == USERNS_HOST || !mode || !strcmp(mode, "none")) {
		return EMULATE_NO_SOCKETS;
	}
	if (find_owner(core, c, &owner)) {
		return network_sockets(core, owner);
	}
	if (!network_wanted(c)) {
		return EMULATE_NO_SOCKETS;
	}
	has = network_has_sockets(core, mode);
	if (asked && !has) {
		json_object_object_foreach(asked, name, settings)
		{
			(void)settings;
			has = has || network_has_sockets(core, name);
		}
	}
	return !has ? EMULATE_NO_SOCKETS : publishes(c) ? EMULATE_ACCEPT : EMULATE_CONNECT;
}

static void add(struct buf *out, const char *word, const char *value)
{
	if (value && *value) {
		buf_addf(out, "%s %s\n", word, value);
	}
}

/* All ports follow the carrier of the network that publishes them. */
static void add_ports(const struct container *c, struct buf *out)
{
	struct json_object *ports = json_get_object(c->state, "Ports");

	if (!ports) {
		return;
	}
	json_object_object_foreach(ports, key, places)
	{
		for (size_t i = 0; strstr(key, "/tcp") && i < json_array_size(places); i++) {
			struct json_object *place = json_object_array_get_idx(places, i);

			buf_addf(out, "port %d %s %s\n", atoi(key), json_get_string(place, "HostIp"),
				 json_get_string(place, "HostPort"));
		}
	}
}

static int add_network(struct json_object *settings, struct buf *out)
{
	struct json_object *sockets = json_get_object(settings, "Sockets");
	struct json_object *inside = json_get_array(sockets, "Inside");

	add(out, "self", json_get_string(settings, "IPAddress"));
	add(out, "self", json_get_string(settings, "GlobalIPv6Address"));
	for (size_t i = 0; i < json_array_size(inside); i++) {
		add(out, "inside", json_item_string(inside, i));
	}
	if (!sockets) {
		return 0;
	}
	add(out, "resolver", json_get_string(sockets, "Resolver"));
	return 1;
}

static void make_plan(const struct container *c, uint64_t cookie, struct buf *out)
{
	struct json_object *networks = json_get_object(c->state, "Networks");
	const char *carrier = NULL;
	int n = 0;

	buf_addf(out, "namespace %llu\n", (unsigned long long)cookie);
	if (networks) {
		json_object_object_foreach(networks, name, settings)
		{
			const char *path =
				json_get_string(json_get_object(settings, "Sockets"), "Carrier");

			(void)name;
			n += add_network(settings, out);
			carrier = carrier ? carrier : path;
		}
	}
	/* where no network of it leads out, the host's are no way round */
	buf_adds(out, n ? "" : "inside 0.0.0.0/0\ninside ::/0\n");
	if (carrier) {
		add(out, "carrier", carrier);
		add_ports(c, out);
	}
}

static uint64_t namespace_cookie(int pid)
{
	char path[64];
	uint64_t cookie = 0;
	socklen_t len = sizeof(cookie);
	auto_fd int space = -1;
	auto_fd int fd = -1;

	snprintf(path, sizeof(path), "/proc/%d/ns/net", pid);
	space = open(path, O_RDONLY | O_CLOEXEC);
	fd = space < 0 ? -1 : netns_socket(space, AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	return fd < 0 || getsockopt(fd, SOL_SOCKET, SO_NETNS_COOKIE, &cookie, &len) < 0 ? 0 : cookie;
}

static int send_plan(const char *path, const struct buf *plan)
{
	const struct timeval patience = { PATIENCE_S, 0 };
	auto_fd int sock = unix_connect(path);
	char word = EMULATE_PLAN, answer;
	int r;

	if (sock < 0) {
		return sock;
	}
	(void)setsockopt(sock, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	r = write_all(sock, &word, 1);
	if (r == 0) {
		r = write_all(sock, plan->data, plan->len);
	}
	if (r < 0 || shutdown(sock, SHUT_WR) < 0 || read_full(sock, &answer, 1) != 1) {
		return r < 0 ? r : -EPIPE;
	}
	return answer == '+' ? 0 : -EINVAL;
}

int network_tell_sockets(struct core *core, const struct container *c, int pid,
			 struct gantry_error *err)
{
	auto_container struct container *owner = NULL;
	auto_(buf) struct buf plan = BUF_INIT;
	auto_free char *run_dir = container_run_dir(core, c->id);
	auto_free char *path = run_dir ? path_join(run_dir, "emulate.sock", NULL) : NULL;
	int r;

	/* one that runs may have left the network that asked for it */
	if (network_sockets(core, c) == EMULATE_NO_SOCKETS &&
	    !(container_is_running(c) && path && access(path, F_OK) == 0)) {
		return 0;
	}
	make_plan(find_owner(core, c, &owner) ? owner : c, namespace_cookie(pid), &plan);
	if (!path || buf_failed(&plan)) {
		return error_no_memory(err);
	}
	r = send_plan(path, &plan);
	return r < 0 ? error_errno(err, -r, "cannot tell the emulator of container %s its networks", c->name)
		     : 0;
}
