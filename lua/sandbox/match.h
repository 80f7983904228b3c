/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Small decisions that policies are made of, as plain C with bounded work: globs
 * on names and paths, addresses in networks, versions in ranges.
 */
#ifndef LUA_SANDBOX_MATCH_H
#define LUA_SANDBOX_MATCH_H

#include <stddef.h>

/* `*` matches within one path component, `**` across them, `?` one character
 * that is no slash.  Returns 1 or 0; work is at most |glob| x |text| x 2. */
int glob_match(const char *glob, const char *text);

/* Is the address (or network) inside the network?  "10.0.0.0/8", "fe80::/10";
 * without a length the network is one address.  1, 0, or -1: malformed. */
int cidr_contains(const char *network, const char *address);

/* -1, 0, 1 into *ret_order for versions "1.2.3", "v1.2", "1.2.3-rc.1"; build
 * metadata is ignored.  Returns 0, or -1: malformed. */
int semver_compare(const char *a, const char *b, int *ret_order);

/* Does the version satisfy all of the comma or blank separated conditions
 * (">=1.2 <2", "^1.4", "~1.4.2", "1.2.3")?  1, 0, or -1: malformed. */
int semver_matches(const char *version, const char *range);

#endif
