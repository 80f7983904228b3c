/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <helpers/buf.h>
#include <helpers/cleanup.h>
#include <helpers/error.h>
#include <helpers/io.h>

#include "rdt.h"
#include "spec.h"

const char *rdt_root = "/sys/fs/resctrl";

static bool has_schema(const struct rdt_spec *r)
{
	return (r->l3_schema && r->l3_schema[0]) || (r->mem_schema && r->mem_schema[0]) ||
	       (r->schemata && r->schemata[0]);
}

/* The folder of the class: "/" is the default class, which is the root. */
static void class_path(const struct rdt_spec *r, const char *id, char *out, size_t size)
{
	const char *class = r->clos_id ? r->clos_id : id;

	snprintf(out, size, "%s%s%s", rdt_root, strcmp(class, "/") ? "/" : "",
		 strcmp(class, "/") ? class : "");
}

static int write_schema(const char *class, const char *schema, struct gantry_error *err)
{
	char path[PATH_MAX], line[512];
	int r;

	if (!schema || !schema[0])
		return 0;
	snprintf(path, sizeof(path), "%s/schemata", class);
	snprintf(line, sizeof(line), "%s\n", schema);
	r = write_control(AT_FDCWD, path, line);
	return r < 0 ? error_errno(err, -r, "linux.intelRdt: cannot set \"%s\"", schema) : 0;
}

/* Is the schema a line of the text, but for blanks before it? */
static bool has_line(const char *text, const char *schema)
{
	size_t len = strlen(schema);

	for (const char *p = text; *p;) {
		size_t line;

		p += strspn(p, " \t");
		line = strcspn(p, "\n");
		if (line == len && !strncmp(p, schema, len))
			return true;
		p += line + (p[line] == '\n');
	}
	return false;
}

/* A class that others made must be what is asked for. */
static int compare(const struct rdt_spec *r, const char *class, struct gantry_error *err)
{
	const char *const wanted[] = { r->l3_schema, r->mem_schema };
	auto_(buf) struct buf text = BUF_INIT;
	char path[PATH_MAX];
	int e;

	snprintf(path, sizeof(path), "%s/schemata", class);
	e = read_file(AT_FDCWD, path, &text, 1 << 20);
	if (e < 0)
		return error_errno(err, -e, "linux.intelRdt: cannot read %s", path);
	for (size_t i = 0; i < ARRAY_SIZE(wanted); i++) {
		if (!wanted[i] || !wanted[i][0] || has_line(buf_str(&text), wanted[i]))
			continue;
		error_set(err, GANTRY_ERR_CONFLICT,
			  "linux.intelRdt: the class %s exists and has not \"%s\"", r->clos_id,
			  wanted[i]);
		return error_hint(err, "change %s, or use another closID", path);
	}
	return 0;
}

static int write_schemata(const struct rdt_spec *r, const char *class, struct gantry_error *err)
{
	int e;

	if ((e = write_schema(class, r->l3_schema, err)) < 0 ||
	    (e = write_schema(class, r->mem_schema, err)) < 0)
		return e;
	for (size_t i = 0; r->schemata && r->schemata[i]; i++) {
		e = write_schema(class, r->schemata[i], err);
		if (e < 0)
			return e;
	}
	return 0;
}

/* Makes or finds the class, as the specification has it for each case. */
static int prepare_class(const struct rdt_spec *r, const char *class, struct gantry_error *err)
{
	struct stat st;
	bool exists = stat(class, &st) == 0;
	int e;

	if (r->clos_id && !has_schema(r)) {
		if (exists)
			return 0;
		error_set(err, GANTRY_ERR_NOT_FOUND, "linux.intelRdt.closID: there is no class %s",
			  r->clos_id);
		return error_hint(err, "make it, or say what it is with schemata");
	}
	if (!exists && mkdir(class, 0755) < 0 && errno != EEXIST)
		return error_errno(err, errno, "linux.intelRdt: cannot create the class %s", class);
	if (r->clos_id && exists && (e = compare(r, class, err)) < 0)
		return e;
	return write_schemata(r, class, err);
}

static int enter(const char *group, pid_t pid, struct gantry_error *err)
{
	char path[PATH_MAX], text[16];
	int e;

	snprintf(path, sizeof(path), "%s/tasks", group);
	snprintf(text, sizeof(text), "%d", pid);
	e = write_control(AT_FDCWD, path, text);
	return e < 0 ? error_errno(err, -e, "linux.intelRdt: cannot enter %s", group) : 0;
}

static int monitor(const char *class, const char *id, pid_t pid, struct gantry_error *err)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/mon_groups/%s", class, id);
	if (mkdir(path, 0755) < 0 && errno != EEXIST)
		return error_errno(err, errno, "linux.intelRdt.enableMonitoring: cannot create %s",
				   path);
	return enter(path, pid, err);
}

int rdt_apply(const struct spec *s, const char *id, pid_t pid, struct gantry_error *err)
{
	const struct rdt_spec *r = &s->rdt;
	char class[512], path[PATH_MAX];
	int e;

	if (!r->present)
		return 0;
	snprintf(path, sizeof(path), "%s/schemata", rdt_root);
	if (access(path, F_OK) < 0) {
		error_set(err, GANTRY_ERR_UNSUPPORTED, "linux.intelRdt: %s is not mounted", rdt_root);
		return error_hint(err, "the processor and the kernel must support resctrl; mount it "
				       "with: mount -t resctrl resctrl %s", rdt_root);
	}
	class_path(r, id, class, sizeof(class));
	if ((e = prepare_class(r, class, err)) < 0 || (e = enter(class, pid, err)) < 0)
		return e;
	return r->enable_monitoring ? monitor(class, id, pid, err) : 0;
}

int rdt_update(const struct spec *s, const char *id, const char *l3, const char *bandwidth,
	       struct gantry_error *err)
{
	char class[512];
	int e;

	if (!s->rdt.present)
		return error_set(err, GANTRY_ERR_CONFLICT, "it is in no class: its configuration has no "
							   "linux.intelRdt");
	class_path(&s->rdt, id, class, sizeof(class));
	e = write_schema(class, l3, err);
	return e < 0 ? e : write_schema(class, bandwidth, err);
}

void rdt_remove(const struct spec *s, const char *id)
{
	char class[512], path[PATH_MAX];

	if (!s->rdt.present)
		return;
	class_path(&s->rdt, id, class, sizeof(class));
	if (s->rdt.enable_monitoring) {
		snprintf(path, sizeof(path), "%s/mon_groups/%s", class, id);
		rmdir(path);
	}
	if (!s->rdt.clos_id)
		rmdir(class);
}
