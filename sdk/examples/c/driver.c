/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A volume driver: each volume is a folder below state_dir, and who uses one is
 * a file below run_dir, which a reboot clears.
 *
 * Every step can be repeated: a volume appears by rename() when it is whole, and
 * goes by rename() before its files are deleted, so that a process that is killed
 * leaves nothing but names that start with a dot, which the next open() removes.
 * Calls about one volume come one after another (GANTRY_THREADS_PER_OBJECT), also
 * from other processes only as far as these steps can meet.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <gantry/facade.h>
#include <gantry/volume.h>

struct driver {
	const struct gantry_host *host;
};

/* A name becomes part of a path, so it must not say where. */
static int check_name(const char *what, const char *name, struct gantry_error *err)
{
	size_t len = name ? strlen(name) : 0;

	if (len == 0 || len > 200 || name[0] == '.' || strchr(name, '/')) {
		return gantry_fail(err, GANTRY_ERR_INVALID,
				   "%s \"%.60s\": a name has 1 to 200 bytes, no '/', and no '.' in front",
				   what, name ? name : "");
	}
	return 0;
}

/* state_dir/NAME, run_dir/NAME or run_dir/NAME/USER in a buffer of PATH_MAX. */
static char *join(char *to, const char *folder, const char *name, const char *user)
{
	snprintf(to, PATH_MAX, "%s/%s%s%s", folder, name, user ? "/" : "", user ? user : "");
	return to;
}

static int is_there(const struct driver *d, const char *name)
{
	char path[PATH_MAX];
	struct stat st;

	return stat(join(path, d->host->state_dir, name, NULL), &st) == 0;
}

static int must_be_there(const struct driver *d, const char *name, struct gantry_error *err)
{
	int r = check_name("volume", name, err);

	if (r == 0 && !is_there(d, name)) {
		r = gantry_fail(err, GANTRY_ERR_NOT_FOUND, "volume %s: there is no such volume", name);
	}
	return r;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st, (void)type, (void)ftw;
	return remove(path) < 0 && errno != ENOENT ? -1 : 0;
}

/* A folder and all in it; one that is not there is no error. */
static int remove_folder(const char *path)
{
	return nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT) < 0 && errno != ENOENT ? -1 : 0;
}

static int create(void *self, const struct gantry_volume_create_args *args, struct gantry_reply *reply,
		  struct gantry_error *err)
{
	const struct driver *d = self;
	char half[PATH_MAX], whole[PATH_MAX];
	int r = check_name("volume", args->name, err);

	(void)reply;
	if (r < 0 || is_there(d, args->name)) {
		return r;
	}
	if (args->options && strcmp(args->options, "{}") != 0 && args->options[0]) {
		gantry_fail(err, GANTRY_ERR_INVALID, "volume %s: this driver has no options", args->name);
		return gantry_hint(err, "create it without --opt");
	}
	snprintf(half, sizeof(half), "%s/.new-XXXXXX", d->host->state_dir);
	if (!mkdtemp(half) || chmod(half, 0755) < 0) {
		return gantry_fail_errno(err, errno, "volume %s: cannot make a folder in %s", args->name,
					 d->host->state_dir);
	}
	if (rename(half, join(whole, d->host->state_dir, args->name, NULL)) < 0) {
		r = errno;
		rmdir(half);
		/* Another process was faster: that is the same volume. */
		return is_there(d, args->name) ? 0
					       : gantry_fail_errno(err, r, "volume %s: cannot rename %s",
								   args->name, half);
	}
	return 0;
}

static int mount(void *self, const struct gantry_volume_mount_args *args, struct gantry_reply *reply,
		 struct gantry_error *err)
{
	const struct driver *d = self;
	char users[PATH_MAX], user[PATH_MAX], path[PATH_MAX];
	int fd, r = must_be_there(d, args->name, err);

	if (r == 0) {
		r = check_name("user", args->user, err);
	}
	if (r < 0) {
		return r;
	}
	if (mkdir(join(users, d->host->run_dir, args->name, NULL), 0700) < 0 && errno != EEXIST) {
		return gantry_fail_errno(err, errno, "volume %s: cannot make %s", args->name, users);
	}
	fd = open(join(user, d->host->run_dir, args->name, args->user), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0) {
		return gantry_fail_errno(err, errno, "volume %s: cannot make %s", args->name, user);
	}
	close(fd);
	return gantry_volume_mount_set_path(reply, join(path, d->host->state_dir, args->name, NULL)) < 0
		       ? gantry_fail(err, GANTRY_ERR_NO_MEMORY, "volume %s: out of memory", args->name)
		       : 0;
}

static int unmount(void *self, const struct gantry_volume_unmount_args *args, struct gantry_reply *reply,
		   struct gantry_error *err)
{
	const struct driver *d = self;
	char path[PATH_MAX];
	int r = check_name("volume", args->name, err);

