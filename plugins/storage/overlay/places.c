/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bottom layer: empty files and folders where every container has something mounted.
 * With them below its image, a container that writes nothing leaves its upper layer empty,
 * and nothing has to be made there, copied up and deleted again.  What an image has at these
 * places, and what it has removed, hides them.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "helpers/cleanup.h"
#include "helpers/io.h"
#include "overlay.h"

static const char *const folders[] = { "", "/dev", "/proc", "/sys", "/etc" };
static const char *const files[] = { "/etc/hosts", "/etc/hostname", "/etc/resolv.conf" };

static int make_tree(int dir, const char *base)
{
	char path[160];

	for (size_t i = 0; i < ARRAY_SIZE(folders); i++) {
		snprintf(path, sizeof(path), "%s%s", base, folders[i]);
		if (mkdirat(dir, path, 0755) < 0 || fchmodat(dir, path, 0755, 0) < 0)
			return -errno;
	}
	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		auto_fd int fd = -1;

		snprintf(path, sizeof(path), "%s%s", base, files[i]);
		fd = openat(dir, path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
		if (fd < 0 || fchmod(fd, 0644) < 0)
			return -errno;
	}
	return 0;
}

/* Made out of sight and renamed, so that it is there whole or not at all. */
int overlay_have_places(const struct overlay *o)
{
	int dir = o->snapshots.fd;
	char making[96];
	int r;

	if (faccessat(dir, OVERLAY_PLACES, F_OK, 0) == 0)
		return 1;
	snprintf(making, sizeof(making), "trash/places.%d.%llx", getpid(),
		 (unsigned long long)time_monotonic_ns());
	r = make_tree(dir, making);
	if (r == 0 && renameat(dir, making, dir, OVERLAY_PLACES) == 0)
		return 1;
	(void)remove_tree(dir, making);
	return faccessat(dir, OVERLAY_PLACES, F_OK, 0) == 0;
}
