/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <string.h>

#include "cli/reference.h"
#include "helpers/error.h"

/* A first part that can only be a host: it has a dot or a port, or is "localhost". */
static size_t domain_length(const char *text)
{
	size_t len = strcspn(text, "/");

	if (!text[len]) {
		return 0;
	}
	if (memchr(text, '.', len) || memchr(text, ':', len) ||
	    (len == 9 && strncmp(text, "localhost", 9) == 0)) {
		return len;
	}
	return 0;
}

static int valid_path(const char *p, size_t len)
{
	char before = '/';

	for (size_t i = 0; i < len; i++) {
		int alnum = islower((unsigned char)p[i]) || isdigit((unsigned char)p[i]);

		if (!alnum && !strchr("._-/", p[i])) {
			return 0;
		}
		if (!alnum && before == '/') {
			return 0;
		}
		before = p[i];
	}
	return len > 0 && (islower((unsigned char)before) || isdigit((unsigned char)before));
}

static int valid_tag(const char *p)
{
	size_t len = strlen(p);

	if (!len || len > 128 || (!isalnum((unsigned char)*p) && *p != '_')) {
		return 0;
	}
	for (; *p; p++) {
		if (!isalnum((unsigned char)*p) && !strchr("_.-", *p)) {
			return 0;
		}
	}
	return 1;
}

int reference_parse(const char *text, struct reference *ret, struct gantry_error *err)
{
	size_t len = strlen(text), domain = domain_length(text);
	struct reference ref = { .tag = "" };
	const char *at, *path, *colon;
	size_t path_len;

	if (len >= REFERENCE_MAX) {
		return error_set(err, GANTRY_ERR_INVALID, "invalid reference format: it is too long");
	}
	at = strchr(text, '@');
	if (at) {
		if (!strchr(at, ':') || strlen(at + 1) >= sizeof(ref.digest)) {
			return error_set(err, GANTRY_ERR_INVALID, "invalid reference format");
		}
		strcpy(ref.digest, at + 1);
		len = (size_t)(at - text);
	}
	path = domain ? text + domain + 1 : text;
	if (domain >= sizeof(ref.domain)) {
		return error_set(err, GANTRY_ERR_INVALID, "invalid reference format");
	}
	memcpy(ref.domain, text, domain);
	colon = len ? memrchr(path, ':', len - (size_t)(path - text)) : NULL;
	path_len = (size_t)((colon ? colon : text + len) - path);
	if (colon) {
		size_t tag_len = len - (size_t)(colon + 1 - text);

		if (tag_len >= sizeof(ref.tag)) {
			return error_set(err, GANTRY_ERR_INVALID, "invalid reference format");
		}
		memcpy(ref.tag, colon + 1, tag_len);
		if (!valid_tag(ref.tag)) {
			return error_set(err, GANTRY_ERR_INVALID, "invalid reference format");
		}
	}
	if (!valid_path(path, path_len)) {
		for (size_t i = 0; i < path_len; i++) {
			if (isupper((unsigned char)path[i])) {
				return error_set(err, GANTRY_ERR_INVALID,
						 "invalid reference format: repository name (%.*s) must be "
						 "lowercase",
						 (int)path_len, path);
			}
		}
		return error_set(err, GANTRY_ERR_INVALID, "invalid reference format");
	}
	memcpy(ref.name, text, (size_t)(path - text) + path_len);
	*ret = ref;
	return 0;
}
