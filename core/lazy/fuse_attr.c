/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <linux/fuse.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "core/lazy/fuse_attr.h"
#include "helpers/cleanup.h"
#include "helpers/owners.h"

#define MAX_RANGES 16

struct id_map {
	struct {
		uint32_t first, count;
	} ranges[MAX_RANGES];
	size_t n;
};

static struct id_map uids, gids; /* constant after lazy_ids_init() */

static const char *const opaque_names[] = { "trusted.overlay.opaque", "user.overlay.opaque" };

static void read_map(const char *path, struct id_map *to)
{
	auto_file FILE *f = fopen(path, "re");
	unsigned inside, outside, count;

	while (f && to->n < MAX_RANGES && fscanf(f, "%u %u %u", &inside, &outside, &count) == 3) {
		to->ranges[to->n].first = inside;
		to->ranges[to->n++].count = count;
	}
}

void lazy_ids_init(void)
{
	read_map("/proc/self/uid_map", &uids);
	read_map("/proc/self/gid_map", &gids);
}

static int is_mapped(const struct id_map *map, uint32_t id)
{
	for (size_t i = 0; i < map->n; i++) {
		if (id >= map->ranges[i].first && id - map->ranges[i].first < map->ranges[i].count) {
			return 1;
		}
	}
	return map->n == 0;
}

static int is_foreign(const struct index_inode *n)
{
	return !is_mapped(&uids, n->uid) || !is_mapped(&gids, n->gid);
}

static int is_whiteout(const struct index_inode *n)
{
	return S_ISCHR(n->mode) && n->rdev == 0;
}

void lazy_fill_attr(const struct index *x, uint32_t number, uint64_t ino, struct fuse_attr *attr)
{
	const struct index_inode *n = &x->inodes[number];

	memset(attr, 0, sizeof(*attr));
	attr->ino = ino;
	attr->size = S_ISDIR(n->mode) ? 4096 : n->size;
	attr->blocks = (attr->size + 511) / 512;
	attr->mtime = attr->ctime = attr->atime = (uint64_t)n->mtime;
	attr->mtimensec = attr->ctimensec = attr->atimensec = n->mtime_ns;
	attr->mode = n->mode;
	attr->nlink = n->nlink;
	attr->uid = is_foreign(n) ? 0 : n->uid;
	attr->gid = is_foreign(n) ? 0 : n->gid;
	attr->rdev = n->rdev;
	attr->blksize = 4096;
}

/* The text that keeps its owner, or a negative errno. */
static int format_owner(const struct index_inode *n, char *to, size_t size)
{
	struct stat st = { .st_mode = n->mode, .st_uid = n->uid, .st_gid = n->gid };

	if (!is_foreign(n) || !owners_are_kept()) {
		return -ENODATA;
	}
	return owners_format(&st, n->mode & S_IFMT, to, size);
}

/* A link's owner is an attribute of its folder. */
static int link_owner(const struct index *x, uint32_t folder, const char *name, char *to, size_t size)
{
	const struct index_name *e = index_lookup(x, folder, name, strlen(name));

	return e && S_ISLNK(x->inodes[e->inode].mode) ? format_owner(&x->inodes[e->inode], to, size)
						      : -ENODATA;
}

int lazy_get_xattr(const struct index *x, uint32_t number, const char *name, char *to, size_t size)
{
	const struct index_inode *n = &x->inodes[number];
	const void *value;
	size_t len;

	for (size_t i = 0; i < ARRAY_SIZE(opaque_names); i++) {
		if (!strcmp(name, opaque_names[i])) {
			*to = 'y';
			return n->is_opaque ? 1 : -ENODATA;
		}
	}
	if (!strcmp(name, OWNERS_XATTR)) {
		return S_ISLNK(n->mode) ? -ENODATA : format_owner(n, to, size);
	}
	if (S_ISDIR(n->mode) && !strncmp(name, OWNERS_LINK_XATTR, strlen(OWNERS_LINK_XATTR))) {
		return link_owner(x, number, name + strlen(OWNERS_LINK_XATTR), to, size);
	}
	value = is_whiteout(n) ? NULL : index_xattr(x, n, name, &len);
	if (!value) {
		return -ENODATA;
	}
	memcpy(to, value, len);
	return (int)len;
}

struct names {
	char *to;
	size_t len, size;
};

static int add(struct names *names, const char *prefix, const char *name, size_t len)
{
	size_t before = strlen(prefix);

	if (names->len + before + len + 1 > names->size) {
		return -E2BIG;
	}
	memcpy(names->to + names->len, prefix, before);
	memcpy(names->to + names->len + before, name, len);
	names->len += before + len + 1;
	names->to[names->len - 1] = '\0';
	return 0;
}

static int add_link_owners(const struct index *x, const struct index_inode *n, struct names *names)
{
	int r = 0;

	for (uint32_t i = n->first; r == 0 && i < n->first + n->count; i++) {
		const struct index_name *e = &x->names[i];
		const struct index_inode *link = &x->inodes[e->inode];

		if (S_ISLNK(link->mode) && is_foreign(link)) {
			r = add(names, OWNERS_LINK_XATTR, x->strings + e->text, e->len);
		}
	}
	return r;
}

int lazy_list_xattrs(const struct index *x, uint32_t number, char *to, size_t size)
{
	const struct index_inode *n = &x->inodes[number];
	struct names names = { to, 0, size < XATTR_LIST_MAX ? size : XATTR_LIST_MAX };
	uint32_t at = 0, len;
	const char *name;
	int r = 0;

	for (size_t i = 0; r == 0 && n->is_opaque && i < ARRAY_SIZE(opaque_names); i++) {
		r = add(&names, "", opaque_names[i], strlen(opaque_names[i]));
	}
	if (r == 0 && is_foreign(n) && !S_ISLNK(n->mode) && owners_are_kept()) {
		r = add(&names, "", OWNERS_XATTR, strlen(OWNERS_XATTR));
	}
	while (r == 0 && !is_whiteout(n) && (name = index_next_xattr(x, n, &at, &len))) {
		r = add(&names, "", name, len);
	}
	if (r == 0 && S_ISDIR(n->mode) && owners_are_kept()) {
		r = add_link_owners(x, n, &names);
	}
	return r < 0 ? r : (int)names.len;
}
