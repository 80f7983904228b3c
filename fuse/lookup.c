/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A search goes down the parts of the parent directory.  It ends at the first
 * file, whiteout, opaque directory or the last part; directories found on the way
 * are the parts of the result.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "helpers/cleanup.h"

#include "fuse/arena.h"
#include "fuse/fdcache.h"
#include "fuse/format.h"
#include "fuse/layer.h"
#include "fuse/loc.h"
#include "fuse/lookup.h"
#include "fuse/names.h"
#include "fuse/node.h"
#include "fuse/search.h"
#include "fuse/unionfs.h"

static void search_auto(struct search *s)
{
	for (unsigned i = 0; i < s->n_parts; i++)
		free(s->parts[i].path);
	free(s->parts);
	free(s->data);
	free(s->absolute);
	free(s->redirect);
}

/* A whiteout that is an empty file with a mark; only in marked directories. */
static int is_xattr_whiteout(struct search *s, int dirfd, const struct stat *st, int possible)
{
	struct marks m;
	int is = 0;

	if (!possible || !S_ISREG(st->st_mode) || st->st_size)
		return 0;
	if (format_read_marks(&s->fs->format, dirfd, s->name, &m) == 0)
		is = m.whiteout;
	marks_done(&m);
	return is;
}

/* A directory under s->name in the part `slot` of parent. */
static int found_dir(struct search *s, struct node *parent, unsigned slot, int dirfd,
		     const struct stat *st, int is_last)
{
	const struct slot *in = &parent->slots[slot];
	struct marks m = { 0 };
	char *path = NULL;
	int r = 0;

	if (slot)
		path = search_join(in->path, s->name);
	if (slot && !path)
		return -ENOMEM;
	/* The bottom layer has nothing below that a mark could change. */
	if (!slot || in->layer + 1U < s->fs->n_layers)
		r = format_read_marks(&s->fs->format, dirfd, s->name, &m);
	if (r < 0) {
		free(path);
		return r;
	}
	if (!s->found) {
		s->st = *st;
		s->in_upper = !slot;
		s->slot = slot;
		s->found = 1;
	}
	if (m.opaque || (!is_last && has_oci_opaque(dirfd, s->name)))
		s->done = 1;
	if (slot) {
		if (!s->n_parts)
			s->lower_ino = layer_ino(s->fs, in->layer, st->st_ino);
		r = search_add_part(s, in->layer, path, m.xattr_whiteouts);
	} else {
		s->origin = m.origin;
		s->flags |= (m.impure ? NODE_IMPURE : 0) |
			    (m.xattr_whiteouts ? NODE_XATTR_WHITEOUTS : 0);
	}
	if (r == 0 && !s->done)
		r = search_redirect(s, &m);
	marks_done(&m);
	return r;
}

static int found_file(struct search *s, struct node *parent, unsigned slot, int dirfd,
		      const struct stat *st)
{
	int maybe_metacopy = S_ISREG(st->st_mode) && st->st_size && !st->st_blocks;
	int maybe_origin = !slot && node_is(parent, NODE_IMPURE);
	struct marks m = { 0 };
	int r = 0;

	s->st = *st;
	s->found = 1;
	s->done = 1;
	s->in_upper = !slot;
	s->slot = slot;
	if (maybe_metacopy || maybe_origin) {
		r = format_read_marks(&s->fs->format, dirfd, s->name, &m);
		if (r < 0)
			return r;
		s->origin = slot ? 0 : m.origin;
		if (m.metacopy) {
			r = search_redirect(s, &m);
			if (r == 0)
				r = search_data(s, parent, slot);
		}
		marks_done(&m);
	}
	return r;
}

static int search_part(struct search *s, struct node *parent, unsigned slot)
{
	const struct slot *in = &parent->slots[slot];
	int is_last = slot == parent->n_lower;
	int xattr_whiteouts = slot ? in->xattr_whiteouts : node_is(parent, NODE_XATTR_WHITEOUTS);
	auto_cfd struct cfd *cfd = NULL;
	struct stat st;
	int r = dir_open_part(s->fs, parent, slot, &cfd);

	if (r < 0)
		return r;
	if (fstatat(cfd->fd, s->name, &st, AT_SYMLINK_NOFOLLOW) < 0) {
		if (errno != ENOENT && errno != ENOTDIR)
			return -errno;
		s->done = !is_last && (slot || !names_upper_is_plain(parent)) &&
			  has_oci_whiteout(cfd->fd, s->name);
		return 0;
	}
	if (format_is_device_whiteout(&st) ||
	    is_xattr_whiteout(s, cfd->fd, &st, xattr_whiteouts)) {
		s->done = 1;
		return 0;
	}
	if (S_ISDIR(st.st_mode))
		return found_dir(s, parent, slot, cfd->fd, &st, is_last);
	s->done = 1;
	return s->found ? 0 : found_file(s, parent, slot, cfd->fd, &st);
}

