/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Users and groups as a container's own /etc/passwd and /etc/group name them.
 */
#ifndef CORE_CONTAINER_USER_H
#define CORE_CONTAINER_USER_H

#include <stdint.h>
#include <sys/types.h>

#include <gantry/error.h>

struct json_object;

struct user {
	uint32_t uid, gid;
	char home[256]; /* "/" when unknown */
	gid_t groups[64];
	int n_groups;
};

/* text: USER[:GROUP], names or numbers; "" is root.  root: descriptor of the root
 * filesystem.  extra: JSON array of more groups, or NULL. */
int user_lookup(int root, const char *text, struct json_object *extra, struct user *ret,
		struct gantry_error *err);

#endif
