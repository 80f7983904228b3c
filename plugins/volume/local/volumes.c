/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A volume appears and goes by one rename: it is filled in .new and deleted in .trash,
 * and what a killed process left there is deleted with the next removal.  Mounting, unmounting and
 * removing hold a lock on the volume's folder.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "helpers/buf.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "helpers/io.h"
#include "helpers/json.h"
#include "mount.h"
#include "quota.h"
#include "volumes.h"

#define NAME_LIMIT 200
#define OPTIONS_LIMIT 65536
#define PATH_ROOM 512
#define GRACE_S 5

int volumes_open(struct volumes *v, const struct gantry_host *host, struct gantry_error *err)
{
	v->host = host;
	v->state = open(host->state_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	v->run = open(host->run_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (v->state < 0 || v->run < 0) {
		error_errno(err, errno, "cannot open %s",
			    v->state < 0 ? host->state_dir : host->run_dir);
		volumes_done(v);
		return err->code;
	}
	return 0;
}

void volumes_done(struct volumes *v)
{
	cleanup_fd(&v->state);
	cleanup_fd(&v->run);
	v->state = v->run = -1;
}

static int is_name(const char *name, size_t min)
{
	size_t len = strlen(name);

	return len >= min && len <= NAME_LIMIT && *name != '.' && *name != '-' && *name != '_' &&
	       strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-") ==
		       len;
}

int volume_check_name(const char *name, struct gantry_error *err)
{
	if (is_name(name, 2)) {
		return 0;
	}
	error_set(err, GANTRY_ERR_INVALID, "\"%.220s\" cannot name a volume", name);
	return error_hint(err, "use 2 to 200 of [a-zA-Z0-9_.-], the first a letter or digit; for a "
			       "folder of this host use an absolute path");
}

/* The volume's folder, locked against other users; NOT_FOUND. */
static int open_locked(const struct volumes *v, const char *name, int *ret_fd,
		       struct gantry_error *err)
{
	int r = volume_check_name(name, err);

	if (r < 0) {
		return r;
	}
	for (;;) {
		auto_fd int fd = openat(v->state, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		struct stat ours, there;

		if (fd < 0) {
			return errno == ENOENT ? error_set(err, GANTRY_ERR_NOT_FOUND,
							   "there is no volume %s", name)
					       : error_errno(err, errno, "cannot open volume %s", name);
		}
		while (flock(fd, LOCK_EX) < 0) {
			if (errno != EINTR) {
				return error_errno(err, errno, "cannot lock volume %s", name);
			}
		}
		/* Removed, and perhaps made again, while we waited? */
		if (fstat(fd, &ours) == 0 &&
		    fstatat(v->state, name, &there, AT_SYMLINK_NOFOLLOW) == 0 &&
		    ours.st_ino == there.st_ino) {
			*ret_fd = steal_fd(&fd);
			return 0;
		}
	}
}

/* The options as written; "" when there are none. */
static int read_options(int volume, const char *name, struct buf *out, struct gantry_error *err)
{
	int r = read_file(volume, "options.json", out, OPTIONS_LIMIT);

	return r < 0 && r != -ENOENT ? error_errno(err, -r, "cannot read the options of volume %s", name)
				     : 0;
}

static int compare_options(const struct volumes *v, const char *name, const char *options,
			   struct gantry_error *err)
{
	auto_(buf) struct buf text = BUF_INIT;
	auto_json struct json_object *have = NULL, *want = NULL;
	auto_fd int fd = -1;
	int r = open_locked(v, name, &fd, err);

	if (r == 0) {
		r = read_options(fd, name, &text, err);
	}
	if (r == 0) {
		r = json_parse_object(buf_str(&text), "the volume's options", &have, err);
	}
	if (r == 0) {
		r = json_parse_object(options, "the volume's options", &want, err);
	}
	if (r == 0 && !json_object_equal(have, want)) {
		error_set(err, GANTRY_ERR_EXISTS, "volume %s exists with other options", name);
		return error_hint(err, "`gantry volume inspect %s` shows them", name);
	}
	return r;
}

/* mkdir with exactly this mode, whatever the umask. */
static int make_dir(int dirfd, const char *path, mode_t mode)
{
	if (mkdirat(dirfd, path, mode) < 0 || fchmodat(dirfd, path, mode, 0) < 0) {
		return -errno;
	}
	return 0;
}

/* Fills the new folder temp, below state. */
static int fill(const struct volumes *v, const char *temp, const char *name,
		const struct volume_options *o, const char *options, struct gantry_error *err)
{
	auto_fd int fd = -1;
	int r = make_dir(v->state, temp, 0701);

	if (r == 0) {
		fd = openat(v->state, temp, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		r = fd < 0 || flock(fd, LOCK_EX) < 0 ? -errno : make_dir(fd, "_data", 0755);
	}
	if (r == 0 && (o->type || o->size)) {
		r = write_file_atomic(fd, "options.json", options, strlen(options), 0600, 1);
	}
	if (r < 0) {
		return error_errno(err, -r, "cannot create volume %s", name);
	}
	return o->size ? quota_set(v->host, fd, name, o->size, err) : 0;
}

int volume_make(const struct volumes *v, const char *name, const char *options,
		struct gantry_error *err)
{
	auto_(volume_options) struct volume_options o = { 0 };
	char temp[PATH_ROOM];
	int r = volume_check_name(name, err);

	if (r == 0) {
		r = volume_options_parse(options, &o, err);
	}
	if (r < 0) {
		return r;
	}
	if (faccessat(v->state, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0) {
		return compare_options(v, name, options, err);
	}
	if (mkdirat(v->state, ".new", 0700) < 0 && errno != EEXIST) {
		return error_errno(err, errno, "cannot create volume %s", name);
	}
	snprintf(temp, sizeof(temp), ".new/%s.%d.%llx", name, getpid(),
		 (unsigned long long)time_monotonic_ns());
	r = fill(v, temp, name, &o, options, err);
	if (r == 0 && (r = rename_new_folder(v->state, temp, name)) < 0) {
		r = r == -EEXIST ? 1 : error_errno(err, -r, "cannot create volume %s", name);
	}
	if (r != 0) {
		auto_fd int fd = openat(v->state, temp, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

		if (fd >= 0) {
			quota_drop(v->host, fd);
		}
		(void)remove_tree(v->state, temp);
	}
	return r > 0 ? compare_options(v, name, options, err) : r;
}

static int make_path(const struct volumes *v, const char *name, char **ret, struct gantry_error *err)
{
	if (asprintf(ret, "%s/%s/_data", v->host->state_dir, name) < 0) {
		*ret = NULL;
		return error_no_memory(err);
	}
	return 0;
}

int volume_path(const struct volumes *v, const char *name, char **ret_path,
		struct gantry_error *err)
{
	int r = volume_check_name(name, err);

	if (r < 0) {
		return r;
	}
	if (faccessat(v->state, name, F_OK, AT_SYMLINK_NOFOLLOW) < 0) {
		return error_set(err, GANTRY_ERR_NOT_FOUND, "there is no volume %s", name);
	}
	return make_path(v, name, ret_path, err);
}

/* Notes a user (mark) or forgets it. */
static int note_user(const struct volumes *v, const char *name, const char *user, int mark,
		     struct gantry_error *err)
{
	char path[PATH_ROOM];
	int fd, r;

	if (!is_name(user, 1)) {
		return error_set(err, GANTRY_ERR_INVALID, "\"%.220s\" cannot name a user of a volume",
				 user);
	}
	snprintf(path, sizeof(path), "users/%s", name);
	if (mark) {
		r = make_dirs(v->run, path, 0700);
		if (r < 0) {
			return error_errno(err, -r, "cannot note the user of volume %s", name);
		}
	}
	snprintf(path, sizeof(path), "users/%s/%s", name, user);
	if (!mark) {
		return unlinkat(v->run, path, 0) < 0 && errno != ENOENT
			       ? error_errno(err, errno, "cannot forget a user of volume %s", name)
			       : 0;
	}
	fd = openat(v->run, path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0) {
		return error_errno(err, errno, "cannot note the user of volume %s", name);
	}
	close(fd);
	return 0;
}

/* A user of the volume into ret (NAME_MAX + 1 bytes); 0 when there is none. */
static int any_user(const struct volumes *v, const char *name, char *ret)
{
	char path[PATH_ROOM];
	auto_dir DIR *dir = NULL;
	struct dirent *e;
	int fd;

	snprintf(path, sizeof(path), "users/%s", name);
	fd = openat(v->run, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	dir = fd >= 0 ? fdopendir(fd) : NULL;
	while (dir && (e = readdir(dir))) {
		if (e->d_name[0] != '.') {
			strcpy(ret, e->d_name);
			return 1;
		}
	}
	return 0;
}

/* Mounts what the options say at path, if it is not there yet. */
static int ensure_mounted(const char *name, const struct volume_options *o, const char *path,
			  struct gantry_error *err)
{
	auto_fd int fd = -1;
	int r;

	if (volume_is_mounted(path)) {
		return 0;
	}
	r = volume_mount_detached(name, o, &fd, err);
	return r < 0 ? r : volume_mount_attach(fd, path, err);
}

int volume_use(const struct volumes *v, const char *name, const char *user, char **ret_path,
	       struct gantry_error *err)
{
	auto_(volume_options) struct volume_options o = { 0 };
	auto_(buf) struct buf text = BUF_INIT;
	auto_free char *path = NULL;
	auto_fd int fd = -1;
	struct gantry_error ignored = GANTRY_ERROR_INIT;
	char other[NAME_MAX + 1];
	int r = open_locked(v, name, &fd, err);

	if (r == 0) {
		r = read_options(fd, name, &text, err);
	}
	if (r == 0) {
		r = volume_options_parse(buf_str(&text), &o, err);
	}
	if (r == 0) {
		r = make_path(v, name, &path, err);
	}
	if (r == 0 && o.type) {
		r = note_user(v, name, user, 1, err);
		if (r == 0) {
			r = ensure_mounted(name, &o, path, err);
		}
		if (r < 0) {
			(void)note_user(v, name, user, 0, &ignored);
			if (!any_user(v, name, other)) {
				(void)volume_unmount_path(path, &ignored);
			}
		}
	}
	if (r == 0) {
		*ret_path = steal(&path);
	}
	return r;
}

int volume_release(const struct volumes *v, const char *name, const char *user,
		   struct gantry_error *err)
{
	struct gantry_error why = GANTRY_ERROR_INIT;
	auto_free char *path = NULL;
	auto_fd int fd = -1;
	char other[NAME_MAX + 1];
	int r = open_locked(v, name, &fd, &why);

	if (r == GANTRY_ERR_NOT_FOUND) {
		return 0;
	}
	if (r < 0) {
		*err = why;
		return r;
	}
	if (faccessat(fd, "options.json", F_OK, 0) < 0) {
		return 0; /* a folder: nobody counts its users */
	}
	r = note_user(v, name, user, 0, err);
	if (r == 0) {
		r = make_path(v, name, &path, err);
	}
	return r == 0 && !any_user(v, name, other) ? volume_unmount_path(path, err) : r;
}

/* Is a folder of .new nobody's any more?  Its maker holds a lock on it, soon after birth. */
static int is_abandoned(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && st.st_mtime + GRACE_S < time_now_ns() / 1000000000 &&
	       flock(fd, LOCK_EX | LOCK_NB) == 0;
}

/* Deletes what is in .trash and, when its maker is gone, in .new. */
static void empty_trash(const struct volumes *v)
{
	static const char *const dirs[] = { ".trash", ".new" };

	for (size_t i = 0; i < ARRAY_SIZE(dirs); i++) {
		int top = openat(v->state, dirs[i], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		auto_dir DIR *dir = top >= 0 ? fdopendir(top) : NULL;
		struct dirent *e;

		while (dir && (e = readdir(dir))) {
			auto_fd int fd = openat(top, e->d_name,
						O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

			if (e->d_name[0] == '.' || fd < 0 || (i == 1 && !is_abandoned(fd))) {
				continue;
			}
			quota_drop(v->host, fd);
			(void)remove_tree(top, e->d_name);
		}
	}
}

int volume_delete(const struct volumes *v, const char *name, struct gantry_error *err)
{
	struct gantry_error why = GANTRY_ERROR_INIT;
	char user[NAME_MAX + 1], temp[PATH_ROOM];
	auto_free char *path = NULL;
	auto_fd int fd = -1;
	int r = open_locked(v, name, &fd, &why);

	if (r == GANTRY_ERR_NOT_FOUND) {
		return 0;
	}
	if (r < 0) {
		*err = why;
		return r;
	}
	if (any_user(v, name, user)) {
		error_set(err, GANTRY_ERR_IN_USE, "cannot remove volume %s: container %.12s uses it",
			  name, user);
		return error_hint(err, "stop or remove the container first");
	}
	r = make_path(v, name, &path, err);
	if (r == 0) {
		r = volume_unmount_path(path, err);
	}
	if (r < 0) {
		return r;
	}
	quota_drop(v->host, fd);
	if (mkdirat(v->state, ".trash", 0700) < 0 && errno != EEXIST) {
		return error_errno(err, errno, "cannot remove volume %s", name);
	}
	snprintf(temp, sizeof(temp), ".trash/%s.%llx", name, (unsigned long long)time_monotonic_ns());
	if (renameat(v->state, name, v->state, temp) < 0) {
		return error_errno(err, errno, "cannot remove volume %s", name);
	}
	snprintf(temp, sizeof(temp), "users/%s", name);
	(void)unlinkat(v->run, temp, AT_REMOVEDIR);
	empty_trash(v);
	return 0;
}
