/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tree: folders below the driver's own state folder, for storage drivers.  Every
 * path is relative to that folder and is resolved by the kernel beneath it, so no name
 * and no link leads out.  Each function takes its arguments apart, does its work in a
 * plain C function that owns what it opens, and raises last.
 *
 *     make(path)                       a folder, with those above it
 *     exists(path), list(path)         true or false; names
 *     rename(from, to), remove(path)   remove: with all below it
 *     copy(from, to)                   to is made; owners, links, attributes, holes are kept
 *     apply(path, archive[, limit])    unpacks a layer tar; the bytes written
 *     diff(path, lower, archive)       writes the changes against lower (or nil) as a layer tar
 *     changes(path, lower)             the same as a list: "A /x", "C /y", "D /z"
 *     usage(path)                      bytes, inodes
 *     mount(path[, read_only[, userns]])  a detached mount, to be returned as a result; needs
 *                                      the permission `mount`
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <lauxlib.h>

#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "helpers/folder_mount.h"
#include "helpers/io.h"
#include "helpers/layer_apply.h"
#include "helpers/layer_diff.h"
#include "helpers/layer_walk.h"
#include "helpers/reply.h"
#include "helpers/snapshots.h"
#include "helpers/tree_copy.h"

#include "lua/host/host.h"

/* What a function works on, taken from the stack before anything is opened. */
struct work {
	const char *root;
	const char *path;
	const char *other; /* NULL: none */
	int fd;            /* borrowed from the call; -1: none */
	int read_only;
	int64_t limit;     /* of apply; the number of inodes that usage found */
	struct reply *reply;
	int64_t result;
	int ret_fd;
};

typedef int (*work_fn)(struct work *w, struct gantry_error *err);

static int open_in(const struct work *w, const char *path, int flags, struct gantry_error *err)
{
	struct open_how how = { .flags = (uint64_t)flags | O_CLOEXEC | O_NOFOLLOW,
				.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_SYMLINKS };
	auto_fd int root = open(w->root, O_PATH | O_DIRECTORY | O_CLOEXEC);
	int fd = root < 0 ? -1 : (int)syscall(SYS_openat2, root, path, &how, sizeof(how));

	return fd < 0 ? error_errno(err, errno, "cannot open %s", path) : fd;
}

static int open_folder(const struct work *w, const char *path, struct gantry_error *err)
{
	return open_in(w, path, O_RDONLY | O_DIRECTORY, err);
}

/* The folder that holds the last part of the path; *ret_name is that part. */
static int open_parent(const struct work *w, const char *path, const char **ret_name,
		       struct gantry_error *err)
{
	const char *slash = strrchr(path, '/');
	auto_free char *parent = slash ? strndup(path, (size_t)(slash - path)) : strdup(".");

	*ret_name = slash ? slash + 1 : path;
	return parent ? open_folder(w, parent, err) : error_no_memory(err);
}

