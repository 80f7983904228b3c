/* SPDX-License-Identifier: Apache-2.0 */
/* What dead processes leave.  Each process that opens a core keeps a locked file
 * while it works, and removes it when it ends well; a file that is there and not
 * locked belongs to one that died, and then everything is looked at.  The same
 * happens after a reboot.  A clean start costs one small folder. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <gantry/calls.h>

#include "core/container/container.h"
#include "core/engine/engine.h"
#include "core/engine/reconcile.h"
#include "core/image/image.h"
#include "core/network/network.h"
#include "helpers/buf.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "helpers/io.h"

/* It has its lock before it has its name, so that nobody ever sees it without: its owner would
 * be taken for dead. */
static int open_mark(const char *folder, const char *path)
{
	auto_fd int fd = open(folder, O_RDWR | O_TMPFILE | O_CLOEXEC, 0600);
	char link[32];

	if (fd < 0 && errno == EOPNOTSUPP) {
		fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
		return fd >= 0 && flock(fd, LOCK_EX) == 0 ? steal_fd(&fd) : -1;
	}
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) < 0 ||
	    linkat(AT_FDCWD, link, AT_FDCWD, path, AT_SYMLINK_FOLLOW) < 0) {
		return -1;
	}
	return steal_fd(&fd);
}

int mark_make(struct core *core, struct mark *ret, struct gantry_error *err)
{
	auto_free char *folder = path_join(core->paths.run_root, "engines", NULL);
	struct mark mark = MARK_INIT;
	char name[64];

	snprintf(name, sizeof(name), "%d.%llx", getpid(), (unsigned long long)time_monotonic_ns());
	mark.path = folder ? path_join(folder, name, NULL) : NULL;
	if (!mark.path) {
		return error_no_memory(err);
	}
	mark.fd = open_mark(folder, mark.path);
	if (mark.fd < 0 && errno == ENOENT && make_dirs(AT_FDCWD, folder, 0700) == 0) {
		mark.fd = open_mark(folder, mark.path);
	}
	if (mark.fd < 0) {
		error_errno(err, errno, "cannot create %s", mark.path);
		mark_abandon(&mark);
		return err->code;
	}
	*ret = mark;
	return 0;
}

void mark_remove(struct mark *mark)
{
	if (mark->path) {
		unlink(mark->path);
	}
	mark_abandon(mark);
}

void mark_abandon(struct mark *mark)
{
	replace_fd(&mark->fd, -1);
	free(mark->path);
	mark->path = NULL;
}

/* Did somebody die?  Their marks are collected, and removed when all is well again. */
static int find_dead(struct core *core, const char *folder, struct json_object *dead)
{
	auto_dir DIR *dir = opendir(folder);
	const char *own = strrchr(core->mark.path, '/') + 1;
	struct dirent *e;

	while (dir && (e = readdir(dir))) {
		auto_fd int fd = -1;

		if (e->d_name[0] == '.' || !strcmp(e->d_name, own)) {
			continue;
		}
		fd = openat(dirfd(dir), e->d_name, O_RDWR | O_CLOEXEC);
		if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0) {
			json_add_string(dead, e->d_name);
		}
	}
	return json_array_size(dead) > 0;
}

/* The boot id of the last look, in the run folder so that a shared root works. */
static int is_new_boot(struct core *core, struct buf *now)
{
	auto_free char *path = path_join(core->paths.run_root, "boot_id", NULL);
	auto_(buf) struct buf then = BUF_INIT;

	if (read_file(AT_FDCWD, "/proc/sys/kernel/random/boot_id", now, 256) < 0) {
		return 0;
	}
	read_file(AT_FDCWD, path, &then, 256);
	return strcmp(buf_str(now), buf_str(&then)) != 0;
}

static void remember_boot(struct core *core, const struct buf *now)
{
	auto_free char *path = path_join(core->paths.run_root, "boot_id", NULL);

	(void)write_file_atomic(AT_FDCWD, path, now->data, now->len, 0600, 0);
}

/* Finishes removals; container_each() itself finishes those whose shim has ended. */
static int finish_removal(struct core *core, struct container *c, void *data,
			  struct gantry_error *err)
{
	int auto_remove = json_get_bool(container_host_config(c), "AutoRemove", 0) &&
			  (container_is(c, "exited") || container_is(c, "created"));
	auto_container struct container *locked = NULL;
	struct gantry_error ignored = GANTRY_ERROR_INIT;

