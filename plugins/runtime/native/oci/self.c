/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A container can make this program execute /proc/self/exe, which is this
 * program's file, and later write to it through a descriptor (CVE-2019-5736).  So
 * the file is executed through a read-only mount that nobody can reach by name;
 * where that is not allowed, from a sealed copy in memory.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <helpers/cleanup.h>

#include "../sys.h"
#include "oci.h"

static bool is_protected(int exe)
{
	struct statvfs fs;
	int seals = fcntl(exe, F_GET_SEALS);

	if (seals >= 0 && (seals & F_SEAL_WRITE))
		return true;
	return fstatvfs(exe, &fs) == 0 && (fs.f_flag & ST_RDONLY);
}

static int open_read_only(int exe)
{
	struct mount_attr attr = { .attr_set = MOUNT_ATTR_RDONLY, .propagation = MS_PRIVATE };
	auto_fd int tree = sys_open_tree(exe, "",
					 AT_EMPTY_PATH | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);

	if (tree < 0 || sys_mount_setattr(tree, "", AT_EMPTY_PATH, &attr) < 0)
		return -1;
	return steal_fd(&tree);
}

static int open_sealed_copy(int exe)
{
	auto_fd int fd = memfd_create("gantry-oci", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	struct stat st;
	off_t done = 0;

	if (fd < 0 || fstat(exe, &st) < 0)
		return -1;
	while (done < st.st_size) {
		if (sendfile(fd, exe, &done, (size_t)(st.st_size - done)) <= 0)
			return -1;
	}
	if (fchmod(fd, 0555) < 0 ||
	    fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL) < 0)
		return -1;
	return steal_fd(&fd);
}

void oci_protect_self(char **argv)
{
	auto_fd int exe = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	auto_fd int safe = -1;

	if (exe < 0 || is_protected(exe))
		return;
	safe = open_read_only(exe);
	if (safe >= 0)
		sys_execveat(safe, "", argv, environ, AT_EMPTY_PATH);
	safe = open_sealed_copy(exe);
	if (safe >= 0)
		sys_execveat(safe, "", argv, environ, AT_EMPTY_PATH);
}
