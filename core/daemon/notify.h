/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The service manager's protocol: readiness told over $NOTIFY_SOCKET, and
 * sockets passed by $LISTEN_FDS.
 */
#ifndef CORE_DAEMON_NOTIFY_H
#define CORE_DAEMON_NOTIFY_H

#define NOTIFY_FIRST_FD 3

/* Tells "READY=1" and the like; does nothing without a manager. */
void notify_manager(const char *state);

/* How many sockets were passed to this process, from NOTIFY_FIRST_FD on.  The
 * environment is cleared, so that no child takes them for its own. */
int notify_passed_sockets(void);

#endif
