/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What this process may do.  An effective uid of 0 says little: in a user namespace
 * it is an ordinary user to the host.
 */
#ifndef HELPERS_PRIVILEGE_H
#define HELPERS_PRIVILEGE_H

#include <sys/types.h>

/* Is this the host's own user namespace? */
int in_initial_userns(void);

/* Root of the host's user namespace: may write what belongs to the whole host. */
int is_host_root(void);

/* Is the capability (CAP_*) in the effective set of this thread? */
int has_capability(unsigned int capability);

/* Is there more than one user id in this user namespace? */
int userns_has_ids(void);

/* The process's umask, found without changing it, which other threads would notice;
 * 0777 where that cannot be told. */
mode_t process_umask(void);

#endif
