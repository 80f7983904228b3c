/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <helpers/cleanup.h>
#include <helpers/error.h>

#include "beneath.h"
#include "sys.h"

#define MAX_LINKS 40
#define IN_ROOT (RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS)

int beneath_open(int root, const char *path, int flags)
{
	int fd;

	/* EAGAIN: something moved while ".." was being resolved */
	for (int tries = 0; tries < 64; tries++) {
		fd = sys_openat2(root, path, (uint64_t)flags | O_CLOEXEC | O_NOCTTY, 0, IN_ROOT);
		if (fd >= 0)
			return fd;
		if (errno != EAGAIN && errno != EINTR)
			break;
	}
	return -errno;
}

static int is_link(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && S_ISLNK(st.st_mode);
}

/* Creates `name` in parent and opens it; -ELOOP when a link is there. */
static int create_one(int parent, const char *name, enum beneath_kind kind)
{
	int fd;

	if (kind == BENEATH_DIR) {
		if (mkdirat(parent, name, 0755) < 0 && errno != EEXIST)
			return -errno;
		fd = openat(parent, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	} else {
		fd = openat(parent, name, O_CREAT | O_EXCL | O_NOFOLLOW | O_WRONLY | O_CLOEXEC,
			    0644);
		if (fd < 0 && errno != EEXIST)
			return -errno;
		if (fd >= 0)
			close(fd);
		fd = openat(parent, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	}
	if (fd < 0)
		return errno == ENOTDIR || errno == ELOOP ? -ELOOP : -errno;
	if (is_link(fd)) {
		close(fd);
		return -ELOOP;
	}
	return fd;
}

/* Replaces the component text[start..end) of a path by the target of the link
 * that is there, relative to what stands before it. */
static int splice_link(char *text, size_t size, size_t start, size_t end, int parent,
		       const char *name)
{
	char target[PATH_MAX], result[PATH_MAX];
	ssize_t n = readlinkat(parent, name, target, sizeof(target) - 1);
	int len;

	if (n < 0)
		return errno == EINVAL ? -ENOTDIR : -errno;
	target[n] = '\0';
	if (target[0] == '/')
		start = 0;
	len = snprintf(result, sizeof(result), "%.*s%s%s", (int)start, text, target, text + end);
	if (len < 0 || (size_t)len >= size || (size_t)len >= sizeof(result))
		return -ENAMETOOLONG;
	memcpy(text, result, (size_t)len + 1);
	return 0;
}

/* One pass over the components: opens or creates each.  Returns a descriptor, or
 * -ELOOP after it has rewritten text because a link was in the way. */
static int walk(int root, char *text, size_t size, enum beneath_kind kind)
{
	auto_fd int at = beneath_open(root, ".", O_PATH | O_DIRECTORY);
	size_t start = 0;

	if (at < 0)
		return at;
	for (;;) {
		char name[NAME_MAX + 1], prefix[PATH_MAX];
		size_t end, next;
		int fd;

		start += strspn(text + start, "/");
		end = start + strcspn(text + start, "/");
		next = end + strspn(text + end, "/");
		if (start == end)
			return steal_fd(&at);
		if (end - start > NAME_MAX || end >= sizeof(prefix))
			return -ENAMETOOLONG;
		snprintf(name, sizeof(name), "%.*s", (int)(end - start), text + start);
		snprintf(prefix, sizeof(prefix), "%.*s", (int)end, text);
		fd = beneath_open(root, prefix, O_PATH);
		if (fd == -ENOENT && strcmp(name, "..") && strcmp(name, "."))
			fd = create_one(at, name, text[next] ? BENEATH_DIR : kind);
		if (fd == -ELOOP) {
			int r = splice_link(text, size, start, end, at, name);

			return r < 0 ? r : -ELOOP;
		}
		if (fd < 0)
			return fd;
		replace_fd(&at, fd);
		start = end;
	}
}

int beneath_create(int root, const char *path, enum beneath_kind kind, struct gantry_error *err)
{
	char text[PATH_MAX];
	int fd = beneath_open(root, path, O_PATH);
	int links;

	if (fd >= 0)
		return fd;
	if (fd != -ENOENT || strlen(path) >= sizeof(text))
		return error_errno(err, fd == -ENOENT ? ENAMETOOLONG : -fd,
				   "cannot open %s in the container's root", path);
	strcpy(text, path);
	for (links = 0; links < MAX_LINKS; links++) {
		fd = walk(root, text, sizeof(text), kind);
		if (fd != -ELOOP)
			break;
	}
	if (fd < 0)
		return error_errno(err, -fd, "cannot create %s in the container's root", path);
	return fd;
}

int beneath_parent(int root, const char *path, const char **ret_name, struct gantry_error *err)
{
	const char *slash = strrchr(path, '/');
	const char *name = slash ? slash + 1 : path;
	char parent[PATH_MAX];

	if (!*name || !strcmp(name, ".") || !strcmp(name, ".."))
		return error_set(err, GANTRY_ERR_INVALID, "%s does not name a file", path);
	if ((size_t)(name - path) >= sizeof(parent))
		return error_errno(err, ENAMETOOLONG, "cannot open %s", path);
	snprintf(parent, sizeof(parent), "%.*s", (int)(name - path), path);
	*ret_name = name;
	return beneath_create(root, parent[0] ? parent : "/", BENEATH_DIR, err);
}
