/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "ground.h"
#include "helpers/buf.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "helpers/io.h"
#include "sysctl.h"

#define PATH_MAX_SYSCTL 128

/* Sets name ("ipv4/ip_forward") to value.  0: it was, 1: changed; a negative errno.
 * ret_old takes 32 bytes. */
static int set_here(const char *name, const char *value, char *ret_old)
{
	auto_(buf) struct buf old = BUF_INIT;
	char path[PATH_MAX_SYSCTL];
	int r;

	snprintf(path, sizeof(path), "/proc/sys/net/%s", name);
	r = read_file(AT_FDCWD, path, &old, 64);
	if (r < 0) {
		return r;
	}
	snprintf(ret_old, 32, "%.*s", (int)strcspn(buf_str(&old), "\n"), buf_str(&old));
	if (!strcmp(ret_old, value)) {
		return 0;
	}
	r = write_control(AT_FDCWD, path, value);
	return r < 0 ? r : 1;
}

struct setting {
	const char *name;
	const char *value;
	char *ret_old;
};

static int set_there(void *arg)
{
	struct setting *s = arg;

	return set_here(s->name, s->value, s->ret_old);
}

/* /proc/sys/net shows the namespace of who opens it. */
static int set(const char *name, const char *value, char *ret_old)
{
	struct setting s = { name, value, ret_old };

	return ground_run(set_there, &s);
}

/* Before the host forwards IPv6: interfaces that take router advertisements would
 * stop doing so, and with it lose their addresses. */
static void keep_router_advertisements(void)
{
	auto_dir DIR *dir = opendir("/proc/sys/net/ipv6/conf");
	struct dirent *e;

	while (dir && (e = readdir(dir))) {
		auto_(buf) struct buf old = BUF_INIT;
		char path[300];

		if (e->d_name[0] == '.' || !strcmp(e->d_name, "all") || !strcmp(e->d_name, "default")) {
			continue;
		}
		snprintf(path, sizeof(path), "%s/accept_ra", e->d_name);
		if (read_file(dirfd(dir), path, &old, 64) == 0 && !strcmp(buf_str(&old), "1\n")) {
			(void)write_control(dirfd(dir), path, "2");
		}
	}
}

int sysctl_enable_forwarding(const struct store *s, int ipv6, struct gantry_error *err)
{
	const char *name = ipv6 ? "ipv6/conf/all/forwarding" : "ipv4/ip_forward";
	struct gantry_error ignored = GANTRY_ERROR_INIT;
	char key[PATH_MAX_SYSCTL], old[32];
	int r;

	if (ipv6 && ground_namespace() < 0) {
		keep_router_advertisements();
	}
	r = set(name, "1", old);
	if (r < 0) {
		error_errno(err, -r, "cannot enable forwarding (/proc/sys/net/%s)", name);
		return error_hint(err, "set it to 1 as root, or use --network host or none");
	}
	if (r > 0) {
		snprintf(key, sizeof(key), "sysctl/%s", name);
		(void)store_put_new(s, key, old, &ignored);
	}
	return 0;
}

int sysctl_prepare_bridge(const struct network *n, struct gantry_error *err)
{
	char name[PATH_MAX_SYSCTL], old[32];
	int r;

	snprintf(name, sizeof(name), "ipv4/conf/%s/route_localnet", n->bridge);
	r = set(name, "1", old);
	if (r < 0) {
		return error_errno(err, -r, "cannot set /proc/sys/net/%s", name);
	}
	/* Without IPv6 in the kernel there is nothing to prepare. */
	snprintf(name, sizeof(name), "ipv6/conf/%s/accept_ra", n->bridge);
	(void)set(name, "0", old);
	return 0;
}
