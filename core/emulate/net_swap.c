/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A descriptor can be replaced under its program, but it may have copies, and an epoll
 * set holds the open file and not the number.  So the caller's table is looked through
 * while it waits.  What of it belongs to other processes is out of reach: a socket that
 * was shared before it was connected stays what it was with them.
 *
 * An entry of an epoll set is known by its open file and its number, so it is made by a
 * thread that has the socket under the same number in a table of its own.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/emulate/emulate.h"
#include "core/emulate/net.h"
#include "helpers/buf.h"
#include "helpers/cleanup.h"
#include "helpers/io.h"

/* Descriptors that are looked at; a table of more is that of a program which makes
 * its epoll sets early. */
#define MAX_LOOK 1024
#define MAX_ENTRIES 16

struct entry {
	int set; /* a copy of the epoll set */
	int moved_set;
	int fd;  /* the number under which the caller has the socket */
	struct epoll_event event;
};

struct search {
	const struct request *rq;
	ino_t inode; /* of the old socket */
	int old, new;
	struct entry entries[MAX_ENTRIES];
	int n_entries;
};

static int is_close_on_exec(const struct request *rq, int fd)
{
	auto_(buf) struct buf text = BUF_INIT;
	auto_fd int info = -1;
	unsigned int flags = 0;
	const char *line;
	char name[32];

	snprintf(name, sizeof(name), "fdinfo/%d", fd);
	info = request_open_proc(rq, name, O_RDONLY);
	if (info < 0 || read_to_end(info, &text, 1 << 16) < 0)
		return 0;
	line = strstr(buf_str(&text), "flags:");
	return line && sscanf(line, "flags: %o", &flags) == 1 && (flags & O_CLOEXEC) != 0;
}

static int put(const struct request *rq, int fd, int number)
{
	struct seccomp_notif_addfd add = {
		.id = rq->id,
		.flags = SECCOMP_ADDFD_FLAG_SETFD,
		.srcfd = (uint32_t)fd,
		.newfd = (uint32_t)number,
		.newfd_flags = is_close_on_exec(rq, number) ? O_CLOEXEC : 0,
	};

	return ioctl(rq->listener, SECCOMP_IOCTL_NOTIF_ADDFD, &add) < 0 ? -errno : 0;
}

/* "tfd: 5 events: 80000019 data: 5 pos:0 ino:1b2 sdev:8" */
static void note_entries(struct search *s, int set)
{
	auto_(buf) struct buf text = BUF_INIT;
	auto_fd int info = -1;
	char name[32];

	snprintf(name, sizeof(name), "fdinfo/%d", set);
	info = request_open_proc(s->rq, name, O_RDONLY);
	if (info < 0 || read_to_end(info, &text, 1 << 20) < 0)
		return;
	for (const char *line = strstr(buf_str(&text), "tfd:"); line;
	     line = strstr(line + 1, "tfd:")) {
		struct entry e = {.set = -1, .moved_set = -1};
		unsigned long long data, inode;
		unsigned int events;

		if (sscanf(line, "tfd: %d events: %x data: %llx pos:%*d ino:%llx", &e.fd, &events,
			   &data, &inode) != 4 ||
		    inode != s->inode || e.fd < 0 || s->n_entries == MAX_ENTRIES)
			continue;
		e.event = (struct epoll_event){.events = events, .data.u64 = data};
		e.set = request_take_fd(s->rq, set);
		if (e.set >= 0)
			s->entries[s->n_entries++] = e;
	}
}

static void look_at(struct search *s, int folder, const char *name, int but)
{
	char link[64], socket[64];
	ssize_t n = readlinkat(folder, name, link, sizeof(link) - 1);
	int fd = atoi(name);

	if (n <= 0)
		return;
	link[n] = '\0';
	snprintf(socket, sizeof(socket), "socket:[%lu]", (unsigned long)s->inode);
	if (!strcmp(link, "anon_inode:[eventpoll]"))
		note_entries(s, fd);
	else if (fd != but && !strcmp(link, socket))
		(void)put(s->rq, s->new, fd);
}

static void look_through(struct search *s, int but)
{
	int folder = request_open_proc(s->rq, "fd", O_RDONLY | O_DIRECTORY);
	auto_dir DIR *dir = folder < 0 ? NULL : fdopendir(folder);
	struct dirent *e;

	for (int i = 0; dir && i < MAX_LOOK && (e = readdir(dir)); i++) {
		if (e->d_name[0] != '.')
			look_at(s, dirfd(dir), e->d_name, but);
	}
}

/* In a table of descriptors of its own, where any number is free to be used; what is
 * needed moves out of the way first. */
static void *move_entries(void *arg)
{
	struct search *s = arg;
	int top = 0, old, new;

	if (unshare(CLONE_FILES) < 0)
		return NULL;
	for (int i = 0; i < s->n_entries; i++)
		top = s->entries[i].fd > top ? s->entries[i].fd : top;
	old = fcntl(s->old, F_DUPFD_CLOEXEC, top + 1);
	new = fcntl(s->new, F_DUPFD_CLOEXEC, top + 1);
	for (int i = 0; i < s->n_entries && old >= 0 && new >= 0; i++)
		s->entries[i].moved_set = fcntl(s->entries[i].set, F_DUPFD_CLOEXEC, top + 1);
	for (int i = 0; i < s->n_entries; i++) {
		struct entry *e = &s->entries[i];

		if (e->moved_set < 0 || dup2(old, e->fd) < 0)
			continue;
		(void)epoll_ctl(e->moved_set, EPOLL_CTL_DEL, e->fd, NULL);
		if (dup2(new, e->fd) >= 0)
			(void)epoll_ctl(e->moved_set, EPOLL_CTL_ADD, e->fd, &e->event);
	}
	return NULL;
}

int net_swap(const struct request *rq, int caller_fd, int old, int fd)
{
	struct search s = {.rq = rq, .old = old, .new = fd};
	struct stat st;
	pthread_t thread;
	int r;

	if (fstat(old, &st) < 0)
		return -errno;
	s.inode = st.st_ino;
	/* what is found is the caller's as long as it waits, and put() asks for that */
	look_through(&s, caller_fd);
	r = request_is_alive(rq) ? put(rq, fd, caller_fd) : -ESRCH;
	if (r == 0 && s.n_entries && pthread_create(&thread, NULL, move_entries, &s) == 0)
		pthread_join(thread, NULL);
	for (int i = 0; i < s.n_entries; i++)
		close(s.entries[i].set);
	return r;
}
