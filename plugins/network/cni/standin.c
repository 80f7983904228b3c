/* SPDX-License-Identifier: Apache-2.0 */
/* The thread that makes the namespace ends at once; the descriptor keeps it. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <string.h>
#include <unistd.h>

#include "cni.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "helpers/rtnl.h"

static void *make_namespace(void *arg)
{
	int *fd = arg;

	*fd = unshare(CLONE_NEWNET) < 0 ? -errno
					: open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	return NULL;
}

static int new_namespace(void)
{
	pthread_t thread;
	int fd = -1, r = pthread_create(&thread, NULL, make_namespace, &fd);

	if (r != 0) {
		return -r;
	}
	pthread_join(thread, NULL);
	return fd;
}

static int add_addresses(struct rtnl *r, const char *interface, struct json_object *result)
{
	struct json_object *ips = json_get_array(result, "ips");
	int index = rtnl_index(r, interface);

	for (size_t i = 0; index > 0 && i < json_array_size(ips); i++) {
		const char *text = json_get_string(json_object_array_get_idx(ips, i), "address");
		struct subnet s;
		struct address a;

		if (text && subnet_parse(text, &s, &a) == 0) {
			rtnl_add_address(r, index, &a, s.bits);
		}
	}
	return index < 0 ? index : rtnl_commit(r, NULL);
}

int cni_stand_in(const char *interface, struct json_object *result, struct gantry_error *err)
{
	static const uint8_t mac[6] = { 2, 0, 0, 0, 0, 1 };
	auto_fd int ns = new_namespace();
	auto_(rtnl) struct rtnl inside = RTNL_INIT;
	struct rtnl_veth veth = { .name = interface, .peer_netns = ns, .peer_name = "peer", .peer_mac = mac };
	int r = ns < 0 ? ns : rtnl_open(&inside, ns);

	if (r == 0) {
		rtnl_add_veth(&inside, &veth);
		r = rtnl_commit(&inside, NULL);
	}
	if (r == 0) {
		r = add_addresses(&inside, interface, result);
	}
	return r < 0 ? error_errno(err, -r, "cannot make a namespace in place of the container's")
		     : steal_fd(&ns);
}
