/* SPDX-License-Identifier: Apache-2.0 */
/* What saving a container and restoring it share. */
#ifndef NATIVE_CHECKPOINT_H
#define NATIVE_CHECKPOINT_H

#include "container.h"

struct buf;
struct gantry_error;

/* Beside CRIU's images: where the first three descriptors lead, as a JSON array. */
#define CHECKPOINT_DESCRIPTORS "descriptors.json"

/* The two folders, made where they are missing. */
struct checkpoint_dirs {
	int images, work;
};

#define CHECKPOINT_DIRS_INIT { -1, -1 }

int checkpoint_dirs_open(const struct checkpoint_options *o, struct checkpoint_dirs *ret,
			 struct gantry_error *err);
void checkpoint_dirs_done(struct checkpoint_dirs *d);
static inline void checkpoint_dirs_auto(struct checkpoint_dirs *d)
{
	checkpoint_dirs_done(d);
}

/* Adds to criu_opts what both directions need. */
void checkpoint_put_options(const struct checkpoint_options *o, const struct checkpoint_dirs *d,
			    const char *log, struct buf *opts);

/* CRIU's name for a namespace that is not the container's own: "extRootNetNS". */
#define CHECKPOINT_NET_KEY "extRootNetNS"
#define CHECKPOINT_PID_KEY "extRootPidNS"

/* A file for CRIU's options that its requests have no field for, and the folder in which
 * the container's root is mounted while it is restored; in the state folder. */
#define CHECKPOINT_CONFIG "criu.conf"
#define CHECKPOINT_ROOT "criu-root"

#endif
