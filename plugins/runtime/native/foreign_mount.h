/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bind mounts whose source lies in another process's mount namespace, written as
 * /proc/PID/root/PATH.  The kernel copies a mount for who is in its namespace only,
 * so a thread enters that one for the length of the call.
 */
#ifndef RUNTIME_NATIVE_FOREIGN_MOUNT_H
#define RUNTIME_NATIVE_FOREIGN_MOUNT_H

/* Is this such a path? */
int is_foreign_mount(const char *path);

/* open_tree(2) with these flags, seen from the namespace's root: links in the path
 * lead nowhere else.  The descriptor or a negative errno. */
int foreign_mount_open(const char *path, unsigned int flags);

#endif
