/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Overlay mounts.  The options, and why:
 *
 *  index=off           copying up may break hard links, as with every peer; an
 *                      index would make a second mount of a layer fail and ties
 *                      upper folders to one set of lower inodes.
 *  metacopy=off        an upper folder must hold the data that diff packs.
 *  redirect_dir=nofollow  renaming a lower folder fails with EXDEV and programs
 *                      copy, so that diff needs the upper folder alone; and a
 *                      redirect that came in from elsewhere is not followed.
 *  xino=auto           inode numbers stay unique and stable where bits are left.
 *  volatile            only for transient mounts (containers that are removed when
 *                      they end): it saves syncing the upper filesystem at unmount,
 *                      milliseconds.  Elsewhere fsync inside a container means what
 *                      it says: databases run there; and after a crash a volatile
 *                      upper could not be mounted again.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "helpers/buf.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "helpers/folder_mount.h"
#include "helpers/io.h"
#include "helpers/layer_snapshots.h"
#include "helpers/snapshot_attach.h"
#include "overlay.h"

/* fsconfig() takes strings of up to 255 bytes; longer paths go by descriptor. */
#define MAX_STRING 255
#define MAX_LAYERS (SNAPSHOT_MAX_PARENTS + 2)
#define MAX_LOWER 500 /* of the kernel */

/* One mount in the making. */
struct job {
	const struct overlay *o;
	const struct snapshot *snap;
	const struct overlay_mount_options *options;
	int has_places; /* the layer of mount points lies at the bottom */
	int fds[MAX_LAYERS + 3]; /* what must stay open until it is mounted */
	size_t n_fds;
	const char *pad; /* an attached snapshot that is the only layer: overlayfs wants two */
};

static void job_done(struct job *j)
{
	while (j->n_fds > 0)
		close(j->fds[--j->n_fds]);
}

static int layer_path(const struct job *j, enum snapshot_state state, const char *key,
		      const char *name, char *to, size_t size, struct gantry_error *err)
{
	int n = snprintf(to, size, "%s/%s/%s/%s", j->o->snapshots.path, snapshot_folder(state), key,
			 name);

	if (n < 0 || (size_t)n >= size)
		return error_set(err, GANTRY_ERR_INVALID, "the path of snapshot %s is too long", key);
	return 0;
}

static int places_path(const struct job *j, char *to, size_t size, struct gantry_error *err)
{
	int n = snprintf(to, size, "%s/" OVERLAY_PLACES, j->o->snapshots.path);

	if (n < 0 || (size_t)n >= size)
		return error_errno(err, ENAMETOOLONG, "%s", j->o->snapshots.path);
	return 0;
}

/* The same folder id-mapped for a user namespace; the job keeps it open. */
static int open_mapped(struct job *j, const char *path, struct gantry_error *err)
{
	struct mount_attr attr = {
		.attr_set = MOUNT_ATTR_IDMAP,
		.userns_fd = (uint64_t)j->options->userns,
	};
	int fd = open_tree(AT_FDCWD, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);

	if (fd < 0)
		return error_errno(err, errno, "cannot open layer %s", path);
	j->fds[j->n_fds++] = fd;
	if (mount_setattr(fd, "", AT_EMPTY_PATH, &attr, sizeof(attr)) < 0) {
		error_errno(err, errno, "cannot map the owners of layer %s", path);
		return error_hint(err, "id-mapped layers need Linux 5.19 and a filesystem that "
				       "supports id-mapped mounts");
	}
	return fd;
}

/* What the kernel shall call the folder: its path where that may be given. */
static int folder_name(struct job *j, const char *path, int by_fd, char *to, size_t size,
		       struct gantry_error *err)
{
	int fd;

	if (j->options->userns >= 0) {
		fd = open_mapped(j, path, err);
		if (fd < 0)
			return fd;
	} else if (by_fd || strlen(path) > MAX_STRING || strchr(path, '\\')) {
		fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (fd < 0)
			return error_errno(err, errno, "cannot open layer %s", path);
		j->fds[j->n_fds++] = fd;
	} else {
		strcpy(to, path);
		return 0;
	}
	snprintf(to, size, "/proc/self/fd/%d", fd);
	return 0;
}

static int layer_name(struct job *j, enum snapshot_state state, const char *key, const char *name,
		      int by_fd, char *to, size_t size, struct gantry_error *err)
{
	char path[4096];
	int r = layer_path(j, state, key, name, path, sizeof(path), err);

	return r < 0 ? r : folder_name(j, path, by_fd, to, size, err);
}

