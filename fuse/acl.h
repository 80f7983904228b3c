/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inheritance of POSIX ACLs, for what is made in the workdir and moved into its
 * directory afterwards.
 */
#ifndef FUSE_ACL_H
#define FUSE_ACL_H

#include <sys/types.h>

/* Applies the default ACL of the directory dirfd, if it has one, to work/name as
 * creating it there with the given mode would have done.  Returns 1 when applied, 0 when
 * there is none, or a negative errno value. */
int acl_inherit(int dirfd, int work_fd, const char *name, mode_t mode);

#endif
