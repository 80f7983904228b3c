/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Extended attributes.  The overlay's own marks are hidden; a container's
 * attributes with such names are stored escaped, so that overlays nest.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include "helpers/cleanup.h"

#include "fuse/copyup.h"
#include "fuse/format.h"
#include "fuse/ids.h"
#include "fuse/loc.h"
#include "fuse/node.h"
#include "fuse/request.h"
#include "fuse/unionfs.h"
#include "fuse/xattrat.h"

enum { XATTR_BYTES_MAX = 65536 };

static const char acl_access[] = "system.posix_acl_access";

static int is_acl(const char *name)
{
	return strncmp(name, "system.posix_acl_", 17) == 0;
}

/* The stored name of what the caller named; an error for what it may not touch. */
static int stored_name(struct unionfs *fs, const char *name, char buf[XATTR_NAME_MAX + 1],
		       const char **ret)
{
	if (fs->opt.no_xattr || (fs->opt.no_acl && is_acl(name)))
		return -EOPNOTSUPP;
	if (ids_is_override(fs, name))
		return -EPERM;
	*ret = format_escape(&fs->format, name, buf, XATTR_NAME_MAX + 1);
	return *ret ? 0 : -EOPNOTSUPP;
}

/* Most files have no attributes, and the kernel asks for two or three of each:
 * one listing answers them all. */
static int has_none(struct node *node, const struct loc *loc)
{
	if (node_is(node, NODE_XATTR_SET))
		return 0;
	if (node_is(node, NODE_NO_XATTR))
		return 1;
	if (xattrat_list(loc->dirfd, loc->name, loc->at_flags, NULL, 0) != 0)
		return 0;
	node_set(node, NODE_NO_XATTR);
	return 1;
}

int op_getxattr(struct request *rq)
{
	const struct fuse_getxattr_in *in = (const struct fuse_getxattr_in *)rq->arg;
	struct fuse_getxattr_out *out = (struct fuse_getxattr_out *)rq->out;
	struct unionfs *fs = rq->fs;
	struct node *node = request_node(rq);
	char buf[XATTR_NAME_MAX + 1];
	const char *name;
	struct loc loc;
	ssize_t n;
	int r;

	if (!node)
		return -ESTALE;
	r = stored_name(fs, rq->arg + sizeof(*in), buf, &name);
	if (r < 0)
		return r == -EPERM ? -ENODATA : r;
	if (node_is(node, NODE_NO_XATTR) && !node_is(node, NODE_XATTR_SET))
		return -ENODATA;
	/* Before the first write to a file the kernel asks for this one, which nothing but
	 * a setxattr(2) gives to a new file. */
	if (node_is(node, NODE_NEW) && !node_is(node, NODE_XATTR_SET) &&
	    strcmp(name, "security.capability") == 0)
		return -ENODATA;
	r = loc_begin(fs, node, &loc);
	if (r < 0)
		return r;
	if (has_none(node, &loc))
		n = -ENODATA;
	else
		n = xattrat_get(loc.dirfd, loc.name, loc.at_flags, name,
				in->size ? rq->out : NULL, in->size);
	loc_end(&loc);
	if (n < 0 || in->size)
		return (int)n;
	memset(out, 0, sizeof(*out));
	out->size = (uint32_t)n;
	return sizeof(*out);
}

/* Drops the private names from a list, in place; returns its new length. */
static size_t filter_list(struct unionfs *fs, char *list, size_t len)
{
	char *to = list, *from = list;

	while (from < list + len) {
		size_t step = strlen(from) + 1, kept;
		int show = format_unescape(&fs->format, from);

		if (ids_is_override(fs, from))
			show = 0;
		if (fs->opt.no_acl && is_acl(from))
			show = 0;
		kept = strlen(from) + 1;
		if (show) {
			memmove(to, from, kept);
			to += kept;
		}
		from += step;
	}
	return (size_t)(to - list);
}

