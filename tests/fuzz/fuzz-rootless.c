/* SPDX-License-Identifier: Apache-2.0 */
/* What anybody may have written where a user's engine reads: attributes of files,
 * .container files. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "cli/units/unit.h"
#include "helpers/buf.h"
#include "helpers/error.h"
#include "helpers/owners.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int target(void *ctx, const char *kind, const char *name)
{
	(void)ctx;
	if (strchr(name, '/') || strchr(kind, '/')) {
		abort();
	}
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct gantry_error err = GANTRY_ERROR_INIT;
	struct stat st = { .st_mode = S_IFREG };
	struct buf out = BUF_INIT;
	char *text = strndup((const char *)data, size);
	char again[96];

	if (owners_parse((const char *)data, size, &st) == 0 &&
	    owners_format(&st, S_IFREG, again, sizeof(again)) >= (int)sizeof(again)) {
		abort();
	}
	if (text && unit_from_container("f", text, "name", "/bin/gantry", &out, &err) == 0) {
		/* one line of the file cannot become another's ExecStart= */
		const char *last = strstr(buf_str(&out), "\nExecStop=");

		if (!last) {
			abort();
		}
	}
	(void)unit_each_install(text ? text : "", target, NULL);
	buf_done(&out);
	free(text);
	return 0;
}
