/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bind(2) and listen(2).  Where the kernel's fence forbids the container to bind TCP
 * sockets, this process does it for those of the container's own network.  Sockets of the
 * host are for one connection and nothing else.
 */
#include <errno.h>
#include <linux/capability.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/emulate/emulate.h"
#include "core/emulate/net.h"
#include "helpers/cleanup.h"

/* The privilege for low ports is this thread's only for those who have it themselves. */
static void have_bind_service(int has)
{
	struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
	struct __user_cap_data_struct data[2] = {{0}};
	const uint32_t bit = 1U << CAP_NET_BIND_SERVICE;

	if (syscall(SYS_capget, &header, data) < 0)
		return;
	data[0].effective = has ? data[0].effective | (data[0].permitted & bit)
				: data[0].effective & ~bit;
	(void)syscall(SYS_capset, &header, data);
}

int64_t call_bind(struct request *rq)
{
	auto_net_plan struct net_plan *plan = net_plan_get();
	union net_address address = {0};
	struct net_socket s = {.fd = -1};
	size_t len = (size_t)(int)rq->args[2];
	int64_t r = ANSWER_CONTINUE;

	if (!plan || net_socket_open(rq, (int)rq->args[0], plan, &s) < 0)
		return ANSWER_CONTINUE;
	if (s.place == NET_HOST) {
		r = -EINVAL;
	} else if (net_is_fenced()) {
		r = len > sizeof(address) ? -EINVAL : request_read(rq, rq->args[1], &address, len);
		if (r == 0) {
			have_bind_service(request_has_cap(rq, CAP_NET_BIND_SERVICE));
			r = bind(s.fd, &address.any, (socklen_t)len) < 0 ? -errno : 0;
			have_bind_service(1);
		}
	}
	close(s.fd);
	return r;
}

int64_t call_listen(struct request *rq)
{
	auto_net_plan struct net_plan *plan = net_plan_get();
	struct net_socket s = {.fd = -1};
	int64_t r = ANSWER_CONTINUE;

	if (!plan || net_socket_open(rq, (int)rq->args[0], plan, &s) < 0)
		return ANSWER_CONTINUE;
	if (s.place == NET_HOST)
		r = -EINVAL;
	close(s.fd);
	return r;
}
