/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "core/content/digest.h"
#include "core/image/reference.h"
#include "helpers/error.h"

static int invalid(struct gantry_error *err, const char *text)
{
	return error_set(err, GANTRY_ERR_INVALID, "invalid reference format: \"%.256s\"", text);
}

static int is_tag(const char *tag)
{
	size_t n = strlen(tag);

	if (n == 0 || n > 128 || !(isalnum((unsigned char)*tag) || *tag == '_')) {
		return 0;
	}
	return strspn(tag, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-") == n;
}

/* Lower-case components separated by slashes, each with inner separators only. */
static int is_path(const char *path)
{
	char before = '/';

	if (!*path) {
		return 0;
	}
	for (const char *p = path; *p; p++) {
		int separator = strchr("._-", *p) != NULL;

		if (!islower((unsigned char)*p) && !isdigit((unsigned char)*p) && !separator && *p != '/') {
			return 0;
		}
		if ((separator || *p == '/') && before == '/') {
			return 0;
		}
		if (*p == '/' && strchr("._-", before)) {
			return 0;
		}
		before = *p;
	}
	return isalnum((unsigned char)before) != 0;
}

static int is_domain(const char *domain)
{
	const char *colon = strrchr(domain, ':');

	if (!*domain || strspn(domain, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-:[]") !=
				strlen(domain)) {
		return 0;
	}
	return !colon || strchr(colon, ']') || strspn(colon + 1, "0123456789") == strlen(colon + 1);
}

/* Is the part before the first slash a host?  As Docker: it has a dot or a colon,
 * or is localhost. */
static size_t domain_length(const char *text)
{
	const char *slash = strchr(text, '/');
	size_t n = slash ? (size_t)(slash - text) : 0;

	if (!slash) {
		return 0;
	}
	if (memchr(text, '.', n) || memchr(text, ':', n) || (n == 9 && !strncmp(text, "localhost", 9))) {
		return n;
	}
	return 0;
}

int reference_parse(const char *text, const char *default_domain, struct reference *ret,
		    struct gantry_error *err)
{
	struct reference r = { "", "", "", "", "" };
	char rest[512];
	const char *path;
	char *at, *colon;
	size_t n;

	if (strlen(text) >= sizeof(rest)) {
		return invalid(err, text);
	}
	strcpy(rest, text);
	at = strchr(rest, '@');
	if (at) {
		*at++ = '\0';
		if (!digest_is_valid(at)) {
			return invalid(err, text);
		}
		strcpy(r.digest, at);
	}
	colon = strrchr(rest, ':');
	if (colon && !strchr(colon, '/')) {
		*colon++ = '\0';
		if (!is_tag(colon)) {
			return invalid(err, text);
		}
		strcpy(r.tag, colon);
	}
	n = domain_length(rest);
	path = n ? rest + n + 1 : rest;
	if (n >= sizeof(r.domain) || strlen(path) >= sizeof(r.path) - 8) {
		return invalid(err, text);
	}
	memcpy(r.domain, rest, n);
	if (!n || !strcmp(r.domain, default_domain)) {
		snprintf(r.domain, sizeof(r.domain), "%s", default_domain);
		snprintf(r.path, sizeof(r.path), "%s%s", strchr(path, '/') ? "" : "library/", path);
		snprintf(r.familiar, sizeof(r.familiar), "%s",
			 !strncmp(path, "library/", 8) ? path + 8 : path);
	} else {
		snprintf(r.path, sizeof(r.path), "%s", path);
		snprintf(r.familiar, sizeof(r.familiar), "%s/%s", r.domain, path);
	}
	if (!is_domain(r.domain) || !is_path(r.path)) {
		return invalid(err, text);
	}
	*ret = r;
	return 0;
}

void reference_name(const struct reference *r, char *text, unsigned long size)
{
	if (*r->digest && !*r->tag) {
		snprintf(text, size, "%s@%s", r->familiar, r->digest);
	} else {
		snprintf(text, size, "%s:%s", r->familiar, *r->tag ? r->tag : "latest");
	}
}
