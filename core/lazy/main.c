/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gantry-lazyfs --root DIR --run-root DIR [--config FILE] [--plugin-path PATH]
 *
 * Started by an engine that needs a layer which is read in place; returns when the mount can be
 * asked for.  The process that stays is the holder: it owns the descriptors and starts the server
 * again when that dies; see server.h.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "core/engine/engine.h"
#include "core/lazy/client.h"
#include "core/lazy/fuse_attr.h"
#include "core/lazy/reader.h"
#include "core/lazy/server.h"
#include "core/lazy/source.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "helpers/io.h"

#define CACHE_BYTES (32 << 20)
#define CRASHES 5
#define CRASH_SECONDS 60

static int configure(int fs, int dev)
{
	char number[16], uid[16], gid[16];
	const char *const strings[][2] = {
		{ "source", "gantry-lazyfs" }, { "subtype", "gantry-lazyfs" }, { "fd", number },
		{ "rootmode", "40000" }, { "user_id", uid }, { "group_id", gid },
	};

	snprintf(number, sizeof(number), "%d", dev);
	snprintf(uid, sizeof(uid), "%u", (unsigned)geteuid());
	snprintf(gid, sizeof(gid), "%u", (unsigned)getegid());
	for (size_t i = 0; i < ARRAY_SIZE(strings); i++) {
		if (fsconfig(fs, FSCONFIG_SET_STRING, strings[i][0], strings[i][1], 0) < 0) {
			return -errno;
		}
	}
	if (fsconfig(fs, FSCONFIG_SET_FLAG, "default_permissions", NULL, 0) < 0 ||
	    fsconfig(fs, FSCONFIG_SET_FLAG, "allow_other", NULL, 0) < 0 ||
	    fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0) {
		return -errno;
	}
	return 0;
}

static int mount_it(struct server *s, struct gantry_error *err)
{
	auto_fd int fs = -1;
	int r;

	s->device = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	if (s->device < 0) {
		error_errno(err, errno, "cannot open /dev/fuse");
		return error_hint(err, "load the kernel module `fuse`, or pull without --lazy");
	}
	fs = fsopen("fuse", FSOPEN_CLOEXEC);
	r = fs < 0 ? -errno : configure(fs, s->device);
	if (r == 0) {
		s->mount = fsmount(fs, FSMOUNT_CLOEXEC, MOUNT_ATTR_RDONLY);
		r = s->mount < 0 ? -errno : 0;
	}
	return r < 0 ? error_errno(err, -r, "cannot mount a FUSE filesystem") : 0;
}

