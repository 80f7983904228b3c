/* SPDX-License-Identifier: Apache-2.0 */
/* An answer of CRIU's. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "plugins/runtime/native/criu_message.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct criu_answer a;

	if (criu_answer_parse(data, size, &a) == 0 && (strlen(a.script) >= sizeof(a.script) ||
						       strlen(a.message) >= sizeof(a.message)))
		abort();
	return 0;
}
