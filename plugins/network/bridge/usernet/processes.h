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

/* hold FILE WAY: says "ready" on stdout.  Ends with SIGTERM.  The way out is by pasta, by
 * slirp4netns, or by "relay", which needs no helper. */
int usernet_hold(const char *file, const char *way);

/* A host port and where it leads. */
struct forward {
	int is_udp;
	int listener; /* bound in the host's namespace; TCP listens */
	struct sockaddr_storage to;
	socklen_t to_len;
};

/* forward FILE NAMESPACE-FD GIVE PROTOCOL:FD:ADDRESS:PORT...; GIVE is the path of the
 * socket where connections are given away, or "-". */
int usernet_forward(const char *file, int namespace_fd, const char *give, char *const *specs, int n);

/* What the loop calls when a descriptor is ready; a member of what it serves. */
struct watch {
	void (*ready)(struct watch *w, uint32_t events);
};

/* One thread, one epoll instance.  0 or a negative errno. */
int loop_open(void);
/* Never returns.  After each round after() is called; next() is how long the next may
 * wait, in milliseconds. */
void loop_run(void (*after)(void), int (*next)(void));
int64_t loop_now_ms(void);
int watch_add(int fd, uint32_t events, struct watch *w);
void watch_change(int fd, uint32_t events, struct watch *w);
void watch_remove(int fd);

/* tcp.c: accepts from f for ever. */
int tcp_serve(const struct forward *f);
/* Frees connections that ended in this round of the loop. */
void tcp_sweep(void);
/* From now on each is held until it is given, or carried. */
void tcp_hold(void);
/* The client's socket of the held connection that comes from there, the caller's; or -1. */
int tcp_give(const char *who);
/* Carries those that were held long enough; until the next one is due, or the longest. */
int tcp_release_due(int longest_ms);

/* give.c: what is asked for at this socket is given. */
int give_serve(const char *path);

/* relay.c: the way out of the namespace, without a helper.  The resolver is an IPv4
 * address, or "". */
int relay_serve(int space, const char *resolver);
void relay_expire(int64_t now_s);

/* udp.c: answers go back to whom they belong, until a minute and a half of silence. */
int udp_serve(const struct forward *f);
void udp_expire(int64_t now_s);

/* Writes the pid (of this process, or another) into the locked file and keeps it open. */
int usernet_sign(const char *file, int pid);

#endif
