/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A conversation with CRIU, which runs as `criu swrk` for one request.  CRIU notices our
 * end and we notice its, so nobody waits for ever.
 */
#ifndef NATIVE_CRIU_H
#define NATIVE_CRIU_H

#include <sys/types.h>

#include "container.h"
#include "criu_message.h"

struct buf;
struct gantry_error;

/* The first descriptor of criu_launch.fds in CRIU. */
#define CRIU_FIRST_FD 4
#define CRIU_MAX_FDS 8

struct criu_launch {
	const char *program; /* NULL: "criu" */
	int stdio[3];        /* -1: /dev/null */
	int fds[CRIU_MAX_FDS];
	size_t n_fds;
	enum container_parent parent;
	int cgroup;          /* the version 2 group in which it is born; -1: the caller's */
	/* Runs in CRIU's process before CRIU does, when criu_go() has been called. */
	int (*before)(void *data, struct gantry_error *err);
	void *data;
};

struct criu {
	pid_t pid;
	int pidfd; /* -1: not running */
	int sock;  /* requests and answers */
	int setup; /* errors of its process until it is CRIU */
	enum container_parent parent;
};

#define CRIU_INIT { 0, -1, -1, -1, CHILD_OF_CALLER }

/* Starts the process; criu_done() is due. */
int criu_launch(const struct criu_launch *l, struct criu *ret, struct gantry_error *err);

/* Lets it become CRIU. */
int criu_go(struct criu *c, struct gantry_error *err);

/* What CRIU asks on its way; fd is -1 or the callee's.  A failure ends the request. */
typedef int criu_notified(void *data, const struct criu_answer *a, int fd,
			  struct gantry_error *err);

/* Where CRIU writes what was wrong. */
struct criu_log {
	int dir;
	const char *path, *name; /* the folder and the file in it */
};

/* One request with the fields of criu_opts; *ret_pid is the restored process. */
int criu_request(struct criu *c, enum criu_type type, const struct buf *opts,
		 const struct criu_log *log, criu_notified *notified, void *data, pid_t *ret_pid,
		 struct gantry_error *err);

/* Hangs up and waits until it is gone. */
void criu_done(struct criu *c);
static inline void criu_auto(struct criu *c)
{
	criu_done(c);
}

#endif
