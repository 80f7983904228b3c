/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "fuse/xattrat.h"

#ifndef SYS_setxattrat
#define SYS_setxattrat 463
#define SYS_getxattrat 464
#define SYS_listxattrat 465
#define SYS_removexattrat 466
#endif

struct kernel_xattr_args {
	uint64_t value;
	uint32_t size;
	uint32_t flags;
};

/* Set once a call was missing or forbidden by a seccomp filter. */
static atomic_int use_proc;

static int is_missing(int e)
{
	if (e != ENOSYS && e != EPERM)
		return 0;
	if (e == EPERM && syscall(SYS_listxattrat, AT_FDCWD, "/", 0, NULL, (size_t)0) >= 0)
		return 0;
	atomic_store(&use_proc, 1);
	return 1;
}

/* The path to use with the path-based calls. */
static const char *proc_path(char *buf, size_t size, int dirfd, const char *path)
{
	if (dirfd == AT_FDCWD || path[0] == '/')
		return path;
	snprintf(buf, size, "/proc/self/fd/%d/%s", dirfd, path);
	return buf;
}

#define PROC_BUF char buf[PATH_MAX + 64]; const char *p = proc_path(buf, sizeof(buf), dirfd, path)

ssize_t xattrat_get(int dirfd, const char *path, int at_flags, const char *name, void *value,
		    size_t size)
{
	ssize_t r;

	if (!atomic_load_explicit(&use_proc, memory_order_relaxed)) {
		struct kernel_xattr_args args = { (uintptr_t)value, (uint32_t)size, 0 };

		r = syscall(SYS_getxattrat, dirfd, path, at_flags, name, &args, sizeof(args));
		if (r >= 0 || !is_missing(errno))
			return r < 0 ? -errno : r;
	}
	PROC_BUF;
	r = at_flags ? lgetxattr(p, name, value, size) : getxattr(p, name, value, size);
	return r < 0 ? -errno : r;
}

ssize_t xattrat_list(int dirfd, const char *path, int at_flags, char *list, size_t size)
{
	ssize_t r;

	if (!atomic_load_explicit(&use_proc, memory_order_relaxed)) {
		r = syscall(SYS_listxattrat, dirfd, path, at_flags, list, size);
		if (r >= 0 || !is_missing(errno))
			return r < 0 ? -errno : r;
	}
	PROC_BUF;
	r = at_flags ? llistxattr(p, list, size) : listxattr(p, list, size);
	return r < 0 ? -errno : r;
}

int xattrat_set(int dirfd, const char *path, int at_flags, const char *name, const void *value,
		size_t size, int flags)
{
	int r;

	if (!atomic_load_explicit(&use_proc, memory_order_relaxed)) {
		struct kernel_xattr_args args = { (uintptr_t)value, (uint32_t)size,
						  (uint32_t)flags };

		r = (int)syscall(SYS_setxattrat, dirfd, path, at_flags, name, &args, sizeof(args));
		if (r >= 0 || !is_missing(errno))
			return r < 0 ? -errno : 0;
	}
	PROC_BUF;
	r = at_flags ? lsetxattr(p, name, value, size, flags) :
		       setxattr(p, name, value, size, flags);
	return r < 0 ? -errno : 0;
}

int xattrat_remove(int dirfd, const char *path, int at_flags, const char *name)
{
	int r;

	if (!atomic_load_explicit(&use_proc, memory_order_relaxed)) {
		r = (int)syscall(SYS_removexattrat, dirfd, path, at_flags, name);
		if (r >= 0 || !is_missing(errno))
			return r < 0 ? -errno : 0;
	}
	PROC_BUF;
	r = at_flags ? lremovexattr(p, name) : removexattr(p, name);
	return r < 0 ? -errno : 0;
}
