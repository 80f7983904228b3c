/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <linux/seccomp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "core/base/idmap.h"
#include "core/container/limits.h"
#include "core/engine/engine.h"
#include "core/engine/ladder.h"
#include "helpers/buf.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "helpers/io.h"
#include "helpers/json.h"
#include "helpers/tcp_fence.h"

struct rung {
	const char *name;
	int there;
	const char *good;  /* what it gives */
	const char *cost;  /* what is missing without it */
	const char *admin; /* the line that an administrator runs; or NULL */
};

static void add(struct json_object *checks, const struct rung *rung)
{
	struct json_object *o = json_object_new_object();

	json_set_string(o, "kind", "rootless");
	json_set_string(o, "name", rung->name);
	json_set_string(o, "status", rung->there ? "ok" : "absent");
	json_set_bool(o, "chosen", 0);
	json_set_string(o, "detail", rung->there ? rung->good : rung->cost);
	json_set_string(o, "hint", "");
	if (!rung->there && rung->admin) {
		json_set_string(o, "admin", rung->admin);
		json_set_string(o, "hint", rung->admin);
	}
	json_object_array_add(checks, o);
}

static void user_name(const struct core *core, char *name, size_t size)
{
	struct passwd entry, *found = NULL;
	char text[4096];

	if (getpwuid_r(core->uid, &entry, text, sizeof(text), &found) == 0 && found) {
		snprintf(name, size, "%s", found->pw_name);
	} else {
		snprintf(name, size, "%u", (unsigned)core->uid);
	}
}

static void check_namespace(struct core *core, struct json_object *checks)
{
	const struct gantry_error *why = &core->refusal;
	char text[sizeof(why->message) + 128];

	snprintf(text, sizeof(text), "no container can run (%s), and no other runner is built in",
		 why->message);
	add(checks,
	    &(struct rung){
		    .name = "user namespace",
		    .there = core->ids != USERNS_NONE,
		    .good = "containers run as this user",
		    .cost = text,
		    .admin = access("/proc/sys/kernel/unprivileged_userns_clone", F_OK) == 0
				     ? "sysctl -w kernel.unprivileged_userns_clone=1"
			     : access("/proc/sys/kernel/apparmor_restrict_unprivileged_userns",
				      F_OK) == 0
				     ? "sysctl -w kernel.apparmor_restrict_unprivileged_userns=0"
				     : "sysctl -w user.max_user_namespaces=15000",
	    });
}

static void check_ids(struct core *core, struct json_object *checks)
{
	struct gantry_error why = GANTRY_ERROR_INIT;
	char name[64], admin[256], cost[sizeof(why.message) + 256];
	int may = core->ids == USERNS_GIVEN || idmap_can_full(core->uid, &why) == 0;

	user_name(core, name, sizeof(name));
	snprintf(admin, sizeof(admin),
		 "usermod --add-subuids 100000-165535 --add-subgids 100000-165535 %s", name);
	if (may && core->ids == USERNS_SINGLE) {
		snprintf(cost, sizeof(cost),
			 "there is a range, but the images in %s are owned by one id; a new "
			 "--root would use it",
			 core->paths.root);
		admin[0] = '\0';
	} else {
		snprintf(cost, sizeof(cost),
			 "%s: all users of a container are one, the others are emulated "
			 "(a call that is costs some microseconds)",
			 why.message);
	}
	if (!strncmp(why.message, "newuidmap", 9)) {
		strcpy(admin, "apt-get install uidmap");
	}
	add(checks, &(struct rung){
			    .name = "range of ids",
			    .there = core->ids == USERNS_FULL || core->ids == USERNS_GIVEN,
			    .good = "each user of a container is one of the kernel's",
			    .cost = cost,
			    .admin = *admin ? admin : NULL,
		    });
}

static int has_notifications(void)
{
	uint32_t action = SECCOMP_RET_USER_NOTIF;

	return syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) == 0;
}

static void check_emulation(struct core *core, struct json_object *checks)
{
	char good[160];

	snprintf(good, sizeof(good), "level %s, where there is one id",
		 config_string(core->config, "rootless.emulation"));
	add(checks, &(struct rung){
			    .name = "emulation",
			    .there = has_notifications(),
			    .good = good,
			    .cost = "this kernel (or what gantry runs in) has no seccomp "
				    "notifications: package "
				    "managers and servers that change users fail with one id",
			    .admin = "# use Linux 5.0 or later",
		    });
}

static void check_fuse(struct json_object *checks)
{
	add(checks,
	    &(struct rung){
		    .name = "/dev/fuse",
		    .there = access("/dev/fuse", R_OK | W_OK) == 0,
		    .good = "the FUSE union can be used",
		    .cost = "without the kernel's overlay, each container is a copy of its image",
		    .admin = "echo 'KERNEL==\"fuse\", MODE=\"0666\"' "
			     ">/etc/udev/rules.d/99-fuse.rules && "
			     "udevadm control --reload && udevadm trigger --name-match=fuse",
	    });
}

