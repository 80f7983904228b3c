/* SPDX-License-Identifier: Apache-2.0 */
/* Whatever a daemon may answer the command line. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "cli/client/http.h"
#include "helpers/error.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct gantry_error err = GANTRY_ERROR_INIT;
	const char *text = (const char *)data;
	size_t len = http_head_length(text, size);
	struct http_head head;

	if (!len || http_parse_head(text, len, "GET", &head, &err) < 0) {
		return 0;
	}
	while (len < size && !head.body.done) {
		if (http_body_wants_framing(&head.body)) {
			if (http_body_framing(&head.body, text[len++]) < 0) {
				break;
			}
		} else if (head.body.framing == HTTP_UNTIL_CLOSE) {
			break;
		} else {
			size_t n = size - len < head.body.left ? size - len : (size_t)head.body.left;

			http_body_took(&head.body, n);
			len += n;
		}
	}
	http_head_done(&head);
	return 0;
}