/* Part by part, so that no link on the way is followed. */
static int do_make(struct work *w, struct gantry_error *err)
{
	auto_fd int dir = open(w->root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	auto_free char *copy = strdup(w->path);
	char *save = NULL, *part;

	if (!copy) {
		return error_no_memory(err);
	}
	for (part = strtok_r(copy, "/", &save); part && dir >= 0; part = strtok_r(NULL, "/", &save)) {
		if (strcmp(part, "..") == 0) {
			return error_set(err, GANTRY_ERR_INVALID, "the path %s contains ..", w->path);
		}
		if (mkdirat(dir, part, 0711) < 0 && errno != EEXIST) {
			break;
		}
		replace_fd(&dir, openat(dir, part, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
	}
	return part || dir < 0 ? error_errno(err, errno, "cannot make %s", w->path) : 0;
}

static int do_exists(struct work *w, struct gantry_error *err)
{
	auto_fd int fd = open_in(w, w->path, O_PATH, err);

	w->result = fd >= 0;
	return fd < 0 && err->sys_errno != ENOENT ? fd : 0;
}

static int do_list(struct work *w, struct gantry_error *err)
{
	int fd = open_folder(w, w->path, err);
	auto_dir DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
	const struct dirent *entry;
	int r = fd < 0 ? fd : 0;

	while (dir && r == 0 && (entry = readdir(dir))) {
		if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, "..")) {
			r = w->reply->base.ops->put_item(&w->reply->base, 0, entry->d_name);
		}
	}
	return r;
}

static int do_rename(struct work *w, struct gantry_error *err)
{
	const char *from_name, *to_name;
	auto_fd int from = open_parent(w, w->path, &from_name, err);
	auto_fd int to = from < 0 ? -1 : open_parent(w, w->other, &to_name, err);

	if (from < 0 || to < 0) {
		return err->code;
	}
	return renameat(from, from_name, to, to_name) < 0 || fsync(to) < 0 ?
		       error_errno(err, errno, "cannot rename %s to %s", w->path, w->other) : 0;
}

static int do_remove(struct work *w, struct gantry_error *err)
{
	const char *name;
	auto_fd int parent = open_parent(w, w->path, &name, err);
	int r;

	if (parent < 0) {
		return err->sys_errno == ENOENT ? (error_clear(err), 0) : parent;
	}
	r = remove_tree(parent, name);
	return r < 0 && r != -ENOENT ? error_errno(err, -r, "cannot remove %s", w->path) : 0;
}

static int do_copy(struct work *w, struct gantry_error *err)
{
	auto_fd int from = open_folder(w, w->path, err);
	struct work target = { .root = w->root, .path = w->other };
	auto_fd int to = -1;

	if (from < 0 || do_make(&target, err) < 0) {
		return err->code;
	}
	to = open_folder(w, w->other, err);
	return to < 0 ? to : tree_copy(from, to, err);
}

static int do_apply(struct work *w, struct gantry_error *err)
{
	struct layer_apply_options options = {
		.style = LAYER_PLAIN, .size_limit = w->limit > 0 ? (uint64_t)w->limit : 0,
	};
	struct layer_apply_stats stats;
	auto_fd int fd = open_folder(w, w->path, err);
	int r = fd < 0 ? fd : layer_apply(w->fd, fd, &options, &stats, err);

	w->result = r == 0 ? (int64_t)stats.bytes : 0;
	return r;
}

/* Opens both trees; *ret_lower is -1 when there is none. */
static int open_pair(const struct work *w, int *ret_lower, struct gantry_error *err)
{
	*ret_lower = w->other ? open_folder(w, w->other, err) : -1;
	return w->other && *ret_lower < 0 ? *ret_lower : open_folder(w, w->path, err);
}

static int do_diff(struct work *w, struct gantry_error *err)
{
	auto_fd int lower = -1;
	auto_fd int fd = open_pair(w, &lower, err);

	return fd < 0 ? fd : layer_diff_trees(lower, fd, w->fd, err);
}

static int do_changes(struct work *w, struct gantry_error *err)
{
	auto_fd int lower = -1;
	auto_fd int fd = open_pair(w, &lower, err);

	return fd < 0 ? fd : layer_list_changes(lower, fd, LAYER_PLAIN, &w->reply->base, err);
}

static int do_usage(struct work *w, struct gantry_error *err)
{
	auto_fd int fd = open_folder(w, w->path, err);

	return fd < 0 ? fd : tree_usage(fd, &w->result, &w->limit, err);
}

static int do_mount(struct work *w, struct gantry_error *err)
{
	auto_fd int fd = open_folder(w, w->path, err);
	char path[64];

	if (fd < 0) {
		return fd;
	}
	/* By its descriptor: what was resolved is what is mounted. */
	snprintf(path, sizeof(path), "/proc/self/fd/%d/.", fd);
	w->ret_fd = folder_mount(path, w->read_only, w->fd, err);
	return w->ret_fd < 0 ? w->ret_fd : 0;
}

/* ---- arguments ---- */

static struct instance *instance_of(lua_State *L)
{
	struct instance *instance = calling_instance(L);

	if (!instance) {
		luaL_error(L, "tree is for operations, not while the script loads");
	}
	return instance;
}

/* A driver's own folders are its own; to mount them needs to be granted. */
static void need_mount(lua_State *L, const struct instance *instance)
{
	if (!services_granted(&instance->services, "mount", NULL)) {
		luaL_error(L, "'mount' is not granted: list it under permissions in plugin.conf, and in needs");
	}
}

static const char *check_path(lua_State *L, int index)
{
	size_t len;
	const char *path = luaL_checklstring(L, index, &len);

	luaL_argcheck(L, len > 0 && len < 1024 && strlen(path) == len && path[0] != '/', index,
		      "a path below the driver's folder");
	return path;
}

static void run(lua_State *L, work_fn fn, struct work *w)
{
	struct gantry_error err = GANTRY_ERROR_INIT;
	int r;

	w->root = instance_of(L)->host->state_dir;
	sandbox_enter_host(sandbox_of(L));
	r = fn(w, &err);
	sandbox_leave_host(sandbox_of(L));
	if (r < 0) {
		if (w->reply) {
			reply_done(w->reply);
		}
		raise_code(L, &err);
	}
}

/* A path, and for some a second one. */
static int call_paths(lua_State *L, work_fn fn, int n)
{
	struct work w = { .path = check_path(L, 1), .other = n > 1 ? check_path(L, 2) : NULL, .fd = -1 };

	run(L, fn, &w);
	lua_pushboolean(L, (int)w.result);
	return fn == do_exists;
}

static int tree_make(lua_State *L)
{
	return call_paths(L, do_make, 1);
}

static int tree_exists(lua_State *L)
{
	return call_paths(L, do_exists, 1);
}

static int tree_rename(lua_State *L)
{
	return call_paths(L, do_rename, 2);
}

static int tree_remove(lua_State *L)
{
	return call_paths(L, do_remove, 1);
}

static int tree_copy_folder(lua_State *L)
{
	return call_paths(L, do_copy, 2);
}

static void done_reply(void *p)
{
	reply_done(p);
	free(p);
}

/* A reply that is freed however the call ends. */
static struct reply *held_reply(lua_State *L)
{
	struct sandbox *sb = sandbox_of(L);
	struct reply *reply;

	sandbox_enter_host(sb);
	reply = calloc(1, sizeof(*reply));
	if (reply) {
		*reply = (struct reply)REPLY_INIT;
		if (sandbox_hold(sb, reply, done_reply) < 0) {
			free(reply);
			reply = NULL;
		}
	}
	sandbox_leave_host(sb);
	if (!reply) {
		luaL_error(L, "out of memory");
	}
	return reply;
}

static int push_items(lua_State *L, const struct reply *reply)
{
	const char *const *item = reply_list(reply, 0);

	lua_newtable(L);
	for (lua_Integer i = 1; item && *item; item++, i++) {
		lua_pushstring(L, *item);
		lua_rawseti(L, -2, i);
	}
	return 1;
}

static int tree_list(lua_State *L)
{
	struct work w = { .path = check_path(L, 1), .fd = -1, .reply = held_reply(L) };

	run(L, do_list, &w);
	return push_items(L, w.reply);
}

static int tree_changes(lua_State *L)
{
	struct work w = { .path = check_path(L, 1), .fd = -1,
			  .other = lua_isnoneornil(L, 2) ? NULL : check_path(L, 2) };

	w.reply = held_reply(L);
	run(L, do_changes, &w);
	return push_items(L, w.reply);
}

static int tree_used(lua_State *L)
{
	struct work w = { .path = check_path(L, 1), .fd = -1 };

	run(L, do_usage, &w);
	lua_pushinteger(L, w.result);
	lua_pushinteger(L, w.limit);
	return 2;
}

static int tree_apply(lua_State *L)
{
	struct work w = { .path = check_path(L, 1), .limit = luaL_optinteger(L, 3, 0) };

	w.fd = descriptor_of(L, instance_of(L), 2);
	run(L, do_apply, &w);
	lua_pushinteger(L, w.result);
	return 1;
}

static int tree_diff(lua_State *L)
{
	struct work w = { .path = check_path(L, 1),
			  .other = lua_isnoneornil(L, 2) ? NULL : check_path(L, 2) };

	w.fd = descriptor_of(L, instance_of(L), 3);
	run(L, do_diff, &w);
	return 0;
}

static int tree_mount(lua_State *L)
{
	struct instance *instance = instance_of(L);
	struct work w = { .path = check_path(L, 1), .read_only = lua_toboolean(L, 2) };

	need_mount(L, instance);
	w.fd = lua_isnoneornil(L, 3) ? -1 : descriptor_of(L, instance, 3);
	run(L, do_mount, &w);
	lua_pushinteger(L, descriptor_add(L, instance, w.ret_fd, 1));
	return 1;
}

void tree_open(lua_State *L)
{
	static const luaL_Reg functions[] = {
		{ "make", tree_make },	   { "exists", tree_exists }, { "list", tree_list },
		{ "rename", tree_rename }, { "remove", tree_remove }, { "copy", tree_copy_folder },
		{ "apply", tree_apply },   { "diff", tree_diff },     { "changes", tree_changes },
		{ "usage", tree_used },   { "mount", tree_mount },   { NULL, NULL },
	};

	luaL_newlib(L, functions);
	lua_setglobal(L, "tree");
}
