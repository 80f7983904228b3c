/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

#include "owners.h"
#include "privilege.h"

enum { PATH_ROOM = NAME_MAX + 64, VALUE_ROOM = 96 };

static pthread_once_t once = PTHREAD_ONCE_INIT;
static int kept;

static void look(void)
{
	kept = !in_initial_userns();
}

int owners_are_kept(void)
{
	pthread_once(&once, look);
	return kept;
}

/* A number and what follows it, which must be `end`. */
static int take_number(const char **p, int base, char end, unsigned long max, unsigned long *ret)
{
	const char *s = *p;
	unsigned long n = 0;

	for (; *s >= '0' && *s < '0' + base; s++) {
		n = n * (unsigned long)base + (unsigned long)(*s - '0');
		if (n > max)
			return -1;
	}
	if (s == *p || (*s != end && (*s || end != ':')))
		return -1;
	*ret = n;
	*p = *s ? s + 1 : s;
	return 0;
}

static int parse_type(const char *p, unsigned long mode, struct stat *st)
{
	unsigned long major_number = 0, minor_number = 0;
	mode_t type;

	if (!strcmp(p, "pipe")) {
		type = S_IFIFO;
	} else if (!strcmp(p, "socket")) {
		type = S_IFSOCK;
	} else {
		type = !strncmp(p, "block-", 6) ? S_IFBLK : !strncmp(p, "char-", 5) ? S_IFCHR : 0;
		p = type ? strchr(p, '-') + 1 : p;
		if (!type || take_number(&p, 10, '-', 4095, &major_number) < 0 ||
		    take_number(&p, 10, ':', 1048575, &minor_number) < 0 || *p)
			return -1;
		st->st_rdev = makedev((unsigned int)major_number, (unsigned int)minor_number);
	}
	st->st_mode = type | (mode_t)mode;
	return 0;
}

int owners_parse(const char *text, size_t len, struct stat *st)
{
	unsigned long uid, gid, mode;
	char copy[VALUE_ROOM];
	const char *p = copy;

	if (len >= sizeof(copy) || memchr(text, '\0', len))
		return -1;
	memcpy(copy, text, len);
	copy[len] = '\0';
	if (take_number(&p, 10, ':', UINT32_MAX - 1, &uid) < 0 ||
	    take_number(&p, 10, ':', UINT32_MAX - 1, &gid) < 0)
		return -1;
	/* others write the file's type into the mode as well */
	if (take_number(&p, 8, ':', 0177777, &mode) < 0)
		return -1;
	if (*p && strcmp(p, "file") && strcmp(p, "dir") && strcmp(p, "symlink") &&
	    parse_type(p, mode & 07777, st) < 0)
		return -1;
	st->st_uid = (uid_t)uid;
	st->st_gid = (gid_t)gid;
	return 0;
}

int owners_format(const struct stat *st, mode_t there, char *to, size_t size)
{
	mode_t type = st->st_mode & S_IFMT;
	int n = snprintf(to, size, "%u:%u:%o", st->st_uid, st->st_gid, st->st_mode & 07777);

	if (type == (there & S_IFMT))
		return n;
	if (type == S_IFCHR || type == S_IFBLK)
		n += snprintf(to + n, size - (size_t)n, ":%s-%u-%u",
			      type == S_IFCHR ? "char" : "block", major(st->st_rdev),
			      minor(st->st_rdev));
	else if (type == S_IFIFO || type == S_IFSOCK)
		n += snprintf(to + n, size - (size_t)n, ":%s", type == S_IFIFO ? "pipe" : "socket");
	return n;
}

static int has_attributes(mode_t mode)
{
	return S_ISREG(mode) || S_ISDIR(mode);
}

/* Only regular files and folders have attributes of users, so a path that ends in the
 * name itself follows no link. */
int owners_apply(int dir, const char *name, struct stat *st)
{
	char path[PATH_ROOM], attribute[NAME_MAX + 1], value[VALUE_ROOM];
	ssize_t n;

	if (!owners_are_kept())
		return 0;
	if (has_attributes(st->st_mode)) {
		snprintf(path, sizeof(path), "/proc/self/fd/%d/%s", dir, name);
		n = lgetxattr(path, OWNERS_XATTR, value, sizeof(value));
	} else {
		if (snprintf(attribute, sizeof(attribute), OWNERS_LINK_XATTR "%s", name) >=
		    (int)sizeof(attribute))
			return 0;
		snprintf(path, sizeof(path), "/proc/self/fd/%d", dir);
		n = getxattr(path, attribute, value, sizeof(value));
	}
	return n > 0 && owners_parse(value, (size_t)n, st) == 0;
}

int owners_apply_fd(int fd, struct stat *st)
{
	char path[64], value[VALUE_ROOM];
	ssize_t n;

	if (!owners_are_kept() || !has_attributes(st->st_mode))
		return 0;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	n = getxattr(path, OWNERS_XATTR, value, sizeof(value));
	return n > 0 && owners_parse(value, (size_t)n, st) == 0;
}

/* follow: path leads through a descriptor's link to what is meant. */
static int set(const char *path, int follow, const char *attribute, const struct stat *st,
	       mode_t there)
{
	char value[VALUE_ROOM];
	int n = owners_format(st, there, value, sizeof(value));
	int r;

	if (st->st_uid || st->st_gid || (st->st_mode & S_IFMT) != (there & S_IFMT))
		r = follow ? setxattr(path, attribute, value, (size_t)n, 0)
			   : lsetxattr(path, attribute, value, (size_t)n, 0);
	else
		r = follow ? removexattr(path, attribute) : lremovexattr(path, attribute);
	return r < 0 && errno != ENODATA ? -errno : 0;
}

int owners_keep(int dir, const char *name, const struct stat *st, mode_t there)
{
	char path[PATH_ROOM], attribute[NAME_MAX + 1];

	if (has_attributes(there)) {
		snprintf(path, sizeof(path), "/proc/self/fd/%d/%s", dir, name);
		return set(path, 0, OWNERS_XATTR, st, there);
	}
	if (snprintf(attribute, sizeof(attribute), OWNERS_LINK_XATTR "%s", name) >=
	    (int)sizeof(attribute))
		return -ENAMETOOLONG;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", dir);
	return set(path, 1, attribute, st, there);
}

int owners_keep_fd(int fd, const struct stat *st, mode_t there)
{
	char path[64];

	if (!has_attributes(there))
		return -ENOTSUP;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return set(path, 1, OWNERS_XATTR, st, there);
}
