/* SPDX-License-Identifier: Apache-2.0 */
/* What can be said of an option's value without doing anything: better refused at the start
 * than found out by the first pull. */
#include <string.h>
#include <strings.h>

#include "core/daemon/options.h"

#include "helpers/address.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"

static int is_host(const char *text, size_t len)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_:[]";

	return len > 0 && strspn(text, allowed) >= len;
}

int check_mirror(const char *text, const char *what, struct gantry_error *err)
{
	const char *host = !strncasecmp(text, "https://", 8) ? text + 8 :
			   !strncasecmp(text, "http://", 7)  ? text + 7 : NULL;

	if (!host) {
		error_set(err, GANTRY_ERR_INVALID, "invalid mirror \"%s\" of %s: it has no scheme", text, what);
		return error_hint(err, "write http://HOST[:PORT] or https://HOST[:PORT]");
	}
	if (!is_host(host, strcspn(host, "/")) || strpbrk(host, "?#@ ")) {
		error_set(err, GANTRY_ERR_INVALID, "invalid mirror \"%s\" of %s: it is no plain URL", text, what);
		return error_hint(err, "a mirror has no query, fragment or password: keep its login with "
				       "`gantry login`");
	}
	return 0;
}

static int is_subnet(const char *text)
{
	struct subnet subnet;

	return subnet_parse(text, &subnet, NULL) == 0;
}

int check_insecure(const char *text, const char *what, struct gantry_error *err)
{
	if (strchr(text, '/') ? is_subnet(text) : is_host(text, strlen(text))) {
		return 0;
	}
	error_set(err, GANTRY_ERR_INVALID, "insecure registry \"%s\" of %s is neither a host nor a subnet",
		  text, what);
	return error_hint(err, "write HOST[:PORT] without http://, or ADDRESS/BITS");
}

int check_subnet(const char *text, const char *what, struct gantry_error *err)
{
	if (is_subnet(text)) {
		return 0;
	}
	error_set(err, GANTRY_ERR_INVALID, "invalid value \"%s\" of %s: not an address with its prefix", text,
		  what);
	return error_hint(err, "write the gateway's address and the subnet's bits: 172.30.0.1/16");
}

int check_level(const char *text, const char *what, struct gantry_error *err)
{
	static const char *const levels[] = { "debug", "info", "warn", "error", "fatal" };

	for (size_t i = 0; i < ARRAY_SIZE(levels); i++) {
		if (!strcmp(text, levels[i])) {
			return 0;
		}
	}
	error_set(err, GANTRY_ERR_INVALID, "invalid value \"%s\" of %s: no such level", text, what);
	return error_hint(err, "write debug, info, warn, error or fatal");
}
