/* SPDX-License-Identifier: Apache-2.0 */
#include "core/engine/engine.h"

int engine_reconcile(struct core *core, struct gantry_error *err)
{
	return 0;
}
