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
#include "fuse/node.h"
#include "fuse/unionfs.h"

enum { NAME_ROOM = 256 };

/* One lower directory that was found. */
struct part {
	uint16_t layer;
	uint16_t xattr_whiteouts;
	char *path;
};

struct search {
	struct unionfs *fs;
	struct stat st;       /* of the topmost thing found */
	int found;            /* st is valid */
	int in_upper;
	unsigned slot;        /* of the parent, for a file */
	unsigned flags;       /* for the node */
	uint64_t origin;
	uint64_t lower_ino;   /* of the first lower part */
	struct part *parts;
	unsigned n_parts, cap;
	struct file_data *data;
	char name[NAME_ROOM]; /* changes with a relative redirect */
	char *absolute;       /* an absolute redirect ends the walk of the parent */
	char *redirect;       /* of the upper part */
	int done;
};

static void search_auto(struct search *s)
{
	for (unsigned i = 0; i < s->n_parts; i++)
		free(s->parts[i].path);
	free(s->parts);
	free(s->data);
	free(s->absolute);
	free(s->redirect);
}

static char *join_path(const char *dir, const char *name)
{
	char *path;

	if (strcmp(dir, ".") == 0)
		return strdup(name);
	return asprintf(&path, "%s/%s", dir, name) < 0 ? NULL : path;
}

static int add_part(struct search *s, unsigned layer, char *path, int xattr_whiteouts)
{
	if (!path)
		return -ENOMEM;
	if (s->n_parts == s->cap) {
		unsigned cap = s->cap ? s->cap * 2 : 4;
		struct part *grown = realloc(s->parts, cap * sizeof(*grown));

		if (!grown) {
			free(path);
			return -ENOMEM;
		}
		s->parts = grown;
		s->cap = cap;
	}
	s->parts[s->n_parts++] =
		(struct part){ (uint16_t)layer, (uint16_t)xattr_whiteouts, path };
	return 0;
}

