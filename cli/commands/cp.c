/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Copying in either direction.  To a container, a thread packs the source into a
 * pipe while the request reads from it; nothing else is shared.
 */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/api.h"
#include "cli/archive/archive.h"
#include "cli/commands/commands.h"
#include "cli/commands/transfer.h"
#include "cli/config/base64.h"
#include "cli/terminal/terminal.h"
#include "cli/text/units.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"

#define GO_MODE_DIR 0x80000000LL
#define GO_MODE_SYMLINK 0x08000000LL

struct place {
	char *container; /* NULL: here */
	char *path;
};

static void place_auto(struct place *p)
{
	free(p->container);
	free(p->path);
}

/* "name:path", where "/a:b" and "./a:b" are local. */
static int parse_place(const char *text, struct place *ret, struct gantry_error *err)
{
	const char *colon = strchr(text, ':');

	if (*text != '/' && *text != '.' && colon && colon != text) {
		ret->container = strndup(text, (size_t)(colon - text));
		ret->path = strdup(colon + 1);
	} else {
		ret->path = strdup(text);
	}
	return ret->path ? 0 : error_no_memory(err);
}

/* Last part of a path: "." when it ends in "/.", "/" for the root. */
static char *base_name(const char *path)
{
	auto_free char *copy = strdup(path);

	return copy ? strdup(basename(copy)) : NULL;
}

static char *parent_of(const char *path)
{
	auto_free char *copy = strdup(path);

	return copy ? strdup(dirname(copy)) : NULL;
}

static int ends_with_dot(const char *path)
{
	size_t len = strlen(path);

	return strcmp(path, ".") == 0 || (len > 1 && strcmp(path + len - 2, "/.") == 0);
}

static void archive_target(const struct place *p, const char *path, struct buf *target)
{
	target_set(target, "/containers/%s/archive", p->container);
	target_add(target, "path", path);
}

/* HEAD .../archive: what a path in the container is; *ret is NULL when it is not there. */
static int stat_in_container(struct cli *cli, const struct place *p, const char *path,
			     struct json_object **ret, struct gantry_error *err)
{
	auto_(client_response) struct client_response response = CLIENT_RESPONSE_INIT;
	struct client_request request = { .method = "HEAD" };
	auto_(buf) struct buf target = BUF_INIT;
	auto_(buf) struct buf text = BUF_INIT;
	const char *header;
	int r;

	archive_target(p, path, &target);
	request.target = buf_str(&target);
	*ret = NULL;
	r = api_send(cli, &request, &response, err);
	if (r < 0 || response.status >= 400) {
		return r;
	}
	header = json_get_string(response.headers, "x-docker-container-path-stat");
	if (!header || text_from_base64(header, &text) < 0) {
		return error_set(err, GANTRY_ERR_CORRUPT, "the engine told nothing about %s", path);
	}
	return json_parse(buf_str(&text), text.len, "the path's description", ret, err);
}

static void print_done(const struct args *args, int64_t bytes, const char *to, const char *more)
{
	char size[UNITS_MAX];

	if (args_bool(args, "quiet", !terminal_is(STDOUT_FILENO))) {
		return;
	}
	fprintf(stderr, "Successfully copied %s to %s%s\n", units_human_size((double)bytes, 4, size),
		to, more);
}

/* Into which folder, and under which name, a copy of `name` to `path` goes. */
static int local_destination(const char *path, const char *name, int only_content, int is_dir,
			     char **ret_folder, char **ret_name, struct gantry_error *err)
{
	struct stat st;
	int exists = stat(path, &st) == 0;

	if (exists && S_ISDIR(st.st_mode)) {
		*ret_folder = strdup(path);
		*ret_name = strdup(only_content ? "." : name);
		return 0;
	}
	if (exists && is_dir) {
		return error_set(err, GANTRY_ERR_INVALID, "cannot copy directory");
	}
	if (!is_dir && path[strlen(path) - 1] == '/') {
		return error_set(err, GANTRY_ERR_NOT_FOUND,
				 "destination directory \"%s\" must be a directory that exists", path);
	}
	*ret_folder = parent_of(path);
	*ret_name = base_name(path);
	if (stat(*ret_folder, &st) < 0) {
		return error_set(err, GANTRY_ERR_NOT_FOUND,
				 "invalid output path: directory \"%s\" does not exist", *ret_folder);
	}
	return 0;
}

