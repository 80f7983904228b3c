/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ownership made visible: variables that release what they own when they leave
 * scope, and the moves that take ownership out of them.  Not for frames that
 * call Lua functions which may raise: longjmp runs no cleanup.
 */
#ifndef HELPERS_CLEANUP_H
#define HELPERS_CLEANUP_H

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static inline void cleanup_free(void *p)
{
	free(*(void **)p);
}

static inline void cleanup_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

static inline void cleanup_file(FILE **f)
{
	if (*f)
		fclose(*f);
}

static inline void cleanup_dir(DIR **d)
{
	if (*d)
		closedir(*d);
}

#define auto_free __attribute__((cleanup(cleanup_free)))
#define auto_fd __attribute__((cleanup(cleanup_fd)))
#define auto_file __attribute__((cleanup(cleanup_file)))
#define auto_dir __attribute__((cleanup(cleanup_dir)))

/* `auto_(buf) struct buf b` calls buf_auto(&b); each type that wants it defines
 * a static inline TYPE_auto(). */
#define auto_(type) __attribute__((cleanup(type##_auto)))

/* Moves a pointer out of its variable. */
#define steal(pp)                             \
	({                                    \
		__typeof__(pp) steal_pp = (pp); \
		__typeof__(*pp) steal_p = *steal_pp; \
		*steal_pp = NULL;             \
		steal_p;                      \
	})

static inline int steal_fd(int *fd)
{
	int taken = *fd;

	*fd = -1;
	return taken;
}

/* Closes what was there and takes fd instead. */
static inline void replace_fd(int *slot, int fd)
{
	if (*slot >= 0)
		close(*slot);
	*slot = fd;
}

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

#endif
