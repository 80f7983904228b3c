/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Annotations org.systemd.property.NAME=VALUE: properties of the container's unit.  VALUE
 * is in GVariant's text format: 'text', true, 5, uint64 5, ['a', 'b'].
 */
#ifndef NATIVE_SYSTEMD_PROPERTY_H
#define NATIVE_SYSTEMD_PROPERTY_H

struct buf;
struct gantry_error;
struct json_object;

#define SYSTEMD_PROPERTY_PREFIX "org.systemd.property."

/* Appends them to an array of properties, a(sv); annotations may be NULL.  A time NAMESec
 * becomes NAMEUSec, as systemd has it. */
int systemd_put_annotations(struct buf *b, struct json_object *annotations,
			    struct gantry_error *err);

#endif
