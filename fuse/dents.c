/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "helpers/cleanup.h"

#include "fuse/dents.h"
#include "fuse/fdcache.h"
#include "fuse/loc.h"

enum { DENTS_BYTES = 65536 };

uint64_t dents_hash(const char *name)
{
	uint64_t h = 0xcbf29ce484222325ULL;

	while (*name)
		h = (h ^ (unsigned char)*name++) * 0x100000001b3ULL;
	h ^= h >> 29;
	h *= 0xbf58476d1ce4e5b9ULL;
	h ^= h >> 32;
	return h & ((1ULL << 62) - 1);
}

int dents_open(struct unionfs *fs, struct node *dir, unsigned slot)
{
	auto_cfd struct cfd *cfd = NULL;
	int fd, r = dir_open_part(fs, dir, slot, &cfd);

	if (r < 0)
		return r;
	fd = openat(cfd->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static int is_dot(const char *name)
{
	return name[0] == '.' && (!name[1] || (name[1] == '.' && !name[2]));
}

int dents_read(int fd, int (*visit)(void *ctx, const struct linux_dirent64 *d), void *ctx)
{
	auto_free char *buf = malloc(DENTS_BYTES);
	ssize_t n;

	if (!buf)
		return -ENOMEM;
	while ((n = syscall(SYS_getdents64, fd, buf, DENTS_BYTES)) > 0) {
		for (ssize_t at = 0; at < n;) {
			struct linux_dirent64 *d = (struct linux_dirent64 *)(buf + at);
			int r = is_dot(d->d_name) ? 0 : visit(ctx, d);

			if (r < 0)
				return r;
			at += d->d_reclen;
		}
	}
	return n < 0 ? -errno : 0;
}
