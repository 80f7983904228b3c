/* SPDX-License-Identifier: Apache-2.0 */
/* The suites that there are. */
#include <stddef.h>

#include "conformance/kit.h"

extern const struct kit_kind kit_api, kit_auth, kit_cluster, kit_log, kit_monitor, kit_network, kit_policy, kit_runtime,
	kit_spec, kit_storage, kit_transport, kit_volume;

const struct kit_kind *const kit_kinds[] = {
	&kit_api, &kit_auth, &kit_cluster, &kit_log, &kit_monitor, &kit_network, &kit_policy, &kit_runtime,
	&kit_spec, &kit_storage, &kit_transport, &kit_volume, NULL,
};
