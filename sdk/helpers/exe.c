/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "cleanup.h"
#include "exe.h"

int exe_is_protected(int exe)
{
	struct statvfs fs;
	int seals = fcntl(exe, F_GET_SEALS);

	if (seals >= 0 && (seals & F_SEAL_WRITE))
		return 1;
	return fstatvfs(exe, &fs) == 0 && (fs.f_flag & ST_RDONLY);
}

static int open_read_only(int exe)
{
	struct mount_attr attr = { .attr_set = MOUNT_ATTR_RDONLY, .propagation = MS_PRIVATE };
	auto_fd int tree = (int)syscall(SYS_open_tree, exe, "",
					AT_EMPTY_PATH | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);

	if (tree < 0 || syscall(SYS_mount_setattr, tree, "", AT_EMPTY_PATH, &attr, sizeof(attr)) < 0)
		return -errno;
	return steal_fd(&tree);
}

static int open_sealed_copy(int exe)
{
	auto_fd int fd = memfd_create("exe", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	struct stat st;
	off_t done = 0;

	if (fd < 0 || fstat(exe, &st) < 0)
		return -errno;
	while (done < st.st_size) {
		if (sendfile(fd, exe, &done, (size_t)(st.st_size - done)) <= 0)
			return -EIO;
	}
	if (fchmod(fd, 0555) < 0 ||
	    fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL) < 0)
		return -errno;
	return steal_fd(&fd);
}

int exe_open_protected(int exe)
{
	int fd = open_read_only(exe);

	return fd >= 0 ? fd : open_sealed_copy(exe);
}
