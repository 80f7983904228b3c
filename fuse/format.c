/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <stdio.h>

#include "helpers/cleanup.h"

#include "fuse/format.h"
#include "fuse/xattrat.h"

#define FUSE_OVERLAYFS_OPAQUE "user.fuseoverlayfs.opaque"

/* What precedes a file handle in the "origin" mark. */
struct origin_header {
	uint8_t version;
	uint8_t magic;
	uint8_t len;
	uint8_t flags;
	uint8_t type;
	uint8_t uuid[16];
} __attribute__((packed));

enum { ORIGIN_MAGIC = 0xfb, REDIRECT_MAX = 4096 };

static const char *const prefixes[] = { "trusted.overlay.", "user.overlay." };

void marks_done(struct marks *m)
{
	free(m->redirect);
	m->redirect = NULL;
}

/* The inode number inside a file handle, for the filesystems that we know. */
static uint64_t origin_inode(const unsigned char *value, size_t size)
{
	const struct origin_header *h = (const struct origin_header *)value;
	const unsigned char *fid = value + sizeof(*h);
	uint32_t w[3] = { 0, 0, 0 };
	uint64_t ino = 0;
	size_t len;

	if (size <= sizeof(*h) || h->magic != ORIGIN_MAGIC || h->version != 0)
		return 0;
	len = size - sizeof(*h);
	switch (h->type) {
	case 1: /* FILEID_INO32_GEN; with three words it is tmpfs: gen, ino, ino */
	case 2:
		memcpy(w, fid, len < sizeof(w) ? len : sizeof(w));
		return h->type == 1 && len == 12 ? w[1] | (uint64_t)w[2] << 32 : w[0];
	case 0x4d: /* btrfs */
	case 0x4e:
	case 0x4f:
	case 0x81: /* FILEID_INO64_GEN */
	case 0x82:
		if (len >= sizeof(ino))
			memcpy(&ino, fid, sizeof(ino));
		return ino;
	default:
		return 0;
	}
}

static int read_redirect(int dirfd, const char *name, const char *xattr, struct marks *ret)
{
	auto_free char *text = malloc(REDIRECT_MAX + 1);
	ssize_t n;

	if (!text)
		return -ENOMEM;
	n = xattrat_get(dirfd, name, AT_SYMLINK_NOFOLLOW, xattr, text, REDIRECT_MAX);
	if (n <= 0)
		return n == -ENODATA ? 0 : n ? (int)n : -EIO;
	text[n] = '\0';
	/* A path of the layer, or one name: anything else is damage. */
	if (strlen(text) != (size_t)n || (text[0] != '/' && strchr(text, '/')) ||
	    strcmp(text, "..") == 0 || strcmp(text, ".") == 0 || strstr(text, "/../"))
		return -EIO;
	free(ret->redirect);
	ret->redirect = steal(&text);
	return 0;
}

static int read_mark(int dirfd, const char *name, const char *xattr, const char *mark,
		     struct marks *ret)
{
	unsigned char value[ORIGIN_MAX];
	ssize_t n;

	if (strcmp(mark, "redirect") == 0)
		return read_redirect(dirfd, name, xattr, ret);
	if (strcmp(mark, "whiteout") == 0) {
		ret->whiteout = 1;
	} else if (strcmp(mark, "metacopy") == 0) {
		ret->metacopy = 1;
	} else if (strcmp(mark, "impure") == 0) {
		ret->impure = 1;
	} else if (strcmp(mark, "opaque") == 0 || strcmp(mark, "origin") == 0) {
		n = xattrat_get(dirfd, name, AT_SYMLINK_NOFOLLOW, xattr, value, sizeof(value));
		if (n < 0)
			return n == -ENODATA || n == -ERANGE ? 0 : (int)n;
		if (mark[1] == 'r')
			ret->origin = origin_inode(value, (size_t)n);
		else if (n == 1 && value[0] == 'y')
			ret->opaque = 1;
		else if (n == 1 && value[0] == 'x')
			ret->xattr_whiteouts = 1;
	}
	return 0;
}

