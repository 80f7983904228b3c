/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The filters parameter.  Clients write {"key":{"value":true}} or, older ones,
 * {"key":["value"]}; the engine takes the second only.
 */
#ifndef API_DOCKER_FILTERS_H
#define API_DOCKER_FILTERS_H

#include <gantry/error.h>

/* *ret: {"key":["value",...]} as text that the caller frees, or NULL when text
 * is NULL, "" or without keys.  INVALID for any other shape. */
int filters_normalise(const char *text, char **ret, struct gantry_error *err);

/* The same, with key=value added unless key is there. */
int filters_with_default(const char *text, const char *key, const char *value, char **ret,
			 struct gantry_error *err);

#endif
