/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "interfaces.h"

const struct gantry_interface *interface_find(const char *kind)
{
	for (const struct gantry_interface *const *i = interfaces_all; *i; i++) {
		if (!strcmp((*i)->kind, kind))
			return *i;
	}
	return NULL;
}
