/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Configuration in libconfig syntax, from the least to the most specific:
 * built-in defaults, /etc/gantry/gantry.conf and conf.d, the user's file,
 * the environment, flags.  Every key is checked against the schema, and an error
 * names the file and the line.
 *
 * Keys are dotted.  A driver's own keys are drivers.<kind>.<driver>.<key>; they
 * are checked against the driver's schema when it is opened.
 */
#ifndef CORE_CONFIG_CONFIG_H
#define CORE_CONFIG_CONFIG_H

#include <stdint.h>

#include <gantry/error.h>
#include <gantry/plugin.h>

struct config;
struct json_object;
struct paths;

/* settings: "key=value" from flags, NULL-terminated, or NULL. */
int config_load(const struct paths *paths, const char *const *settings, struct config **ret,
		struct gantry_error *err);
struct config *config_free(struct config *c);

/* Known keys only; text is borrowed. */
const char *config_string(const struct config *c, const char *key);
int64_t config_int(const struct config *c, const char *key);
int config_bool(const struct config *c, const char *key);
/* A JSON array of strings, borrowed. */
struct json_object *config_list(const struct config *c, const char *key);

/* A driver's configuration as a JSON object, defaults filled in and checked
 * against its schema (may be NULL).  instance is the driver's name, or that which
 * an adaptor serves; its own keys win.  The caller frees the text. */
int config_for_driver(const struct config *c, const struct gantry_driver *driver,
		      const char *instance, char **ret, struct gantry_error *err);

/* What the host itself is told of a driver (drivers.<kind>.<driver>.<key>: see
 * config_host_keys), or NULL when nothing is said; borrowed. */
const char *config_driver_setting(const struct config *c, const char *kind, const char *driver,
				  const char *key);
/* The same as a number; fallback when nothing is said. */
int64_t config_driver_number(const struct config *c, const char *kind, const char *driver,
			     const char *key, int64_t fallback);
extern const char *const config_host_keys[]; /* ends with NULL */

/* The schema, for the man page and the shipped example; ends with a NULL name. */
extern const struct gantry_config_key config_schema[];

#endif
