/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who gets a container's output: the driver that LogConfig.Type names, or a chain of
 * several ("json-file,audit"), which all get every record.  An option is the first
 * driver's; NAME.KEY is that of driver NAME alone.
 */
#ifndef CORE_CONTAINER_LOG_H
#define CORE_CONTAINER_LOG_H

#include "core/container/container.h"

#define LOG_LINKS_MAX 8

struct log_link {
	char *name;
	char *dir;                   /* its folder for what it keeps of this container */
	struct json_object *options; /* an object of strings */
	struct driver *driver;       /* NULL unless opened */
};

struct log_chain {
	struct log_link links[LOG_LINKS_MAX];
	unsigned n;
};

/* Takes a LogConfig apart; id may be NULL as long as nobody asks for folders. */
int log_chain_read(struct core *core, struct json_object *config, const char *id,
		   struct log_chain *ret, struct gantry_error *err);
void log_chain_done(struct log_chain *chain);
static inline void log_chain_auto(struct log_chain *chain)
{
	log_chain_done(chain);
}

/* Fills the LogConfig of a container that is being made, and lets each driver refuse
 * its options. */
int log_config_check(struct core *core, struct json_object *host_config, struct gantry_error *err);

/* What --log-driver is by default, as it would be written there; the caller frees. */
char *log_default_driver(struct core *core);

/* Has the drivers forget what they keep of a container.  One that cannot does not hold
 * its removal up. */
void log_remove_all(struct core *core, struct container *c);

#endif