	(void)reply;
	if (r == 0) {
		r = check_name("user", args->user, err);
	}
	if (r == 0 && unlink(join(path, d->host->run_dir, args->name, args->user)) < 0 && errno != ENOENT) {
		r = gantry_fail_errno(err, errno, "volume %s: cannot remove %s", args->name, path);
	}
	return r;
}

static int inspect(void *self, const struct gantry_volume_inspect_args *args, struct gantry_reply *reply,
		   struct gantry_error *err)
{
	const struct driver *d = self;
	char path[PATH_MAX];
	int r = must_be_there(d, args->name, err);

	if (r < 0) {
		return r;
	}
	return gantry_volume_inspect_set_mountpoint(reply, join(path, d->host->state_dir, args->name, NULL)) < 0
		       ? gantry_fail(err, GANTRY_ERR_NO_MEMORY, "volume %s: out of memory", args->name)
		       : 0;
}

static int list(void *self, const struct gantry_volume_list_args *args, struct gantry_reply *reply,
		struct gantry_error *err)
{
	const struct driver *d = self;
	DIR *folder = opendir(d->host->state_dir);
	struct dirent *e;
	int r = 0;

	(void)args;
	if (!folder) {
		return gantry_fail_errno(err, errno, "cannot read %s", d->host->state_dir);
	}
	while (r == 0 && (e = readdir(folder))) {
		if (e->d_name[0] != '.' && gantry_volume_list_add_name(reply, e->d_name) < 0) {
			r = gantry_fail(err, GANTRY_ERR_NO_MEMORY, "out of memory");
		}
	}
	closedir(folder);
	return r;
}

static int remove_volume(void *self, const struct gantry_volume_remove_args *args,
			 struct gantry_reply *reply, struct gantry_error *err)
{
	const struct driver *d = self;
	char path[PATH_MAX], gone[PATH_MAX];
	int r = check_name("volume", args->name, err);

	(void)reply;
	if (r < 0 || !is_there(d, args->name)) {
		return r;
	}
	if (rmdir(join(path, d->host->run_dir, args->name, NULL)) < 0 && errno != ENOENT) {
		return errno == ENOTEMPTY
			       ? gantry_fail(err, GANTRY_ERR_IN_USE, "volume %s: a container uses it", args->name)
			       : gantry_fail_errno(err, errno, "volume %s: cannot remove %s", args->name, path);
	}
	snprintf(gone, sizeof(gone), "%s/.gone-XXXXXX", d->host->state_dir);
	if (!mkdtemp(gone)) {
		return gantry_fail_errno(err, errno, "volume %s: cannot make %s", args->name, gone);
	}
	/* Over the empty folder, in one step. */
	if (rename(join(path, d->host->state_dir, args->name, NULL), gone) < 0 && errno != ENOENT) {
		return gantry_fail_errno(err, errno, "volume %s: cannot rename %s", args->name, path);
	}
	return remove_folder(gone) < 0 ? gantry_fail_errno(err, errno, "volume %s: cannot remove %s",
							   args->name, gone)
				       : 0;
}

/* Names with a dot are what a killed process left, unless they are so young that they may be
 * another's at work. */
static void remove_leftovers(const char *state_dir)
{
	DIR *folder = opendir(state_dir);
	struct dirent *e;
	struct stat st;
	char path[PATH_MAX];

	while (folder && (e = readdir(folder))) {
		if ((strncmp(e->d_name, ".new-", 5) == 0 || strncmp(e->d_name, ".gone-", 6) == 0) &&
		    lstat(join(path, state_dir, e->d_name, NULL), &st) == 0 && st.st_mtime + 60 < time(NULL)) {
			remove_folder(path);
		}
	}
	if (folder) {
		closedir(folder);
	}
}

static int open_driver(const struct gantry_host *host, const char *config, void **ret_self,
		       struct gantry_error *err)
{
	struct driver *d = malloc(sizeof(*d));

	(void)config;
	if (!d) {
		return gantry_fail(err, GANTRY_ERR_NO_MEMORY, "out of memory");
	}
	d->host = host;
	remove_leftovers(host->state_dir);
	*ret_self = d;
	return 0;
}

static void close_driver(void *self)
{
	free(self);
}

static const struct gantry_volume_ops ops = {
	.struct_size = sizeof(ops),
	.create = create,
	.mount = mount,
	.unmount = unmount,
	.inspect = inspect,
	.list = list,
	.remove = remove_volume,
};

static const struct gantry_driver driver = {
	.size = sizeof(driver),
	.threads = GANTRY_THREADS_PER_OBJECT,
	.kind = "volume",
	.name = "example",
	.summary = "Volumes as folders",
	.ops = &ops,
	.open = open_driver,
	.close = close_driver,
};

static const struct gantry_driver *const drivers[] = { &driver, NULL };

GANTRY_PLUGIN(.name = "example", .version = "1.0.0", .licence = "Apache-2.0",
	      .flags = GANTRY_PLUGIN_UNLOADABLE, .drivers = drivers);
