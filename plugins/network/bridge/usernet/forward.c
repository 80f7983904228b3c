/* SPDX-License-Identifier: Apache-2.0 */
/* The listeners were bound by who starts this, in the host's namespace; this process
 * then enters the user's, so that all that it connects to lies there. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "processes.h"

#define MAX_FORWARDS 256
#define EXPIRE_EVERY_MS 15000

/* "tcp:5:172.17.0.2:80"; an IPv6 address has colons of its own. */
static int parse(const char *spec, struct forward *ret)
{
	struct sockaddr_in *in = (struct sockaddr_in *)&ret->to;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&ret->to;
	const char *last = strrchr(spec, ':');
	char protocol[4], address[64];
	unsigned int port;
	int begin = 0;

	memset(ret, 0, sizeof(*ret));
	if (!last || sscanf(spec, "%3[a-z]:%d:%n", protocol, &ret->listener, &begin) != 2 || !begin ||
	    last <= spec + begin || (size_t)(last - spec - begin) >= sizeof(address) ||
	    sscanf(last + 1, "%u", &port) != 1 || port > 65535) {
		return -EINVAL;
	}
	memcpy(address, spec + begin, (size_t)(last - spec - begin));
	address[last - spec - begin] = '\0';
	ret->is_udp = !strcmp(protocol, "udp");
	if (inet_pton(AF_INET, address, &in->sin_addr) == 1) {
		in->sin_family = AF_INET;
		in->sin_port = htons((uint16_t)port);
		ret->to_len = sizeof(*in);
	} else if (inet_pton(AF_INET6, address, &in6->sin6_addr) == 1) {
		in6->sin6_family = AF_INET6;
		in6->sin6_port = htons((uint16_t)port);
		ret->to_len = sizeof(*in6);
	} else {
		return -EINVAL;
	}
	return 0;
}

static void after_round(void)
{
	tcp_sweep();
	udp_expire(loop_now_ms() / 1000);
}

static int next_round(void)
{
	return tcp_release_due(EXPIRE_EVERY_MS);
}

int usernet_forward(const char *file, int namespace_fd, const char *give, char *const *specs, int n)
{
	static struct forward forwards[MAX_FORWARDS];
	int r = n > MAX_FORWARDS ? -E2BIG : usernet_sign(file, getpid());

	if (r == 0 && setns(namespace_fd, CLONE_NEWNET) < 0) {
		r = -errno;
	}
	if (r == 0) {
		close(namespace_fd);
		r = loop_open();
	}
	if (r == 0 && strcmp(give, "-") != 0) {
		r = give_serve(give);
	}
	for (int i = 0; r == 0 && i < n; i++) {
		r = parse(specs[i], &forwards[i]);
		if (r == 0) {
			r = forwards[i].is_udp ? udp_serve(&forwards[i]) : tcp_serve(&forwards[i]);
		}
	}
	if (r == 0 && write(STDOUT_FILENO, "ready", 5) != 5) {
		r = -EIO;
	}
	close(STDOUT_FILENO);
	if (r == 0) {
		loop_run(after_round, next_round);
	}
	return r;
}
