/* SPDX-License-Identifier: Apache-2.0 */
/* The suites that there are. */
#include <stddef.h>

#include "conformance/kit.h"

extern const struct kit_kind kit_log, kit_monitor, kit_network, kit_storage, kit_volume;

const struct kit_kind *const kit_kinds[] = {
	&kit_log, &kit_monitor, &kit_network, &kit_storage, &kit_volume, NULL,
};