/* Paths longer than a socket's name may be are reached through a descriptor of their folder. */
static int listen_at(struct server *s, const char *folder, struct gantry_error *err)
{
	auto_fd int dir = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	snprintf(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d/socket", dir);
	s->socket = dir < 0 ? -1 : socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (s->socket < 0 || (unlinkat(dir, "socket", 0) < 0 && errno != ENOENT) ||
	    bind(s->socket, (struct sockaddr *)&address, sizeof(address)) < 0 ||
	    fchmodat(dir, "socket", 0600, 0) < 0 || listen(s->socket, 64) < 0) {
		return error_errno(err, errno, "cannot listen in %s", folder);
	}
	s->lock = openat(dir, "lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	return s->lock < 0 ? error_errno(err, errno, "cannot open the lock in %s", folder) : 0;
}

static int set_up(struct server *s, const struct core_options *options, struct gantry_error *err)
{
	auto_free char *folder = path_join(options->run_root, "lazy", NULL);
	int r = folder ? make_dirs(AT_FDCWD, folder, 0700) : -ENOMEM;

	if (r < 0) {
		return error_errno(err, -r, "cannot create folder %s", folder ? folder : "lazy");
	}
	s->shared = mmap(NULL, sizeof(*s->shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
			 -1, 0);
	if (s->shared == MAP_FAILED) {
		return error_no_memory(err);
	}
	r = mount_it(s, err);
	return r < 0 ? r : listen_at(s, folder, err);
}

/* One that was pulled again after its removal is another layer. */
static int is_slot_of(const struct server *s, uint32_t i, const char *name)
{
	return !strcmp(s->shared->names[i], name) && !(s->blobs[i] && blob_is_removed(s->blobs[i]));
}

int server_slot(struct server *s, const char *name, uint32_t *ret, struct gantry_error *err)
{
	auto_free char *path = lazy_path(s->core, name);
	uint32_t i;
	int r = 0;

	if (strlen(name) != BLOB_NAME - 1 || !path || access(path, F_OK) < 0) {
		return error_set(err, GANTRY_ERR_NOT_FOUND, "no layer %.64s is read in place", name);
	}
	pthread_mutex_lock(&s->lock_slots);
	for (i = 0; i < s->shared->n_slots && !is_slot_of(s, i, name); i++) {
	}
	if (i == SERVER_SLOTS) {
		r = error_set(err, GANTRY_ERR_LIMIT, "more than %d layers are read in place", SERVER_SLOTS);
	} else if (i == s->shared->n_slots) {
		memcpy(s->shared->names[i], name, BLOB_NAME);
		s->shared->n_slots = i + 1;
		pthread_cond_broadcast(&s->wake);
	}
	pthread_mutex_unlock(&s->lock_slots);
	*ret = i;
	return r;
}

int server_blob(struct server *s, uint32_t slot, struct blob **ret, struct gantry_error *err)
{
	int r = 0;

	if (slot >= s->shared->n_slots) {
		return error_set(err, GANTRY_ERR_NOT_FOUND, "there is no layer %u", slot);
	}
	pthread_mutex_lock(&s->lock_slots);
	if (!s->blobs[slot]) {
		r = blob_open(s->core, s->shared->names[slot], &s->blobs[slot], err);
	}
	*ret = s->blobs[slot];
	pthread_mutex_unlock(&s->lock_slots);
	return r;
}

/* The server's process. */
static int serve(struct server *s, const struct core_options *options, int again,
		 struct gantry_error *err)
{
	sigset_t none;
	int r;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_IGN);
	pthread_mutex_init(&s->lock_slots, NULL);
	r = core_open(options, &s->core, err);
	if (r == 0 && s->core->ids != USERNS_HOST) {
		/* Engines to come must find this user namespace: its mount is seen from no other. */
		r = userns_add_holder(&s->core->paths, getpid(), err);
	}
	if (r < 0) {
		return r;
	}
	lazy_ids_init();
	s->reader = reader_new(s->core, CACHE_BYTES);
	if (!s->reader) {
		return error_no_memory(err);
	}
	if (again) {
		lazy_log(s->core, "the server died; another goes on in its place");
	}
	r = control_start(s, err);
	return r < 0 ? r : fuse_serve(s, again, err);
}

static int crashes_too_often(void)
{
	static time_t times[CRASHES];
	static unsigned next;
	time_t now = time(NULL), oldest = times[next];

	times[next] = now;
	next = (next + 1) % CRASHES;
	return oldest && now - oldest < CRASH_SECONDS;
}

static void give_up(struct server *s)
{
	if (s->mount >= 0) {
		close(s->mount);
		close(s->socket);
		s->mount = s->socket = -1;
	}
}

/* Waits for the server's end; on the way gives up what it asks to be given up. */
static int supervise(struct server *s, pid_t pid, int from)
{
	struct pollfd p = { .fd = from, .events = POLLIN };
	int status;
	char c;

	/* The pipe ends when the server does. */
	while (poll(&p, 1, -1) < 0 || (p.revents & POLLIN)) {
		if ((p.revents & POLLIN) && read(from, &c, 1) == 1) {
			give_up(s);
		}
		p.revents = 0;
	}
	while (waitpid(pid, &status, 0) < 0) {
		if (errno != EINTR) {
			return -1;
		}
	}
	return status;
}

static int hold(struct server *s, const struct core_options *options)
{
	for (int again = 0;; again = 1) {
		int ends[2], status;
		pid_t pid;

		if (pipe2(ends, O_CLOEXEC) < 0) {
			return 1;
		}
		pid = fork();
		if (pid < 0) {
			return 1;
		}
		if (pid == 0) {
			struct gantry_error err = GANTRY_ERROR_INIT;

			close(ends[0]);
			s->holder = ends[1];
			_exit(serve(s, options, again, &err) < 0 ? 3 : 0);
		}
		close(ends[1]);
		status = supervise(s, pid, ends[0]);
		close(ends[0]);
		if (s->shared->retired) {
			give_up(s); /* it may have died before it could ask */
		}
		if ((WIFEXITED(status) && WEXITSTATUS(status) == 0) || crashes_too_often()) {
			return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : 1;
		}
		/* One that could not start will not the next time either. */
		if (WIFEXITED(status) && WEXITSTATUS(status) == 3) {
			return 1;
		}
	}
}

static void go_to_background(void)
{
	pid_t pid = fork();
	int null;

	if (pid > 0) {
		_exit(0);
	}
	(void)setsid();
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (null >= 0) {
		dup2(null, 0);
		dup2(null, 1);
		dup2(null, 2);
		close(null);
	}
	if (chdir("/") < 0) {
		_exit(1);
	}
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "root", required_argument, NULL, 'r' },
		{ "run-root", required_argument, NULL, 'u' },
		{ "config", required_argument, NULL, 'c' },
		{ "plugin-path", required_argument, NULL, 'p' },
		{ NULL, 0, NULL, 0 },
	};
	static struct server s = { .device = -1, .mount = -1, .socket = -1, .lock = -1 };
	struct core_options core_options = { .bare = 1 };
	struct gantry_error err = GANTRY_ERROR_INIT;
	int opt, r;

	while ((opt = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (opt) {
		case 'r':
			core_options.root = optarg;
			break;
		case 'u':
			core_options.run_root = optarg;
			break;
		case 'c':
			core_options.config_file = optarg;
			break;
		case 'p':
			core_options.plugin_path = optarg;
			break;
		default:
			return 2;
		}
	}
	if (!core_options.root || !core_options.run_root) {
		fprintf(stderr, "gantry-lazyfs: --root and --run-root are needed\n");
		return 2;
	}
	r = set_up(&s, &core_options, &err);
	if (r < 0) {
		fprintf(stderr, "gantry-lazyfs: %s\n", err.message);
		return 1;
	}
	go_to_background();
	return hold(&s, &core_options);
}
