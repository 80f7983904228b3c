/* SPDX-License-Identifier: Apache-2.0 */
/* Copying files into and out of containers, running or not.  Every path is resolved
 * beneath the container's root by the kernel. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/container/container.h"
#include "core/container/present.h"
#include "core/content/decoder.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "helpers/io.h"
#include "helpers/layer_apply.h"
#include "helpers/layer_diff.h"

/* A place in a container: the folder it is in, and its name there. */
struct place {
	int dir;
	char name[NAME_MAX + 1];
	struct stat st;
};

static int open_in_root(int root, const char *path, int flags)
{
	struct open_how how = { .flags = (uint64_t)(flags | O_CLOEXEC),
				.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS };
	int fd = (int)syscall(SYS_openat2, root, *path ? path : "/", &how, sizeof(how));

	return fd < 0 ? -errno : fd;
}

static int no_such_path(const struct container *c, const char *path, struct gantry_error *err)
{
	return error_set(err, GANTRY_ERR_NOT_FOUND, "Could not find the file %s in container %s", path,
			 c->name);
}

/* Takes PATH apart; a trailing "/." or "/" asks for what a link leads to. */
static int find_place(const struct container *c, int root, const char *path, struct place *ret,
		      struct gantry_error *err)
{
	auto_free char *copy = strdup(path);
	size_t n = copy ? strlen(copy) : 0;
	char *slash;

	if (!copy) {
		return error_no_memory(err);
	}
	while (n > 1 && (copy[n - 1] == '/' || (copy[n - 1] == '.' && copy[n - 2] == '/'))) {
		copy[--n] = '\0';
	}
	slash = strrchr(copy, '/');
	if (slash && strlen(slash + 1) > NAME_MAX) {
		return error_set(err, GANTRY_ERR_INVALID, "a name in %.200s... is too long", path);
	}
	snprintf(ret->name, sizeof(ret->name), "%.255s", slash ? slash + 1 : copy);
	if (!*ret->name || !strcmp(ret->name, "..")) {
		strcpy(ret->name, ".");
		ret->dir = open_in_root(root, copy, O_PATH | O_DIRECTORY);
	} else {
		if (slash) {
			*slash = '\0';
		}
		ret->dir = open_in_root(root, slash ? copy : "/", O_PATH | O_DIRECTORY);
	}
	if (ret->dir < 0) {
		return no_such_path(c, path, err);
	}
	if (fstatat(ret->dir, ret->name, &ret->st, AT_SYMLINK_NOFOLLOW) < 0) {
		close(ret->dir);
		return no_such_path(c, path, err);
	}
	return 0;
}

/* What follows the destination of a mount in a path; NULL when it leads elsewhere.  Only plain
 * paths are compared: what goes through links or ".." stays in the container's own files. */
static const char *path_below(const char *path, const char *destination)
{
	size_t n = strlen(destination);

	while (n > 1 && destination[n - 1] == '/') {
		n--;
	}
	if (strncmp(path, destination, n) || (path[n] && path[n] != '/')) {
		return NULL;
	}
	return path + n;
}

/* The root, and the path beneath it, from where a path of a container is looked up.  A container
 * that does not run has its volumes mounted nowhere: a path into one begins at the volume. */
