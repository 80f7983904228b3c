/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <gantry/storage.h>

#include "cleanup.h"
#include "error.h"
#include "name_set.h"
#include "snapshots.h"

static int add_usage(int fd, struct inode_map *links, int64_t *bytes, int64_t *inodes)
{
	auto_dir DIR *dir = fdopendir(fd);
	struct dirent *e;
	int failed = 0, r = 0;

	if (!dir) {
		r = -errno;
		close(fd);
		return r;
	}
	while (r == 0 && (e = readdir(dir))) {
		struct stat st;
		int sub;

		if (!strcmp(e->d_name, "..") || fstatat(dirfd(dir), e->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
			continue;
		if (strcmp(e->d_name, ".") != 0 && S_ISDIR(st.st_mode)) {
			sub = openat(dirfd(dir), e->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
			r = sub < 0 ? -errno : add_usage(sub, links, bytes, inodes);
			continue;
		}
		if (!S_ISDIR(st.st_mode) && st.st_nlink > 1 &&
		    inode_map_first(links, st.st_dev, st.st_ino, e->d_name, &failed))
			continue;
		*bytes += st.st_blocks * 512;
		*inodes += 1;
	}
	return failed ? -ENOMEM : r;
}

int tree_usage(int fd, int64_t *ret_bytes, int64_t *ret_inodes, struct gantry_error *err)
{
	auto_(inode_map) struct inode_map links = { 0 };
	int64_t bytes = 0, inodes = 0;
	int copy = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int r = copy < 0 ? -errno : add_usage(copy, &links, &bytes, &inodes);

	if (r < 0)
		return error_errno(err, -r, "cannot count what a snapshot occupies");
	*ret_bytes = bytes;
	*ret_inodes = inodes;
	return 0;
}

int tree_usage_reply(int fd, struct gantry_reply *reply, struct gantry_error *err)
{
	int64_t bytes, inodes;
	int r = tree_usage(fd, &bytes, &inodes, err);

	if (r < 0)
		return r;
	if (gantry_storage_usage_set_bytes(reply, bytes) < 0 ||
	    gantry_storage_usage_set_inodes(reply, inodes) < 0)
		return error_no_memory(err);
	return 0;
}

const char *filesystem_name(const char *path)
{
	static const struct {
		unsigned long magic;
		const char *name;
	} known[] = {
		{ EXT4_SUPER_MAGIC, "extfs" },     { 0x58465342, "xfs" },
		{ BTRFS_SUPER_MAGIC, "btrfs" },    { TMPFS_MAGIC, "tmpfs" },
		{ OVERLAYFS_SUPER_MAGIC, "overlayfs" }, { F2FS_SUPER_MAGIC, "f2fs" },
		{ 0x2fc12fc1, "zfs" },             { NFS_SUPER_MAGIC, "nfs" },
		{ FUSE_SUPER_MAGIC, "fuse" },
	};
	struct statfs fs;

	if (statfs(path, &fs) < 0)
		return "unknown";
	for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
		if ((unsigned long)fs.f_type == known[i].magic)
			return known[i].name;
	}
	return "unknown";
}