/* A lower layer: a snapshot's own folder, or what is attached in its place. */
static int layer_content(struct job *j, enum snapshot_state state, const char *key, int by_fd,
			 char *to, size_t size, struct gantry_error *err)
{
	int fd, r;

	if (j->options->attached < 0)
		return layer_name(j, state, key, "fs", by_fd, to, size, err);
	r = snapshot_open_attached(&j->o->snapshots, state, key, j->options->attached, &fd, err);
	if (r < 0)
		return r;
	if (fd < 0)
		return layer_name(j, state, key, "fs", by_fd, to, size, err);
	j->fds[j->n_fds++] = fd;
	if (j->options->userns >= 0)
		return error_set(err, GANTRY_ERR_UNSUPPORTED,
				 "the owners of attached snapshot %s cannot be mapped", key);
	snprintf(to, size, "/proc/self/fd/%d", fd);
	return 0;
}

/* How many lower layers the view has, and the i-th of them, topmost first. */
static size_t lower_count(const struct job *j)
{
	return j->snap->n_parents + (j->options->view == OVERLAY_READ_ONLY) + (j->pad != NULL) +
	       (size_t)j->has_places;
}

static int lower_name(struct job *j, size_t i, int by_fd, char *to, size_t size,
		      struct gantry_error *err)
{
	size_t own = j->options->view == OVERLAY_READ_ONLY;

	if (own && i == 0)
		return layer_content(j, j->snap->state, j->snap->key, by_fd, to, size, err);
	if (i - own == j->snap->n_parents && j->pad)
		return layer_name(j, SNAPSHOT_COMMITTED, j->pad, "root", by_fd, to, size, err);
	if (i - own == j->snap->n_parents) {
		char path[4096];
		int r = places_path(j, path, sizeof(path), err);

		return r < 0 ? r : folder_name(j, path, by_fd, to, size, err);
	}
	return layer_content(j, SNAPSHOT_COMMITTED, j->snap->parents[i - own], by_fd, to, size, err);
}

static int make_work(const struct job *j, struct gantry_error *err)
{
	char path[NAME_MAX + 32];

	snprintf(path, sizeof(path), "active/%s/work", j->snap->key);
	if (mkdirat(j->o->snapshots.fd, path, 0700) < 0 && errno != EEXIST)
		return error_errno(err, errno, "cannot create %s/%s", j->o->snapshots.path, path);
	return 0;
}

/* What the kernel says about a refused mount, without its "e overlay: ". */
static int kernel_error(const struct job *j, int fs, int sys_errno, struct gantry_error *err)
{
	char log[512] = "";
	ssize_t n = read(fs, log, sizeof(log) - 1);
	char *text = log;

	if (n > 0) {
		log[n] = '\0';
		text = n > 2 && log[1] == ' ' ? log + 2 : log;
		text[strcspn(text, "\n")] = '\0';
	}
	error_errno(err, sys_errno, "cannot mount snapshot %s%s%s%s", j->snap->key,
		    *text ? " (" : "", text, *text ? ")" : "");
	if (sys_errno == ENOENT)
		error_hint(err, "one of its layers is missing: pull the image again");
	return err->code;
}

static int set_string(int fs, const char *key, const char *value)
{
	return fsconfig(fs, FSCONFIG_SET_STRING, key, value, 0) < 0 ? -errno : 0;
}

static int set_options(const struct job *j, int fs)
{
	static const char *const options[][2] = {
		{ "index", "off" },
		{ "metacopy", "off" },
		{ "redirect_dir", "nofollow" },
		{ "xino", "auto" },
	};
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(options); i++)
		r = set_string(fs, options[i][0], options[i][1]);
	if (r == 0 && j->o->style == LAYER_OVERLAY_USER &&
	    fsconfig(fs, FSCONFIG_SET_FLAG, "userxattr", NULL, 0) < 0)
		r = -errno;
	if (r == 0 && j->options->transient && j->options->view == OVERLAY_WRITABLE &&
	    fsconfig(fs, FSCONFIG_SET_FLAG, "volatile", NULL, 0) < 0 && errno != EINVAL)
		r = -errno; /* kernels before 5.10 do not know it */
	if (r == 0 && j->options->label && *j->options->label)
		r = set_string(fs, "context", j->options->label);
	return r;
}

/* *ret_old_kernel is set when it has no lowerdir+. */
static int set_layers(struct job *j, int fs, int *ret_old_kernel, struct gantry_error *err)
{
	char name[4096];
	int r;

	for (size_t i = 0; i < lower_count(j); i++) {
		r = lower_name(j, i, 0, name, sizeof(name), err);
		if (r < 0)
			return r;
		r = set_string(fs, "lowerdir+", name);
		if (r == -EINVAL && i == 0)
			*ret_old_kernel = 1;
		if (r < 0)
			return kernel_error(j, fs, -r, err);
	}
	if (j->options->view != OVERLAY_WRITABLE)
		return 0;
	r = layer_name(j, SNAPSHOT_ACTIVE, j->snap->key, "fs", 0, name, sizeof(name), err);
	if (r < 0)
		return r;
	r = set_string(fs, "upperdir", name);
	if (r < 0)
		return kernel_error(j, fs, -r, err);
	r = make_work(j, err);
	if (r == 0)
		r = layer_name(j, SNAPSHOT_ACTIVE, j->snap->key, "work", 0, name, sizeof(name), err);
	if (r < 0)
		return r;
	r = set_string(fs, "workdir", name);
	return r < 0 ? kernel_error(j, fs, -r, err) : 0;
}

