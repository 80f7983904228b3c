/* SPDX-License-Identifier: Apache-2.0 */
/* What --privileged shows in /dev: every device node of the host, but for those that
 * each container gets of its own. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "core/container/spec.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "helpers/json.h"
#include "helpers/privilege.h"

#define MAX_DEPTH 8

/* Mounts and nodes that a container has already, and the host's own terminal. */
static int is_own(const char *name, int depth)
{
	static const char *const names[] = { "pts", "shm", "fd", "mqueue", "console", "null", "zero",
					     "full", "random", "urandom", "tty", "ptmx" };

	for (size_t i = 0; depth == 0 && i < ARRAY_SIZE(names); i++) {
		if (!strcmp(name, names[i])) {
			return 1;
		}
	}
	return name[0] == '.';
}

void spec_describe_device(struct json_object *o, const char *path, const struct stat *st)
{
	json_set_string(o, "path", path);
	json_set_string(o, "type", S_ISBLK(st->st_mode) ? "b" : "c");
	json_set_int(o, "major", major(st->st_rdev));
	json_set_int(o, "minor", minor(st->st_rdev));
	json_set_int(o, "fileMode", st->st_mode & 0777);
	json_set_int(o, "uid", st->st_uid);
	json_set_int(o, "gid", st->st_gid);
}

static void add_folder(struct json_object *list, const char *path, int depth)
{
	auto_dir DIR *dir = opendir(path);
	struct dirent *e;

	while (dir && (e = readdir(dir))) {
		auto_free char *child = NULL;
		struct json_object *o;
		struct stat st;

		if (is_own(e->d_name, depth) || asprintf(&child, "%s/%s", path, e->d_name) < 0 ||
		    lstat(child, &st) < 0) {
			continue;
		}
		if (S_ISDIR(st.st_mode) && depth < MAX_DEPTH) {
			add_folder(list, child, depth + 1);
		} else if (S_ISCHR(st.st_mode) || S_ISBLK(st.st_mode)) {
			o = json_object_new_object();
			spec_describe_device(o, child, &st);
			json_object_array_add(list, o);
		}
	}
}

void spec_host_devices(struct json_object *list)
{
	/* A user cannot make the nodes, and gets none in Docker either. */
	if (is_host_root()) {
		add_folder(list, "/dev", 0);
	}
}
