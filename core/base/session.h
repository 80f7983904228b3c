/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An ordinary user's folders when none is named: what is durable lies in his home, what a
 * reboot clears where his session has its own, and both are found again without one.
 */
#ifndef CORE_BASE_SESSION_H
#define CORE_BASE_SESSION_H

/* $XDG_DATA_HOME/gantry, or the same in the home of this user; $HOME counts only if it
 * is his.  On a filesystem that several hosts share, each has its own.  NULL when out of memory;
 * the caller frees. */
char *session_data_folder(void);

/* The folder in which this user's engine on root has run since boot; else the first that is
 * his of $XDG_RUNTIME_DIR/gantry, /run/user/<uid>/gantry and /tmp/gantry-<uid>. */
char *session_run_folder(const char *root);

/* Keeps it for the processes of this user that have no session, until the next boot. */
void session_keep_run_folder(const char *root, const char *run_root);

#endif
