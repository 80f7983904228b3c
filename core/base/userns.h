/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The user namespace of an ordinary user's engine.  All that needs a privilege
 * (mounts, the namespaces of containers, owners of files) is done in it, by every
 * command, shim and daemon of one run folder alike, since only what lives in one
 * namespace may reach into the containers of the others.  It lives as long as one
 * of them does, and the next command makes a new one.
 */
#ifndef CORE_BASE_USERNS_H
#define CORE_BASE_USERNS_H

#include <sys/types.h>

#include <gantry/error.h>

struct paths;

/* Which ids the namespace has. */
enum userns_ids {
	USERNS_HOST = 0, /* this process may do all: there is no namespace */
	USERNS_FULL,     /* a range from /etc/subuid besides the user's own */
	USERNS_SINGLE,   /* the user's own id alone, as root */
	USERNS_GIVEN,    /* whoever started us has made one already */
	USERNS_NONE,     /* none can be had: nothing but looking is possible */
};

const char *userns_ids_name(enum userns_ids ids);

/* Brings this process, which must have one thread, into the namespace, unless it
 * needs none.  Paths are those of this engine; the folder of holders in its run
 * folder and the choice of ids in its root are kept by this function. */
int userns_enter(const struct paths *paths, enum userns_ids *ret, struct gantry_error *err);

/* This process's user and group as the host knows them, also inside the namespace. */
uid_t userns_outer_uid(void);
gid_t userns_outer_gid(void);

/* Notes a process that will keep the namespace alive: a shim. */
int userns_add_holder(const struct paths *paths, pid_t pid, struct gantry_error *err);
/* Takes the note of this process back. */
void userns_leave(const struct paths *paths);

/* The user's range in a file like /etc/subuid (id or name, then start and count):
 * 1 when there is one, else 0. */
int userns_find_range(const char *file, uid_t uid, const char *name, unsigned *ret_start,
		      unsigned *ret_count);

#endif
