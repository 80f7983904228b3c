/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include <helpers/cleanup.h>

#include "../container.h"
#include "oci.h"

int oci_features(struct oci *o, int argc, char **argv)
{
	auto_free char *text = runtime_features();

	if (!text)
		return 1;
	printf("%s\n", text);
	return 0;
}
