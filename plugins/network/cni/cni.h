/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The driver instance, and attachments of containers to networks.  Its records:
 *
 *	att/<endpoint>     {Network, Container, Interface, Args, List, Capabilities, Result}:
 *	                   written before ADD without Result, removed after DEL
 *	subnet/<subnet>    "<network>": taken by a network that left its subnet open
 */
#ifndef CNI_CNI_H
#define CNI_CNI_H

#include <gantry/network.h>

#include "chain.h"
#include "helpers/store.h"

struct cni {
	const struct gantry_host *host;
	const struct gantry_log_service *log; /* or NULL */
	struct store store;
	struct json_object *config; /* holds the lists */
	struct json_object *bin_dirs;
	struct json_object *conf_dirs;
	int64_t deadline_ms;
};

/* The list of a network's options: of the file that cni.file names, else as create made
 * it.  The caller owns *ret. */
int cni_list_of(const struct cni *d, const char *options, struct json_object **ret,
		struct gantry_error *err);

/* A chain for a list, without parameters. */
struct cni_chain cni_chain_of(const struct cni *d, struct json_object *list);

/* attachment.c: as the operations of the kind network. */
int cni_attach(struct cni *d, const struct gantry_network_attach_args *args,
	       struct gantry_reply *reply, struct gantry_error *err);
int cni_detach(struct cni *d, const char *endpoint, int sandbox, struct gantry_error *err);
int cni_verify(struct cni *d, const char *endpoint, int sandbox, struct gantry_error *err);
/* Deletes attachments that are not in the list, then lets the plugins collect what they
 * hold for others than those. */
int cni_reconcile(struct cni *d, const char *const *endpoints, struct gantry_error *err);

/* standin.c: a namespace with an interface of this name and these addresses (of a result),
 * for plugins that can only undo what they read off the interface, after the container's
 * namespace has died.  The descriptor, or a negative code. */
int cni_stand_in(const char *interface, struct json_object *result, struct gantry_error *err);

/* subnets.c: a free subnet, claimed for the network (ret has ADDRESS_TEXT bytes). */
int cni_claim_subnet(struct cni *d, const char *network, char *ret, struct gantry_error *err);
int cni_release_subnets(struct cni *d, const char *network, struct gantry_error *err);

#endif
