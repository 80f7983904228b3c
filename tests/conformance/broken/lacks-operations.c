/* SPDX-License-Identifier: Apache-2.0 */
/* FOUND-BY: open and close: lacks required operations: list, remove */
#include "broken.h"

#pragma GCC diagnostic ignored "-Woverride-init"
BROKEN(.list = NULL, .remove = NULL);
