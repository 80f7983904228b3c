/* SPDX-License-Identifier: Apache-2.0 */
/* Whatever a user may type after --format. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "cli/format/template.h"
#include "helpers/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char document[] = "{\"A\":\"x\",\"B\":[1,2.5,null,{\"C\":true}],\"D\":{\"e\":\"f\"}}";
	struct gantry_error err = GANTRY_ERROR_INIT;
	struct template_data run = { 0 };
	struct json_object *o = NULL;
	struct buf out = BUF_INIT;
	struct template *t;
	char *text = strndup((const char *)data, size);

	if (text && json_parse(document, strlen(document), "it", &o, &err) == 0 &&
	    template_parse(text, &t, &err) == 0) {
		run.dot = o;
		template_execute(t, &run, &out, &err);
		template_free(t);
	}
	json_object_put(o);
	buf_done(&out);
	free(text);
	return 0;
}
