/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The fake host's store: one file per key, named by the key in hexadecimal.  Any
 * thread and any process; a put that was interrupted was not made.
 */
#ifndef FAKE_STORE_H
#define FAKE_STORE_H

#include <gantry/interface.h>

struct fake_store {
	int folder; /* a descriptor */
};

int fake_store_init(struct fake_store *store, const char *folder);
void fake_store_done(struct fake_store *store);

int fake_store_get(struct fake_store *store, const char *key, struct gantry_reply *reply,
		   struct gantry_error *err);
int fake_store_put(struct fake_store *store, const char *key, const char *value, int only_new,
		   struct gantry_error *err);
int fake_store_remove(struct fake_store *store, const char *key, struct gantry_error *err);
int fake_store_list(struct fake_store *store, const char *prefix, struct gantry_reply *reply,
		    struct gantry_error *err);

#endif
