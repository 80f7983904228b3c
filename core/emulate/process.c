/* SPDX-License-Identifier: Apache-2.0 */
/* Programs with set-ID bits, and who is at the other end of a Unix socket. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/emulate/emulate.h"
#include "helpers/buf.h"
#include "helpers/cleanup.h"
#include "helpers/io.h"
#include "helpers/owners.h"

/* The kernel runs the program as the one user that it knows, before and after. */
static void change_by_program(struct request *rq, int fd)
{
	struct identity who = rq->who;
	struct stat st;

	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || !(st.st_mode & 0111))
		return;
	if (st.st_mode & (S_ISUID | S_ISGID)) {
		owners_apply_fd(fd, &st);
		if (st.st_mode & S_ISUID)
			who.uid.effective = st.st_uid;
		if ((st.st_mode & (S_ISGID | S_IXGRP)) == (S_ISGID | S_IXGRP))
			who.gid.effective = st.st_gid;
	}
	who.keeps_caps = who.has_caps = 0;
	who.uid.saved = who.uid.fs = who.uid.effective;
	who.gid.saved = who.gid.fs = who.gid.effective;
	if (memcmp(&who, &rq->who, sizeof(who)) != 0)
		(void)request_set_identity(rq, &who);
}

static int64_t execute(struct request *rq, int dirfd, uint64_t where, int at_flags)
{
	char path[PATH_MAX];
	auto_fd int fd = -1;

	/* root stays root whatever it runs */
	if (request_identity(rq) < 0 || rq->who.is_default ||
	    request_read_path(rq, where, path) < 0 || request_is_nested(rq))
		return ANSWER_CONTINUE;
	fd = path_open(rq, dirfd, path, at_flags & (AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW));
	if (fd >= 0)
		change_by_program(rq, fd);
	return ANSWER_CONTINUE;
}

int64_t call_execve(struct request *rq)
{
	return execute(rq, AT_FDCWD, rq->args[0], 0);
}

int64_t call_execveat(struct request *rq)
{
	return execute(rq, (int)rq->args[0], rq->args[1], (int)rq->args[4]);
}

/* The peer's number in the innermost pid namespace that it is in. */
static pid_t inner_pid(pid_t pid)
{
	auto_(buf) struct buf text = BUF_INIT;
	const char *line;
	char path[32];

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	if (read_file(AT_FDCWD, path, &text, 65536) < 0)
		return 0;
	line = strstr(buf_str(&text), "\nNSpid:");
	for (long n = 0; line; line = strpbrk(line, "\t\n")) {
		if (*line == '\n' && n)
			return (pid_t)n;
		line++;
		(void)!sscanf(line, "%ld", &n);
	}
	return 0;
}

int64_t call_getsockopt(struct request *rq)
{
	struct ucred peer;
	struct identity who;
	socklen_t len = sizeof(peer);
	uint32_t room;
	auto_fd int fd = request_take_fd(rq, (int)rq->args[0]);

	if (fd < 0 || request_read(rq, rq->args[4], &room, sizeof(room)) < 0 ||
	    room < sizeof(peer) || getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0 ||
	    peer.pid <= 0 || identity_read(peer.pid, &who) < 0 || who.is_default ||
	    request_is_nested(rq))
		return ANSWER_CONTINUE;
	peer.pid = inner_pid(peer.pid);
	peer.uid = who.uid.effective;
	peer.gid = who.gid.effective;
	room = sizeof(peer);
	if (request_write(rq, rq->args[3], &peer, sizeof(peer)) < 0)
		return -EFAULT;
	return request_write(rq, rq->args[4], &room, sizeof(room));
}
