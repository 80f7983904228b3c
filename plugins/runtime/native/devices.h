/* SPDX-License-Identifier: Apache-2.0 */
/* Device nodes, links in /dev, and the console. */
#ifndef NATIVE_DEVICES_H
#define NATIVE_DEVICES_H

struct gantry_error;
struct process_spec;
struct spec;

/* Creates the default devices, those of linux.devices and the usual links, when
 * the container has a /dev of its own. */
int devices_create(int root, const struct spec *s, struct gantry_error *err);

/* Opens a terminal of the container's own devpts, sized and owned as p says.
 * *ret_master and *ret_slave are its sides. */
int devices_terminal(int root, const struct process_spec *p, int *ret_master, int *ret_slave,
		     struct gantry_error *err);

/* The same, bound to /dev/console. */
int devices_console(int root, const struct process_spec *p, int *ret_master, int *ret_slave,
		    struct gantry_error *err);

#endif
