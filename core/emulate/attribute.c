/* SPDX-License-Identifier: Apache-2.0 */
/* setxattr(2) of attributes that belong to the host's security modules.  What the
 * kernel takes (capabilities of files) it is given; the rest is kept under a name of
 * the user's, under which layers find it again. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/xattr.h>

#include "core/emulate/emulate.h"
#include "helpers/cleanup.h"
#include "helpers/owners.h"

enum { NAME_ROOM = 256, VALUE_MAX = 4096 };

static int64_t set_kept(struct request *rq, int fd, const char *name)
{
	uint64_t size = rq->args[3];
	char path[64], kept[NAME_ROOM + sizeof(OWNERS_KEPT_XATTR)];
	char value[VALUE_MAX];
	int r;

	if (size > sizeof(value))
		return -E2BIG;
	r = size ? request_read(rq, rq->args[2], value, size) : 0;
	if (r < 0)
		return r;
	snprintf(kept, sizeof(kept), OWNERS_KEPT_XATTR "%s", name);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	/* not every filesystem remembers; nobody reads it here */
	(void)setxattr(path, kept, value, size, 0);
	return 0;
}

/* Is the name one that this user may never set?  Reads it. */
static int is_kept(struct request *rq, char name[NAME_ROOM])
{
	char path[PATH_MAX];

	if (request_read_path(rq, rq->args[1], path) < 0 || strlen(path) >= NAME_ROOM)
		return 0;
	strcpy(name, path);
	return !strncmp(name, "security.", 9) && strcmp(name, "security.capability") != 0 &&
	       request_identity(rq) == 0 && rq->who.uid.effective == 0 && !request_is_nested(rq);
}

static int64_t set_at(struct request *rq, int at_flags)
{
	char path[PATH_MAX], name[NAME_ROOM];
	auto_fd int fd = -1;

	if (!is_kept(rq, name) || request_read_path(rq, rq->args[0], path) < 0)
		return ANSWER_CONTINUE;
	fd = path_open(rq, AT_FDCWD, path, at_flags);
	return fd < 0 ? fd : set_kept(rq, fd, name);
}

int64_t call_setxattr(struct request *rq)
{
	return set_at(rq, 0);
}

int64_t call_lsetxattr(struct request *rq)
{
	return set_at(rq, AT_SYMLINK_NOFOLLOW);
}

int64_t call_fsetxattr(struct request *rq)
{
	char name[NAME_ROOM];
	auto_fd int fd = -1;

	if (!is_kept(rq, name))
		return ANSWER_CONTINUE;
	fd = path_open_fd(rq, (int)rq->args[0]);
	return fd < 0 ? fd : set_kept(rq, fd, name);
}