static int mount_new(struct job *j, int *ret_old_kernel, struct gantry_error *err)
{
	unsigned int attributes = j->options->view == OVERLAY_WRITABLE ? 0 : MOUNT_ATTR_RDONLY;
	auto_fd int fs = fsopen("overlay", FSOPEN_CLOEXEC);
	int fd, r;

	if (fs < 0) {
		error_errno(err, errno, "cannot use overlayfs");
		return error_hint(err, "load the kernel module `overlay`, or use storage/unionfs or "
				       "storage/vfs");
	}
	r = set_layers(j, fs, ret_old_kernel, err);
	if (r < 0)
		return r;
	r = set_options(j, fs);
	if (r < 0)
		return kernel_error(j, fs, -r, err);
	if (fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return kernel_error(j, fs, errno, err);
	fd = fsmount(fs, FSMOUNT_CLOEXEC, attributes);
	return fd < 0 ? kernel_error(j, fs, errno, err) : fd;
}

/* One option string; a descriptor's name is shorter than any path, and has none
 * of the characters that would need escaping. */
static int classic_options(struct job *j, struct buf *out, struct gantry_error *err)
{
	char name[4096];
	int r = 0;

	buf_adds(out, "index=off,metacopy=off,redirect_dir=nofollow,xino=auto,lowerdir=");
	for (size_t i = 0; r == 0 && i < lower_count(j); i++) {
		r = lower_name(j, i, 1, name, sizeof(name), err);
		buf_addf(out, "%s%s", i ? ":" : "", name);
	}
	if (r == 0 && j->options->view == OVERLAY_WRITABLE) {
		r = make_work(j, err);
		if (r == 0)
			r = layer_name(j, SNAPSHOT_ACTIVE, j->snap->key, "fs", 1, name, sizeof(name), err);
		buf_addf(out, ",upperdir=%s", name);
		if (r == 0)
			r = layer_name(j, SNAPSHOT_ACTIVE, j->snap->key, "work", 1, name, sizeof(name), err);
		buf_addf(out, ",workdir=%s", name);
	}
	if (j->o->style == LAYER_OVERLAY_USER)
		buf_adds(out, ",userxattr");
	if (j->options->label && *j->options->label)
		buf_addf(out, ",context=\"%s\"", j->options->label);
	if (r == 0 && buf_failed(out))
		return error_no_memory(err);
	if (r == 0 && out->len >= 4096)
		return error_set(err, GANTRY_ERR_LIMIT, "snapshot %s has too many layers for this kernel",
				 j->snap->key);
	return r;
}

struct classic {
	struct job *job;
	struct gantry_error *err;
	int fd; /* the result, or a negative code with err filled */
};

static int classic_mount(struct job *j, struct gantry_error *err)
{
	unsigned long flags = j->options->view == OVERLAY_WRITABLE ? 0 : MS_RDONLY;
	const char *target = j->o->snapshots.path;
	auto_(buf) struct buf options = BUF_INIT;
	int fd, r;

	if (unshare(CLONE_FS | CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return error_errno(err, errno, "cannot make a private place to mount snapshot %s",
				   j->snap->key);
	/* The layers are opened here: the kernel takes none of another namespace. */
	r = classic_options(j, &options, err);
	if (r < 0)
		return r;
	if (mount("overlay", target, "overlay", flags, buf_str(&options)) < 0)
		return error_errno(err, errno, "cannot mount snapshot %s", j->snap->key);
	fd = open_tree(AT_FDCWD, target, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	return fd < 0 ? error_errno(err, errno, "cannot mount snapshot %s", j->snap->key) : fd;
}

static void *classic_thread(void *ctx)
{
	struct classic *c = ctx;

	c->fd = classic_mount(c->job, c->err);
	return NULL;
}

/* The thread's own mount namespace is the private place: what is mounted there
 * goes away with the thread, whatever happens to the process. */
static int mount_classic(struct job *j, struct gantry_error *err)
{
	struct classic c = { .job = j, .err = err };
	pthread_t thread;
	int r = pthread_create(&thread, NULL, classic_thread, &c);

	if (r != 0)
		return error_errno(err, r, "cannot start a thread to mount snapshot %s", j->snap->key);
	pthread_join(thread, NULL);
	return c.fd;
}

/* A single folder needs no overlay: a clone of the mount it is on. */
static int mount_folder(struct job *j, enum snapshot_state state, const char *key,
			struct gantry_error *err)
{
	char path[4096];
	int r = layer_path(j, state, key, "fs", path, sizeof(path), err);

	if (r < 0)
		return r;
	return folder_mount(path, j->options->view != OVERLAY_WRITABLE, j->options->userns, err);
}

/* The only layer of the view, if it is an attached one. */
static const char *single_attached(const struct job *j)
{
	int own = j->options->view == OVERLAY_READ_ONLY;
	int alone = j->snap->n_parents + (size_t)own == 1 && j->options->view != OVERLAY_WRITABLE;

	if (!alone || !snapshot_has_attached(&j->o->snapshots, j->snap, own))
		return NULL;
	return own ? j->snap->key : j->snap->parents[0];
}

static int mount_job(struct job *j, struct gantry_error *err)
{
	enum overlay_mount_api api = j->o->mount_api;
	int old_kernel = 0;
	int fd;

	if (j->options->attached >= 0)
		j->pad = single_attached(j);
	if (j->options->view == OVERLAY_PARENT && j->snap->n_parents == 1 && !j->pad)
		return mount_folder(j, SNAPSHOT_COMMITTED, j->snap->parents[0], err);
	if (j->snap->n_parents == 0 && !j->pad)
		return mount_folder(j, j->snap->state, j->snap->key, err);
	/* Views of a layer show what is in it and no more. */
	j->has_places = j->snap->state == SNAPSHOT_ACTIVE && j->options->view != OVERLAY_PARENT &&
			lower_count(j) < MAX_LOWER && overlay_have_places(j->o);
	if (api == OVERLAY_MOUNT_CLASSIC)
		return mount_classic(j, err);
	fd = mount_new(j, &old_kernel, err);
	if (fd < 0 && old_kernel && api == OVERLAY_MOUNT_AUTO) {
		error_clear(err);
		return mount_classic(j, err);
	}
	return fd;
}

int overlay_mount_snapshot(const struct overlay *o, const struct snapshot *snap,
			   const struct overlay_mount_options *options, struct gantry_error *err)
{
	struct job j = { .o = o, .snap = snap, .options = options };
	int fd = mount_job(&j, err);

	job_done(&j);
	return fd;
}

static int try_mount(const char *dir, struct gantry_error *err)
{
	static const char *const names[][2] = {
		{ "lowerdir", "lower" }, { "upperdir", "upper" }, { "workdir", "work" },
	};
	auto_fd int fs = fsopen("overlay", FSOPEN_CLOEXEC);

	if (fs < 0)
		return error_errno(err, errno, "the kernel has no overlayfs");
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		auto_free char *path = NULL;
		auto_fd int fd = -1;
		char name[64];

		if (asprintf(&path, "%s/%s", dir, names[i][1]) < 0)
			return error_no_memory(err);
		if (mkdir(path, 0700) < 0)
			return error_errno(err, errno, "cannot create %s", path);
		fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
		snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
		if (fd < 0 || set_string(fs, names[i][0], name) < 0)
			return error_errno(err, errno, "overlayfs takes no layers on this filesystem");
	}
	if (layer_style_here() == LAYER_OVERLAY_USER)
		(void)fsconfig(fs, FSCONFIG_SET_FLAG, "userxattr", NULL, 0);
	if (fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return error_errno(err, errno, "overlayfs cannot be mounted on this filesystem");
	return 0;
}

int overlay_try(const char *dir, struct gantry_error *err)
{
	auto_free char *path = NULL;
	int r;

	if (asprintf(&path, "%s/probe.XXXXXX", dir) < 0)
		return error_no_memory(err);
	if (!mkdtemp(path))
		return error_errno(err, errno, "cannot write to %s", dir);
	r = try_mount(path, err);
	(void)remove_tree(AT_FDCWD, path);
	if (r < 0) {
		err->code = GANTRY_ERR_UNSUPPORTED;
		return error_hint(err, "keep the state on ext4, xfs or btrfs, or use storage/unionfs "
				       "or storage/vfs");
	}
	return 0;
}

int overlay_try_attached(const struct overlay *o, const char *key, int attached,
			 struct gantry_error *err)
{
	struct snapshot snap = { .state = SNAPSHOT_COMMITTED, .key = key };
	struct overlay_mount_options options = { .view = OVERLAY_READ_ONLY, .userns = -1,
						 .attached = attached };
	auto_fd int fd = overlay_mount_snapshot(o, &snap, &options, err);

	if (fd >= 0)
		return 0;
	err->code = GANTRY_ERR_UNSUPPORTED;
	return error_hint(err, "this kernel makes no overlayfs over a mount that is attached nowhere; "
			       "storage/unionfs takes it");
}