	if (!container_is(c, "removing") && !(auto_remove && container_is(c, "exited"))) {
		return 0;
	}
	if (container_lock_by_id(core, c->id, &locked, &ignored) == 0 &&
	    !container_is_running(locked)) {
		(void)container_delete(core, locked, 1, &ignored);
	}
	return 0;
}

static int is_known_key(struct core *core, const char *key, int *ret, struct gantry_error *err)
{
	int64_t n = 0;
	int r = 0;

	if (!strncmp(key, "layer-", 6)) {
		auto_free char *chain = NULL;

		if (asprintf(&chain, "sha256:%s", key + 6) < 0) {
			return error_no_memory(err);
		}
		r = db_get_int(core->db, 0, &n, err, "SELECT count(*) FROM layers WHERE chain_id=?", "s",
			       chain);
	} else if (strchr(key, '-')) {
		/* unpack-...: somebody alive may be at it; its layer lock tells. */
		auto_free char *path = path_join(core->paths.run_root, "layers", strchr(key, '-') + 1, NULL);
		auto_fd int fd = open(path, O_RDWR | O_CLOEXEC);

		n = fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) < 0;
	} else {
		r = db_get_int(core->db, 0, &n, err, "SELECT count(*) FROM containers WHERE id=?", "s", key);
	}
	*ret = n > 0;
	return r;
}

/* Removes one that no record owns; one that another stands on waits for the next round. */
static int sweep_snapshot(struct core *core, struct driver *storage, const char *key, int *ret_removed,
			  int *ret_waits, struct gantry_error *err)
{
	auto_(reply) struct reply ret = REPLY_INIT;
	int known = 0;
	int r = is_known_key(core, key, &known, err);

	if (r < 0 || known) {
		return r;
	}
	r = storage_remove(storage, &GANTRY_STORAGE_REMOVE_ARGS(.key = key), &ret, err);
	if (r == GANTRY_ERR_IN_USE) {
		error_clear(err);
		*ret_waits = 1;
		return 0;
	}
	*ret_removed |= r == 0;
	return r;
}

static int sweep_snapshots(struct core *core, struct gantry_error *err)
{
	struct driver *storage;
	int removed, waits;
	int r = engine_storage(core, &storage, err);

	if (r < 0) {
		error_clear(err); /* doctor says why; nothing to sweep without one */
		return 0;
	}
	do {
		auto_(reply) struct reply keys = REPLY_INIT;

		removed = waits = 0;
		r = storage_list(storage, &GANTRY_STORAGE_LIST_ARGS(), &keys, err);
		for (const char *const *k = reply_list(&keys, GANTRY_STORAGE_LIST_RET_KEY); r == 0 && *k;
		     k++) {
			r = sweep_snapshot(core, storage, *k, &removed, &waits, err);
		}
	} while (r == 0 && removed && waits);
	return r;
}

/* What the runtime keeps of a container that is no more, and its run folder. */
static void sweep_run_folder(struct core *core, const char *id)
{
	auto_free char *state_dir = container_runtime_dir(core, id);
	auto_free char *run_dir = container_run_dir(core, id);
	auto_(reply) struct reply ret = REPLY_INIT;
	struct gantry_error ignored = GANTRY_ERROR_INIT;
	struct driver *runtime;

	if (access(state_dir, F_OK) == 0 && engine_driver(core, "runtime", &runtime, &ignored) == 0) {
		(void)runtime_delete(runtime,
				     &GANTRY_RUNTIME_DELETE_ARGS(.id = id, .state_dir = state_dir, .force = 1),
				     &ret, &ignored);
	}
	remove_tree(AT_FDCWD, run_dir);
}

static void sweep_log_folder(struct core *core, const char *id)
{
	auto_free char *dir = container_dir(core, id);

	remove_tree(AT_FDCWD, dir);
}

