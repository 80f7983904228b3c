/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cleanup.h"
#include "error.h"
#include "io.h"
#include "snapshots.h"

#define MAX_KEY 200

/* The last line of a chain: all ancestors are listed, or the last one
 * listed has to be asked for its own. */
#define CHAIN_WHOLE "."
#define CHAIN_GOES_ON "~"

static const char *const folders[] = { "active", "committed", "trash" };

int snapshots_open(struct snapshots *s, const char *state_dir, struct gantry_error *err)
{
	s->path = state_dir;
	s->fd = open(state_dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (s->fd < 0)
		return error_errno(err, errno, "cannot open the storage folder %s", state_dir);
	return 0;
}

void snapshots_done(struct snapshots *s)
{
	if (s->fd >= 0)
		close(s->fd);
	s->fd = -1;
}

void snapshot_done(struct snapshot *snap)
{
	buf_done(&snap->text);
	snap->n_parents = 0;
}

/* A key is one component of a path and one line of a chain file. */
static int check_key(const char *key, struct gantry_error *err)
{
	size_t len = key ? strlen(key) : 0;
	int ok = len > 0 && len <= MAX_KEY && key[0] != '.' && key[0] != '~';

	for (size_t i = 0; ok && i < len; i++)
		ok = key[i] > ' ' && key[i] < 0x7f && key[i] != '/';
	if (!ok)
		return error_set(err, GANTRY_ERR_INVALID, "\"%.60s\" is no valid snapshot key",
				 key ? key : "");
	return 0;
}

static int make_base(const struct snapshots *s, struct gantry_error *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(folders); i++) {
		if (mkdirat(s->fd, folders[i], 0700) < 0 && errno != EEXIST)
			return error_errno(err, errno, "cannot create %s/%s", s->path, folders[i]);
	}
	return 0;
}

static int read_chain(const struct snapshots *s, enum snapshot_state state, const char *key,
		      struct buf *out)
{
	char path[NAME_MAX + 32], *to;
	ssize_t n;

	snprintf(path, sizeof(path), "%s/%s/chain", snapshot_folder(state), key);
	to = buf_reserve(out, PATH_MAX);
	if (!to) {
		return -ENOMEM;
	}
	n = readlinkat(s->fd, path, to, PATH_MAX);
	if (n < 0) {
		return -errno;
	}
	to[n < PATH_MAX ? n : 0] = '\0';
	out->len += n < PATH_MAX ? (size_t)n : 0;
	return 0;
}

/* The start of the last line, which must end with a newline; NULL otherwise. */
static char *last_line(struct buf *b, size_t from)
{
	char *p;

	if (b->len < from + 2 || b->data[b->len - 1] != '\n')
		return NULL;
	for (p = b->data + b->len - 1; p > b->data + from && p[-1] != '\n'; p--)
		;
	return p;
}

enum chain_end { CHAIN_BROKEN, CHAIN_ENDS, CHAIN_CONTINUES };

/* Cuts the end marker off. */
static enum chain_end chain_cut(struct buf *b, size_t from)
{
	char *last = last_line(b, from);
	enum chain_end end = CHAIN_BROKEN;

	if (last && !strcmp(last, CHAIN_WHOLE "\n"))
		end = CHAIN_ENDS;
	else if (last && !strcmp(last, CHAIN_GOES_ON "\n"))
		end = CHAIN_CONTINUES;
	if (end != CHAIN_BROKEN) {
		b->len = (size_t)(last - b->data);
		*last = '\0';
	}
	return end;
}

static int parent_missing(const char *parent, struct gantry_error *err)
{
	return error_set(err, GANTRY_ERR_NOT_FOUND, "its parent snapshot %s does not exist", parent);
}

/* Extends text, which ends with a parent's line, by that parent's ancestors. */
static int chain_resolve(const struct snapshots *s, struct buf *text, struct gantry_error *err)
{
	for (int depth = 0; depth <= SNAPSHOT_MAX_PARENTS; depth++) {
		char parent[MAX_KEY + 1];
		size_t from = text->len;
		char *line = last_line(text, 0);
		enum chain_end end;
		int r;

		if (!line || strlen(line) > sizeof(parent))
			return error_set(err, GANTRY_ERR_CORRUPT, "its chain is damaged");
		memcpy(parent, line, strlen(line) - 1);
		parent[strlen(line) - 1] = '\0';
		r = read_chain(s, SNAPSHOT_COMMITTED, parent, text);
		if (r == -ENOENT)
			return parent_missing(parent, err);
		if (r < 0)
			return error_errno(err, -r, "cannot read the chain of %s", parent);
		end = chain_cut(text, from);
		if (end == CHAIN_BROKEN)
			return error_set(err, GANTRY_ERR_CORRUPT, "the chain of %s is damaged",
					 parent);
		if (end == CHAIN_ENDS)
			return 0;
	}
	return error_set(err, GANTRY_ERR_LIMIT, "it has more than %d layers", SNAPSHOT_MAX_PARENTS);
}

