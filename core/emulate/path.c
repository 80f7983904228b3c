/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A path is resolved as the caller's own call would, by the kernel, below two
 * descriptors that were found to be the caller's: its root and the folder that the
 * path starts from.  Links to descriptors (magic links) lead nowhere.
 *
 * The kernel has no way to say "start here, but that is the root" other than to have
 * that root; so a thread that must climb above its start takes the caller's root as
 * its own for the time of one openat2(2).  Every thread of this process has a root
 * and a working directory of its own (main.c).
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/emulate/emulate.h"
#include "helpers/cleanup.h"

static int open_how(int dir, const char *path, uint64_t flags, uint64_t resolve)
{
	struct open_how how = {.flags = flags | O_CLOEXEC,
			       .resolve = resolve | RESOLVE_NO_MAGICLINKS};
	int fd = (int)syscall(SYS_openat2, dir, path, &how, sizeof(how));

	return fd < 0 ? -errno : fd;
}

/* Takes the caller's root for one lookup.  The way back is a descriptor opened
 * before; without it this process must not go on. */
static int open_in_foreign_root(int root, int start, const char *path, uint64_t flags)
{
	auto_fd int home = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	int fd = -EIO;

	if (home < 0)
		return -errno;
	if (fchdir(root) == 0 && chroot(".") == 0 && fchdir(start) == 0)
		fd = open_how(AT_FDCWD, path, flags, 0);
	if (fchdir(home) < 0 || chroot(".") < 0)
		abort();
	return fd;
}

int path_open_fd(const struct request *rq, int fd)
{
	char name[32];
	int r;

	if (fd < 0)
		return -EBADF;
	snprintf(name, sizeof(name), "fd/%d", fd);
	r = request_open_proc(rq, name, O_PATH);
	return r == -ENOENT ? -EBADF : r;
}

static int open_start(const struct request *rq, int dirfd)
{
	return dirfd == AT_FDCWD ? request_open_proc(rq, "cwd", O_PATH | O_DIRECTORY)
				 : path_open_fd(rq, dirfd);
}

static int open_relative(const struct request *rq, int dirfd, const char *path, uint64_t flags)
{
	auto_fd int start = open_start(rq, dirfd);
	auto_fd int root = -1;
	int fd;

	if (start < 0)
		return start;
	if (!request_is_alive(rq))
		return -ESRCH;
	fd = open_how(start, path, flags, RESOLVE_BENEATH);
	if (fd != -EXDEV && fd != -EAGAIN)
		return fd;
	root = request_open_proc(rq, "root", O_PATH | O_DIRECTORY);
	if (root < 0)
		return root;
	return request_is_alive(rq) ? open_in_foreign_root(root, start, path, flags) : -ESRCH;
}

static int open_absolute(const struct request *rq, const char *path, uint64_t flags)
{
	auto_fd int root = request_open_proc(rq, "root", O_PATH | O_DIRECTORY);

	if (root < 0)
		return root;
	if (!request_is_alive(rq))
		return -ESRCH;
	return open_how(root, path, flags, RESOLVE_IN_ROOT);
}

/* Names of the caller's own descriptors, which no look from outside can resolve. */
static int own_descriptor(const char *path)
{
	static const struct {
		const char *name;
		int fd;
	} known[] = {{"/dev/stdin", 0}, {"/dev/stdout", 1}, {"/dev/stderr", 2}};
	static const char *const folders[] = {"/dev/fd/", "/proc/self/fd/"};

	for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
		if (!strcmp(path, known[i].name))
			return known[i].fd;
	}
	for (size_t i = 0; i < ARRAY_SIZE(folders); i++) {
		size_t n = strlen(folders[i]);
		char *end;
		long fd;

		if (strncmp(path, folders[i], n) || !path[n])
			continue;
		fd = strtol(path + n, &end, 10);
		return *end || fd < 0 || fd > INT_MAX ? -1 : (int)fd;
	}
	return -1;
}

int path_open(const struct request *rq, int dirfd, const char *path, int at_flags)
{
	uint64_t flags = O_PATH | (at_flags & AT_SYMLINK_NOFOLLOW ? O_NOFOLLOW : 0);
	int fd = at_flags & AT_SYMLINK_NOFOLLOW ? -1 : own_descriptor(path);

	if (!*path) {
		if (!(at_flags & AT_EMPTY_PATH))
			return -ENOENT;
		return open_start(rq, dirfd);
	}
	if (fd >= 0)
		return path_open_fd(rq, fd);
	return *path == '/' ? open_absolute(rq, path, flags)
			    : open_relative(rq, dirfd, path, flags);
}

int path_open_parent(const struct request *rq, int dirfd, const char *path, char name[256])
{
	char copy[PATH_MAX];
	size_t n = strlen(path);
	char *slash;

	if (n == 0 || n >= sizeof(copy))
		return n ? -ENAMETOOLONG : -ENOENT;
	memcpy(copy, path, n + 1);
	while (n > 1 && copy[n - 1] == '/')
		copy[--n] = '\0';
	slash = strrchr(copy, '/');
	if (strlen(slash ? slash + 1 : copy) > NAME_MAX)
		return -ENAMETOOLONG;
	strcpy(name, slash ? slash + 1 : copy);
	if (!*name || !strcmp(name, ".") || !strcmp(name, ".."))
		return -EEXIST;
	if (!slash)
		return open_relative(rq, dirfd, ".", O_PATH | O_DIRECTORY);
	slash[slash == copy ? 1 : 0] = '\0';
	return *copy == '/' ? open_absolute(rq, copy, O_PATH | O_DIRECTORY)
			    : open_relative(rq, dirfd, copy, O_PATH | O_DIRECTORY);
}
