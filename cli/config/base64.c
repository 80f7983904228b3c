/* SPDX-License-Identifier: Apache-2.0 */
#include <stdint.h>
#include <string.h>

#include "cli/config/base64.h"
#include "helpers/buf.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static char digit(uint32_t value, int url)
{
	char c = alphabet[value & 63];

	return url && c == '+' ? '-' : url && c == '/' ? '_' : c;
}

void text_to_base64(const void *data, size_t len, int url, struct buf *out)
{
	const unsigned char *p = data;

	for (size_t i = 0; i < len; i += 3) {
		size_t n = len - i < 3 ? len - i : 3;
		uint32_t bits = (uint32_t)p[i] << 16;

		bits |= n > 1 ? (uint32_t)p[i + 1] << 8 : 0;
		bits |= n > 2 ? p[i + 2] : 0;
		buf_addc(out, digit(bits >> 18, url));
		buf_addc(out, digit(bits >> 12, url));
		buf_addc(out, n > 1 ? digit(bits >> 6, url) : '=');
		buf_addc(out, n > 2 ? digit(bits, url) : '=');
	}
}

int text_from_base64(const char *text, struct buf *out)
{
	uint32_t bits = 0;
	int have = 0;

	for (; *text && *text != '='; text++) {
		char c = *text == '-' ? '+' : *text == '_' ? '/' : *text;
		const char *at = strchr(alphabet, c);

		if (!at) {
			return -1;
		}
		bits = bits << 6 | (uint32_t)(at - alphabet);
		have += 6;
		if (have >= 8) {
			have -= 8;
			buf_addc(out, (char)(bits >> have & 0xff));
		}
	}
	return text[strspn(text, "=")] ? -1 : 0;
}
