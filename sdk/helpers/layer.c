/* SPDX-License-Identifier: Apache-2.0 */
#include <limits.h>
#include <string.h>

#include "layer.h"
#include "owners.h"

int layer_is_private_xattr(const char *name)
{
	return !strncmp(name, "trusted.overlay.", 16) || !strncmp(name, "user.overlay.", 13) ||
	       !strncmp(name, OWNERS_LINK_XATTR, strlen(OWNERS_LINK_XATTR)) ||
	       !strcmp(name, OWNERS_XATTR);
}

long layer_normalise(const char *name, char *to, size_t size)
{
	size_t len = 0;

	while (*name) {
		size_t part = strcspn(name, "/");

		if (part == 2 && name[0] == '.' && name[1] == '.')
			return -1;
		if (part > NAME_MAX || len + part + 2 > size)
			return -1;
		if (part > 0 && !(part == 1 && name[0] == '.')) {
			if (len > 0)
				to[len++] = '/';
			memcpy(to + len, name, part);
			len += part;
		}
		name += part;
		if (*name == '/')
			name++;
	}
	to[len] = '\0';
	return (long)len;
}

const char *layer_printable(const char *name, char *to, size_t size)
{
	size_t len = 0;

	while (name[len] && len + 1 < size) {
		unsigned char c = (unsigned char)name[len];

		to[len++] = c < 0x20 || c == 0x7f ? '?' : (char)c;
	}
	to[len] = '\0';
	return to;
}
