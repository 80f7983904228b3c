/* SPDX-License-Identifier: Apache-2.0 */
/* A new, empty volume gets what the image has at its place, as with Docker. */
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/container/create.h"
#include "core/volume/volume.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "helpers/tree_copy.h"

static int is_empty(int fd)
{
	auto_dir DIR *dir = fdopendir(dup(fd));
	struct dirent *e;

	while (dir && (e = readdir(dir))) {
		if (strcmp(e->d_name, ".") && strcmp(e->d_name, "..")) {
			return 0;
		}
	}
	return dir != NULL;
}

static int no_copy(struct json_object *m)
{
	const char *mode = json_get_string(m, "Mode");

	return (mode && strstr(mode, "nocopy")) ||
	       json_get_bool(json_get_object(m, "Options"), "NoCopy", 0);
}

static int populate_one(struct core *core, struct container *c, struct json_object *m, int root,
			struct gantry_error *err)
{
	struct open_how how = { .flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC,
				.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS };
	const char *name = json_get_string(m, "Name");
	auto_free char *path = NULL;
	auto_fd int from = (int)syscall(SYS_openat2, root, json_get_string(m, "Destination"), &how,
					sizeof(how));
	auto_fd int to = -1;
	int r;

	if (from < 0) {
		return 0;
	}
	r = volume_mount_path(core, name, c->id, &path, err);
	if (r < 0) {
		return r;
	}
	to = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (to >= 0 && is_empty(to)) {
		r = tree_copy(from, to, err);
	}
	if (r == 0) {
		r = volume_release(core, name, c->id, err);
	}
	return r;
}

int create_populate_volumes(struct core *core, struct container *c, struct gantry_error *err)
{
	struct json_object *mounts = json_get_array(c->doc, "Mounts");
	auto_fd int root = -1;
	int r = 0;

	for (size_t i = 0; r == 0 && i < json_array_size(mounts); i++) {
		struct json_object *m = json_object_array_get_idx(mounts, i);

		if (strcmp(json_get_string(m, "Type"), "volume") || no_copy(m)) {
			continue;
		}
		if (root < 0) {
			r = container_open_root(core, c, 1, &root, err);
		}
		if (r == 0) {
			r = populate_one(core, c, m, root, err);
		}
	}
	return r;
}
