/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/pluginhost/confine.h"
#include "core/pluginhost/pluginhost.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"

#define FILES_MAX 4096

#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED 1
#else
#define SANITIZED 0
#endif

extern char **environ;

unsigned long confine_namespaces(const struct permits *permits)
{
	unsigned long flags = 0;

	if (permits->groups & PERMIT_HOST) {
		return 0;
	}
	/* An ordinary user's driver that mounts shares the user namespace in which its
	 * mounts shall be of use. */
	if (geteuid() != 0 && !permits->capabilities) {
		flags |= CLONE_NEWUSER;
	} else if (geteuid() != 0) {
		return 0;
	}
	/* Who shares the host's mounts has the host's /proc, whose numbers must be its own. */
	if (!(permits->groups & (PERMIT_DAEMON | PERMIT_MOUNT))) {
		flags |= CLONE_NEWPID;
	}
	if (!(permits->groups & PERMIT_MOUNT)) {
		flags |= CLONE_NEWNS | CLONE_NEWIPC;
	}
	if (!(permits->groups & (PERMIT_NET | PERMIT_UNIX | PERMIT_MOUNT))) {
		flags |= CLONE_NEWNET;
	}
	return flags;
}

/* Keeps what a program may need to know and nothing that may be secret. */
static void clean_environment(void)
{
	static const char *const kept[] = {"PATH",
					   "HOME",
					   "LANG",
					   "LC_ALL",
					   "LC_CTYPE",
					   "TZ",
					   "DOCKER_CONFIG",
					   "XDG_CONFIG_HOME",
					   "XDG_RUNTIME_DIR",
					   "HTTP_PROXY",
					   "HTTPS_PROXY",
					   "NO_PROXY",
					   "http_proxy",
					   "https_proxy",
					   "no_proxy",
					   "GANTRY_DEBUG",
					   "ASAN_OPTIONS",
					   "UBSAN_OPTIONS",
					   "LSAN_OPTIONS"};
	static char *clean[ARRAY_SIZE(kept) + 1];
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_SIZE(kept); i++) {
		size_t len = strlen(kept[i]);

		for (char **e = environ; *e; e++) {
			if (!strncmp(*e, kept[i], len) && (*e)[len] == '=') {
				clean[n++] = *e;
			}
		}
	}
	environ = clean;
}

static void limit(int what, rlim_t value)
{
	struct rlimit now, wanted = {value, value};

	if (getrlimit((__rlimit_resource_t)what, &now) == 0 && now.rlim_max != RLIM_INFINITY &&
	    now.rlim_max < value) {
		wanted.rlim_cur = wanted.rlim_max = now.rlim_max;
	}
	(void)setrlimit((__rlimit_resource_t)what, &wanted);
}

static void set_limits(const struct host_options *o)
{
	limit(RLIMIT_CORE, 0);
	limit(RLIMIT_NOFILE, FILES_MAX);
	/* Where there is a control group it decides first; this is for the others. */
	if (!SANITIZED && o->memory) {
		limit(RLIMIT_DATA, (rlim_t)o->memory);
	}
	if (geteuid() != 0 && o->pids) {
		/* Counts all processes of the user, so it can only be generous. */
		limit(RLIMIT_NPROC, 4096 + (rlim_t)o->pids);
	}
}

static int drop_capabilities(uint64_t keep, struct gantry_error *err)
{
	struct __user_cap_header_struct head = {_LINUX_CAPABILITY_VERSION_3, 0};
	struct __user_cap_data_struct data[2] = {{0, 0, 0}, {0, 0, 0}};
	struct __user_cap_data_struct now[2];

	if (syscall(SYS_capget, &head, now) < 0) {
		return error_errno(err, errno, "cannot read its capabilities");
	}
	for (unsigned c = 0; capability_name(c); c++) {
		if (!(keep & UINT64_C(1) << c)) {
			(void)prctl(PR_CAPBSET_DROP, c, 0, 0, 0);
		}
	}
	(void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	for (int i = 0; i < 2; i++) {
		data[i].permitted = data[i].effective =
			(uint32_t)(keep >> 32 * i) & now[i].permitted;
		data[i].inheritable = data[i].permitted;
	}
	if (syscall(SYS_capset, &head, data) < 0) {
		return error_errno(err, errno, "cannot drop capabilities");
	}
	/* What it executes keeps them, too, although an ordinary user's. */
	for (unsigned c = 0; capability_name(c); c++) {
		if (data[c / 32].permitted & (1u << c % 32)) {
			(void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, c, 0, 0);
		}
	}
	return 0;
}

/* Mounts made here are nobody else's. */
static void make_private(void)
{
	(void)mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL);
}

static void raise_loopback(void)
{
	auto_fd int sock = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq request = {.ifr_name = "lo", .ifr_flags = IFF_UP};

	if (sock >= 0) {
		(void)ioctl(sock, SIOCSIFFLAGS, &request);
	}
}

int confine(const struct host_options *options, const struct permits *permits,
	    struct gantry_error *err)
{
	int r = 0;

	clean_environment();
	set_limits(options);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0) {
		return error_errno(err, errno, "cannot give up new privileges");
	}
	if (permits->groups & PERMIT_HOST) {
		return 0;
	}
	if (!(permits->groups & PERMIT_MOUNT)) {
		make_private();
	}
	if (!(permits->groups & (PERMIT_NET | PERMIT_UNIX | PERMIT_MOUNT))) {
		raise_loopback();
	}
	if (!(permits->groups & PERMIT_MOUNT)) {
		r = restrict_paths(options, permits, err);
	}
	r = r < 0 ? r : drop_capabilities(permits->capabilities, err);
	return r < 0 ? r : filter_system_calls(permits, err);
}
