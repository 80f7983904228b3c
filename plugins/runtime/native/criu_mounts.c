/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <helpers/buf.h>
#include <helpers/cleanup.h>
#include <helpers/error.h>
#include <helpers/io.h>

#include "beneath.h"
#include "cgroup.h"
#include "criu_message.h"
#include "criu_mounts.h"
#include "foreign_mount.h"
#include "spec.h"

#define MOUNTINFO_LIMIT (16 << 20)
#define NULL_DEVICE "/dev/null"

/* Bound from the host where the container may not make them. */
static const char *const default_devices[] = { NULL_DEVICE, "/dev/zero", "/dev/full",
					       "/dev/random", "/dev/urandom", "/dev/tty" };

/* One line of /proc/PID/mountinfo. */
struct line {
	int id;
	const char *point, *type;
};

/* "\040" and its like become what they stand for. */
static void unescape(char *text)
{
	char *out = text;

	for (const char *p = text; *p; out++) {
		unsigned int code;

		if (*p == '\\' && sscanf(p + 1, "%3o", &code) == 1) {
			*out = (char)code;
			p += 4;
		} else {
			*out = *p++;
		}
	}
	*out = '\0';
}

/* Takes a line apart in place; false when it is none. */
static bool take_apart(char *text, struct line *ret)
{
	char *save = NULL, *words[5];
	char *dash = strstr(text, " - ");

	if (!dash)
		return false;
	*dash = '\0';
	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		words[i] = strtok_r(i ? NULL : text, " ", &save);
		if (!words[i])
			return false;
	}
	ret->type = strtok_r(dash + 3, " ", &save);
	ret->id = atoi(words[0]);
	ret->point = words[4];
	unescape(words[4]);
	return ret->type != NULL;
}

static int read_mounts(pid_t pid, struct buf *out)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/mountinfo", pid);
	return read_file(AT_FDCWD, path, out, MOUNTINFO_LIMIT);
}

static bool is_cgroup(const char *type)
{
	return type && (!strcmp(type, "cgroup") || !strcmp(type, "cgroup2"));
}

/* Where path leads in the container, which mountinfo has without symbolic links. */
static bool real_path(int root, const char *path, char *out, size_t size)
{
	auto_fd int fd = beneath_open(root, path, O_PATH);
	char link[64];
	ssize_t n;

	if (fd < 0)
		return false;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, out, size - 1);
	if (n < 0 || (size_t)n == size - 1)
		return false;
	out[n] = '\0';
	return true;
}

static bool leads_to(int root, const char *path, const char *point)
{
	char real[PATH_MAX];

	return !strcmp(path, point) || (real_path(root, path, real, sizeof(real)) &&
					!strcmp(real, point));
}

/* A file that is covered by the null device; folders are covered by a tmpfs, which
 * CRIU makes anew. */
static bool is_masked(const struct spec *s, int root, const char *point)
{
	auto_fd int fd = -1;
	struct stat st;

	for (size_t i = 0; s->masked_paths && s->masked_paths[i]; i++) {
		if (!leads_to(root, s->masked_paths[i], point))
			continue;
		fd = beneath_open(root, point, O_PATH);
		return fd >= 0 && fstat(fd, &st) == 0 && S_ISCHR(st.st_mode);
	}
	return false;
}

static bool is_device(const struct spec *s, const char *point)
{
	for (size_t i = 0; i < ARRAY_SIZE(default_devices); i++) {
		if (!strcmp(default_devices[i], point))
			return true;
	}
	for (size_t i = 0; i < s->n_devices; i++) {
		if (!strcmp(s->devices[i].path, point))
			return true;
	}
	return false;
}

/* The name of what is mounted at point, or NULL when CRIU makes it by itself. */
static const char *name_of(const struct spec *s, int root, const struct line *l)
{
	if (is_cgroup(l->type))
		return l->point;
	for (size_t i = s->n_mounts; i-- > 0;) {
		const struct mount_spec *m = &s->mounts[i];

		if (m->options.bind && !m->options.remount &&
		    leads_to(root, m->destination, l->point))
			return m->destination;
	}
	if (is_masked(s, root, l->point))
		return NULL_DEVICE;
	return is_device(s, l->point) ? l->point : NULL;
}

static int check(const struct spec *s, struct gantry_error *err)
{
	for (size_t i = 0; i < s->n_mounts; i++) {
		const char *what = s->mounts[i].options.idmap != IDMAP_NONE ? "an id-mapped mount"
				   : s->mounts[i].source && is_foreign_mount(s->mounts[i].source)
					   ? "a mount from another process's root"
					   : NULL;

		if (what)
			return error_set(err, GANTRY_ERR_UNSUPPORTED,
					 "mounts[%zu] (%s): %s cannot be restored", i,
					 s->mounts[i].destination, what);
	}
	return 0;
}

