/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sizes of volumes by project quotas; each limited volume has a project id of its own.
 */
#ifndef LOCAL_QUOTA_H
#define LOCAL_QUOTA_H

#include <gantry/plugin.h>

/* Limits the folder _data of an open volume folder; its id is noted in the file
 * "project".  UNSUPPORTED where the filesystem has no project quotas. */
int quota_set(const struct gantry_host *host, int volume, const char *name, int64_t bytes,
	      struct gantry_error *err);

/* Gives limit and id back; a volume without one is fine. */
void quota_drop(const struct gantry_host *host, int volume);

#endif
