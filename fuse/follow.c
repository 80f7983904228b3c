/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Redirects and metacopies: where a search goes on when a mark leads it away from
 * the parts of its parent.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "helpers/cleanup.h"

#include "fuse/fdcache.h"
#include "fuse/format.h"
#include "fuse/layer.h"
#include "fuse/loc.h"
#include "fuse/node.h"
#include "fuse/search.h"
#include "fuse/unionfs.h"

char *search_join(const char *dir, const char *name)
{
	char *path;

	if (strcmp(dir, ".") == 0)
		return strdup(name);
	return asprintf(&path, "%s/%s", dir, name) < 0 ? NULL : path;
}

int search_add_part(struct search *s, unsigned layer, char *path, int xattr_whiteouts)
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
int has_oci_whiteout(int dirfd, const char *name)
{
	char wh[NAME_ROOM + 8];
	struct stat st;

	if (strlen(name) > 255 - strlen(OCI_WHITEOUT_PREFIX))
		return 0;
	snprintf(wh, sizeof(wh), OCI_WHITEOUT_PREFIX "%s", name);
	return fstatat(dirfd, wh, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

int has_oci_opaque(int dirfd, const char *name)
{
	char path[NAME_ROOM + 32];
	struct stat st;

	snprintf(path, sizeof(path), "%s/" OCI_OPAQUE_NAME, name);
	return fstatat(dirfd, path, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

int search_redirect(struct search *s, struct marks *m)
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

/* The components that a layer lacks are looked for below, beside what redirects made
 * of those before them. */
static int keep_rest(struct search *s, char **next, const char *name, const char *rest)
{
	char *all;

	if (asprintf(&all, "%s/%s%s", *next ? *next : "", name, rest) < 0)
		return -ENOMEM;
	free(s->absolute);
	s->absolute = all;
	return 0;
}

/* Goes down one layer along target.  Each component is looked at, because an opaque
 * one hides the layers below and a redirected one leads them elsewhere.  Returns 1
 * with what the last one is, or 0; s->absolute is where the layers below go on. */
static int descend(struct search *s, unsigned l, const char *target, struct stat *st,
		   struct marks *m)
{
	auto_fd int at = layer_open_dir(&s->fs->layers[l], ".");
	auto_free char *next = NULL;
	const char *path = target;
	char name[NAME_ROOM];
	int r = 0;

	while (at >= 0 && (r = next_component(&path, name)) > 0) {
		marks_done(m);
		if (fstatat(at, name, st, AT_SYMLINK_NOFOLLOW) < 0) {
			s->done |= has_oci_whiteout(at, name);
			return keep_rest(s, &next, name, path);
		}
		if (!S_ISDIR(st->st_mode) && path[strspn(path, "/")]) {
			s->done = 1;
			return 0;
		}
		r = format_read_marks(&s->fs->format, at, name, m);
		if (r < 0)
			return r;
		if (m->opaque || (S_ISDIR(st->st_mode) && has_oci_opaque(at, name)))
			s->done = 1;
		else if (m->redirect && m->redirect[0] == '/')
			s->done = 0; /* it leads out of what an opaque ancestor hides */
		r = extend_target(&next, name, m->redirect);
		if (r < 0)
			return r;
		if (S_ISDIR(st->st_mode))
			replace_fd(&at, openat(at, name, O_PATH | O_DIRECTORY | O_NOFOLLOW |
							 O_CLOEXEC));
	}
	if (at < 0 || r < 0 || !next)
		return -EIO;
	free(s->absolute);
	s->absolute = steal(&next);
	return 1;
}

int search_absolute(struct search *s, unsigned l)
{
	/* A redirect found on the way replaces s->absolute. */
	auto_free char *target = strdup(s->absolute + 1);
	struct marks m = { 0 };
	struct stat st;
	int r = target ? descend(s, l, target, &st, &m) : -ENOMEM;

	marks_done(&m);
	if (r <= 0)
		return r;
	if (!S_ISDIR(st.st_mode)) {
		s->done = 1;
		return 0;
	}
	if (!s->n_parts)
		s->lower_ino = layer_ino(s->fs, l, st.st_ino);
	return search_add_part(s, l, steal(&target), m.xattr_whiteouts);
}

static int set_data(struct search *s, unsigned layer, const char *path)
{
	s->data = path ? malloc(sizeof(*s->data) + strlen(path) + 1) : NULL;
	if (!s->data)
		return -ENOMEM;
	s->data->layer = (uint16_t)layer;
	strcpy(s->data->path, path);
	return 1;
}

/* Whether dirfd/name holds data: 1, or 0 when it is a metacopy as well. */
static int has_data(struct search *s, int dirfd, const char *name, const struct stat *st)
{
	struct marks m;
	int r, is;

	if (!S_ISREG(st->st_mode))
		return -EIO;
	if (!st->st_size || st->st_blocks)
		return 1;
	r = format_read_marks(&s->fs->format, dirfd, name, &m);
	if (r < 0)
		return r;
	is = !m.metacopy;
	r = is ? 0 : search_redirect(s, &m);
	marks_done(&m);
	return r < 0 ? r : is;
}

static int data_in_part(struct search *s, struct node *parent, unsigned slot)
{
	auto_cfd struct cfd *cfd = NULL;
	auto_free char *path = NULL;
	struct stat st;
	int r = dir_open_part(s->fs, parent, slot, &cfd);

	if (r < 0)
		return r;
	if (fstatat(cfd->fd, s->name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return 0;
	path = search_join(parent->slots[slot].path, s->name);
	r = has_data(s, cfd->fd, s->name, &st);
	return r > 0 ? set_data(s, parent->slots[slot].layer, path) : r;
}

static int data_in_layer(struct search *s, unsigned l)
{
	auto_free char *target = strdup(s->absolute + 1);
	struct marks m = { 0 };
	struct stat st;
	int r = target ? descend(s, l, target, &st, &m) : -ENOMEM;

	marks_done(&m);
	if (r <= 0)
		return r;
	if (!S_ISREG(st.st_mode))
		return -EIO;
	return m.metacopy ? 0 : set_data(s, l, target);
}

int search_data(struct search *s, struct node *parent, unsigned slot)
{
	unsigned i, l;
	int r = 0;

	for (i = slot + 1; r == 0 && !s->absolute && i <= parent->n_lower; i++)
		r = data_in_part(s, parent, i);
	l = i > slot + 1 ? parent->slots[i - 1].layer + 1U : slot ? parent->slots[slot].layer + 1U : 1;
	for (; r == 0 && s->absolute && l < s->fs->n_layers; l++)
		r = data_in_layer(s, l);
	return r > 0 ? 0 : r < 0 ? r : -EIO;
}
