/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/api.h"
#include "cli/commands/transfer.h"
#include "cli/terminal/terminal.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "helpers/io.h"

#define CHUNK 131072

int transfer_copy(struct stream *stream, int fd, struct gantry_error *err)
{
	auto_free char *data = malloc(CHUNK);
	ssize_t n;
	int r;

	if (!data) {
		return error_no_memory(err);
	}
	while ((n = stream_read(stream, data, CHUNK)) > 0) {
		r = write_all(fd, data, (size_t)n);
		if (r < 0) {
			return error_errno(err, -r, "cannot write the archive");
		}
	}
	return n < 0 ? error_errno(err, (int)-n, "the engine's answer ended too early") : 0;
}

/* Into a file beside the final one, which appears only when it is whole. */
static int copy_to_file(struct stream *stream, const char *path, struct gantry_error *err)
{
	auto_(buf) struct buf name = BUF_INIT;
	auto_fd int fd = -1;
	struct stat st;
	int r;

	if (stat(path, &st) == 0 && !S_ISREG(st.st_mode)) {
		fd = open(path, O_WRONLY | O_CLOEXEC);
		return fd < 0 ? error_errno(err, errno, "cannot open %s", path)
			      : transfer_copy(stream, fd, err);
	}
	buf_addf(&name, "%s.XXXXXX", path);
	fd = buf_failed(&name) ? -1 : mkostemp(name.data, O_CLOEXEC);
	if (fd < 0) {
		return error_errno(err, errno, "cannot create a file beside %s", path);
	}
	r = transfer_copy(stream, fd, err);
	if (r == 0 && rename(name.data, path) < 0) {
		r = error_errno(err, errno, "cannot rename the archive to %s", path);
	}
	if (r < 0) {
		unlink(name.data);
	}
	return r;
}

int transfer_to_output(struct cli *cli, const char *target, const char *path, const char *what,
		       struct gantry_error *err)
{
	auto_(client_response) struct client_response response = CLIENT_RESPONSE_INIT;
	int r;

	if (!path && terminal_is(STDOUT_FILENO)) {
		return error_set(err, GANTRY_ERR_INVALID,
				 "cowardly refusing to %s to a terminal. Use the -o flag or redirect",
				 what);
	}
	r = api_stream(cli, "GET", target, NULL, &response, err);
	if (r < 0) {
		return r;
	}
	return path ? copy_to_file(&response.stream, path, err)
		    : transfer_copy(&response.stream, STDOUT_FILENO, err);
}

int transfer_open_input(const char *path, struct gantry_error *err)
{
	int fd;

	if (!path) {
		if (terminal_is(STDIN_FILENO)) {
			return error_set(err, GANTRY_ERR_INVALID,
					 "requested load from stdin, but stdin is empty");
		}
		return fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3);
	}
	fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd < 0 ? error_errno(err, errno, "open %s", path) : fd;
}
