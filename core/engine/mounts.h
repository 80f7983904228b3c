/* SPDX-License-Identifier: Apache-2.0 */
/* The mounts that programs of gantry serve, and whether anybody still does. */
#ifndef CORE_ENGINE_MOUNTS_H
#define CORE_ENGINE_MOUNTS_H

#include <stddef.h>

enum mount_state {
	MOUNT_SERVED,
	MOUNT_DEAD,     /* no server is left: every use fails */
	MOUNT_SILENT,   /* its server does not answer */
	MOUNT_CLEARED,  /* it was dead and is gone now */
};

/* Calls found for each of them in this mount namespace; with clear set, dead ones are
 * unmounted.  0 or a negative errno value. */
int mounts_check(int clear, void (*found)(void *ctx, const char *path, enum mount_state state),
		 void *ctx);

#endif
