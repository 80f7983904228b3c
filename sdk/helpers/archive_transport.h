/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The transport operations over image archives, shared by the drivers that
 * differ in flavour only.  A driver's open() is archive_transport_new().
 */
#ifndef HELPERS_ARCHIVE_TRANSPORT_H
#define HELPERS_ARCHIVE_TRANSPORT_H

#include <gantry/plugin.h>
#include <gantry/transport.h>

#include "image_archive.h"

extern const struct gantry_transport_ops archive_transport_ops;

/* Its one key is max_spool_mb. */
extern const struct gantry_config_key archive_transport_config[];

int archive_transport_new(const struct gantry_host *host, const char *config,
			  enum archive_flavour flavour, void **ret_self, struct gantry_error *err);
void archive_transport_free(void *self);
int archive_transport_check(const char *config, struct gantry_error *err);

#endif
