/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Networks as records and the endpoints of containers in them.  The networks
 * bridge, host and none exist without a record until one is needed; a network is
 * made again in the kernel when it is first attached to after a boot.
 */
#ifndef CORE_NETWORK_NETWORK_H
#define CORE_NETWORK_NETWORK_H

#include "core/container/container.h"
#include "helpers/emulate.h"

struct network {
	char *id;
	char *name;
	char *driver;
	/* {Driver, Created, EnableIPv6, Internal, Attachable, IPAM, Options, Labels} */
	struct json_object *doc;
};

/* By name, id or unambiguous prefix; the predefined ones are made on demand.
 * NOT_FOUND: "network x not found". */
int network_find(struct core *core, const char *name, struct network **ret,
		 struct gantry_error *err);
struct network *network_free(struct network *n);
static inline void cleanup_network(struct network **n)
{
	network_free(*n);
}
#define auto_network __attribute__((cleanup(cleanup_network)))

/* Makes a network and its record; options is filled up.  *ret_id is the caller's. */
int network_insert(struct core *core, const char *name, const char *driver,
		   struct json_object *options, char **ret_id, struct gantry_error *err);

/* Makes records of networks that files define (sdk/interfaces/network.lua, discover), and
 * removes those whose file is gone and that nobody uses.  With wanted only that one is
 * made, and *ret_found says whether a file has it. */
int networks_discover(struct core *core, const char *wanted, int *ret_found,
		      struct gantry_error *err);
int network_is_discovered(const struct network *n);

/* Asks the drivers whether the endpoints of running containers are as they were made;
 * tell is called for each that is not. */
int networks_verify(struct core *core,
		    void (*tell)(void *data, const char *network, const char *container,
				 const struct gantry_error *why),
		    void *data, struct gantry_error *err);

/* Does this container get a network namespace that a driver must furnish?  0 for
 * host and container:x. */
int network_wanted(const struct container *c);

/* Connects a container whose init (pid) exists to all its networks, the one with
 * the default route first; fills state.Networks and state.Ports.  What was made is
 * undone by network_detach_all, also after a failure. */
int network_attach_all(struct core *core, struct container *c, int pid, struct gantry_error *err);
/* One network of a running container; settings is the request's endpoint settings
 * or NULL. */
int network_attach_one(struct core *core, struct container *c, const char *name, int pid,
		       struct json_object *settings, int with_ports, struct gantry_error *err);

/* Disconnects and frees. */
int network_detach_all(struct core *core, struct container *c, struct gantry_error *err);
/* Tries again what network_detach_all could not undo. */
int network_retry_orphans(struct core *core, struct gantry_error *err);
int network_detach_one(struct core *core, struct container *c, const char *name, int pid,
		       struct gantry_error *err);

/* Writes hosts, hostname and resolv.conf into the run folder, in place: a running
 * container sees the change. */
int network_write_files(struct core *core, struct container *c, const char *run_dir,
			struct gantry_error *err);
/* The same for every running container on a network, since their names changed. */
void network_refresh_peers(struct core *core, const char *network_id, const char *but_container);

/* Which calls of a container are asked about for its networks' sake. */
enum emulate_sockets network_sockets(struct core *core, const struct container *c);
/* Tells its emulator, if that makes its sockets, what its networks are now. */
int network_tell_sockets(struct core *core, const struct container *c, int pid,
			 struct gantry_error *err);

/* Tells all drivers what exists (after a crash or reboot). */
int networks_reconcile(struct core *core, struct gantry_error *err);

/* Is it made in the kernel since the last boot? */
void network_mark_live(struct core *core, const char *id);
/* It is removed. */
void network_unmark_live(struct core *core, const char *id);
int network_ensure_live(struct core *core, const struct network *n, struct gantry_error *err);

#endif
