/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Comparing grants with what is asked for.
 */
#include <string.h>

#include "lua/sandbox/match.h"
#include "lua/sandbox/services.h"

/* Does the grant "what" or "what:glob" allow what, for name? */
static int allows(const char *grant, const char *what, size_t what_len, const char *name)
{
	if (strncmp(grant, what, what_len) != 0) {
		return 0;
	}
	grant += what_len;
	if (*grant == '\0') {
		return name == NULL;
	}
	return *grant == ':' && name && glob_match(grant + 1, name);
}

int services_granted(const struct services *services, const char *what, const char *name)
{
	const char *const *grant = services ? services->grants : NULL;

	for (; grant && *grant; grant++) {
		if (allows(*grant, what, strlen(what), name)) {
			return 1;
		}
	}
	return 0;
}

int services_covers(const char *const *grants, const char *const *needs,
		    const char **ret_missing)
{
	for (; needs && *needs; needs++) {
		const char *colon = strchr(*needs, ':');
		size_t len = colon ? (size_t)(colon - *needs) : strlen(*needs);
		const char *const *grant = grants;

		while (grant && *grant && !allows(*grant, *needs, len, colon ? colon + 1 : NULL)) {
			grant++;
		}
		if (!grant || !*grant) {
			*ret_missing = *needs;
			return 0;
		}
	}
	return 1;
}
