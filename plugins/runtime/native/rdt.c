/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <helpers/error.h>
#include <helpers/io.h>

#include "rdt.h"
#include "spec.h"

#define ROOT "/sys/fs/resctrl"

static int write_schema(const char *class, const char *schema, struct gantry_error *err)
{
	char path[PATH_MAX], line[512];
	int r;

	if (!schema || !schema[0])
		return 0;
	snprintf(path, sizeof(path), ROOT "/%s/schemata", class);
	snprintf(line, sizeof(line), "%s\n", schema);
	r = write_control(AT_FDCWD, path, line);
	return r < 0 ? error_errno(err, -r, "linux.intelRdt: cannot set \"%s\"", schema) : 0;
}

int rdt_apply(const struct spec *s, const char *id, pid_t pid, struct gantry_error *err)
{
	const char *class = s->rdt.clos_id ? s->rdt.clos_id : id;
	char path[PATH_MAX], text[16];
	int r;

	if (!s->rdt.present)
		return 0;
	if (access(ROOT "/schemata", F_OK) < 0) {
		error_set(err, GANTRY_ERR_UNSUPPORTED, "linux.intelRdt: " ROOT " is not mounted");
		return error_hint(err, "the processor and the kernel must support resctrl; mount it "
				       "with: mount -t resctrl resctrl " ROOT);
	}
	snprintf(path, sizeof(path), ROOT "/%s", class);
	if (mkdir(path, 0755) < 0 && errno != EEXIST)
		return error_errno(err, errno, "linux.intelRdt: cannot create the class %s", class);
	if ((r = write_schema(class, s->rdt.l3_schema, err)) < 0 ||
	    (r = write_schema(class, s->rdt.mem_schema, err)) < 0)
		return r;
	for (size_t i = 0; s->rdt.schemata && s->rdt.schemata[i]; i++) {
		r = write_schema(class, s->rdt.schemata[i], err);
		if (r < 0)
			return r;
	}
	snprintf(path, sizeof(path), ROOT "/%s/tasks", class);
	snprintf(text, sizeof(text), "%d", pid);
	r = write_control(AT_FDCWD, path, text);
	return r < 0 ? error_errno(err, -r, "linux.intelRdt: cannot enter the class %s", class) : 0;
}

void rdt_remove(const struct spec *s, const char *id)
{
	char path[PATH_MAX];

	if (!s->rdt.present || s->rdt.clos_id)
		return;
	snprintf(path, sizeof(path), ROOT "/%s", id);
	rmdir(path);
}
