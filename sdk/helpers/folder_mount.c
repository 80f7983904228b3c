/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <sys/mount.h>

#include "cleanup.h"
#include "error.h"
#include "folder_mount.h"

int folder_mount(const char *path, int read_only, int userns, struct gantry_error *err)
{
	struct mount_attr attr = { .propagation = MS_PRIVATE };
	auto_fd int fd = open_tree(AT_FDCWD, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);

	if (fd < 0)
		return error_errno(err, errno, "cannot mount %s", path);
	if (read_only)
		attr.attr_set |= MOUNT_ATTR_RDONLY;
	if (userns >= 0) {
		attr.attr_set |= MOUNT_ATTR_IDMAP;
		attr.userns_fd = (__u64)userns;
	}
	if (mount_setattr(fd, "", AT_EMPTY_PATH, &attr, sizeof(attr)) < 0) {
		error_errno(err, errno, "cannot mount %s", path);
		if (userns >= 0)
			error_hint(err, "id-mapped mounts need Linux 5.12 and a filesystem that "
					"supports them");
		return err->code;
	}
	return steal_fd(&fd);
}