/* An OCI whiteout beside the name. */
static int has_oci_whiteout(int dirfd, const char *name)
{
	char wh[NAME_ROOM + 8];
	struct stat st;

	if (strlen(name) > 255 - strlen(OCI_WHITEOUT_PREFIX))
		return 0;
	snprintf(wh, sizeof(wh), OCI_WHITEOUT_PREFIX "%s", name);
	return fstatat(dirfd, wh, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

static int has_oci_opaque(int dirfd, const char *name)
{
	char path[NAME_ROOM + 32];
	struct stat st;

	snprintf(path, sizeof(path), "%s/" OCI_OPAQUE_NAME, name);
	return fstatat(dirfd, path, &st, AT_SYMLINK_NOFOLLOW) == 0;
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

static int apply_redirect(struct search *s, struct marks *m)
{
	if (!m->redirect)
		return 0;
	if (s->in_upper && !s->n_parts) {
		free(s->redirect);
		s->redirect = strdup(m->redirect);
		if (!s->redirect)
			return -ENOMEM;
	}
	if (m->redirect[0] == '/') {
		free(s->absolute);
		s->absolute = steal(&m->redirect);
		return 0;
	}
	if (strlen(m->redirect) >= sizeof(s->name))
		return -EIO;
	snprintf(s->name, sizeof(s->name), "%s", m->redirect);
	return 0;
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
		path = join_path(in->path, s->name);
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
		r = add_part(s, in->layer, path, m.xattr_whiteouts);
	} else {
		s->origin = m.origin;
		s->flags |= (m.impure ? NODE_IMPURE : 0) |
			    (m.xattr_whiteouts ? NODE_XATTR_WHITEOUTS : 0);
	}
	if (r == 0 && !s->done)
		r = apply_redirect(s, &m);
	marks_done(&m);
	return r;
}

/* Finds the data of a metacopy file below the given part. */
static int find_data(struct search *s, struct node *parent, unsigned slot)
{
	unsigned first = slot + 1;

	for (unsigned i = first; !s->absolute && i <= parent->n_lower; i++) {
		auto_cfd struct cfd *cfd = NULL;
		auto_free char *path = NULL;
		struct stat st;
		int r = dir_open_part(s->fs, parent, i, &cfd);

		if (r < 0)
			return r;
		if (fstatat(cfd->fd, s->name, &st, AT_SYMLINK_NOFOLLOW) < 0)
			continue;
		if (!S_ISREG(st.st_mode))
			return -EIO;
		if (st.st_size && !st.st_blocks && i < parent->n_lower)
			continue;
		path = join_path(parent->slots[i].path, s->name);
		s->data = path ? malloc(sizeof(*s->data) + strlen(path) + 1) : NULL;
		if (!s->data)
			return -ENOMEM;
		s->data->layer = parent->slots[i].layer;
		strcpy(s->data->path, path);
		return 0;
	}
	for (unsigned l = slot ? parent->slots[slot].layer + 1U : 1; s->absolute &&
	     l < s->fs->n_layers; l++) {
		const char *path = s->absolute + 1, *slash = strrchr(path, '/');
		auto_free char *dir = slash ? strndup(path, (size_t)(slash - path)) : strdup(".");
		auto_fd int at = dir ? layer_open_dir(&s->fs->layers[l], dir) : -1;
		struct stat st;

		if (at < 0 || fstatat(at, slash ? slash + 1 : path, &st, AT_SYMLINK_NOFOLLOW) < 0)
			continue;
		if (!S_ISREG(st.st_mode))
			return -EIO;
		s->data = malloc(sizeof(*s->data) + strlen(path) + 1);
		if (!s->data)
			return -ENOMEM;
		s->data->layer = (uint16_t)l;
		strcpy(s->data->path, path);
		return 0;
	}
	return -EIO;
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
			r = apply_redirect(s, &m);
			if (r == 0)
				r = find_data(s, parent, slot);
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
		s->done = !is_last && has_oci_whiteout(cfd->fd, s->name);
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

/* Takes the next component of *path into name; 0 at the end. */
static int next_component(const char **path, char name[NAME_ROOM])
{
	size_t len;

	*path += strspn(*path, "/");
	len = strcspn(*path, "/");
	if (!len)
		return 0;
	if (len >= NAME_ROOM)
		return -EIO;
	memcpy(name, *path, len);
	name[len] = '\0';
	*path += len;
	return 1;
}

/* Where the layers below continue after one component: *next grows by it, or is
 * changed by its redirect. */
static int extend_target(char **next, const char *name, const char *redirect)
{
	auto_free char *old = steal(next);

	if (redirect && redirect[0] == '/')
		*next = strdup(redirect);
	else if (asprintf(next, "%s/%s", old ? old : "", redirect ? redirect : name) < 0)
		*next = NULL;
	return *next ? 0 : -ENOMEM;
}

/* Follows an absolute redirect through one layer.  Each component is looked at,
 * because an opaque one hides the layers below and a redirected one leads them
 * elsewhere. */
static int search_absolute(struct search *s, unsigned l, const char *target)
{
	auto_fd int at = layer_open_dir(&s->fs->layers[l], ".");
	auto_free char *next = NULL;
	char name[NAME_ROOM];
	const char *path = target;
	struct marks m = { 0 };
	struct stat st = { 0 };
	int xattr_whiteouts = 0, r;

	while (at >= 0 && (r = next_component(&path, name)) > 0) {
		if (fstatat(at, name, &st, AT_SYMLINK_NOFOLLOW) < 0) {
			s->done = has_oci_whiteout(at, name);
			return 0;
		}
		if (!S_ISDIR(st.st_mode)) {
			s->done = 1;
			return 0;
		}
		r = format_read_marks(&s->fs->format, at, name, &m);
		if (r < 0)
			return r;
		if (m.opaque || has_oci_opaque(at, name))
			s->done = 1;
		xattr_whiteouts = m.xattr_whiteouts;
		r = extend_target(&next, name, m.redirect);
		marks_done(&m);
		if (r < 0)
			return r;
		replace_fd(&at, openat(at, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
	}
	if (at < 0 || r < 0 || !next)
		return -EIO;
	free(s->absolute);
	s->absolute = steal(&next);
	if (!s->n_parts)
		s->lower_ino = layer_ino(s->fs, l, st.st_ino);
	return add_part(s, l, strdup(target), xattr_whiteouts);
}

static int search_layers(struct search *s, struct node *parent, unsigned first)
{
	int r = 0;

	for (unsigned i = first; i <= parent->n_lower && !s->done && !s->absolute; i++) {
		r = search_part(s, parent, i);
		if (r < 0)
			return r;
	}
	if (s->absolute && !s->done && s->found && S_ISDIR(s->st.st_mode)) {
		unsigned l = s->n_parts ? s->parts[s->n_parts - 1].layer + 1U : 1;

		for (; l < s->fs->n_layers && !s->done; l++) {
			/* A redirect found on the way replaces s->absolute. */
			auto_free char *target = strdup(s->absolute + 1);

			r = target ? search_absolute(s, l, target) : -ENOMEM;
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
		       struct node **ret, struct stat *st)
{
	__attribute__((cleanup(search_auto))) struct search s = { .fs = fs };
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
	return lookup_from(fs, parent, name, node_is(parent, NODE_UPPER) ? 0 : 1, ret, st);
}

int lookup_listed(struct unionfs *fs, struct node *parent, const char *name, unsigned slot,
		  struct node **ret, struct stat *st)
{
	return lookup_from(fs, parent, name, slot, ret, st);
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
