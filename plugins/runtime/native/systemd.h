/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Control groups made by systemd (--systemd-cgroup): a transient scope per
 * container, in which systemd delegates to us.  Limits are told to it as well,
 * since it writes what it knows anew when it is reloaded.
 */
#ifndef NATIVE_SYSTEMD_H
#define NATIVE_SYSTEMD_H

#include <stddef.h>
#include <sys/types.h>

struct gantry_error;
struct json_object;
struct resources;

/* Splits linux.cgroupsPath, SLICE:PREFIX:NAME (NULL: a default made from the id), into
 * the slice and the scope's name. */
int systemd_scope_name(const char *requested, const char *id, char *ret_slice, char *ret_scope,
		       size_t size, struct gantry_error *err);

/* Starts the scope with this process in it, and tells which control group it has.
 * annotations (or NULL) may set more properties: systemd_property.h. */
int systemd_start_scope(const char *slice, const char *scope, const char *id, pid_t pid,
			const struct resources *res, struct json_object *annotations,
			char *ret_path, size_t size, struct gantry_error *err);

int systemd_update_scope(const char *scope, const struct resources *res, struct gantry_error *err);

/* Ends it; one that is gone is no error. */
int systemd_stop_scope(const char *scope, struct gantry_error *err);

#endif