/* Attributes hold the owners; without them they are forgotten. */
static void check_attributes(struct core *core, struct json_object *checks)
{
	auto_free char *path = path_join(core->paths.root, "attribute-test", NULL);
	auto_fd int fd = path ? open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600) : -1;
	char cost[512];

	snprintf(cost, sizeof(cost),
		 "the filesystem of %s has none: owners of files are forgotten, and the "
		 "kernel's overlay cannot be used; choose a --root on another filesystem",
		 core->paths.root);
	add(checks, &(struct rung){
			    .name = "file attributes",
			    .there = fd >= 0 && fsetxattr(fd, "user.gantry.test", "x", 1, 0) == 0,
			    .good = "owners are remembered",
			    .cost = cost,
		    });
	if (fd >= 0) {
		unlink(path);
	}
}

static void check_cgroups(struct core *core, struct json_object *checks)
{
	struct statfs fs;
	int unified = statfs("/sys/fs/cgroup", &fs) == 0 && fs.f_type == CGROUP2_SUPER_MAGIC;

	add(checks,
	    &(struct rung){
		    .name = "control groups",
		    .there = limits_have_cgroups(core),
		    .good = "delegated: limits and accounting are the kernel's",
		    .cost = "not delegated: limits on memory, processors and processes are not "
			    "enforced "
			    "and pause does not work; ulimits do",
		    .admin = unified ? "mkdir -p /etc/systemd/system/user@.service.d && printf "
				       "'[Service]\\nDelegate=cpu cpuset io memory pids\\n' "
				       ">/etc/systemd/system/user@.service.d/delegate.conf && "
				       "systemctl "
				       "daemon-reload"
				     : "# boot with systemd.unified_cgroup_hierarchy=1",
	    });
}

static int is_on_path(const char *name)
{
	static const char *const folders[] = { "/usr/local/bin", "/usr/bin", "/bin" };
	char path[PATH_MAX];

	for (size_t i = 0; i < ARRAY_SIZE(folders); i++) {
		snprintf(path, sizeof(path), "%s/%s", folders[i], name);
		if (access(path, X_OK) == 0) {
			return 1;
		}
	}
	return 0;
}

/* The first number in a file of /proc/sys, or a default. */
static long read_number(const char *path, long otherwise)
{
	auto_(buf) struct buf text = BUF_INIT;
	long n;

	return read_file(AT_FDCWD, path, &text, 256) == 0 && sscanf(buf_str(&text), "%ld", &n) == 1 ? n
												      : otherwise;
}

static int may_ping(const struct core *core)
{
	auto_(buf) struct buf text = BUF_INIT;
	unsigned long first, last;

	return read_file(AT_FDCWD, "/proc/sys/net/ipv4/ping_group_range", &text, 256) == 0 &&
	       sscanf(buf_str(&text), "%lu %lu", &first, &last) == 2 && core->gid >= first &&
	       core->gid <= last;
}

/* What networks have, and what they do without (docs/network-bridge.md). */
static void check_network(const struct core *core, struct json_object *checks)
{
	int has_tun = access("/dev/net/tun", R_OK | W_OK) == 0;

	add(checks, &(struct rung){
			    .name = "pasta",
			    .there = has_tun && (is_on_path("pasta") || is_on_path("slirp4netns")),
			    .good = "it, or slirp4netns, carries the packets of new networks",
			    .cost = "no pasta or slirp4netns that may use /dev/net/tun: connections are made by "
				    "sockets of the host, UDP and pings by gantry itself; programs of another "
				    "architecture than this host's have no TCP to the outside",
			    .admin = has_tun ? "apt-get install passt"
					     : "apt-get install passt && chmod 0666 /dev/net/tun",
		    });
	add(checks, &(struct rung){
			    .name = "fence",
			    .there = tcp_fence_is_there(),
			    .good = "Landlock keeps containers from making sockets of the host their own",
			    .cost = "no Landlock with rules for the network: sockets of the host that a container "
				    "gets are bolted by keys, and send without segmentation offload",
			    .admin = "# use Linux 6.7 or later, with lsm=landlock",
		    });
	add(checks, &(struct rung){
			    .name = "pings",
			    .there = may_ping(core),
			    .good = "containers can ping beyond their networks",
			    .cost = "containers cannot ping beyond their networks",
			    .admin = "sysctl -w net.ipv4.ping_group_range='0 2147483647'",
		    });
	add(checks, &(struct rung){
			    .name = "low ports",
			    .there = read_number("/proc/sys/net/ipv4/ip_unprivileged_port_start", 1024) <= 80,
			    .good = "ports from 80 on can be published",
			    .cost = "ports below 1024 cannot be published",
			    .admin = "sysctl -w net.ipv4.ip_unprivileged_port_start=80",
		    });
}

static void check_linger(struct core *core, struct json_object *checks)
{
	char name[64], path[128], admin[128];

	user_name(core, name, sizeof(name));
	snprintf(path, sizeof(path), "/var/lib/systemd/linger/%s", name);
	snprintf(admin, sizeof(admin), "loginctl enable-linger %s", name);
	if (access("/run/systemd/system", F_OK) < 0) {
		return;
	}
	add(checks, &(struct rung){
			    .name = "lingering",
			    .there = access(path, F_OK) == 0,
			    .good = "containers outlive the session and start at boot",
			    .cost = "containers end with the last session, and none starts at boot",
			    .admin = admin,
		    });
}

void ladder_check(struct core *core, struct json_object *checks)
{
	check_namespace(core, checks);
	check_ids(core, checks);
	check_emulation(core, checks);
	check_fuse(checks);
	check_attributes(core, checks);
	check_cgroups(core, checks);
	check_network(core, checks);
	check_linger(core, checks);
}
