/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a client can send to gantryd: heads and bodies, one after the other.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/daemon/http.h"

#include "helpers/buf.h"
#include "helpers/error.h"
#include "helpers/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* One message; how many bytes it took, or 0 at the end. */
static size_t take_message(const char *data, size_t size)
{
	size_t len = http_head_length(data, size), used, payload_len;
	struct gantry_error err = GANTRY_ERROR_INIT;
	struct buf copy = BUF_INIT, json = BUF_INIT;
	struct json_object *parsed = NULL;
	struct http_head head;
	struct http_body body;
	const char *payload;

	buf_add(&copy, data, len);
	if (len == 0 || http_head_parse(copy.data, len, &head, &err) < 0) {
		buf_done(&copy);
		return 0;
	}
	http_headers_json(&head, &json);
	if (json_parse_object(buf_str(&json), "headers", &parsed, &err) < 0) {
		abort(); /* what the daemon writes must be JSON */
	}
	json_object_put(parsed);
	http_body_init(&body, &head);
	do {
		if (http_body_take(&body, data + len, size - len, &used, &payload, &payload_len, &err) <
		    0) {
			len = 0;
			break;
		}
		len += used;
	} while (used > 0);
	buf_done(&json);
	buf_done(&copy);
	return len;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t at = 0, used;

	while (at < size && (used = take_message((const char *)data + at, size - at)) > 0) {
		at += used;
	}
	return 0;
}