static int split_parents(struct snapshot *snap, struct gantry_error *err)
{
	char *p = snap->text.data;

	snap->n_parents = 0;
	while (p && *p) {
		char *end = strchr(p, '\n');

		if (snap->n_parents == SNAPSHOT_MAX_PARENTS)
			return error_set(err, GANTRY_ERR_LIMIT, "it has more than %d layers",
					 SNAPSHOT_MAX_PARENTS);
		snap->parents[snap->n_parents++] = p;
		*end = '\0';
		p = end + 1;
	}
	return 0;
}

int snapshots_find(const struct snapshots *s, const char *key, struct snapshot *ret,
		   struct gantry_error *err)
{
	enum chain_end end;
	int r = check_key(key, err);

	ret->key = key;
	ret->n_parents = 0;
	ret->text = (struct buf)BUF_INIT;
	if (r < 0)
		return r;
	ret->state = SNAPSHOT_ACTIVE;
	r = read_chain(s, SNAPSHOT_ACTIVE, key, &ret->text);
	if (r == -ENOENT) {
		ret->state = SNAPSHOT_COMMITTED;
		r = read_chain(s, SNAPSHOT_COMMITTED, key, &ret->text);
	}
	if (r == -ENOENT)
		return error_set(err, GANTRY_ERR_NOT_FOUND, "snapshot %s does not exist", key);
	if (r < 0)
		return error_errno(err, -r, "cannot read snapshot %s", key);
	end = chain_cut(&ret->text, 0);
	if (end == CHAIN_BROKEN)
		return error_set(err, GANTRY_ERR_NOT_FOUND, "snapshot %s was never completed", key);
	r = end == CHAIN_CONTINUES ? chain_resolve(s, &ret->text, err) : 0;
	if (r == 0)
		r = split_parents(ret, err);
	return r < 0 ? error_prefix(err, "snapshot %s", key) : 0;
}

