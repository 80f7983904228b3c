/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where bridges and rules are: in the host's network namespace, or, where that is not ours
 * to change, in one that belongs to the user's engine.  A process (gantry-usernet) keeps
 * the latter from the first endpoint to the last, with pasta or slirp4netns as its way out, and
 * published ports are carried into it by one process for each endpoint.  Where neither
 * helper can be used, a relay of our own carries what is not TCP.
 */
#ifndef BRIDGE_GROUND_H
#define BRIDGE_GROUND_H

#include "bridge.h"

/* Would containers get out?  Wherever they can be at all: what no helper carries, the relay
 * and the emulator's sockets do. */
int ground_probe(struct gantry_error *err);

/* How packets leave a namespace of ours: pasta, slirp4netns or relay, as configured or the
 * first of them that can be used. */
const char *ground_way(const struct bridge_driver *d);

/* Makes it ready for what follows; each operation begins so.  Until *ret_lock is closed (-1:
 * nothing to close) the namespace stays. */
int ground_enter(const struct bridge_driver *d, int *ret_lock, struct gantry_error *err);

/* The namespace for rtnl_open() and the like; -1: the host's, in which this process is. */
int ground_namespace(void);

/* Runs fn(arg) there and returns what it returns, or a negative errno. */
int ground_run(int (*fn)(void *arg), void *arg);

/* Gives the namespace up when no endpoint is left in it. */
void ground_leave(const struct bridge_driver *d);

#endif