static int open_start(struct core *core, const struct container *c, const char *path, int read_only,
		      int *ret_root, const char **ret_path, struct gantry_error *err)
{
	auto_json struct json_object *mounts = NULL;
	struct json_object *found = NULL;
	size_t longest = 0;
	auto_fd int fd = -1;

	*ret_path = path;
	mounts = container_is_running(c) || strstr(path, "..") ? NULL : present_mounts(core, c);
	for (size_t i = 0; i < json_array_size(mounts); i++) {
		struct json_object *m = json_object_array_get_idx(mounts, i);
		const char *destination = json_get_string(m, "Destination");

		if (destination && strlen(destination) >= longest && path_below(path, destination)) {
			found = m;
			longest = strlen(destination);
		}
	}
	fd = found ? open(json_get_string(found, "Source"), O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;
	if (fd < 0) {
		return container_open_root(core, c, read_only, ret_root, err);
	}
	if (!read_only && !json_get_bool(found, "RW", 1)) {
		return error_set(err, GANTRY_ERR_PERMISSION, "mounted volume is marked read-only");
	}
	*ret_path = path_below(path, json_get_string(found, "Destination"));
	*ret_path = **ret_path ? *ret_path : "/";
	*ret_root = steal_fd(&fd);
	return 0;
}

static int find_container_place(struct core *core, const char *name, const char *path,
				struct container **ret_c, struct place *ret, struct gantry_error *err)
{
	auto_fd int root = -1;
	const char *rest;
	int r = container_find(core, name, ret_c, err);

	if (r == 0) {
		r = open_start(core, *ret_c, path, 1, &root, &rest, err);
	}
	return r < 0 ? r : find_place(*ret_c, root, rest, ret, err);
}

/* Go's os.FileMode: the type in high bits. */
static int64_t go_mode(mode_t mode)
{
	int64_t bits = mode & 0777;

	bits |= S_ISDIR(mode) ? 1LL << 31 : 0;
	bits |= S_ISLNK(mode) ? 1LL << 27 : 0;
	bits |= S_ISBLK(mode) || S_ISCHR(mode) ? 1LL << 26 : 0;
	bits |= S_ISFIFO(mode) ? 1LL << 25 : 0;
	bits |= S_ISSOCK(mode) ? 1LL << 24 : 0;
	bits |= mode & S_ISUID ? 1LL << 23 : 0;
	bits |= mode & S_ISGID ? 1LL << 22 : 0;
	bits |= S_ISCHR(mode) ? 1LL << 21 : 0;
	bits |= mode & S_ISVTX ? 1LL << 20 : 0;
	return bits;
}

static struct json_object *describe(const struct place *p, const char *path)
{
	struct json_object *o = json_object_new_object();
	const char *base = strrchr(path, '/');
	auto_free char *time = present_time((int64_t)p->st.st_mtim.tv_sec * 1000000000 +
					    p->st.st_mtim.tv_nsec);
	char target[PATH_MAX] = "";
	ssize_t n = S_ISLNK(p->st.st_mode) ? readlinkat(p->dir, p->name, target, sizeof(target) - 1) : 0;

	target[n > 0 ? n : 0] = '\0';
	json_set_string(o, "name", strcmp(p->name, ".") ? p->name : base && base[1] ? base + 1 : "/");
	json_set_int(o, "size", p->st.st_size);
	json_set_int(o, "mode", go_mode(p->st.st_mode));
	json_set_string(o, "mtime", time);
	json_set_string(o, "linkTarget", target);
	return o;
}

ENGINE_OP(container_archive_stat)
{
	auto_container struct container *c = NULL;
	auto_json struct json_object *stat = NULL;
	struct place p;
	int r = find_container_place(self, args->name, args->path, &c, &p, err);

	if (r < 0) {
		return r;
	}
	stat = describe(&p, args->path);
	close(p.dir);
	return gantry_engine_container_archive_stat_set_stat(reply, json_text(stat));
}

struct copy_out {
	struct place place;
	char as[NAME_MAX + 1];
};

static void run_copy_out(struct core *core, void *data, int sink)
{
	struct copy_out *out = data;
	struct gantry_error ignored = GANTRY_ERROR_INIT;

	/* A failure cuts the archive short, which its reader notices. */
	(void)layer_write_subtree(out->place.dir, out->place.name, out->as, sink, &ignored);
	close(sink);
	close(out->place.dir);
	free(out);
}

ENGINE_OP(container_archive_get)
{
	struct core *core = self;
	auto_container struct container *c = NULL;
	auto_json struct json_object *stat = NULL;
	struct copy_out *out = calloc(1, sizeof(*out));
	int stream;
	int r = out ? find_container_place(core, args->name, args->path, &c, &out->place, err)
		    : error_no_memory(err);

	if (r < 0) {
		free(out);
		return r;
	}
	stat = describe(&out->place, args->path);
	snprintf(out->as, sizeof(out->as), "%.255s", json_get_string(stat, "name"));
	if (!strcmp(out->as, "/")) {
		strcpy(out->as, ".");
	}
	r = engine_stream(core, run_copy_out, out, &stream, err);
	if (r < 0) {
		close(out->place.dir);
		free(out);
		return r;
	}
	r = gantry_engine_container_archive_get_set_stat(reply, json_text(stat));
	return r < 0 ? r : gantry_engine_container_archive_get_set_stream(reply, stream);
}

struct unpack {
	int source;
	int sink;
	struct gantry_error error;
};

static int take_decoded(void *ctx, const void *data, size_t len, struct gantry_error *err)
{
	struct unpack *u = ctx;
	int r = write_all(u->sink, data, len);

	return r < 0 ? error_errno(err, -r, "cannot unpack the archive") : 0;
}

static void *decode(void *arg)
{
	struct unpack *u = arg;
	struct decoder *decoder = NULL;
	auto_free char *chunk = malloc(65536);
	int r = chunk ? decoder_new(take_decoded, u, &decoder, &u->error) : error_no_memory(&u->error);

	while (r == 0) {
		ssize_t n = read(u->source, chunk, 65536);

		if (n < 0 && errno == EINTR) {
			continue;
		}
		if (n <= 0) {
			r = decoder_finish(decoder, &u->error);
			break;
		}
		r = decoder_feed(decoder, chunk, (size_t)n, &u->error);
	}
	decoder_free(decoder);
	close(u->sink);
	return NULL;
}

static int unpack_into(int source, int dir, int keep_owners, struct gantry_error *err)
{
	struct layer_apply_options options = {
		.style = LAYER_PLAIN,
		.owners = keep_owners ? LAYER_OWNERS_KEEP : LAYER_OWNERS_IGNORE,
	};
	struct unpack u = { .source = source, .error = GANTRY_ERROR_INIT };
	struct layer_apply_stats stats;
	pthread_t thread;
	int ends[2], code, r;

	if (pipe2(ends, O_CLOEXEC) < 0) {
		return error_errno(err, errno, "cannot make a pipe");
	}
	u.sink = ends[1];
	code = pthread_create(&thread, NULL, decode, &u);
	if (code) {
		close(ends[0]);
		close(ends[1]);
		return error_errno(err, code, "cannot start a thread");
	}
	r = layer_apply(ends[0], dir, &options, &stats, err);
	close(ends[0]);
	pthread_join(thread, NULL);
	if (r == 0 && u.error.code < 0 && u.error.sys_errno != EPIPE) {
		*err = u.error;
		r = err->code;
	}
	return r;
}

ENGINE_OP(container_archive_put)
{
	struct core *core = self;
	auto_container struct container *c = NULL;
	auto_fd int root = -1;
	auto_fd int dir = -1;
	const char *rest;
	int r = container_find(core, args->name, &c, err);

	if (r < 0) {
		return r;
	}
	if (json_get_bool(container_host_config(c), "ReadonlyRootfs", 0)) {
		return error_set(err, GANTRY_ERR_PERMISSION, "container rootfs is marked read-only");
	}
	r = open_start(core, c, args->path, 0, &root, &rest, err);
	if (r < 0) {
		return r;
	}
	dir = open_in_root(root, rest, O_RDONLY | O_DIRECTORY);
	if (dir == -ENOTDIR) {
		return error_set(err, GANTRY_ERR_INVALID, "extraction point is not a directory");
	}
	if (dir < 0) {
		return no_such_path(c, args->path, err);
	}
	r = unpack_into(args->source, dir, (int)args->copy_uid_gid, err);
	return r < 0 ? error_prefix(err, "cannot copy to %s:%s", c->name, args->path) : 0;
}