int snapshots_check_active(const struct snapshots *s, const char *key, struct gantry_error *err)
{
	char path[MAX_KEY + 32];
	int r = check_key(key, err);

	if (r < 0)
		return r;
	snprintf(path, sizeof(path), "active/%s/chain", key);
	if (faccessat(s->fd, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		return 0;
	snprintf(path, sizeof(path), "committed/%s", key);
	if (faccessat(s->fd, path, F_OK, 0) == 0)
		return error_set(err, GANTRY_ERR_CONFLICT, "snapshot %s is committed and read-only", key);
	return error_set(err, GANTRY_ERR_NOT_FOUND, "snapshot %s does not exist", key);
}

int snapshot_open_dir(const struct snapshots *s, const struct snapshot *snap, const char *name,
		      int flags, struct gantry_error *err)
{
	char path[MAX_KEY + 64];
	int fd;

	snprintf(path, sizeof(path), "%s/%s/%s", snapshot_folder(snap->state), snap->key, name);
	fd = openat(s->fd, path, flags | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return error_errno(err, errno, "cannot open %s/%s", s->path, path);
	return fd;
}

/* The chain file's text for a child of parent. */
static int new_chain(const struct snapshots *s, const char *parent, struct buf *out,
		     struct gantry_error *err)
{
	size_t own;
	int r;

	if (parent) {
		buf_addf(out, "%s\n", parent);
		own = out->len;
		r = read_chain(s, SNAPSHOT_COMMITTED, parent, out);
		if (r < 0 && r != -ENOENT)
			return error_errno(err, -r, "cannot read the chain of %s", parent);
		/* Not there yet, or too long for one link: it is looked up later. */
		if (!buf_failed(out) && (r == -ENOENT || out->len >= PATH_MAX)) {
			out->len = own;
			buf_adds(out, CHAIN_GOES_ON "\n");
		}
	} else {
		buf_adds(out, CHAIN_WHOLE "\n");
	}
	return buf_failed(out) ? error_no_memory(err) : 0;
}

static int has_content(const struct snapshots *s, const char *path)
{
	auto_fd int fd = openat(s->fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	auto_dir DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *e;

	if (!dir)
		return 0;
	fd = -1;
	while ((e = readdir(dir))) {
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
			return 1;
	}
	return 0;
}

/* The key is there.  1: an earlier prepare was cut short, do it again; 0: a
 * repeated one, all is done. */
static int prepare_again(const struct snapshots *s, const char *key, const char *parent,
			 int is_filled, struct gantry_error *err)
{
	auto_(buf) struct buf chain = BUF_INIT;
	char path[MAX_KEY + 32];
	size_t len = parent ? strlen(parent) : 0;
	int r = read_chain(s, SNAPSHOT_ACTIVE, key, &chain);
	int same_parent;

	snprintf(path, sizeof(path), "active/%s", key);
	if (r == -ENOENT || (r == 0 && chain_cut(&chain, 0) == CHAIN_BROKEN)) {
		r = remove_tree(s->fd, path);
		if (r < 0)
			return error_errno(err, -r, "cannot remove the unfinished %s/%s", s->path, path);
		return 1;
	}
	if (r < 0)
		return error_errno(err, -r, "cannot read snapshot %s", key);
	snprintf(path, sizeof(path), "active/%s/fs", key);
	same_parent = len ? !strncmp(buf_str(&chain), parent, len) && chain.data[len] == '\n'
			  : chain.len == 0;
	if (same_parent && (is_filled || !has_content(s, path)))
		return 0;
	return error_set(err, GANTRY_ERR_EXISTS, "snapshot %s exists already", key);
}

static int prepare_error(const struct snapshots *s, const char *path, struct gantry_error *err)
{
	error_errno(err, errno, "cannot create %s/%s", s->path, path);
	if (err->code == GANTRY_ERR_NO_SPACE)
		error_hint(err, "free some space (`gantry system prune`) and try again");
	return err->code;
}

/* Makes active/KEY; returns 1 when the snapshot is complete already. */
static int make_key(const struct snapshots *s, const char *key, const char *parent, int is_filled,
		    struct gantry_error *err)
{
	char path[MAX_KEY + 32];

	snprintf(path, sizeof(path), "committed/%s", key);
	if (faccessat(s->fd, path, F_OK, 0) == 0)
		return error_set(err, GANTRY_ERR_EXISTS, "snapshot %s exists already", key);
	snprintf(path, sizeof(path), "active/%s", key);
	for (int i = 0; i < 3; i++) {
		int r = mkdirat(s->fd, path, 0700) == 0 ? 0 : errno;

		if (r == 0)
			return 0;
		if (r == ENOENT) {
			r = make_base(s, err);
			if (r < 0)
				return r;
		} else if (r == EEXIST) {
			r = prepare_again(s, key, parent, is_filled, err);
			if (r <= 0)
				return r < 0 ? r : 1;
		} else {
			return prepare_error(s, path, err);
		}
	}
	return error_set(err, GANTRY_ERR_CONFLICT, "snapshot %s is being prepared by another process",
			 key);
}

static int write_chain(const struct snapshots *s, const char *key, const struct buf *chain,
		       struct gantry_error *err)
{
	char path[MAX_KEY + 32];

	snprintf(path, sizeof(path), "active/%s/chain", key);
	return symlinkat(buf_str(chain), s->fd, path) < 0 ? prepare_error(s, path, err) : 0;
}

/* The root folder is the upper layer's: it looks like the parent's. */
static int make_root(const struct snapshots *s, const char *key, const char *parent,
		     struct gantry_error *err)
{
	char path[MAX_KEY + 32];
	struct stat st;

	snprintf(path, sizeof(path), "active/%s/fs", key);
	if (mkdirat(s->fd, path, 0755) < 0)
		return prepare_error(s, path, err);
	if (parent) {
		char from[MAX_KEY + 32];

		snprintf(from, sizeof(from), "committed/%s/fs", parent);
		if (fstatat(s->fd, from, &st, 0) < 0) {
			/* Attached: its likeness lies beside it (snapshot_attach.h). */
			snprintf(from, sizeof(from), "committed/%s/root", parent);
		}
		if (fstatat(s->fd, from, &st, 0) == 0) {
			if ((st.st_uid != geteuid() || st.st_gid != getegid()) &&
			    fchownat(s->fd, path, st.st_uid, st.st_gid, 0) < 0)
				return prepare_error(s, path, err);
			return fchmodat(s->fd, path, st.st_mode & 07777, 0) < 0 ?
				       prepare_error(s, path, err) : 0;
		}
	}
	return fchmodat(s->fd, path, 0755, 0) < 0 ? prepare_error(s, path, err) : 0;
}

int snapshots_prepare(const struct snapshots *s, const char *key, const char *parent,
		      snapshot_fill fill, void *ctx, struct gantry_error *err)
{
	auto_(buf) struct buf chain = BUF_INIT;
	int r = check_key(key, err);

	if (parent && !*parent)
		parent = NULL;
	if (r == 0 && parent)
		r = check_key(parent, err);
	if (r == 0)
		r = new_chain(s, parent, &chain, err);
	if (r == 0)
		r = make_key(s, key, parent, fill != NULL, err);
	if (r != 0)
		return r < 0 ? r : 0;
	r = make_root(s, key, parent, err);
	if (r == 0 && fill)
		r = fill(ctx, key, parent, err);
	if (r == 0)
		r = write_chain(s, key, &chain, err);
	if (r < 0) {
		char path[MAX_KEY + 32];

		snprintf(path, sizeof(path), "active/%s", key);
		(void)remove_tree(s->fd, path);
	}
	return r;
}

/* A chain that was left open at prepare is completed, if its parent is there by
 * now; otherwise each use looks it up. */
static int commit_chain(const struct snapshots *s, const char *key, struct gantry_error *err)
{
	auto_(buf) struct buf chain = BUF_INIT;
	struct gantry_error later = GANTRY_ERROR_INIT;
	char path[MAX_KEY + 32], final[MAX_KEY + 32];
	enum chain_end end;
	int r = read_chain(s, SNAPSHOT_ACTIVE, key, &chain);

	if (r < 0)
		return error_errno(err, -r, "cannot read snapshot %s", key);
	end = chain_cut(&chain, 0);
	if (end == CHAIN_BROKEN)
		return error_set(err, GANTRY_ERR_NOT_FOUND, "snapshot %s was never completed", key);
	if (end == CHAIN_ENDS || chain_resolve(s, &chain, &later) < 0)
		return 0;
	buf_adds(&chain, CHAIN_WHOLE "\n");
	if (buf_failed(&chain))
		return error_no_memory(err);
	if (chain.len >= PATH_MAX)
		return 0;
	snprintf(path, sizeof(path), "active/%s/chain.new", key);
	snprintf(final, sizeof(final), "active/%s/chain", key);
	if ((symlinkat(chain.data, s->fd, path) < 0 && errno != EEXIST) ||
	    renameat(s->fd, path, s->fd, final) < 0)
		return error_errno(err, errno, "cannot write %s/%s", s->path, final);
	return 0;
}

int snapshots_commit(const struct snapshots *s, const char *key, const char *name,
		     struct gantry_error *err)
{
	char from[MAX_KEY + 32], to[MAX_KEY + 32];
	auto_fd int dir = -1;
	int r = check_key(key, err);

	if (r == 0)
		r = check_key(name, err);
	if (r < 0)
		return r;
	snprintf(from, sizeof(from), "active/%s", key);
	snprintf(to, sizeof(to), "committed/%s", name);
	if (faccessat(s->fd, from, F_OK, 0) < 0) {
		if (faccessat(s->fd, to, F_OK, 0) == 0)
			return 0; /* the call before this one did it */
		return error_set(err, GANTRY_ERR_NOT_FOUND, "snapshot %s does not exist", key);
	}
	r = commit_chain(s, key, err);
	if (r < 0)
		return r;
	dir = openat(s->fd, "committed", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	/* Content first, then the name that says that it is whole. */
	if (dir < 0 || syncfs(dir) < 0)
		return error_errno(err, errno, "cannot flush snapshot %s to disk", key);
	r = rename_new_folder(s->fd, from, to);
	if (r < 0) {
		if (r == -EEXIST)
			return error_set(err, GANTRY_ERR_EXISTS, "snapshot %s exists already", name);
		return error_errno(err, -r, "cannot commit snapshot %s as %s", key, name);
	}
	if (fsync(dir) < 0)
		return error_errno(err, errno, "cannot flush snapshot %s to disk", name);
	return 0;
}

/* Is key an ancestor of a snapshot of this state?  NULL or that snapshot's key. */
static char *find_child(const struct snapshots *s, enum snapshot_state state, const char *key)
{
	auto_fd int fd = openat(s->fd, snapshot_folder(state), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	auto_dir DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	auto_(buf) struct buf text = BUF_INIT;
	size_t len = strlen(key);
	struct dirent *e;

	if (!dir)
		return NULL;
	fd = -1;
	while ((e = readdir(dir))) {
		buf_clear(&text);
		if (e->d_name[0] == '.' || read_chain(s, state, e->d_name, &text) < 0)
			continue;
		for (const char *p = text.data; p && *p; p = strchr(p, '\n') ? strchr(p, '\n') + 1 : NULL) {
			if (!strncmp(p, key, len) && p[len] == '\n')
				return strdup(e->d_name);
		}
	}
	return NULL;
}

static int check_children(const struct snapshots *s, const char *key, struct gantry_error *err)
{
	auto_free char *child = find_child(s, SNAPSHOT_COMMITTED, key);

	if (!child)
		child = find_child(s, SNAPSHOT_ACTIVE, key);
	if (!child)
		return 0;
	error_set(err, GANTRY_ERR_IN_USE, "snapshot %s is used by snapshot %s", key, child);
	return error_hint(err, "remove %s first", child);
}

/* The caller deletes it: says where it lies. */
static int name_rest(const struct snapshots *s, const char *name, struct gantry_reply *reply,
		     struct gantry_error *err)
{
	auto_free char *path = NULL;

	if (asprintf(&path, "%s/%s", s->path, name) < 0 ||
	    gantry_storage_remove_set_rest(reply, path) < 0)
		return error_no_memory(err);
	return 0;
}

/* Moves a snapshot out of sight and deletes it, or leaves that to the caller; 1 when it
 * was not there. */
static int discard(const struct snapshots *s, enum snapshot_state state,
		   const struct gantry_storage_remove_args *args, struct gantry_reply *reply,
		   struct gantry_error *err)
{
	const char *key = args->key;
	char from[MAX_KEY + 32], to[MAX_KEY + 64];
	int r;

	snprintf(from, sizeof(from), "%s/%s", snapshot_folder(state), key);
	snprintf(to, sizeof(to), "trash/%s.%d.%llx", key, getpid(),
		 (unsigned long long)time_monotonic_ns());
	if (renameat(s->fd, from, s->fd, to) < 0) {
		if (errno == ENOENT)
			return 1;
		return error_errno(err, errno, "cannot remove snapshot %s", key);
	}
	/* It is gone whatever happens now: list deletes what is left. */
	if (args->defer)
		return name_rest(s, to, reply, err);
	r = remove_tree(s->fd, to);
	if (r < 0 && r != -EBUSY && r != -ENOTEMPTY)
		return error_errno(err, -r, "cannot delete %s/%s", s->path, to);
	return 0;
}

int snapshots_remove(const struct snapshots *s, const struct gantry_storage_remove_args *args,
		     struct gantry_reply *reply, struct gantry_error *err)
{
	const char *key = args->key;
	char path[MAX_KEY + 32];
	int r = check_key(key, err);

	if (r == 0)
		r = discard(s, SNAPSHOT_ACTIVE, args, reply, err);
	if (r != 1)
		return r;
	snprintf(path, sizeof(path), "committed/%s", key);
	if (faccessat(s->fd, path, F_OK, 0) < 0)
		return 0;
	r = check_children(s, key, err);
	if (r == 0)
		r = discard(s, SNAPSHOT_COMMITTED, args, reply, err);
	return r < 0 ? r : 0;
}

static int list_folder(const struct snapshots *s, const char *folder, struct gantry_reply *reply)
{
	auto_fd int fd = openat(s->fd, folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	auto_dir DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *e;
	int r = 0;

	if (!dir)
		return errno == ENOENT ? 0 : -errno;
	fd = -1;
	while (r == 0 && (e = readdir(dir))) {
		if (e->d_name[0] == '.')
			continue;
		if (reply)
			r = reply->ops->put_item(reply, 0, e->d_name) < 0 ? -ENOMEM : 0;
		else
			(void)remove_tree(dirfd(dir), e->d_name);
	}
	return r;
}

int snapshots_list(const struct snapshots *s, struct gantry_reply *reply,
		   struct gantry_error *err)
{
	int r = list_folder(s, "active", reply);

	if (r == 0)
		r = list_folder(s, "committed", reply);
	if (r == 0)
		r = list_folder(s, "trash", NULL);
	return r < 0 ? error_errno(err, -r, "cannot list %s", s->path) : 0;
}
