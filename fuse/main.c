/* SPDX-License-Identifier: Apache-2.0 */
/* gantry-unionfs: the command.  The only room that prints and exits. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <gantry/error.h>
#include "helpers/buf.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "helpers/io.h"

#include "fuse/arena.h"
#include "fuse/explain.h"
#include "fuse/fdcache.h"
#include "fuse/holder.h"
#include "fuse/ids.h"
#include "fuse/layer.h"
#include "fuse/lookup.h"
#include "fuse/mount.h"
#include "fuse/node.h"
#include "fuse/session.h"
#include "fuse/unionfs.h"
#include "fuse/upgrade.h"

_Static_assert(sizeof(struct settled) <= ARENA_SETTLED_BYTES, "its place in the arena");

enum { FD_RESERVE = 128, FD_LIMIT_MAX = 32768, FD_CACHE_MIN = 64 };

static int print_error(const struct gantry_error *err)
{
	fprintf(stderr, "gantry-unionfs: %s\n", err->message);
	if (err->hint[0])
		fprintf(stderr, "%s\n", err->hint);
	return 1;
}

/* CAP_SYS_ADMIN in the first user namespace: trusted.* attributes are ours. */
static int is_privileged(void)
{
	auto_(buf) struct buf map = BUF_INIT;
	struct __user_cap_header_struct header = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct data[2];
	unsigned inside, outside, count;

	if (syscall(SYS_capget, &header, data) < 0 ||
	    !(data[0].effective & 1U << CAP_SYS_ADMIN))
		return 0;
	if (read_file(AT_FDCWD, "/proc/self/uid_map", &map, 65536) < 0)
		return 1;
	return sscanf(buf_str(&map), "%u %u %u", &inside, &outside, &count) == 3 && !inside &&
	       !outside && count == UINT32_MAX;
}

/* What containers write must not pass quotas or use blocks that are reserved for root, as
 * this process might: the kernel's overlayfs gives the capability up as well. */
static void drop_resource_power(void)
{
	struct __user_cap_header_struct header = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct data[2];

	if (syscall(SYS_capget, &header, data) < 0)
		return;
	data[0].effective &= ~(1U << CAP_SYS_RESOURCE);
	(void)syscall(SYS_capset, &header, data);
}

/* As many descriptors as we may have, and how many of them may be cached. */
static unsigned choose_fd_limit(void)
{
	struct rlimit rl;
	rlim_t n;

	if (getrlimit(RLIMIT_NOFILE, &rl) < 0)
		return FD_CACHE_MIN;
	if (rl.rlim_cur < rl.rlim_max) {
		rl.rlim_cur = rl.rlim_max;
		if (setrlimit(RLIMIT_NOFILE, &rl) < 0)
			(void)getrlimit(RLIMIT_NOFILE, &rl);
	}
	n = rl.rlim_cur > FD_LIMIT_MAX ? FD_LIMIT_MAX : rl.rlim_cur;
	return n > 2 * FD_RESERVE ? (unsigned)(n - FD_RESERVE) * 3 / 4 : FD_CACHE_MIN;
}

static int set_up(struct unionfs *fs, struct gantry_error *err)
{
	int r;

	fs->dev_fd = -1;
	fs->own_uid = (int)geteuid();
	fs->own_gid = (int)getegid();
	fs->privileged = is_privileged();
	/* Layers hold what containers made: whatever mode they asked for. */
	umask(0);
	r = upgrade_inherit(fs, err);
	if (r < 0)
		return r;
	fs->inherited = r;
	r = fs->inherited ? layers_inherit(fs, err) : layers_open(fs, err);
	if (r)
		return r;
	ids_find_overrides(fs);
	fs->fds = fdcache_new(choose_fd_limit());
	drop_resource_power();
	if (!fs->inherited)
		fs->arena = arena_new();
	if (!fs->fds || !fs->arena || nodes_init(fs) < 0)
		return error_no_memory(err);
	fs->settled = arena_settled(fs->arena);
	r = lookup_root(fs);
	return r < 0 ? error_errno(err, -r, "cannot read the layers' roots") : 0;
}

/* Detaches from the terminal.  Returns in the child; the parent exits once it is
 * told that the mount stands. */
static void go_to_background(void)
{
	pid_t pid = fork();
	int null;

	if (pid > 0)
		_exit(0);
	(void)setsid();
	if (chdir("/") < 0)
		return;
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (null >= 0) {
		dup2(null, 0);
		dup2(null, 1);
		dup2(null, 2);
		close(null);
	}
}

static int run(struct unionfs *fs, char **argv, struct gantry_error *err)
{
	int r = upgrade_prepare(fs, argv, err);

	if (r == 0)
		r = set_up(fs, err);
	if (r)
		return r;
	if (fs->opt.explain)
		return explain_print(fs, err);
	if (fs->inherited)
		return holder_run(fs, err);
	r = mount_union(fs, err);
	if (r)
		return r;
	if (!fs->opt.foreground)
		go_to_background();
	return holder_run(fs, err);
}

int main(int argc, char **argv)
{
	struct gantry_error err = GANTRY_ERROR_INIT;
	static struct unionfs fs;
	int r;

	fs.work_fd = -1;
	r = options_parse(&fs.opt, argc, argv, &err);
	if (r == 0 && fs.opt.show_help)
		fputs(options_help(), stdout);
	else if (r == 0 && fs.opt.show_version)
		printf("gantry-unionfs: version %s\n", PACKAGE_VERSION);
	else if (r == 0 && fs.opt.show_format)
		printf("%d\n", ARENA_FORMAT);
	else if (r == 0)
		r = run(&fs, argv, &err);
	return r ? print_error(&err) : 0;
}
