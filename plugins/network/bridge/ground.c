/* SPDX-License-Identifier: Apache-2.0 */
/*
 * <run_dir>/namespace is locked by the holder and has the pid of a process in the
 * namespace; <run_dir>/forward/<endpoint> likewise, with the carrier's own pid.  Who uses the
 * namespace has <run_dir>/users locked shared; who starts or ends the holder, exclusively.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/nsfs.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ground.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "helpers/io.h"
#include "helpers/netns.h"
#include "helpers/privilege.h"
#include "usernet.h"

#define MAX_TRIES 5

#ifndef SO_NETNS_COOKIE
#define SO_NETNS_COOKIE 71
#endif

/* Constant once set, but for the namespace: a new one after the old one's end. */
static struct {
	pthread_mutex_t lock;
	int known;
	int is_own;
	int namespace;
	int holder; /* pid */
} ground = { .lock = PTHREAD_MUTEX_INITIALIZER, .namespace = -1 };

/* A namespace that was made in a user namespace above ours does not let us change it, nor
 * even ask for its owner. */
static int needs_own(void)
{
	auto_fd int fd = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	auto_fd int owner = fd < 0 || is_host_root() ? -1 : ioctl(fd, NS_GET_USERNS);

	return !is_host_root() && owner < 0;
}

static int is_on_path(const char *program)
{
	const char *path = getenv("PATH");
	auto_free char *list = strdup(path ? path : "/usr/bin:/bin");
	char *save = NULL;

	for (char *dir = list ? strtok_r(list, ":", &save) : NULL; dir; dir = strtok_r(NULL, ":", &save)) {
		auto_free char *file = NULL;

		if (asprintf(&file, "%s/%s", dir, program) >= 0 && access(file, X_OK) == 0) {
			return 1;
		}
	}
	return 0;
}

/* The sockets that the emulator gives need both. */
static int has_notifications(void)
{
	uint64_t cookie;
	socklen_t len = sizeof(cookie);
	auto_fd int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	return access("/proc/sys/kernel/seccomp/actions_avail", F_OK) == 0 &&
	       getsockopt(fd, SOL_SOCKET, SO_NETNS_COOKIE, &cookie, &len) == 0;
}

static int has_helper(const char *name)
{
	return access("/dev/net/tun", R_OK | W_OK) == 0 && is_on_path(name);
}

int ground_probe(struct gantry_error *err)
{
	if (!needs_own() || has_helper("pasta") || has_helper("slirp4netns") || has_notifications()) {
		return 0;
	}
	error_set(err, GANTRY_ERR_UNAVAILABLE, "an ordinary user's network has no way out of its "
		  "namespace: Linux is older than 5.14, and neither pasta nor slirp4netns can be used");
	return error_hint(err, "install the package passt or slirp4netns, and allow /dev/net/tun: "
			  "chmod 0666 /dev/net/tun");
}

const char *ground_way(const struct bridge_driver *d)
{
	return strcmp(d->way_out, "auto") ? d->way_out :
	       has_helper("pasta")	  ? "pasta" :
	       has_helper("slirp4netns")  ? "slirp4netns" :
					    "relay";
}

int ground_namespace(void)
{
	return ground.namespace;
}

int ground_run(int (*fn)(void *arg), void *arg)
{
	return ground.namespace < 0 ? fn(arg) : namespace_run(ground.namespace, CLONE_NEWNET, fn, arg);
}

static int lock_users(const struct bridge_driver *d, int how, struct gantry_error *err)
{
	char path[PATH_MAX];
	int fd, r = usernet_path(d, "users", path, err);

	if (r < 0) {
		return r;
	}
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0 || flock(fd, how) < 0) {
		r = error_errno(err, errno, "cannot lock %s", path);
		if (fd >= 0) {
			close(fd);
		}
		return r;
	}
	return fd;
}

/* The namespace of the process in the file, or -1.  One that another user namespace of this
 * user made is of no use, and nobody's any more: containers would have kept ours. */
static int open_namespace(const char *path, int *ret_pid)
{
	char file[64];

	*ret_pid = usernet_pid(path);
	if (*ret_pid <= 0) {
		return -1;
	}
	snprintf(file, sizeof(file), "/proc/%d/ns/net", *ret_pid);
	return open(file, O_RDONLY | O_CLOEXEC);
}

static int start_holder(const char *path, const char *way, struct gantry_error *err)
{
	const char *const argv[] = { "gantry-usernet", "hold", path, way, NULL };

	usernet_end(path);
	return usernet_start(argv, NULL, 0, err);
}

/* users is locked shared, before and after.  Called with ground's lock held. */
static int find_holder(int users, const char *path, const char *way, struct gantry_error *err)
{
	int pid, r = 0, fd = open_namespace(path, &pid);

	/* Between giving up one lock and getting the other, somebody may end what was started. */
	for (int tries = 0; r == 0 && fd < 0 && tries < MAX_TRIES; tries++) {
		if (flock(users, LOCK_EX) < 0) {
			return error_errno(err, errno, "cannot lock the users of %s", path);
		}
		fd = open_namespace(path, &pid);
		r = fd < 0 ? start_holder(path, way, err) : 0;
		(void)flock(users, LOCK_SH);
		replace_fd(&fd, r < 0 ? -1 : open_namespace(path, &pid));
	}
	if (r == 0 && fd < 0) {
		r = error_set(err, GANTRY_ERR_UNAVAILABLE, "the process that keeps it has ended");
	}
	if (r == 0 && pid != ground.holder) {
		replace_fd(&ground.namespace, steal_fd(&fd));
		ground.holder = pid;
	}
	replace_fd(&fd, -1);
	return r;
}

static int enter_own(const struct bridge_driver *d, int *ret_lock, struct gantry_error *err)
{
	auto_fd int users = lock_users(d, LOCK_SH, err);
	char path[PATH_MAX];
	int r = users < 0 ? users : usernet_path(d, "namespace", path, err);

	if (r == 0) {
		r = find_holder(users, path, ground_way(d), err);
	}
	if (r == 0) {
		*ret_lock = steal_fd(&users);
	}
	return r;
}

int ground_enter(const struct bridge_driver *d, int *ret_lock, struct gantry_error *err)
{
	int r = 0;

	*ret_lock = -1;
	pthread_mutex_lock(&ground.lock);
	if (!ground.known) {
		ground.is_own = needs_own();
		ground.known = 1;
	}
	if (ground.is_own) {
		r = enter_own(d, ret_lock, err);
	}
	pthread_mutex_unlock(&ground.lock);
	return r < 0 ? error_prefix(err, "cannot make the network namespace of this user's networks") : 0;
}

void ground_leave(const struct bridge_driver *d)
{
	struct gantry_error ignored = GANTRY_ERROR_INIT;
	auto_(reply) struct reply records = REPLY_INIT;
	auto_fd int users = ground.namespace < 0 ? -1 : lock_users(d, LOCK_EX | LOCK_NB, &ignored);
	char path[PATH_MAX];

	if (users >= 0 && store_list(&d->store, "ip/", &records, &ignored) == 0 &&
	    !reply_list(&records, 0)[0] && usernet_path(d, "namespace", path, &ignored) == 0) {
		usernet_end(path);
	}
}
