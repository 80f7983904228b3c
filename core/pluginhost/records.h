/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The operation `append` of kind log for drivers that have only `write`: the records
 * come in a memory file and are written one by one.
 */
#ifndef CORE_PLUGINHOST_RECORDS_H
#define CORE_PLUGINHOST_RECORDS_H

#include <gantry/error.h>

struct driver;

/* args is a struct gantry_log_append_args. */
int append_records(struct driver *driver, const void *args, struct gantry_error *err);

#endif
