/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Work inside another namespace, mostly a network namespace, without disturbing anybody else: a
 * short-lived thread enters it, or the calling thread does and comes back, where it can.
 */
#ifndef HELPERS_NETNS_H
#define HELPERS_NETNS_H

/* Runs fn(arg) in the namespace of this type (CLONE_NEW*) and returns what fn returns, or a negative
 * errno when nobody can enter. */
int namespace_run(int fd, int type, int (*fn)(void *arg), void *arg);
int netns_run(int netns, int (*fn)(void *arg), void *arg);

/* socket(2) made inside the namespace; it stays there.  The descriptor (close-on-exec)
 * or a negative errno. */
int netns_socket(int netns, int domain, int type, int protocol);

/* Brings the namespace's loopback interface up.  0 or a negative errno. */
int netns_loopback_up(int netns);

/* The same with an internet socket of the namespace. */
int loopback_up(int sock);

#endif
