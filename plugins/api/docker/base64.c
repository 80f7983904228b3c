/* SPDX-License-Identifier: Apache-2.0 */
#include <stdint.h>
#include <string.h>

#include "base64.h"

#include "helpers/buf.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "helpers/json.h"

#define MAX_AUTH 65536

void base64_encode(const void *data, size_t len, struct buf *out)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const unsigned char *in = data;

	for (size_t i = 0; i < len; i += 3) {
		size_t left = len - i;
		uint32_t group = (uint32_t)in[i] << 16;

		group |= left > 1 ? (uint32_t)in[i + 1] << 8 : 0;
		group |= left > 2 ? in[i + 2] : 0;
		buf_addc(out, digits[group >> 18]);
		buf_addc(out, digits[group >> 12 & 63]);
		buf_addc(out, left > 1 ? digits[group >> 6 & 63] : '=');
		buf_addc(out, left > 2 ? digits[group & 63] : '=');
	}
}

static int digit_value(char c)
{
	if (c >= 'A' && c <= 'Z') {
		return c - 'A';
	}
	if (c >= 'a' && c <= 'z') {
		return c - 'a' + 26;
	}
	if (c >= '0' && c <= '9') {
		return c - '0' + 52;
	}
	if (c == '+' || c == '-') {
		return 62;
	}
	return c == '/' || c == '_' ? 63 : -1;
}

int base64_decode(const char *text, struct buf *out)
{
	size_t len = strlen(text);
	uint32_t group = 0;
	unsigned bits = 0;

	while (len > 0 && text[len - 1] == '=') {
		len--;
	}
	if (len % 4 == 1) {
		return GANTRY_ERR_INVALID;
	}
	for (size_t i = 0; i < len; i++) {
		int value = digit_value(text[i]);

		if (value < 0) {
			return GANTRY_ERR_INVALID;
		}
		group = group << 6 | (uint32_t)value;
		bits += 6;
		if (bits >= 8) {
			bits -= 8;
			buf_addc(out, (char)(group >> bits & 0xff));
		}
	}
	return 0;
}

int registry_auth_decode(const char *text, char **ret, struct gantry_error *err)
{
	auto_(buf) struct buf json = BUF_INIT;
	auto_json struct json_object *parsed = NULL;
	int r;

	if (!text || !*text) {
		return 0;
	}
	if (strlen(text) > MAX_AUTH || base64_decode(text, &json) < 0 ||
	    (json.len > 0 && memchr(json.data, '\0', json.len))) {
		return error_set(err, GANTRY_ERR_INVALID,
				 "invalid X-Registry-Auth header: it is not base64url text");
	}
	r = json_parse_object(buf_str(&json), "X-Registry-Auth header", &parsed, err);
	if (r < 0) {
		return r;
	}
	if (json_member_count(parsed) == 0) {
		return 0;
	}
	*ret = buf_steal(&json);
	return *ret ? 0 : error_no_memory(err);
}
