/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/quota.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "cleanup.h"
#include "project_quota.h"

int project_quota_set_limit(int fd, uint32_t project, int64_t bytes)
{
	struct if_dqblk limit = {
		.dqb_bhardlimit = (uint64_t)(bytes + 1023) / 1024,
		.dqb_bsoftlimit = (uint64_t)(bytes + 1023) / 1024,
		.dqb_valid = QIF_BLIMITS,
	};

	return syscall(SYS_quotactl_fd, fd, (int)QCMD((unsigned int)Q_SETQUOTA, PRJQUOTA), project, &limit) < 0 ? -errno
											    : 0;
}

int project_quota_assign(int dirfd, const char *path, uint32_t project)
{
	auto_fd int fd = openat(dirfd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct fsxattr attr;

	if (fd < 0 || ioctl(fd, FS_IOC_FSGETXATTR, &attr) < 0) {
		return -errno;
	}
	attr.fsx_projid = project;
	attr.fsx_xflags |= FS_XFLAG_PROJINHERIT;
	return ioctl(fd, FS_IOC_FSSETXATTR, &attr) < 0 ? -errno : 0;
}