static int search_layers(struct search *s, struct node *parent, unsigned first)
{
	unsigned lower = parent->n_lower && !s->listed ? names_first(s->fs, parent, s->name) : 1;
	int r = 0;

	for (unsigned i = first; i <= parent->n_lower && !s->done && !s->absolute; i++) {
		if (i && i < lower) {
			i = lower - 1;
			continue;
		}
		r = search_part(s, parent, i);
		if (r < 0)
			return r;
	}
	if (s->absolute && !s->done && s->found && S_ISDIR(s->st.st_mode)) {
		unsigned l = s->n_parts ? s->parts[s->n_parts - 1].layer + 1U : 1;

		for (; l < s->fs->n_layers && !s->done; l++) {
			r = search_absolute(s, l);
			if (r < 0)
				return r;
		}
	}
	return s->found ? 0 : -ENOENT;
}

static uint64_t shown_ino(const struct search *s, const struct node *parent)
{
	if (S_ISDIR(s->st.st_mode) && s->n_parts)
		return s->lower_ino;
	if (!S_ISDIR(s->st.st_mode) && s->origin && s->st.st_nlink == 1)
		return layer_ino(s->fs, s->fs->n_layers > 1 ? 1 : 0, s->origin);
	return layer_ino(s->fs, s->in_upper ? 0 : parent->slots[s->slot].layer, s->st.st_ino);
}

/* Moves what was found into a node that is not shared yet. */
static void fill_node(struct search *s, struct node *node)
{
	atomic_fetch_or(&node->flags, s->flags | (s->in_upper ? NODE_UPPER : 0));
	if (!S_ISDIR(node->mode)) {
		node->slot = (uint16_t)s->slot;
		node->file_data = steal(&s->data);
		return;
	}
	node->redirect = steal(&s->redirect);
	if (s->n_parts)
		node_set(node, NODE_MERGED);
	for (unsigned i = 0; i < s->n_parts; i++) {
		node->slots[i + 1].layer = s->parts[i].layer;
		node->slots[i + 1].xattr_whiteouts = s->parts[i].xattr_whiteouts;
		node->slots[i + 1].path = steal(&s->parts[i].path);
	}
}

/* Another name of an upper file that has a node already. */
static struct node *find_other_name(struct search *s, struct node *parent, const char *name)
{
	struct node *node;

	if (!s->in_upper || S_ISDIR(s->st.st_mode) || s->st.st_nlink < 2)
		return NULL;
	node = node_find_linked(s->fs, s->st.st_ino);
	if (!node)
		return NULL;
	node_lock(s->fs, node);
	if (node_add_name(s->fs, node, parent, name) < 0 || (node->mode ^ s->st.st_mode) & S_IFMT) {
		node_unlock(s->fs, node);
		node_put(s->fs, node);
		return NULL;
	}
	node_unlock(s->fs, node);
	return node;
}

static int make_node(struct search *s, struct node *parent, const char *name, struct node **ret)
{
	struct node *node = find_other_name(s, parent, name), *winner;

	if (node) {
		*ret = node;
		return 0;
	}
	node = node_new(s->fs, s->st.st_mode, s->n_parts);
	if (!node)
		return -ENOMEM;
	node->ino = shown_ino(s, parent);
	fill_node(s, node);
	winner = node_insert(s->fs, node, parent, name);
	if (!winner)
		return -ENOMEM;
	if (winner == node && s->in_upper && !S_ISDIR(s->st.st_mode) && s->st.st_nlink > 1)
		node_link(s->fs, node, s->st.st_ino);
	*ret = winner;
	return 0;
}

/* Looks from the part `first` of the parent downwards. */
static int lookup_from(struct unionfs *fs, struct node *parent, const char *name, unsigned first,
		       int listed, struct node **ret, struct stat *st)
{
	__attribute__((cleanup(search_auto))) struct search s = { .fs = fs, .listed = listed };
	struct node *node = node_find(fs, parent, name);
	struct loc loc;
	int r;

	if (node) {
		r = loc_begin(fs, node, &loc);
		if (r == 0) {
			r = loc_stat(&loc, st);
			loc_end(&loc);
		}
		if (r < 0)
			node_put(fs, node);
		else
			*ret = node;
		return r;
	}
	snprintf(s.name, sizeof(s.name), "%s", name);
	r = search_layers(&s, parent, first);
	if (r < 0)
		return r;
	r = make_node(&s, parent, name, ret);
	if (r == 0)
		*st = s.st;
	return r;
}

int lookup_child(struct unionfs *fs, struct node *parent, const char *name, struct node **ret,
		 struct stat *st)
{
	int r;

	if (strlen(name) >= NAME_ROOM)
		return -ENAMETOOLONG;
	if (node_is(parent, NODE_STALE)) {
		r = lookup_revive(fs, parent);
		if (r < 0)
			return r;
	}
	if (parent->fd >= 0)
		return -ENOENT;
	return lookup_from(fs, parent, name, node_is(parent, NODE_UPPER) ? 0 : 1, 0, ret, st);
}

int lookup_listed(struct unionfs *fs, struct node *parent, const char *name, unsigned slot,
		  struct node **ret, struct stat *st)
{
	return lookup_from(fs, parent, name, slot, 1, ret, st);
}

