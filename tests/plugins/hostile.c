/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A volume driver that does harm when it is told to: the option "do" of create says
 * what.  Its drivers crash-open and crash-close crash by themselves.
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <gantry/plugin.h>
#include <gantry/volume.h>

static int answer(struct gantry_error *err, int code, const char *what)
{
	err->code = code;
	snprintf(err->message, sizeof(err->message), "%s: %s", what, strerror(errno));
	return code;
}

static void crash(void)
{
	volatile int *volatile nowhere = NULL;

	*nowhere = 1;
}

/* Memory of every sort: what malloc refuses is taken as a file in memory. */
static void allocate(void)
{
	static char block[1 << 20];
	int fd = memfd_create("hoard", 0);
	char *p;

	while ((p = malloc(sizeof(block)))) {
		memset(p, 1, sizeof(block));
	}
	while (write(fd, block, sizeof(block)) > 0) {
	}
}

static void write_garbage(void)
{
	static char garbage[1 << 16];

	memset(garbage, 'x', sizeof(garbage));
	for (long i = 0; i < 65536; i++) {
		if (write(3, garbage, sizeof(garbage)) < 0) {
			_exit(3);
		}
	}
}

static void fork_without_end(void)
{
	for (;;) {
		if (fork() < 0 && errno == EPERM) {
			return;
		}
	}
}

/* Children that stay, as many as it gets. */
static int spawn(struct gantry_error *err)
{
	int n = 0;

	for (;;) {
		pid_t child = fork();

		if (child == 0) {
			prctl(PR_SET_NAME, "hostile-child");
			for (;;) {
				pause();
			}
		}
		if (child < 0) {
			return n > 20 && n < 1000
				       ? answer(err, GANTRY_ERR_LIMIT, "no more than it may")
				       : answer(err, GANTRY_ERR_LIMIT, "too few or too many");
		}
		n++;
	}
}

static int open_file(const char *path, int flags, struct gantry_error *err)
{
	int fd = open(path, flags, 0600);

	if (fd >= 0) {
		close(fd);
		return 0;
	}
	return answer(err, GANTRY_ERR_PERMISSION, path);
}

static int connect_out(struct gantry_error *err)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	return fd < 0 ? answer(err, GANTRY_ERR_PERMISSION, "socket") : (close(fd), 0);
}

static int connect_unix(struct gantry_error *err)
{
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	return fd < 0 ? answer(err, GANTRY_ERR_PERMISSION, "unix socket") : (close(fd), 0);
}

/* The value of "do" in {"do":"crash"}, and what follows a colon in it. */
static void read_order(const char *options, char *word, char *rest)
{
	word[0] = rest[0] = '\0';
	if (options && (options = strstr(options, "\"do\":\""))) {
		sscanf(options, "\"do\":\"%31[^\":]:%255[^\"]", word, rest);
	}
}

static int create(void *self, const struct gantry_volume_create_args *args,
		  struct gantry_reply *reply, struct gantry_error *err)
{
	char word[32], rest[256];

	read_order(args->options, word, rest);
	if (!strcmp(word, "crash")) {
		crash();
	} else if (!strcmp(word, "abort")) {
		abort();
	} else if (!strcmp(word, "exit")) {
		exit(7);
	} else if (!strcmp(word, "sleep")) {
		for (;;) {
			pause();
		}
	} else if (!strcmp(word, "allocate")) {
		allocate();
	} else if (!strcmp(word, "garbage")) {
		write_garbage();
	} else if (!strcmp(word, "close")) {
		close_range(0, ~0U, 0);
		for (;;) {
			pause();
		}
	} else if (!strcmp(word, "bomb")) {
		fork_without_end();
	} else if (!strcmp(word, "spawn")) {
		return spawn(err);
	} else if (!strcmp(word, "mount")) {
		return mount("tmpfs", "/mnt", "tmpfs", 0, NULL) < 0
			       ? answer(err, GANTRY_ERR_PERMISSION, "mount")
			       : 0;
	} else if (!strcmp(word, "read")) {
		return open_file(rest, O_RDONLY, err);
	} else if (!strcmp(word, "write")) {
		return open_file(rest, O_WRONLY | O_CREAT, err);
	} else if (!strcmp(word, "net")) {
		return connect_out(err);
	} else if (!strcmp(word, "unix")) {
		return connect_unix(err);
	} else if (!strcmp(word, "exec")) {
		errno = system("true") == 0 ? 0 : EPERM;
		return errno ? answer(err, GANTRY_ERR_PERMISSION, "exec") : 0;
	} else if (!strcmp(word, "kill")) {
		return kill(atoi(rest), SIGKILL) < 0 ? answer(err, GANTRY_ERR_PERMISSION, "kill")
						     : 0;
	}
	return 0;
}

static int mount_volume(void *self, const struct gantry_volume_mount_args *args,
			struct gantry_reply *reply, struct gantry_error *err)
{
	return gantry_volume_mount_set_path(reply, "/");
}

static int unmount(void *self, const struct gantry_volume_unmount_args *args,
		   struct gantry_reply *reply, struct gantry_error *err)
{
	return 0;
}

static int inspect(void *self, const struct gantry_volume_inspect_args *args,
		   struct gantry_reply *reply, struct gantry_error *err)
{
	return 0;
}

static int list(void *self, const struct gantry_volume_list_args *args, struct gantry_reply *reply,
		struct gantry_error *err)
{
	return 0;
}

static int remove_volume(void *self, const struct gantry_volume_remove_args *args,
			 struct gantry_reply *reply, struct gantry_error *err)
{
	return 0;
}

static int open_and_crash(const struct gantry_host *host, const char *config, void **ret,
			  struct gantry_error *err)
{
	crash();
	return 0;
}

static int open_quietly(const struct gantry_host *host, const char *config, void **ret,
			struct gantry_error *err)
{
	*ret = malloc(1);
	return 0;
}

static void close_and_crash(void *self)
{
	crash();
}

static const struct gantry_volume_ops ops = {
	.struct_size = sizeof(ops),
	.create = create,
	.mount = mount_volume,
	.unmount = unmount,
	.inspect = inspect,
	.list = list,
	.remove = remove_volume,
};

#define DRIVER(id, title, open_it, close_it)                                                       \
	static const struct gantry_driver id = {                                                   \
		.size = sizeof(struct gantry_driver),                                              \
		.threads = GANTRY_THREADS_PARALLEL,                                                \
		.kind = "volume",                                                                  \
		.name = title,                                                                     \
		.ops = &ops,                                                                       \
		.open = open_it,                                                                   \
		.close = close_it,                                                                 \
	}
DRIVER(plain, "hostile", NULL, NULL);
DRIVER(opening, "crash-open", open_and_crash, NULL);
DRIVER(closing, "crash-close", open_quietly, close_and_crash);

static const struct gantry_driver *const drivers[] = {&plain, &opening, &closing, NULL};

GANTRY_PLUGIN(.name = "volume-hostile", .version = "1", .licence = "Apache-2.0",
	      .drivers = drivers);
