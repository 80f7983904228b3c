/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Size limits of folders by project quotas (ext4 and xfs, mounted with prjquota).
 */
#ifndef HELPERS_PROJECT_QUOTA_H
#define HELPERS_PROJECT_QUOTA_H

#include <stdint.h>

/* Limits what a project may occupy on fd's filesystem; 0 bytes: no limit.  0 or a negative
 * errno; setting a limit on an unused project tells whether there are quotas at all. */
int project_quota_set_limit(int fd, uint32_t project, int64_t bytes);

/* Counts a folder, and what is made in it from now on, to a project. */
int project_quota_assign(int dirfd, const char *path, uint32_t project);

#endif
