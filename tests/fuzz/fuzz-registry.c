/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a registry, a credential helper or a user's config.json may say.  The
 * first byte chooses who is speaking.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "helpers/error.h"
#include "helpers/json.h"
#include "plugins/transport/registry/parse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void fuzz_config(const char *text, struct credentials *c)
{
	struct gantry_error err = GANTRY_ERROR_INIT;
	struct json_object *config = NULL;
	const char *helper;

	if (json_parse_object(text, "config.json", &config, &err) == 0) {
		(void)credentials_from_config(config, "127.0.0.1:5000", c, &helper, &err);
	}
	json_object_put(config);
}

static void fuzz_token(const char *text, size_t size)
{
	struct gantry_error err = GANTRY_ERROR_INIT;
	char *token = NULL, *refresh = NULL;

	if (token_parse(text, size, &token, &refresh, &err) == 0 && (!token || strpbrk(token, "\r\n"))) {
		abort(); /* it would end a header line */
	}
	free(token);
	free(refresh);
}

static void fuzz_lines(const char *text, size_t size)
{
	struct gantry_error err = GANTRY_ERROR_INIT;
	struct challenge challenge;
	struct location location;
	char out[256];

	(void)challenge_parse(text, &challenge);
	if (location_parse(text, &location, &err) == 0 &&
	    (strstr(location.repository, "..") || strpbrk(location.host, "/@?# "))) {
		abort();
	}
	if (is_valid_reference(text) && strpbrk(text, "/?#% ")) {
		abort();
	}
	error_reply_text(text, size, out, sizeof(out));
	for (const char *p = out; *p; p++) {
		if ((unsigned char)*p < 0x20) {
			abort();
		}
	}
	(void)retry_after_seconds(text);
	(void)next_link(text, out, sizeof(out));
	(void)is_loopback_host(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct gantry_error err = GANTRY_ERROR_INIT;
	struct credentials c = { 0 };
	char *text;

	if (size == 0) {
		return 0;
	}
	text = strndup((const char *)data + 1, size - 1);
	if (!text) {
		abort();
	}
	switch (data[0] % 4) {
	case 0:
		fuzz_lines(text, strlen(text));
		break;
	case 1:
		fuzz_config(text, &c);
		break;
	case 2:
		fuzz_token(text, strlen(text));
		break;
	default:
		(void)credentials_from_helper(text, strlen(text), &c, &err);
		(void)credentials_from_json(text, &c, &err);
	}
	credentials_done(&c);
	free(text);
	return 0;
}
