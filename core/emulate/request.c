/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/capability.h>
#include <stdio.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "core/emulate/emulate.h"
#include "helpers/buf.h"
#include "helpers/cleanup.h"
#include "helpers/io.h"

#ifndef PIDFD_THREAD
#define PIDFD_THREAD O_EXCL
#endif
#ifndef SECCOMP_ADDFD_FLAG_SEND
#define SECCOMP_ADDFD_FLAG_SEND (1UL << 1)
#endif

int request_is_alive(const struct request *rq)
{
	return ioctl(rq->listener, SECCOMP_IOCTL_NOTIF_ID_VALID, &rq->id) == 0;
}

int request_open_proc(const struct request *rq, const char *name, int flags)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/%s", rq->tid, name);
	fd = open(path, flags | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

int request_identity(struct request *rq)
{
	int r = rq->has_who ? 0 : identity_read(rq->tid, &rq->who);

	if (r == 0 && !rq->has_who && !request_is_alive(rq))
		return -ESRCH;
	rq->has_who = r == 0;
	return r;
}

/* A process that dies between the look and the limit leaves, at worst, another one
 * of this user with a number in a limit that nothing reads. */
int request_set_identity(struct request *rq, const struct identity *who)
{
	return request_is_alive(rq) ? identity_write(rq->tid, who) : -ESRCH;
}

int request_read(const struct request *rq, uint64_t from, void *to, size_t size)
{
	struct iovec here = {to, size};
	struct iovec there = {(void *)(uintptr_t)from, size};
	ssize_t n = process_vm_readv(rq->tid, &here, 1, &there, 1, 0);

	if (n < 0)
		return -errno;
	if (!request_is_alive(rq))
		return -ESRCH;
	return (size_t)n == size ? 0 : -EFAULT;
}

/* The descriptor holds the memory that it was opened on, whatever becomes of the
 * number of its process. */
int request_write(const struct request *rq, uint64_t to, const void *from, size_t size)
{
	auto_fd int mem = request_open_proc(rq, "mem", O_WRONLY);
	ssize_t n;

	if (mem < 0)
		return mem;
	if (!request_is_alive(rq))
		return -ESRCH;
	n = pwrite(mem, from, size, (off_t)to);
	return n == (ssize_t)size ? 0 : -EFAULT;
}

/* Page by page, since what follows a path's page may not be there. */
int request_read_path(const struct request *rq, uint64_t from, char *to)
{
	size_t done = 0;

	while (done < PATH_MAX) {
		size_t step = 4096 - (from + done) % 4096;
		struct iovec here = {to + done, step < PATH_MAX - done ? step : PATH_MAX - done};
		struct iovec there = {(void *)(uintptr_t)(from + done), here.iov_len};
		ssize_t n = process_vm_readv(rq->tid, &here, 1, &there, 1, 0);

		if (n <= 0)
			return n < 0 ? -errno : -EFAULT;
		if (memchr(to + done, '\0', (size_t)n))
			return request_is_alive(rq) ? 0 : -ESRCH;
		done += (size_t)n;
	}
	return -ENAMETOOLONG;
}

/* /proc/<tid>/status, of a caller that still waits. */
static int read_status(const struct request *rq, struct buf *out)
{
	auto_fd int fd = request_open_proc(rq, "status", O_RDONLY);

	return fd < 0 || !request_is_alive(rq) ? -ESRCH : read_to_end(fd, out, 65536);
}

static uint64_t status_mask(const struct buf *text, const char *name)
{
	const char *line = strstr(buf_str(text), name);
	unsigned long long mask = 0;

	return line && sscanf(line + strlen(name), ": %llx", &mask) == 1 ? mask : 0;
}

int request_is_interrupted(const struct request *rq)
{
	const uint64_t passed_over = 1ULL << (SIGCHLD - 1) | 1ULL << (SIGURG - 1) |
				     1ULL << (SIGWINCH - 1) | 1ULL << (SIGCONT - 1);
	auto_(buf) struct buf text = BUF_INIT;
	uint64_t pending, deaf;

	if (read_status(rq, &text) < 0)
		return 0;
	pending = status_mask(&text, "\nSigPnd") | status_mask(&text, "\nShdPnd");
	deaf = status_mask(&text, "\nSigBlk") | status_mask(&text, "\nSigIgn") |
	       (passed_over & ~status_mask(&text, "\nSigCgt"));
	return (pending & ~deaf) != 0;
}

int64_t request_wait(struct request *rq, int fd, short events, int64_t until_ms,
		     emulate_fn again)
{
	rq->wait.fd = fd;
	rq->wait.events = events;
	rq->wait.until_ms = until_ms;
	rq->wait.again = again;
	return ANSWER_LATER;
}

mode_t request_umask(const struct request *rq)
{
	auto_(buf) struct buf text = BUF_INIT;
	const char *line;
	unsigned int mask;

	if (read_status(rq, &text) < 0)
		return 022;
	line = strstr(buf_str(&text), "\nUmask:");
	return line && sscanf(line, "\nUmask: %o", &mask) == 1 ? (mode_t)mask : 022;
}

int request_has_cap(const struct request *rq, unsigned int capability)
{
	struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, rq->tid};
	struct __user_cap_data_struct data[2] = {{0}};

	if (syscall(SYS_capget, &header, data) < 0 || !request_is_alive(rq))
		return 0;
	return data[capability / 32].effective >> (capability % 32) & 1;
}

/* This process never leaves its own. */
static ino_t own_namespace(void)
{
	static _Atomic ino_t own;
	struct stat st;

	if (!own && stat("/proc/self/ns/user", &st) == 0)
		own = st.st_ino;
	return own;
}

int request_is_nested(const struct request *rq)
{
	struct stat st;
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/ns/user", rq->tid);
	return stat(path, &st) == 0 && st.st_ino != own_namespace();
}

int64_t request_give_fd(const struct request *rq, int fd, int close_on_exec)
{
	struct seccomp_notif_addfd add = {
		.id = rq->id,
		.flags = SECCOMP_ADDFD_FLAG_SEND,
		.srcfd = (uint32_t)fd,
		.newfd_flags = close_on_exec ? O_CLOEXEC : 0,
	};

	return ioctl(rq->listener, SECCOMP_IOCTL_NOTIF_ADDFD, &add) < 0 ? -errno : ANSWER_GIVEN;
}

/* A kernel that knows no descriptors of threads has the table of the thread's group. */
static pid_t group_of(const struct request *rq)
{
	auto_(buf) struct buf text = BUF_INIT;
	const char *line;
	int pid;

	if (read_status(rq, &text) < 0)
		return rq->tid;
	line = strstr(buf_str(&text), "\nTgid:");
	return line && sscanf(line, "\nTgid: %d", &pid) == 1 ? pid : rq->tid;
}

int request_take_fd(const struct request *rq, int fd)
{
	auto_fd int pidfd = (int)syscall(SYS_pidfd_open, rq->tid, PIDFD_THREAD);
	int r;

	if (pidfd < 0 && errno == EINVAL)
		replace_fd(&pidfd, (int)syscall(SYS_pidfd_open, group_of(rq), 0));
	if (pidfd < 0 || !request_is_alive(rq))
		return -ESRCH;
	r = (int)syscall(SYS_pidfd_getfd, pidfd, fd, 0);
	return r < 0 ? -errno : r;
}
