/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Extended attributes of a name in a directory: the *xattrat(2) system calls of
 * Linux 6.13, and the detour through /proc/self/fd where they are missing.
 * All return a count or 0, or a negative errno value.
 */
#ifndef FUSE_XATTRAT_H
#define FUSE_XATTRAT_H

#include <stddef.h>
#include <sys/types.h>

/* at_flags: AT_SYMLINK_NOFOLLOW or 0. */
ssize_t xattrat_get(int dirfd, const char *path, int at_flags, const char *name, void *value,
		    size_t size);
ssize_t xattrat_list(int dirfd, const char *path, int at_flags, char *list, size_t size);
int xattrat_set(int dirfd, const char *path, int at_flags, const char *name, const void *value,
		size_t size, int flags);
int xattrat_remove(int dirfd, const char *path, int at_flags, const char *name);

#endif
