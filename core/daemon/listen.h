/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the daemon listens: Unix sockets, TCP addresses, and descriptors that a
 * service manager passes.
 */
#ifndef CORE_DAEMON_LISTEN_H
#define CORE_DAEMON_LISTEN_H

#include <stddef.h>

#include <gantry/error.h>

#define LISTEN_MAX 16

struct listen_socket {
	int fd;          /* owned until given away; -1 then */
	int is_tcp;
	char *unix_path; /* owned; removed again by listen_done(); NULL: none */
	unsigned long long inode; /* of unix_path as we made it */
};

struct listen_set {
	struct listen_socket sockets[LISTEN_MAX];
	size_t n;
};

/* Opens one address: "unix://PATH", "tcp://[HOST][:PORT]" or "fd://[NAME or *]".
 * group: owner of Unix sockets, or NULL; default_port is for tcp:// without one.
 * IN_USE when another daemon serves there. */
int listen_open(struct listen_set *set, const char *address, const char *group, int default_port,
		struct gantry_error *err);

/* Closes what is left and removes the Unix sockets that are still ours. */
void listen_done(struct listen_set *set);

#endif