int op_listxattr(struct request *rq)
{
	const struct fuse_getxattr_in *in = (const struct fuse_getxattr_in *)rq->arg;
	struct fuse_getxattr_out *out = (struct fuse_getxattr_out *)rq->out;
	struct node *node = request_node(rq);
	struct unionfs *fs = rq->fs;
	auto_free char *list = NULL;
	struct loc loc;
	ssize_t n;
	int r;

	if (!node)
		return -ESTALE;
	if (fs->opt.no_xattr)
		return -EOPNOTSUPP;
	r = loc_begin(fs, node, &loc);
	if (r < 0)
		return r;
	if (has_none(node, &loc)) {
		n = 0;
	} else {
		list = malloc(XATTR_BYTES_MAX);
		n = list ? xattrat_list(loc.dirfd, loc.name, loc.at_flags, list, XATTR_BYTES_MAX) :
			   -ENOMEM;
	}
	loc_end(&loc);
	if (n < 0)
		return (int)n;
	n = (ssize_t)filter_list(fs, list, (size_t)n);
	if (!in->size) {
		memset(out, 0, sizeof(*out));
		out->size = (uint32_t)n;
		return sizeof(*out);
	}
	if ((size_t)n > in->size)
		return -ERANGE;
	if (n)
		memcpy(rq->out, list, (size_t)n);
	return (int)n;
}

/* An ACL by someone who is not in the file's group takes setgid away. */
static void drop_setgid(struct unionfs *fs, struct node *node, const struct loc *loc)
{
	struct stat st;

	if (loc_stat(loc, &st) == 0 && st.st_mode & S_ISGID) {
		(void)ids_set_mode(fs, loc->dirfd, loc->name, loc->at_flags, &st,
				   st.st_mode & ~(mode_t)S_ISGID);
		node->mode &= ~(mode_t)S_ISGID;
	}
}

int op_setxattr(struct request *rq)
{
	const struct fuse_setxattr_in *in = (const struct fuse_setxattr_in *)rq->arg;
	const char *asked = rq->arg + sizeof(*in), *name, *value;
	struct unionfs *fs = rq->fs;
	struct node *node = request_node(rq);
	char buf[XATTR_NAME_MAX + 1];
	struct loc loc;
	int r;

	if (!node)
		return -ESTALE;
	value = asked + strlen(asked) + 1;
	if (value + in->size > rq->arg + rq->arg_len)
		return -EINVAL;
	r = stored_name(fs, asked, buf, &name);
	if (r == 0)
		r = copyup(fs, node, COPYUP_ALL);
	if (r < 0)
		return r;
	node_set(node, NODE_XATTR_SET);
	r = loc_begin(fs, node, &loc);
	if (r < 0)
		return r;
	r = xattrat_set(loc.dirfd, loc.name, loc.at_flags, name, value, in->size, (int)in->flags);
	if (r == 0 && in->setxattr_flags & FUSE_SETXATTR_ACL_KILL_SGID &&
	    strcmp(asked, acl_access) == 0)
		drop_setgid(fs, node, &loc);
	loc_end(&loc);
	return r;
}

int op_removexattr(struct request *rq)
{
	struct unionfs *fs = rq->fs;
	struct node *node = request_node(rq);
	char buf[XATTR_NAME_MAX + 1];
	const char *name;
	struct loc loc;
	int r;

	if (!node)
		return -ESTALE;
	r = stored_name(fs, rq->arg, buf, &name);
	if (r < 0)
		return r;
	/* A missing attribute is no reason to copy a file up. */
	r = loc_begin(fs, node, &loc);
	if (r < 0)
		return r;
	if (!node_is(node, NODE_UPPER)) {
		ssize_t n = xattrat_get(loc.dirfd, loc.name, loc.at_flags, name, NULL, 0);

		r = n < 0 ? (int)n : 0;
		loc_end(&loc);
		if (r == 0)
			r = copyup(fs, node, COPYUP_ALL);
		if (r == 0)
			r = loc_begin(fs, node, &loc);
		if (r < 0)
			return r;
	}
	r = xattrat_remove(loc.dirfd, loc.name, loc.at_flags, name);
	loc_end(&loc);
	return r;
}
