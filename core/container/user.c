/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/container/user.h"
#include "helpers/buf.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "helpers/io.h"
#include "helpers/json.h"

#define MAX_FILE (4 << 20)

/* Reads a file of the container, whatever links its image has made of it. */
static void read_in_root(int root, const char *path, struct buf *out)
{
	struct open_how how = { .flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK,
				.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS };
	auto_fd int fd = (int)syscall(SYS_openat2, root, path, &how, sizeof(how));

	if (fd >= 0 && read_to_end(fd, out, MAX_FILE) < 0) {
		buf_clear(out);
	}
}

static int is_number(const char *text, uint32_t *ret)
{
	char *end;
	unsigned long n;

	if (!*text || text[strspn(text, "0123456789")]) {
		return 0;
	}
	errno = 0;
	n = strtoul(text, &end, 10);
	if (errno || n > INT32_MAX) {
		return 0;
	}
	*ret = (uint32_t)n;
	return 1;
}

/* Splits "a:b:c" in place. */
static int split(char *line, char **fields, int max)
{
	int n = 0;

	while (n < max && line) {
		fields[n++] = strsep(&line, ":");
	}
	return n;
}

static void add_group(struct user *u, gid_t gid)
{
	for (int i = 0; i < u->n_groups; i++) {
		if (u->groups[i] == gid) {
			return;
		}
	}
	if (u->n_groups < 64) {
		u->groups[u->n_groups++] = gid;
	}
}

/* Finds the user by name or number; fills uid, gid, home and name. */
static int find_user(char *passwd, const char *want, struct user *u, char name[64])
{
	uint32_t uid;
	int numeric = is_number(want, &uid);
	char *save = NULL;

	for (char *line = strtok_r(passwd, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		char *f[7];
		uint32_t line_uid, line_gid;

		if (split(line, f, 7) < 6 || !is_number(f[2], &line_uid) || !is_number(f[3], &line_gid)) {
			continue;
		}
		if (!strcmp(f[0], want) || (numeric && line_uid == uid)) {
			u->uid = line_uid;
			u->gid = line_gid;
			strncpy(u->home, *f[5] ? f[5] : "/", sizeof(u->home) - 1);
			strncpy(name, f[0], 63);
			return 1;
		}
	}
	if (numeric) {
		u->uid = uid;
	}
	return numeric;
}

static int is_member(char *members, const char *name)
{
	char *save = NULL;

	for (char *m = strtok_r(members, ",", &save); m; m = strtok_r(NULL, ",", &save)) {
		if (!strcmp(m, name)) {
			return 1;
		}
	}
	return 0;
}

/* Adds the groups that list the user. */
static void find_memberships(const char *text, const char *name, struct user *u)
{
	auto_free char *copy = strdup(text);
	char *save = NULL;

	for (char *line = strtok_r(copy, "\n", &save); line && *name;
	     line = strtok_r(NULL, "\n", &save)) {
		char *f[4];
		uint32_t gid;

		if (split(line, f, 4) == 4 && is_number(f[2], &gid) && is_member(f[3], name)) {
			add_group(u, gid);
		}
	}
}

static int find_group(const char *text, const char *want, uint32_t *ret)
{
	auto_free char *copy = strdup(text);
	char *save = NULL;

	if (is_number(want, ret)) {
		return 1;
	}
	for (char *line = strtok_r(copy, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		char *f[4];

		if (split(line, f, 4) >= 3 && !strcmp(f[0], want) && is_number(f[2], ret)) {
			return 1;
		}
	}
	return 0;
}

int user_lookup(int root, const char *text, struct json_object *extra, struct user *ret,
		struct gantry_error *err)
{
	struct user u = { .home = "/" };
	char name[64] = "";
	auto_free char *user = strdup(text ? text : "");
	char *group = user ? strchr(user, ':') : NULL;
	auto_(buf) struct buf passwd = BUF_INIT;
	auto_(buf) struct buf groups = BUF_INIT;

	if (!user) {
		return error_no_memory(err);
	}
	if (group) {
		*group++ = '\0';
	}
	read_in_root(root, "etc/passwd", &passwd);
	if (!find_user(passwd.data ? passwd.data : (char[]){ "" }, *user ? user : "0", &u, name)) {
		return error_set(err, GANTRY_ERR_INVALID,
				 "unable to find user %s: no matching entries in passwd file", user);
	}
	if ((group && *group) || json_array_size(extra) || (*name && strcmp(name, "root")) || !*user) {
		read_in_root(root, "etc/group", &groups);
	}
	if (group && *group && !find_group(buf_str(&groups), group, &u.gid)) {
		return error_set(err, GANTRY_ERR_INVALID,
				 "unable to find group %s: no matching entries in group file", group);
	}
	add_group(&u, u.gid);
	if (!group) {
		find_memberships(buf_str(&groups), name, &u);
	}
	for (size_t i = 0; i < json_array_size(extra); i++) {
		uint32_t gid;

		if (!find_group(buf_str(&groups), json_item_string(extra, i), &gid)) {
			return error_set(err, GANTRY_ERR_INVALID,
					 "unable to find group %s: no matching entries in group file",
					 json_item_string(extra, i));
		}
		add_group(&u, gid);
	}
	*ret = u;
	return 0;
}
