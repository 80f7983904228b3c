/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>

#include "helpers/cleanup.h"

#include "fuse/acl.h"
#include "fuse/xattrat.h"

/* The attribute's value: a version and entries, little-endian. */
enum { ACL_VERSION = 2, ACL_BYTES_MAX = 65536 };
enum { ACL_USER_OBJ = 1, ACL_USER = 2, ACL_GROUP_OBJ = 4, ACL_GROUP = 8, ACL_MASK = 16,
       ACL_OTHER = 32 };

struct acl_entry {
	uint16_t tag;
	uint16_t perm;
	uint32_t id;
};

struct acl {
	uint32_t version;
	struct acl_entry entries[];
};

static struct acl_entry *find_tag(struct acl *acl, size_t n, uint16_t tag)
{
	for (size_t i = 0; i < n; i++) {
		if (acl->entries[i].tag == tag)
			return &acl->entries[i];
	}
	return NULL;
}

/* Limits the entries by the mode and returns the resulting permissions. */
static mode_t mask_by_mode(struct acl *acl, size_t n, mode_t mode)
{
	struct acl_entry *user = find_tag(acl, n, ACL_USER_OBJ);
	struct acl_entry *group = find_tag(acl, n, ACL_MASK);
	struct acl_entry *other = find_tag(acl, n, ACL_OTHER);

	if (!group)
		group = find_tag(acl, n, ACL_GROUP_OBJ);
	if (!user || !group || !other)
		return mode;
	user->perm &= mode >> 6 & 7;
	group->perm &= mode >> 3 & 7;
	other->perm &= mode & 7;
	return (mode & ~(mode_t)0777) | (mode_t)user->perm << 6 | (mode_t)group->perm << 3 |
	       other->perm;
}

int acl_inherit(int dirfd, int work_fd, const char *name, mode_t mode)
{
	auto_free struct acl *acl = malloc(ACL_BYTES_MAX);
	ssize_t size;
	size_t n;
	mode_t result;
	int r;

	if (!acl)
		return -ENOMEM;
	size = xattrat_get(dirfd, ".", 0, "system.posix_acl_default", acl, ACL_BYTES_MAX);
	if (size < 0)
		return size == -ENODATA || size == -EOPNOTSUPP ? 0 : (int)size;
	n = ((size_t)size - sizeof(*acl)) / sizeof(struct acl_entry);
	if ((size_t)size < sizeof(*acl) || acl->version != ACL_VERSION || S_ISLNK(mode))
		return 0;
	if (S_ISDIR(mode)) {
		r = xattrat_set(work_fd, name, AT_SYMLINK_NOFOLLOW, "system.posix_acl_default",
				acl, (size_t)size, 0);
		if (r < 0)
			return r;
	}
	result = mask_by_mode(acl, n, mode);
	if (n > 3) {
		r = xattrat_set(work_fd, name, AT_SYMLINK_NOFOLLOW, "system.posix_acl_access", acl,
				(size_t)size, 0);
		if (r < 0)
			return r;
	}
	return fchmodat(work_fd, name, result & 07777, 0) < 0 ? -errno : 1;
}
