/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "buf.h"
#include "cleanup.h"
#include "io.h"

#define MAX_FDS 16

int write_all(int fd, const void *data, size_t len)
{
	const char *p = data;

	while (len > 0) {
		ssize_t n = write(fd, p, len);

		if (n < 0 && errno == EAGAIN) {
			struct pollfd pfd = { .fd = fd, .events = POLLOUT };

			if (poll(&pfd, 1, -1) < 0 && errno != EINTR)
				return -errno;
			continue;
		}
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		p += n;
		len -= (size_t)n;
	}
	return 0;
}

int write_at(int fd, const void *data, size_t len, off_t offset)
{
	const char *p = data;

	while (len > 0) {
		ssize_t n = pwrite(fd, p, len, offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		p += n;
		len -= (size_t)n;
		offset += n;
	}
	return 0;
}

ssize_t read_full(int fd, void *data, size_t len)
{
	char *p = data;
	size_t got = 0;

	while (got < len) {
		ssize_t n = read(fd, p + got, len - got);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		got += (size_t)n;
	}
	return (ssize_t)got;
}

int read_to_end(int fd, struct buf *out, size_t limit)
{
	size_t start = out->len;

	for (;;) {
		char *to = buf_reserve(out, 16384);
		ssize_t n;

		if (!to)
			return -ENOMEM;
		n = read(fd, to, 16384);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		out->len += (size_t)n;
		if (out->len - start > limit)
			return -EFBIG;
	}
	out->data[out->len] = '\0';
	return 0;
}

int read_file(int dirfd, const char *path, struct buf *out, size_t limit)
{
	auto_fd int fd = openat(dirfd, path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	return read_to_end(fd, out, limit);
}

static int sync_parent(int dirfd, const char *path)
{
	auto_free char *copy = strdup(path);
	char *slash = copy ? strrchr(copy, '/') : NULL;
	auto_fd int parent = -1;

	if (!copy)
		return -ENOMEM;
	if (slash == copy)
		parent = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	else if (slash)
		*slash = '\0', parent = openat(dirfd, copy, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	else
		parent = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (parent < 0 || fsync(parent) < 0)
		return -errno;
	return 0;
}

int write_file_atomic(int dirfd, const char *path, const void *data, size_t len, mode_t mode,
		      int durable)
{
	auto_free char *temp = NULL;
	auto_fd int fd = -1;
	int r;

	if (asprintf(&temp, "%s.%d.%lx.tmp", path, getpid(), (long)time_monotonic_ns()) < 0)
		return -ENOMEM;
	fd = openat(dirfd, temp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
	if (fd < 0)
		return -errno;
	r = write_all(fd, data, len);
	if (r == 0 && durable && fsync(fd) < 0)
		r = -errno;
	if (r == 0 && renameat(dirfd, temp, dirfd, path) < 0)
		r = -errno;
	if (r < 0) {
		unlinkat(dirfd, temp, 0);
		return r;
	}
	return durable ? sync_parent(dirfd, path) : 0;
}

int write_control(int dirfd, const char *path, const char *text)
{
	auto_fd int fd = openat(dirfd, path, O_WRONLY | O_CLOEXEC);
	size_t len = strlen(text);
	ssize_t n;

	if (fd < 0)
		return -errno;
	do {
		n = write(fd, text, len);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	return (size_t)n == len ? 0 : -EIO;
}

int make_dirs(int dirfd, const char *path, mode_t mode)
{
	auto_free char *copy = NULL;

	if (mkdirat(dirfd, path, mode) == 0 || errno == EEXIST)
		return 0;
	if (errno != ENOENT)
		return -errno;
	copy = strdup(path);
	if (!copy)
		return -ENOMEM;
	for (char *p = copy + 1; *p; p++) {
		if (*p != '/')
			continue;
		*p = '\0';
		if (mkdirat(dirfd, copy, mode) < 0 && errno != EEXIST)
			return -errno;
		*p = '/';
	}
	if (mkdirat(dirfd, path, mode) < 0 && errno != EEXIST)
		return -errno;
	return 0;
}

static int remove_dir_content(int fd, dev_t dev)
{
	auto_dir DIR *dir = fdopendir(fd);
	struct dirent *e;
	int r = 0;

	if (!dir) {
		r = -errno;
		close(fd);
		return r;
	}
	while ((e = readdir(dir))) {
		struct stat st;
		int sub;

		if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, ".."))
			continue;
		if (e->d_type != DT_DIR && unlinkat(dirfd(dir), e->d_name, 0) == 0)
			continue;
		if (e->d_type == DT_DIR && unlinkat(dirfd(dir), e->d_name, AT_REMOVEDIR) == 0)
			continue;
		sub = openat(dirfd(dir), e->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (sub < 0 || fstat(sub, &st) < 0) {
			r = r ? r : -errno;
			if (sub >= 0)
				close(sub);
			continue;
		}
		if (st.st_dev != dev) {
			close(sub);
			r = r ? r : -EXDEV;
			continue;
		}
		if (remove_dir_content(sub, dev) < 0 ||
		    unlinkat(dirfd(dir), e->d_name, AT_REMOVEDIR) < 0)
			r = r ? r : -errno;
	}
	return r;
}

int rename_new_folder(int dirfd, const char *from, const char *to)
{
	int r = renameat2(dirfd, from, dirfd, to, RENAME_NOREPLACE);

	if (r < 0 && errno == EINVAL)
		r = renameat(dirfd, from, dirfd, to);
	if (r < 0)
		return errno == ENOTEMPTY ? -EEXIST : -errno;
	return 0;
}

int is_space_short(const char *path)
{
	struct statfs fs;

	return statfs(path, &fs) == 0 && fs.f_bavail < fs.f_blocks / 16;
}

int remove_tree(int dirfd, const char *path)
{
	struct stat st;
	int fd;

	if (unlinkat(dirfd, path, 0) == 0 || errno == ENOENT)
		return 0;
	if (unlinkat(dirfd, path, AT_REMOVEDIR) == 0)
		return 0;
	fd = openat(dirfd, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	/* Another who removes it may have been faster. */
	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	if (fstat(fd, &st) < 0) {
		close(fd);
		return -errno;
	}
	remove_dir_content(fd, st.st_dev);
	if (unlinkat(dirfd, path, AT_REMOVEDIR) < 0 && errno != ENOENT)
		return -errno;
	return 0;
}

int send_with_fds(int sock, const void *data, size_t len, const int *fds, size_t n_fds)
{
	union {
		struct cmsghdr align;
		char space[CMSG_SPACE(sizeof(int) * MAX_FDS)];
	} control = { 0 };
	struct iovec iov = { .iov_base = (void *)data, .iov_len = len };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	ssize_t n;

	if (n_fds > MAX_FDS)
		return -E2BIG;
	if (n_fds > 0) {
		struct cmsghdr *c;

		msg.msg_control = control.space;
		msg.msg_controllen = CMSG_SPACE(sizeof(int) * n_fds);
		c = CMSG_FIRSTHDR(&msg);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int) * n_fds);
		memcpy(CMSG_DATA(c), fds, sizeof(int) * n_fds);
	}
	do {
		n = sendmsg(sock, &msg, MSG_NOSIGNAL);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	if ((size_t)n < len)
		return write_all(sock, (const char *)data + n, len - (size_t)n);
	return 0;
}

ssize_t recv_with_fds(int sock, void *data, size_t len, int *fds, size_t *n_fds)
{
	union {
		struct cmsghdr align;
		char space[CMSG_SPACE(sizeof(int) * MAX_FDS)];
	} control;
	struct iovec iov = { .iov_base = data, .iov_len = len };
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control.space,
		.msg_controllen = sizeof(control.space),
	};
	size_t room = *n_fds, got = 0;
	ssize_t n;

	do {
		n = recvmsg(sock, &msg, MSG_CMSG_CLOEXEC);
	} while (n < 0 && errno == EINTR);
	*n_fds = 0;
	if (n < 0)
		return -errno;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&msg); c; c = CMSG_NXTHDR(&msg, c)) {
		size_t count;

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (size_t i = 0; i < count; i++) {
			int fd;

			memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof(int));
			if (got < room)
				fds[got++] = fd;
			else
				close(fd);
		}
	}
	*n_fds = got;
	return n;
}

