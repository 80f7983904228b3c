/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who a process of the container believes to be.  The kernel knows it as the one user
 * that there is; the difference is a number in a resource limit of the process
 * (helpers/emulate.h), which its children inherit.  The number names an identity in a
 * table that only grows.
 */
#ifndef CORE_EMULATE_IDENTITY_H
#define CORE_EMULATE_IDENTITY_H

#include <stdint.h>
#include <sys/types.h>

enum { IDENTITY_MAX_GROUPS = 128, IDENTITY_MAX = 4096 };

struct ids {
	uint32_t real, effective, saved, fs;
};

struct identity {
	struct ids uid, gid;
	uint32_t n_groups;
	uint32_t groups[IDENTITY_MAX_GROUPS];
	uint8_t keeps_caps;  /* PR_SET_KEEPCAPS is on */
	uint8_t has_caps;    /* of root, though it is root no more */
	int is_default; /* what the kernel says is true */
};

/* The identity of a process, by its limit.  Negative errno. */
int identity_read(pid_t pid, struct identity *ret);
/* Writes the limit.  EAGAIN when the table is full. */
int identity_write(pid_t pid, const struct identity *who);

int identity_has_group(const struct identity *who, uint32_t gid);

#endif
