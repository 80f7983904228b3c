/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A CNI result as the endpoint that the engine knows.
 */
#ifndef CNI_RESULT_H
#define CNI_RESULT_H

#include "helpers/json.h"

/* {IPAddress, IPPrefixLen, Gateway, MacAddress, GlobalIPv6Address, ..., Interface, DNS}, the
 * caller's.  Addresses that are none are refused. */
int cni_endpoint(struct json_object *result, const char *interface, struct json_object **ret,
		 struct gantry_error *err);

#endif