/* Fills addr; a path too long for it is named through an open parent folder,
 * whose descriptor is returned in *ret_dir and must live until bind/connect. */
static int unix_address(const char *path, struct sockaddr_un *addr, int *ret_dir)
{
	const char *slash = strrchr(path, '/');
	auto_free char *parent = NULL;
	int n;

	*addr = (struct sockaddr_un){ .sun_family = AF_UNIX };
	if (strlen(path) < sizeof(addr->sun_path)) {
		strcpy(addr->sun_path, path);
		return 0;
	}
	if (!slash)
		return -ENAMETOOLONG;
	parent = strndup(path, (size_t)(slash - path));
	if (!parent)
		return -ENOMEM;
	*ret_dir = open(parent, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (*ret_dir < 0)
		return -errno;
	n = snprintf(addr->sun_path, sizeof(addr->sun_path), "/proc/self/fd/%d/%s", *ret_dir,
		     slash + 1);
	return n < (int)sizeof(addr->sun_path) ? 0 : -ENAMETOOLONG;
}

int unix_listen(const char *path, mode_t mode)
{
	struct sockaddr_un addr;
	auto_fd int fd = -1;
	auto_fd int dir = -1;
	int r = unix_address(path, &addr, &dir);

	if (r < 0)
		return r;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	unlink(addr.sun_path);
	fchmod(fd, mode);
	if (bind(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0 ||
	    chmod(addr.sun_path, mode) < 0 || listen(fd, 128) < 0)
		return -errno;
	return steal_fd(&fd);
}

int unix_connect(const char *path)
{
	struct sockaddr_un addr;
	auto_fd int fd = -1;
	auto_fd int dir = -1;
	int r = unix_address(path, &addr, &dir);

	if (r < 0)
		return r;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (connect(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0)
		return -errno;
	return steal_fd(&fd);
}

static int64_t clock_ns(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

int64_t time_now_ns(void)
{
	return clock_ns(CLOCK_REALTIME);
}

int64_t time_monotonic_ns(void)
{
	return clock_ns(CLOCK_MONOTONIC);
}