/* The part of an attribute's name after one of the prefixes, or NULL. */
static const char *mark_name(const struct format *f, const char *xattr)
{
	for (size_t i = 0; i < ARRAY_SIZE(prefixes); i++) {
		size_t len = strlen(prefixes[i]);

		if (strncmp(xattr, prefixes[i], len) == 0)
			return xattr + len;
	}
	return NULL;
}

int format_read_marks(const struct format *f, int dirfd, const char *name, struct marks *ret)
{
	char small[512];
	auto_free char *large = NULL;
	char *list = small;
	ssize_t n = xattrat_list(dirfd, name, AT_SYMLINK_NOFOLLOW, small, sizeof(small));

	*ret = (struct marks){ 0 };
	if (n == -ERANGE) {
		large = malloc(65536);
		if (!large)
			return -ENOMEM;
		list = large;
		n = xattrat_list(dirfd, name, AT_SYMLINK_NOFOLLOW, large, 65536);
	}
	if (n < 0)
		return n == -EOPNOTSUPP || n == -EACCES ? 0 : (int)n;
	for (const char *p = list; p < list + n; p += strlen(p) + 1) {
		const char *mark = mark_name(f, p);
		int r = 0;

		if (mark)
			r = read_mark(dirfd, name, p, mark, ret);
		else if (strcmp(p, FUSE_OVERLAYFS_OPAQUE) == 0)
			ret->opaque = 1;
		if (r < 0) {
			marks_done(ret);
			return r;
		}
	}
	return 0;
}

int format_set(const struct format *f, int dirfd, const char *name, const char *mark,
	       const void *value, size_t size)
{
	char xattr[FORMAT_PREFIX_MAX + 32];

	snprintf(xattr, sizeof(xattr), "%s%s", f->prefix, mark);
	return xattrat_set(dirfd, name, AT_SYMLINK_NOFOLLOW, xattr, value, size, 0);
}

int format_remove(const struct format *f, int dirfd, const char *name, const char *mark)
{
	char xattr[FORMAT_PREFIX_MAX + 32];

	snprintf(xattr, sizeof(xattr), "%s%s", f->prefix, mark);
	return xattrat_remove(dirfd, name, AT_SYMLINK_NOFOLLOW, xattr);
}

int format_origin_of(int dirfd, const char *name, int at_flags, unsigned char value[ORIGIN_MAX])
{
	struct origin_header *h = (struct origin_header *)value;
	union {
		struct file_handle handle;
		char room[sizeof(struct file_handle) + MAX_HANDLE_SZ];
	} u;
	int mount_id;

	u.handle.handle_bytes = MAX_HANDLE_SZ;
	if (name_to_handle_at(dirfd, name, &u.handle, &mount_id,
			      at_flags & AT_SYMLINK_NOFOLLOW ? 0 : AT_SYMLINK_FOLLOW) < 0)
		return -errno;
	if (u.handle.handle_bytes + sizeof(*h) > ORIGIN_MAX)
		return -EOVERFLOW;
	*h = (struct origin_header){ .version = 0, .magic = ORIGIN_MAGIC,
				     .len = (uint8_t)(sizeof(*h) + u.handle.handle_bytes),
				     .type = (uint8_t)u.handle.handle_type };
	memcpy(value + sizeof(*h), u.handle.f_handle, u.handle.handle_bytes);
	return h->len;
}

int format_is_private(const struct format *f, const char *xattr)
{
	return strncmp(xattr, f->prefix, strlen(f->prefix)) == 0;
}

const char *format_escape(const struct format *f, const char *name, char *buf, size_t size)
{
	size_t len = strlen(f->prefix);
	int n;

	if (strncmp(name, f->prefix, len) != 0)
		return name;
	n = snprintf(buf, size, "%soverlay.%s", f->prefix, name + len);
	return n > 0 && (size_t)n < size ? buf : NULL;
}

int format_unescape(const struct format *f, char *name)
{
	size_t len = strlen(f->prefix);

	if (strncmp(name, f->prefix, len) != 0)
		return 1;
	if (strncmp(name + len, "overlay.", 8) != 0)
		return 0;
	memmove(name + len, name + len + 8, strlen(name + len + 8) + 1);
	return 1;
}