/* Calls sweep for each folder <parent>/containers/ID without a record. */
static int sweep_folders(struct core *core, const char *parent,
			 void (*sweep)(struct core *core, const char *id), struct gantry_error *err)
{
	auto_free char *folder = path_join(parent, "containers", NULL);
	auto_dir DIR *dir = opendir(folder);
	struct dirent *e;
	int r = 0;

	while (dir && r == 0 && (e = readdir(dir))) {
		int64_t known = 0;

		if (e->d_name[0] == '.') {
			continue;
		}
		r = db_get_int(core->db, 0, &known, err, "SELECT count(*) FROM containers WHERE id=?", "s",
			       e->d_name);
		if (r == 0 && !known) {
			sweep(core, e->d_name);
		}
	}
	return r;
}

static int abandon_created(struct core *core, struct container *c, void *data,
			   struct gantry_error *err)
{
	auto_free char *state_dir = container_runtime_dir(core, c->id);
	auto_free char *run_dir = container_run_dir(core, c->id);
	auto_free char *lock_path = path_join(run_dir, "shim.lock", NULL);
	auto_(reply) struct reply ret = REPLY_INIT;
	struct gantry_error ignored = GANTRY_ERROR_INIT;
	auto_fd int fd = open(lock_path, O_RDONLY | O_CLOEXEC);
	struct driver *runtime;

	/* A start that died half-way: its shim is gone, its cgroup may not be. */
	if (container_is_running(c) || (fd >= 0 && flock(fd, LOCK_SH | LOCK_NB) < 0)) {
		return 0;
	}
	if (access(state_dir, F_OK) == 0 &&
	    container_runtime(core, c, &runtime, &ignored) == 0) {
		(void)runtime_delete(runtime,
				     &GANTRY_RUNTIME_DELETE_ARGS(.id = c->id, .state_dir = state_dir,
								 .force = 1),
				     &ret, &ignored);
	}
	return network_detach_all(core, c, &ignored), 0;
}

static int finish_containers(struct core *core, struct gantry_error *err)
{
	int r = container_each(core, abandon_created, NULL, err);

	return r < 0 ? r : container_each(core, finish_removal, NULL, err);
}

static int sweep_run_folders(struct core *core, struct gantry_error *err)
{
	return sweep_folders(core, core->paths.run_root, sweep_run_folder, err);
}

static int sweep_log_folders(struct core *core, struct gantry_error *err)
{
	return sweep_folders(core, core->paths.root, sweep_log_folder, err);
}

static int collect_layers(struct core *core, struct gantry_error *err)
{
	/* A power cut may have left files that are named and not written. */
	return image_collect(core, core->new_boot ? COLLECT_ALL : COLLECT_LAYERS, NULL, NULL, err);
}

/* Each step is done, whatever became of the one before it; err is the first failure. */
static int reconcile_all(struct core *core, struct gantry_error *err)
{
	/* Half-unpacked layers go before collecting: they stand on whole ones. */
	static int (*const steps[])(struct core *core, struct gantry_error *err) = {
		finish_containers, sweep_run_folders, sweep_log_folders,
		sweep_snapshots,   collect_layers,    networks_reconcile,
	};

	for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
		struct gantry_error failed = GANTRY_ERROR_INIT;

		if (steps[i](core, &failed) < 0 && err->code == 0) {
			*err = failed;
		}
	}
	return err->code;
}

int engine_reconcile(struct core *core, struct gantry_error *err)
{
	auto_free char *folder = path_join(core->paths.run_root, "engines", NULL);
	auto_json struct json_object *dead = json_object_new_array();
	auto_(buf) struct buf boot = BUF_INIT;
	int r = folder ? mark_make(core, &core->mark, err) : error_no_memory(err);

	if (r < 0) {
		return r;
	}
	core->new_boot = is_new_boot(core, &boot);
	if (!find_dead(core, folder, dead) && !core->new_boot) {
		return 0;
	}
	if (reconcile_all(core, &core->unfinished) < 0) {
		error_prefix(&core->unfinished, "cannot finish what an earlier process left");
		if (!core->unfinished.hint[0]) {
			error_hint(&core->unfinished, "it is tried again with every command; `gantry doctor` shows "
				   "what this host lacks");
		}
		return 0; /* the marks stay, so that the next tries again */
	}
	for (size_t i = 0; i < json_array_size(dead); i++) {
		auto_free char *path = path_join(folder, json_item_string(dead, i), NULL);

		unlink(path);
	}
	if (core->new_boot) {
		remember_boot(core, &boot);
	}
	return 0;
}
