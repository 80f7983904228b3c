/* SPDX-License-Identifier: Apache-2.0 */
/* Made as an active snapshot and committed, so that a crash leaves none or a whole one. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cleanup.h"
#include "error.h"
#include "snapshot_attach.h"

#define PATH_SIZE (NAME_MAX + 64)

/* The text of its link: 0, -EINVAL when fs is a folder, or another negative errno. */
static int read_name(const struct snapshots *s, const char *folder, const char *key, char *to,
		     size_t size)
{
	char path[PATH_SIZE];
	ssize_t n;

	snprintf(path, sizeof(path), "%s/%s/fs", folder, key);
	n = readlinkat(s->fd, path, to, size);
	if (n < 0 || (size_t)n == size)
		return n < 0 ? -errno : -ENAMETOOLONG;
	to[n] = '\0';
	return 0;
}

static int is_name(const char *name)
{
	size_t len = name ? strlen(name) : 0;

	return len > 0 && len <= NAME_MAX && !strchr(name, '/') && strcmp(name, ".") != 0 &&
	       strcmp(name, "..") != 0;
}

struct filling {
	const struct snapshots *s;
	const char *name;
	int root; /* of the content */
};

/* In place of the folder that prepare makes. */
static int fill(void *ctx, const char *key, const char *parent, struct gantry_error *err)
{
	const struct filling *f = ctx;
	char fs[PATH_SIZE], root[PATH_SIZE];
	struct stat st;

	snprintf(fs, sizeof(fs), "active/%s/fs", key);
	snprintf(root, sizeof(root), "active/%s/root", key);
	if (fstatat(f->root, "", &st, AT_EMPTY_PATH) < 0)
		return error_errno(err, errno, "cannot look at what is to be attached");
	if (renameat(f->s->fd, fs, f->s->fd, root) < 0 || symlinkat(f->name, f->s->fd, fs) < 0 ||
	    fchmodat(f->s->fd, root, st.st_mode & 07777, 0) < 0)
		return error_errno(err, errno, "cannot create %s/%s", f->s->path, fs);
	/* An owner for which there is no id here stays this user. */
	if (fchownat(f->s->fd, root, st.st_uid, st.st_gid, 0) < 0 && errno != EINVAL)
		return error_errno(err, errno, "cannot set the owner of %s/%s", f->s->path, root);
	return 0;
}

int snapshots_attach(const struct snapshots *s, const char *key, const char *parent,
		     const char *name, int attached, struct gantry_error *err)
{
	char there[NAME_MAX + 1];
	struct filling f = { .s = s, .name = name };
	auto_fd int root = -1;
	int r;

	if (!is_name(name))
		return error_set(err, GANTRY_ERR_INVALID, "\"%.60s\" is no name of a folder",
				 name ? name : "");
	if (read_name(s, "committed", key, there, sizeof(there)) == 0 && !strcmp(there, name))
		return 0;
	root = openat(attached, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (root < 0)
		return error_errno(err, errno, "cannot open %s, which is to be attached", name);
	f.root = root;
	r = snapshots_prepare(s, key, parent, fill, &f, err);
	return r < 0 ? r : snapshots_commit(s, key, key, err);
}

int snapshot_open_attached(const struct snapshots *s, enum snapshot_state state, const char *key,
			   int attached, int *ret_fd, struct gantry_error *err)
{
	char name[NAME_MAX + 1];

	*ret_fd = -1;
	if (read_name(s, snapshot_folder(state), key, name, sizeof(name)) < 0)
		return 0;
	if (attached < 0)
		return error_set(err, GANTRY_ERR_INVALID,
				 "snapshot %s is attached, and nothing was given to find it in", key);
	*ret_fd = openat(attached, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (*ret_fd < 0) {
		error_errno(err, errno, "cannot open the content of snapshot %s", key);
		return error_hint(err, "remove the image and pull it again");
	}
	return 0;
}

int snapshot_has_attached(const struct snapshots *s, const struct snapshot *snap, int own)
{
	char name[NAME_MAX + 1];

	if (own && read_name(s, snapshot_folder(snap->state), snap->key, name, sizeof(name)) == 0)
		return 1;
	for (size_t i = 0; i < snap->n_parents; i++) {
		if (read_name(s, "committed", snap->parents[i], name, sizeof(name)) == 0)
			return 1;
	}
	return 0;
}