static int copy_from(struct cli *cli, const struct args *args, const struct place *from,
		     const char *to, struct gantry_error *err)
{
	auto_(client_response) struct client_response response = CLIENT_RESPONSE_INIT;
	auto_json struct json_object *st = NULL;
	auto_(buf) struct buf target = BUF_INIT;
	auto_free char *base = NULL;
	auto_free char *folder = NULL;
	auto_free char *name = NULL;
	const char *path = from->path, *link;
	int64_t mode, bytes = 0;
	int content = ends_with_dot(path), r;

	r = stat_in_container(cli, from, path, &st, err);
	if (r < 0) {
		return r;
	}
	mode = json_get_int(st, "mode", 0);
	link = json_get_string(st, "linkTarget");
	if (args_bool(args, "follow-link", 0) && mode & GO_MODE_SYMLINK && link && *link) {
		path = link;
	}
	archive_target(from, path, &target);
	r = api_stream(cli, "GET", buf_str(&target), NULL, &response, err);
	if (r < 0) {
		return r;
	}
	if (strcmp(to, "-") == 0) {
		return transfer_copy(&response.stream, STDOUT_FILENO, err);
	}
	base = content ? strdup(".") : base_name(path);
	if (content) {
		free(base);
		base = strdup(json_get_string(st, "name") ?: ".");
	}
	r = local_destination(to, base, content, (mode & GO_MODE_DIR) != 0, &folder, &name, err);
	r = r < 0 ? r : archive_unpack(&response.stream, folder, base, name, &bytes, err);
	if (r == 0) {
		print_done(args, bytes, to, "");
	}
	return r;
}

struct packer {
	const char *path, *name;
	int fd;
	int64_t bytes;
	struct gantry_error err;
};

static void *pack(void *arg)
{
	struct packer *p = arg;

	archive_pack(p->path, p->name, p->fd, &p->bytes, &p->err);
	close(p->fd);
	return NULL;
}

static int put_archive(struct cli *cli, const char *target, int fd, struct gantry_error *err)
{
	auto_(client_response) struct client_response response = CLIENT_RESPONSE_INIT;
	struct client_request request = { .method = "PUT", .target = target, .body_fd = fd,
					  .has_body_fd = 1 };
	int r = api_send(cli, &request, &response, err);

	return r < 0 ? r : api_check(&response, err);
}

static int send_packed(struct cli *cli, const char *target, struct packer *packer,
		       struct gantry_error *err)
{
	int pipe_fds[2], r;
	pthread_t thread;

	signal(SIGPIPE, SIG_IGN);
	if (pipe2(pipe_fds, O_CLOEXEC) < 0) {
		return error_errno(err, errno, "cannot create a pipe");
	}
	packer->fd = pipe_fds[1];
	if (pthread_create(&thread, NULL, pack, packer) != 0) {
		close(pipe_fds[0]);
		close(pipe_fds[1]);
		return error_set(err, GANTRY_ERR_NO_MEMORY, "cannot start a thread");
	}
	r = put_archive(cli, target, pipe_fds[0], err);
	close(pipe_fds[0]);
	pthread_join(thread, NULL);
	if (r == 0 && packer->err.code) {
		*err = packer->err;
		r = err->code;
	}
	return r;
}

/* The folder in the container and the name there of a copy. */
static int container_destination(struct cli *cli, const struct place *to, const char *base,
				 int only_content, int is_dir, char **ret_folder, char **ret_name,
				 struct gantry_error *err)
{
	auto_json struct json_object *st = NULL;
	auto_free char *path = strdup(to->path);
	int64_t mode;
	int r = stat_in_container(cli, to, path, &st, err);

	if (r < 0) {
		return r;
	}
	mode = json_get_int(st, "mode", 0);
	if (mode & GO_MODE_SYMLINK) {
		const char *link = json_get_string(st, "linkTarget");

		free(path);
		path = strdup(link && *link ? link : to->path);
		json_object_put(st);
		r = stat_in_container(cli, to, path, &st, err);
		mode = json_get_int(st, "mode", 0);
	}
	if (st && mode & GO_MODE_DIR) {
		*ret_folder = steal(&path);
		*ret_name = strdup(only_content ? "." : base);
		return r;
	}
	if (st && is_dir) {
		return error_set(err, GANTRY_ERR_INVALID, "cannot copy directory");
	}
	if (!is_dir && path[strlen(path) - 1] == '/') {
		return error_set(err, GANTRY_ERR_INVALID, "no such directory");
	}
	*ret_folder = parent_of(path);
	*ret_name = base_name(path);
	return r;
}

