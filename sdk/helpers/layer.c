/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "cleanup.h"
#include "layer.h"
#include "owners.h"

int layer_is_private_xattr(const char *name)
{
	return !strncmp(name, "trusted.overlay.", 16) || !strncmp(name, "user.overlay.", 13) ||
	       !strncmp(name, OWNERS_LINK_XATTR, strlen(OWNERS_LINK_XATTR)) ||
	       !strcmp(name, OWNERS_XATTR);
}

long layer_normalise(const char *name, char *to, size_t size)
{
	size_t len = 0;

	while (*name) {
		size_t part = strcspn(name, "/");

		if (part == 2 && name[0] == '.' && name[1] == '.')
			return -1;
		if (part > NAME_MAX || len + part + 2 > size)
			return -1;
		if (part > 0 && !(part == 1 && name[0] == '.')) {
			if (len > 0)
				to[len++] = '/';
			memcpy(to + len, name, part);
			len += part;
		}
		name += part;
		if (*name == '/')
			name++;
	}
	to[len] = '\0';
	return (long)len;
}

const char *layer_printable(const char *name, char *to, size_t size)
{
	size_t len = 0;

	while (name[len] && len + 1 < size) {
		unsigned char c = (unsigned char)name[len];

		to[len++] = c < 0x20 || c == 0x7f ? '?' : (char)c;
	}
	to[len] = '\0';
	return to;
}

static const char *whiteout_xattr(enum layer_style style)
{
	return style == LAYER_OVERLAY_USER ? "user.overlay.whiteout" : "trusted.overlay.whiteout";
}

int layer_is_whiteout_at(int dirfd, const char *name, const struct stat *st, enum layer_style style)
{
	char path[64 + NAME_MAX];

	if (style == LAYER_PLAIN)
		return 0;
	if (layer_is_whiteout(st))
		return 1;
	if (!S_ISREG(st->st_mode) || st->st_size)
		return 0;
	snprintf(path, sizeof(path), "/proc/self/fd/%d/%s", dirfd, name);
	return lgetxattr(path, whiteout_xattr(style), NULL, 0) >= 0;
}

int layer_make_whiteout(int dirfd, const char *name, enum layer_style style)
{
	auto_fd int fd = -1;
	char value;

	if (mknodat(dirfd, name, S_IFCHR, makedev(0, 0)) == 0)
		return 0;
	if (errno != EPERM)
		return -errno;
	/* The folder says that such files may be in it, unless it hides all below anyhow. */
	fd = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (fgetxattr(fd, layer_opaque_xattr(style), &value, 1) != 1 &&
	    fsetxattr(fd, layer_opaque_xattr(style), "x", 1, 0) < 0)
		return -errno;
	replace_fd(&fd, openat(dirfd, name, O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW | O_CLOEXEC, 0600));
	if (fd < 0)
		return -errno;
	if (fsetxattr(fd, whiteout_xattr(style), "y", 1, 0) < 0) {
		int r = -errno;

		unlinkat(dirfd, name, 0);
		return r;
	}
	return 0;
}