int lookup_made(struct unionfs *fs, struct node *parent, const char *name, const struct stat *st,
		struct node **ret)
{
	__attribute__((cleanup(search_auto))) struct search s = {
		.fs = fs, .st = *st, .found = 1, .in_upper = 1, .flags = NODE_NEW
	};

	return make_node(&s, parent, name, ret);
}

int lookup_is_below(struct unionfs *fs, struct node *parent, const char *name)
{
	__attribute__((cleanup(search_auto))) struct search s = { .fs = fs };
	int r;

	if (!parent->n_lower || parent->fd >= 0)
		return 0;
	snprintf(s.name, sizeof(s.name), "%s", name);
	r = search_layers(&s, parent, 1);
	return r == 0 ? 1 : r == -ENOENT ? 0 : r;
}

char *lookup_lower_path(struct unionfs *fs, struct node *dir)
{
	auto_free char *above = NULL;
	struct node *parent;
	char name[NAME_ROOM] = "", *path;

	node_lock_shared(fs, dir);
	if (dir->redirect && dir->redirect[0] == '/') {
		path = strdup(dir->redirect);
		node_unlock(fs, dir);
		return path;
	}
	parent = dir->name.parent ? node_get(dir->name.parent) : NULL;
	if (parent)
		snprintf(name, sizeof(name), "%s",
			 dir->redirect ? dir->redirect : node_name(fs, dir));
	node_unlock(fs, dir);
	if (!parent)
		return strdup("");
	above = lookup_lower_path(fs, parent);
	node_put(fs, parent);
	return above && asprintf(&path, "%s/%s", above, name) >= 0 ? path : NULL;
}

int lookup_root(struct unionfs *fs)
{
	struct node *root = node_new(fs, S_IFDIR, fs->n_layers - 1);
	unsigned top = fs->has_upper ? 0 : 1, used = 0;
	struct marks m = { 0 };
	struct stat st;
	int opaque = 0;

	if (!root)
		return -ENOMEM;
	for (unsigned l = top; l < fs->n_layers && !opaque; l++) {
		struct slot *slot;
		int r = format_read_marks(&fs->format, fs->layers[l].fd, ".", &m);

		if (r < 0)
			return r;
		opaque = m.opaque || has_oci_opaque(fs->layers[l].fd, ".");
		if (l == 0) {
			atomic_fetch_or(&root->flags,
					NODE_UPPER | (m.impure ? NODE_IMPURE : 0) |
						(m.xattr_whiteouts ? NODE_XATTR_WHITEOUTS : 0));
			continue;
		}
		slot = &root->slots[++used];
		slot->layer = (uint16_t)l;
		slot->xattr_whiteouts = (uint16_t)m.xattr_whiteouts;
		slot->path = strdup(".");
		marks_done(&m);
		if (!slot->path)
			return -ENOMEM;
	}
	marks_done(&m);
	root->n_lower = (uint16_t)used;
	if (used)
		node_set(root, NODE_MERGED);
	if (fstat(fs->layers[used ? root->slots[1].layer : 0].fd, &st) < 0)
		return -errno;
	root->ino = layer_ino(fs, used ? root->slots[1].layer : 0, st.st_ino);
	fs->root = root;
	return 0;
}

int lookup_revive(struct unionfs *fs, struct node *node)
{
	__attribute__((cleanup(search_auto))) struct search s = { .fs = fs };
	struct node *parent;
	int r = 0;

	/* The parents first, without holding a lock. */
	node_lock_shared(fs, node);
	parent = node->name.parent ? node_get(node->name.parent) : NULL;
	if (parent)
		snprintf(s.name, sizeof(s.name), "%s", node_name(fs, node));
	node_unlock(fs, node);
	if (!parent)
		return -ESTALE;
	if (node_is(parent, NODE_STALE))
		r = lookup_revive(fs, parent);
	if (r == 0)
		r = search_layers(&s, parent, node_is(parent, NODE_UPPER) ? 0 : 1);
	if (r == 0 && (node->mode ^ s.st.st_mode) & S_IFMT && node->mode)
		r = -ESTALE;
	if (r == 0) {
		node_lock(fs, node);
		if (node_is(node, NODE_STALE)) {
			node->ino = shown_ino(&s, parent);
			node->mode = s.st.st_mode;
			if (S_ISDIR(node->mode)) {
				node->n_lower = (uint16_t)s.n_parts;
				free(node->slots);
				node->slots = calloc(s.n_parts + 1, sizeof(*node->slots));
			}
			if (S_ISDIR(node->mode) && !node->slots)
				r = -ENOMEM;
			else
				fill_node(&s, node);
			if (r == 0)
				node_clear(node, NODE_STALE);
		}
		node_unlock(fs, node);
		if (r == 0 && s.in_upper && !S_ISDIR(node->mode) && s.st.st_nlink > 1)
			node_link(fs, node, s.st.st_ino);
	}
	node_put(fs, parent);
	return r;
}
