/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sends a container's records to a descriptor, and follows the log while it is
 * written, rotated, cut or removed by others.
 */
#ifndef LOG_READER_H
#define LOG_READER_H

#include <gantry/log.h>

/* As the operation `read` of the kind log.  A sink that nobody reads any more
 * ends it without an error. */
int log_read(const struct gantry_log_read_args *args, struct gantry_error *err);

#endif
