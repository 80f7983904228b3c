/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Networks as records and the endpoints of containers in them.  The networks
 * bridge, host and none exist without a record until one is needed; a network is
 * made in the kernel when it is first attached to after a boot.
 */
#ifndef CORE_NETWORK_NETWORK_H
#define CORE_NETWORK_NETWORK_H

#include "core/container/container.h"

struct network {
	char *id;
	char *name;
	char *driver;
	struct json_object *doc; /* {Created, EnableIPv6, Internal, Attachable, IPAM, Options, Labels} */
};

/* By name, id or unambiguous prefix; the predefined ones are made on demand.
 * NOT_FOUND: "network x not found". */
int network_find(struct core *core, const char *name, struct network **ret,
		 struct gantry_error *err);
struct network *network_free(struct network *n);

/* Does this container need a network namespace of its own with endpoints? 0 for
 * none, host and container:x (whose meaning is in the specification). */
int network_wanted(const struct container *c);

/* Connects a created container (pid: its init) to all its networks, default route
 * first; fills state.Networks and state.Ports; on failure all is undone. */
int network_attach_all(struct core *core, struct container *c, int pid, struct gantry_error *err);
/* Disconnects and frees; failures are collected in err but do not stop it. */
int network_detach_all(struct core *core, struct container *c, struct gantry_error *err);

/* Writes hosts, hostname and resolv.conf into the run folder, in place. */
int network_write_files(struct core *core, struct container *c, const char *run_dir,
			struct gantry_error *err);

/* Tells all drivers what exists (after a crash or reboot). */
int network_reconcile(struct core *core, struct gantry_error *err);

#endif