int criu_mounts_name(const struct spec *s, pid_t pid, struct buf *opts, struct gantry_error *err)
{
	auto_(buf) struct buf text = BUF_INIT;
	auto_fd int root = -1;
	char *save = NULL;
	char path[64];
	struct line l;
	int r = check(s, err);

	if (r < 0)
		return r;
	snprintf(path, sizeof(path), "/proc/%d/root", pid);
	root = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	r = root < 0 ? -errno : read_mounts(pid, &text);
	if (r < 0)
		return error_errno(err, -r, "cannot look at the container's mounts");
	for (char *p = text.len ? strtok_r(text.data, "\n", &save) : NULL; p; p = strtok_r(NULL, "\n", &save)) {
		const char *name = take_apart(p, &l) ? name_of(s, root, &l) : NULL;

		if (name)
			criu_put_pair(opts, CRIU_OPT_EXT_MNT, l.point, name);
	}
	return buf_failed(opts) ? error_no_memory(err) : 0;
}

int criu_mounts_has_id(pid_t pid, int id)
{
	auto_(buf) struct buf text = BUF_INIT;
	char *save = NULL;
	struct line l;

	if (read_mounts(pid, &text) < 0)
		return 0;
	for (char *p = text.len ? strtok_r(text.data, "\n", &save) : NULL; p; p = strtok_r(NULL, "\n", &save)) {
		if (take_apart(p, &l) && l.id == id)
			return 1;
	}
	return 0;
}

static void find_cgroup(const struct cgroup *c, const char *mount, const char *folder,
			const char *root, struct buf *opts)
{
	char name[PATH_MAX], source[PATH_MAX];

	snprintf(name, sizeof(name), "%s%s%s", mount, folder[0] ? "/" : "", folder);
	snprintf(source, sizeof(source), "%s%s", root, c->path);
	criu_put_pair(opts, CRIU_OPT_EXT_MNT, name, source);
}

/* The folders that cgroup_mount() and cgroup_mount_hierarchies() make. */
static void find_cgroups(const struct cgroup *c, const char *mount, struct buf *opts)
{
	if (!c->host || c->host->mode == CGROUP_NONE)
		return;
	if (c->host->mode == CGROUP_UNIFIED) {
		find_cgroup(c, mount, "", c->host->unified, opts);
		return;
	}
	for (size_t i = 0; i < c->host->n_v1; i++) {
		char root[128];

		cgroup_v1_root(&c->host->v1[i], root, sizeof(root));
		find_cgroup(c, mount, c->host->v1[i].name, root, opts);
	}
	if (c->host->unified[0])
		find_cgroup(c, mount, "unified", c->host->unified, opts);
}

static void source_path(const struct mount_spec *m, const char *bundle, char *out, size_t size)
{
	bool absolute = m->source[0] == '/';

	snprintf(out, size, "%s%s%s", absolute ? "" : bundle, absolute ? "" : "/", m->source);
}

int criu_mounts_find(const struct spec *s, const char *bundle, const struct cgroup *c,
		     struct buf *opts, struct gantry_error *err)
{
	int r = check(s, err);

	if (r < 0)
		return r;
	for (size_t i = 0; i < s->n_mounts; i++) {
		const struct mount_spec *m = &s->mounts[i];
		char path[PATH_MAX];

		if (is_cgroup(m->type) && !m->options.bind) {
			find_cgroups(c, m->destination, opts);
		} else if (m->options.bind && !m->options.remount) {
			source_path(m, bundle, path, sizeof(path));
			criu_put_pair(opts, CRIU_OPT_EXT_MNT, m->destination, path);
		}
	}
	for (size_t i = 0; i < ARRAY_SIZE(default_devices); i++)
		criu_put_pair(opts, CRIU_OPT_EXT_MNT, default_devices[i], default_devices[i]);
	for (size_t i = 0; i < s->n_devices; i++)
		criu_put_pair(opts, CRIU_OPT_EXT_MNT, s->devices[i].path, s->devices[i].path);
	return buf_failed(opts) ? error_no_memory(err) : 0;
}

/* Is path on a filesystem of the configuration whose content CRIU restores? */
static bool is_restored(const struct spec *s, const char *path)
{
	for (size_t i = 0; i < s->n_mounts; i++) {
		const char *d = s->mounts[i].destination;
		size_t len = strlen(d);

		if (!s->mounts[i].options.bind && !strncmp(path, d, len) && path[len] == '/')
			return true;
	}
	return false;
}

int criu_mounts_make_points(const struct spec *s, const char *bundle, int root,
			    struct gantry_error *err)
{
	for (size_t i = 0; i < s->n_mounts; i++) {
		const struct mount_spec *m = &s->mounts[i];
		enum beneath_kind kind = BENEATH_DIR;
		char path[PATH_MAX];
		struct stat st;
		int fd;

		if (is_restored(s, m->destination))
			continue;
		if (m->options.bind && !m->options.remount) {
			source_path(m, bundle, path, sizeof(path));
			if (stat(path, &st) < 0)
				return error_errno(err, errno,
						   "mounts[%zu] (%s): cannot open the source %s", i,
						   m->destination, path);
			kind = S_ISDIR(st.st_mode) ? BENEATH_DIR : BENEATH_FILE;
		}
		fd = beneath_create(root, m->destination, kind, err);
		if (fd < 0)
			return error_prefix(err, "mounts[%zu] (%s)", i, m->destination);
		close(fd);
	}
	return 0;
}
