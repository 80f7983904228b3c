/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The emulator: answers calls of a container that its user namespace cannot serve.
 *
 * Each call is a request.  Its process waits in the kernel while it is answered; it
 * can be killed at any time, and its memory, links and mounts can change while they
 * are looked at.  Therefore:
 *
 *  - what a descriptor or a copy was taken of is known to be the caller's only once
 *    request_is_alive() has said so afterwards;
 *  - each argument is copied once, and only the copy is looked at;
 *  - a path is resolved by the kernel, in the caller's own root, into a descriptor,
 *    and what is done is done to that descriptor;
 *  - nothing is done that the caller could not do itself but for the ids: the kernel's
 *    checks apply to the emulator as to the caller, whose user it is.
 *
 * docs/rootless.md argues why no call acts outside of its container.
 */
#ifndef CORE_EMULATE_EMULATE_H
#define CORE_EMULATE_EMULATE_H

#include <linux/seccomp.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "core/emulate/identity.h"

/* An answer that is no number: the kernel shall do the call. */
#define ANSWER_CONTINUE INT64_MIN
/* The answer has been given already. */
#define ANSWER_GIVEN (INT64_MIN + 1)
/* It is given when what request_wait() named is ready. */
#define ANSWER_LATER (INT64_MIN + 2)
/* What the kernel says to itself: a signal came first; the call is made again after it,
 * or EINTR, as the signal's handler wants it. */
#define ANSWER_RESTART (-512)

struct request;
/* 0 or a positive result, a negative errno, or ANSWER_*. */
typedef int64_t (*emulate_fn)(struct request *rq);

/* What a call waits for, which its thread must not. */
struct wait {
	int fd;         /* closed in the end */
	short events;
	int64_t until_ms; /* on the monotonic clock; 0: for ever */
	emulate_fn again; /* called then, or with why */
	enum { WAIT_READY, WAIT_LATE, WAIT_SIGNAL } why;
	int data[2];
};

struct request {
	int listener;
	uint64_t id;
	pid_t tid;              /* as this process sees it */
	int nr;
	uint64_t args[6];
	struct wait wait;
	struct identity who;    /* filled by request_identity() */
	int has_who;
};

/* The call's function, or NULL. */
emulate_fn emulate_find(int nr);

/* Answers requests of a listener until nothing uses its filter any more. */
void emulate_serve(int listener);

/* request.c: what is known of the caller. */

int request_is_alive(const struct request *rq);
/* Who the caller is; rq->who. */
int request_identity(struct request *rq);
/* Makes it another; the identity is interned. */
int request_set_identity(struct request *rq, const struct identity *who);
/* Copies memory in and out.  Negative errno. */
int request_read(const struct request *rq, uint64_t from, void *to, size_t size);
int request_write(const struct request *rq, uint64_t to, const void *from, size_t size);
/* A path of at most PATH_MAX bytes; -ENAMETOOLONG. */
int request_read_path(const struct request *rq, uint64_t from, char *to);
/* Has the caller this capability in effect?  Being root is not enough in a container
 * that was started with fewer. */
int request_has_cap(const struct request *rq, unsigned int capability);
/* The caller's umask. */
mode_t request_umask(const struct request *rq);
/* Is the caller in a user namespace that it made itself?  Ids are its own affair then. */
int request_is_nested(const struct request *rq);
/* Opens what is below /proc/<tid>/. */
int request_open_proc(const struct request *rq, const char *name, int flags);
/* A descriptor put into the caller; gives the answer. */
int64_t request_give_fd(const struct request *rq, int fd, int close_on_exec);
/* A copy of a descriptor of the caller: the same open file. */
int request_take_fd(const struct request *rq, int fd);
/* Has a signal come that the caller would hear if it did not wait here? */
int request_is_interrupted(const struct request *rq);
/* The answer is again()'s, when fd, which is taken, is ready.  ANSWER_LATER. */
int64_t request_wait(struct request *rq, int fd, short events, int64_t until_ms,
		     emulate_fn again);

/* path.c: descriptors of what the caller names. */

/* What dirfd and path name, O_PATH.  at_flags: AT_SYMLINK_NOFOLLOW, AT_EMPTY_PATH. */
int path_open(const struct request *rq, int dirfd, const char *path, int at_flags);
/* The folder in which path's last name is; the name, which is never "", "." or "..". */
int path_open_parent(const struct request *rq, int dirfd, const char *path, char name[256]);
/* A descriptor of the caller, O_PATH. */
int path_open_fd(const struct request *rq, int fd);

/* The calls. */
int64_t call_setuid(struct request *rq);
int64_t call_setgid(struct request *rq);
int64_t call_setreuid(struct request *rq);
int64_t call_setregid(struct request *rq);
int64_t call_setresuid(struct request *rq);
int64_t call_setresgid(struct request *rq);
int64_t call_setfsuid(struct request *rq);
int64_t call_setfsgid(struct request *rq);
int64_t call_setgroups(struct request *rq);
int64_t call_prctl(struct request *rq);
int64_t call_getuid(struct request *rq);
int64_t call_geteuid(struct request *rq);
int64_t call_getgid(struct request *rq);
int64_t call_getegid(struct request *rq);
int64_t call_getresuid(struct request *rq);
int64_t call_getresgid(struct request *rq);
int64_t call_getgroups(struct request *rq);
int64_t call_chown(struct request *rq);
int64_t call_lchown(struct request *rq);
int64_t call_fchown(struct request *rq);
int64_t call_fchownat(struct request *rq);
int64_t call_mknod(struct request *rq);
int64_t call_mknodat(struct request *rq);
int64_t call_mkdir(struct request *rq);
int64_t call_mkdirat(struct request *rq);
int64_t call_symlink(struct request *rq);
int64_t call_symlinkat(struct request *rq);
int64_t call_open(struct request *rq);
int64_t call_openat(struct request *rq);
int64_t call_creat(struct request *rq);
int64_t call_setxattr(struct request *rq);
int64_t call_lsetxattr(struct request *rq);
int64_t call_fsetxattr(struct request *rq);
int64_t call_stat(struct request *rq);
int64_t call_lstat(struct request *rq);
int64_t call_fstat(struct request *rq);
int64_t call_newfstatat(struct request *rq);
int64_t call_statx(struct request *rq);
int64_t call_execve(struct request *rq);
int64_t call_execveat(struct request *rq);
int64_t call_getsockopt(struct request *rq);
int64_t call_mount(struct request *rq);
int64_t call_connect(struct request *rq);
int64_t call_bind(struct request *rq);
int64_t call_listen(struct request *rq);
int64_t call_accept(struct request *rq);
int64_t call_accept4(struct request *rq);
int64_t call_getsockname(struct request *rq);
int64_t call_getpeername(struct request *rq);

#endif
