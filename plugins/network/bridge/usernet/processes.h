/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gantry-usernet: the processes behind an ordinary user's networks.  `hold` keeps the
 * network namespace in which the bridges are, and its way out; `forward` carries an
 * endpoint's published ports from the host into it.  Each writes its pid into a file that
 * stays locked for as long as it lives, so that others find it, and a dead one deceives
 * nobody.
 */
#ifndef USERNET_PROCESSES_H
#define USERNET_PROCESSES_H

#include <stdint.h>
#include <sys/socket.h>

/* hold FILE: says "ready" on stdout.  Ends with SIGTERM. */
int usernet_hold(const char *file);

/* A host port and where it leads. */
struct forward {
	int is_udp;
	int listener; /* bound in the host's namespace; TCP listens */
	struct sockaddr_storage to;
	socklen_t to_len;
};

/* forward FILE NAMESPACE-FD PROTOCOL:FD:ADDRESS:PORT... */
int usernet_forward(const char *file, int namespace_fd, char *const *specs, int n);

/* What the loop calls when a descriptor is ready; a member of what it serves. */
struct watch {
	void (*ready)(struct watch *w, uint32_t events);
};

/* One thread, one epoll instance.  0 or a negative errno. */
int watch_add(int fd, uint32_t events, struct watch *w);
void watch_change(int fd, uint32_t events, struct watch *w);
void watch_remove(int fd);

/* tcp.c: accepts from f for ever. */
int tcp_serve(const struct forward *f);
/* Frees connections that ended in this round of the loop. */
void tcp_sweep(void);

/* udp.c: answers go back to whom they belong, until a minute and a half of silence. */
int udp_serve(const struct forward *f);
void udp_expire(int64_t now_s);

/* Writes the pid (of this process, or another) into the locked file and keeps it open. */
int usernet_sign(const char *file, int pid);

#endif
