/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "helpers/buf.h"
#include "helpers/cleanup.h"
#include "helpers/io.h"

#include "fuse/ids.h"
#include "fuse/loc.h"
#include "fuse/privs.h"
#include "fuse/request.h"

/* Whether the caller is in the group, which may be one of many of its. */
static int caller_is_in_group(const struct request *rq, gid_t gid)
{
	auto_(buf) struct buf text = BUF_INIT;
	char path[32], *groups, *end;

	if (ids_gid_out(rq->fs, rq->in->gid) == gid)
		return 1;
	snprintf(path, sizeof(path), "/proc/%u/status", rq->in->pid);
	if (!rq->in->pid || read_file(AT_FDCWD, path, &text, 1 << 20) < 0)
		return 0;
	groups = strstr(buf_str(&text), "\nGroups:");
	if (!groups)
		return 0;
	for (groups += 8; *groups && *groups != '\n'; groups = end) {
		unsigned long one = strtoul(groups, &end, 10);

		if (end == groups)
			break;
		if (ids_gid_out(rq->fs, (uint32_t)one) == gid)
			return 1;
		end += strspn(end, " \t");
	}
	return 0;
}

int privs_drop_mode(struct request *rq, const struct loc *loc, struct stat *st)
{
	mode_t mode = st->st_mode & ~(mode_t)S_ISUID;
	int r;

	/* Without group execution setgid once meant mandatory locking; only members of
	 * the group may leave it there. */
	if (mode & S_ISGID && (mode & S_IXGRP || !caller_is_in_group(rq, st->st_gid)))
		mode &= ~(mode_t)S_ISGID;
	if (mode == st->st_mode)
		return 0;
	r = ids_set_mode(rq->fs, loc->dirfd, loc->name, loc->at_flags, st, mode);
	if (r == 0)
		st->st_mode = mode;
	return r;
}