static int copy_to(struct cli *cli, const struct args *args, const char *from,
		   const struct place *to, struct gantry_error *err)
{
	auto_(buf) struct buf target = BUF_INIT;
	auto_free char *folder = NULL;
	auto_free char *name = NULL;
	auto_free char *base = NULL;
	auto_free char *real = NULL;
	struct packer packer = { .err = GANTRY_ERROR_INIT };
	int is_dir, r;
	struct stat st;

	if (strcmp(from, "-") == 0) {
		archive_target(to, to->path, &target);
		target_add(&target, "noOverwriteDirNonDir", "true");
		return put_archive(cli, buf_str(&target), STDIN_FILENO, err);
	}
	if (lstat(from, &st) < 0) {
		return error_set(err, GANTRY_ERR_NOT_FOUND, "lstat %s: %s", from, strerror(errno));
	}
	base = base_name(from);
	/* A trailing slash or -L asks for what a link points to. */
	if (S_ISLNK(st.st_mode) && (args_bool(args, "follow-link", 0) ||
				    from[strlen(from) - 1] == '/') &&
	    (real = realpath(from, NULL))) {
		from = real;
		stat(from, &st);
	}
	is_dir = S_ISDIR(st.st_mode);
	r = container_destination(cli, to, base, ends_with_dot(from), is_dir, &folder, &name, err);
	if (r < 0) {
		return r;
	}
	archive_target(to, folder, &target);
	target_add(&target, "noOverwriteDirNonDir", "true");
	target_add(&target, "copyUIDGID", args_bool(args, "archive", 0) ? "true" : NULL);
	packer.path = from;
	packer.name = name;
	r = send_packed(cli, buf_str(&target), &packer, err);
	if (r == 0) {
		auto_(buf) struct buf where = BUF_INIT;

		buf_addf(&where, "%s:", to->container);
		print_done(args, packer.bytes, buf_str(&where), to->path);
	}
	return r;
}

static int command_cp(struct cli *cli, struct args *args, struct gantry_error *err)
{
	auto_(place) struct place from = { NULL, NULL };
	auto_(place) struct place to = { NULL, NULL };
	int r = parse_place(args->argv[0], &from, err);

	r = r < 0 ? r : parse_place(args->argv[1], &to, err);
	if (r < 0) {
		return r;
	}
	if (!*from.path) {
		return error_set(err, GANTRY_ERR_INVALID, "source can not be empty");
	}
	if (!*to.path) {
		return error_set(err, GANTRY_ERR_INVALID, "destination can not be empty");
	}
	if (from.container && to.container) {
		return error_set(err, GANTRY_ERR_UNSUPPORTED,
				 "copying between containers is not supported");
	}
	if (from.container) {
		return copy_from(cli, args, &from, to.path, err);
	}
	if (to.container) {
		return copy_to(cli, args, from.path, &to, err);
	}
	return error_set(err, GANTRY_ERR_INVALID, "must specify at least one container source");
}

static const struct flag cp_flags[] = {
	{ FLAG_BOOL, 'a', "archive", "Keep owner and group", NULL, 0 },
	{ FLAG_BOOL, 'L', "follow-link", "Follow a symbolic link at SRC_PATH", NULL, 0 },
	{ FLAG_BOOL, 'q', "quiet", "Print nothing; so it is, too, without a terminal", NULL, 0 },
	{ FLAG_NONE },
};

const struct command cp_command = {
	.name = "cp",
	.summary = "Copy files or folders between a container and here",
	.usage = "[OPTIONS] CONTAINER:SRC_PATH DEST_PATH|-\n[OPTIONS] SRC_PATH|- CONTAINER:DEST_PATH",
	.details = "With '-' as the source, a tar archive is read from STDIN and unpacked into a "
		   "folder\nof the container; with '-' as the destination, one is written to STDOUT.",
	.aliases = "container cp, cp",
	.min_args = 2,
	.max_args = 2,
	.flags = cp_flags,
	.run = command_cp,
};
