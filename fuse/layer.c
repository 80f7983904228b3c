/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <gantry/error.h>
#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "helpers/io.h"

#include "fuse/layer.h"
#include "fuse/unionfs.h"
#include "fuse/xattrat.h"

enum { DEVICE_SHIFT = 56, PATH_STEP = 3000 };

static int open_one(struct layer *layer, const char *path, struct gantry_error *err)
{
	struct stat st;

	if (layer->fd < 0)
		layer->fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (layer->fd < 0 || fstat(layer->fd, &st) < 0) {
		error_errno(err, errno, "cannot open the layer %s", path);
		return error_hint(err, "every entry of lowerdir and upperdir must be an existing "
				       "directory");
	}
	layer->dev = st.st_dev;
	layer->path = strdup(path);
	return layer->path ? 0 : error_no_memory(err);
}

/* Numbers the filesystems: layers on the same one share a number. */
static void number_devices(struct unionfs *fs)
{
	unsigned next = 0;

	fs->same_device = 1;
	for (unsigned i = fs->has_upper ? 0 : 1; i < fs->n_layers; i++) {
		struct layer *layer = &fs->layers[i];
		unsigned j = fs->has_upper ? 0 : 1;

		while (j < i && fs->layers[j].dev != layer->dev)
			j++;
		layer->device = j < i ? fs->layers[j].device : next++;
		if (layer->device)
			fs->same_device = 0;
	}
}

/* Which attribute family the upper filesystem lets us write. */
static int choose_format(struct unionfs *fs, struct gantry_error *err)
{
	struct format *f = &fs->format;
	int r;

	snprintf(f->prefix, sizeof(f->prefix), "trusted.overlay.");
	if (fs->opt.userxattr != OPT_ON && fs->privileged) {
		if (!fs->has_upper)
			return 0;
		r = format_set(f, fs->work_fd, ".", "opaque", "0", 1);
		if (r == 0) {
			(void)format_remove(f, fs->work_fd, ".", "opaque");
			return 0;
		}
		if (fs->opt.userxattr == OPT_OFF) {
			return error_errno(err, -r, "cannot write %sopaque in %s", f->prefix,
					   fs->opt.work);
		}
	}
	f->user = 1;
	snprintf(f->prefix, sizeof(f->prefix), "user.overlay.");
	return 0;
}

static int open_work(struct unionfs *fs, struct gantry_error *err)
{
	auto_fd int dir = open(fs->opt.work, O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct stat st;

	if (dir < 0 || fstat(dir, &st) < 0)
		return error_errno(err, errno, "cannot open the workdir %s", fs->opt.work);
	if (st.st_dev != fs->layers[0].dev) {
		error_set(err, GANTRY_ERR_INVALID, "the workdir %s is not on the filesystem of %s",
			  fs->opt.work, fs->opt.upper);
		return error_hint(err, "changes are moved from workdir to upperdir by rename(2), "
				       "which needs one filesystem");
	}
	/* What a killed server left behind was never part of the union. */
	(void)remove_tree(dir, "work");
	if (mkdirat(dir, "work", 0700) < 0 && errno != EEXIST)
		return error_errno(err, errno, "cannot create %s/work", fs->opt.work);
	fs->work_fd = openat(dir, "work", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fs->work_fd < 0)
		return error_errno(err, errno, "cannot open %s/work", fs->opt.work);
	return 0;
}

static int open_all(struct unionfs *fs, struct gantry_error *err)
{
	int r;

	if (fs->opt.upper) {
		r = open_one(&fs->layers[0], fs->opt.upper, err);
		if (r)
			return r;
		fs->has_upper = 1;
	}
	for (unsigned i = 0; i < fs->opt.n_lower; i++) {
		r = open_one(&fs->layers[i + 1], fs->opt.lower[i], err);
		if (r)
			return r;
	}
	number_devices(fs);
	return 0;
}

int layers_open(struct unionfs *fs, struct gantry_error *err)
{
	int r;

	fs->work_fd = -1;
	fs->n_layers = fs->opt.n_lower + 1;
	fs->layers = calloc(fs->n_layers, sizeof(*fs->layers));
	if (!fs->layers)
		return error_no_memory(err);
	for (unsigned i = 0; i < fs->n_layers; i++)
		fs->layers[i].fd = -1;
	r = open_all(fs, err);
	if (r == 0 && fs->has_upper && !fs->opt.read_only)
		r = open_work(fs, err);
	return r ? r : choose_format(fs, err);
}

int layers_inherit(struct unionfs *fs, struct gantry_error *err)
{
	int r = open_all(fs, err);

	return r ? r : choose_format(fs, err);
}

void layers_close(struct unionfs *fs)
{
	for (unsigned i = 0; fs->layers && i < fs->n_layers; i++) {
		if (fs->layers[i].fd >= 0)
			close(fs->layers[i].fd);
		free(fs->layers[i].path);
	}
	free(fs->layers);
	fs->layers = NULL;
	if (fs->work_fd >= 0)
		close(fs->work_fd);
	fs->work_fd = -1;
}

static int open_beneath(int dirfd, const char *path)
{
	struct open_how how = { .flags = O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC,
				.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS |
					   RESOLVE_NO_MAGICLINKS };
	int fd = (int)syscall(SYS_openat2, dirfd, path, &how, sizeof(how));

	return fd < 0 ? -errno : fd;
}

int layer_open_dir(const struct layer *layer, const char *path)
{
	auto_fd int at = -1;

	/* A path may be longer than one system call takes. */
	while (strlen(path) > PATH_STEP) {
		char part[PATH_STEP + 1];
		const char *end = memrchr(path, '/', PATH_STEP);
		int fd;

		if (!end)
			return -ENAMETOOLONG;
		memcpy(part, path, (size_t)(end - path));
		part[end - path] = '\0';
		fd = open_beneath(at >= 0 ? at : layer->fd, part);
		if (fd < 0)
			return fd;
		replace_fd(&at, fd);
		path = end + 1;
	}
	return open_beneath(at >= 0 ? at : layer->fd, path);
}

uint64_t layer_ino(const struct unionfs *fs, unsigned layer, uint64_t ino)
{
	uint64_t device = fs->layers[layer].device;

	if (!device)
		return ino;
	/* An inode number that uses the high bits is folded; it stays stable. */
	ino = (ino & ((1ULL << DEVICE_SHIFT) - 1)) ^ (ino >> DEVICE_SHIFT << 40);
	return ino | device << DEVICE_SHIFT;
}
