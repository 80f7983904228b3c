/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gantry-generator [NORMAL-DIR [EARLY-DIR LATE-DIR]]: a systemd generator.  Makes a
 * service of each *.container file in the folders for units of containers:
 *   system: /etc/gantry/systemd, /usr/share/gantry/systemd
 *   user:   $XDG_CONFIG_HOME/gantry/systemd, /etc/gantry/systemd/users
 * (or in $GANTRY_UNIT_DIRS, colon-separated).  Without a folder it prints them.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/units/unit.h"
#include "helpers/buf.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "helpers/io.h"

#define SUFFIX ".container"
#define FILE_MAX (256 * 1024)

struct generator {
	const char *out; /* NULL: print */
	const char *program;
	char service[NAME_MAX + 1];
	int failed;
};

/* systemd shows what a generator says on its standard error in the journal. */
static void complain(struct generator *g, const struct gantry_error *err)
{
	fprintf(stderr, "gantry-generator: %s\n", err->message);
	g->failed = 1;
}

static int add_link(void *ctx, const char *kind, const char *target)
{
	struct generator *g = ctx;
	char dir[PATH_MAX], link[PATH_MAX + NAME_MAX + 2], to[NAME_MAX + 8];

	if (snprintf(dir, sizeof(dir), "%s/%s.%s", g->out, target, kind) >= (int)sizeof(dir) ||
	    make_dirs(AT_FDCWD, dir, 0755) < 0) {
		return -EIO;
	}
	snprintf(link, sizeof(link), "%s/%s", dir, g->service);
	snprintf(to, sizeof(to), "../%s", g->service);
	return symlink(to, link) < 0 && errno != EEXIST ? -errno : 0;
}

static int write_unit(struct generator *g, const char *text, const struct buf *unit,
		      struct gantry_error *err)
{
	auto_free char *path = NULL;
	int r;

	if (!g->out) {
		printf("# %s\n%s\n", g->service, unit->data);
		return 0;
	}
	if (asprintf(&path, "%s/%s", g->out, g->service) < 0) {
		return error_no_memory(err);
	}
	r = write_file_atomic(AT_FDCWD, path, unit->data, unit->len, 0644, 0);
	if (r == 0) {
		r = unit_each_install(text, add_link, g);
	}
	return r < 0 ? error_errno(err, -r, "cannot write %s", path) : 0;
}

static void one_file(struct generator *g, int dir, const char *folder, const char *file)
{
	struct gantry_error err = GANTRY_ERROR_INIT;
	auto_(buf) struct buf text = BUF_INIT;
	auto_(buf) struct buf unit = BUF_INIT;
	auto_free char *path = NULL;
	auto_free char *name = strndup(file, strlen(file) - strlen(SUFFIX));
	int r;

	if (!name || asprintf(&path, "%s/%s", folder, file) < 0) {
		return;
	}
	snprintf(g->service, sizeof(g->service), "%s.service", name);
	r = read_file(dir, file, &text, FILE_MAX);
	if (r < 0) {
		error_errno(&err, -r, "cannot read %s", path);
	} else if (unit_from_container(path, buf_str(&text), name, g->program, &unit, &err) == 0) {
		(void)write_unit(g, buf_str(&text), &unit, &err);
	}
	if (err.code < 0) {
		complain(g, &err);
	}
}

static void one_folder(struct generator *g, const char *folder)
{
	auto_dir DIR *dir = opendir(folder);
	struct dirent *e;

	while (dir && (e = readdir(dir))) {
		size_t n = strlen(e->d_name);

		if (n > strlen(SUFFIX) && e->d_name[0] != '.' &&
		    !strcmp(e->d_name + n - strlen(SUFFIX), SUFFIX)) {
			one_file(g, dirfd(dir), folder, e->d_name);
		}
	}
}

static void all_folders(struct generator *g, char *list)
{
	char *save = NULL;

	for (char *folder = strtok_r(list, ":", &save); folder;
	     folder = strtok_r(NULL, ":", &save)) {
		one_folder(g, folder);
	}
}

/* Installed beside gantry's other programs, or in the build tree. */
static char *find_program(void)
{
	char exe[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", exe, sizeof(exe) - 1);
	char *slash;

	if (n > 0) {
		exe[n] = '\0';
		slash = strrchr(exe, '/');
		snprintf(slash, sizeof(exe) - (size_t)(slash - exe), "/gantry");
		if (access(exe, X_OK) == 0) {
			return strdup(exe);
		}
	}
	return strdup(BINDIR "/gantry");
}

int main(int argc, char **argv)
{
	auto_free char *program = find_program();
	struct generator g = {.out = argc > 1 ? argv[1] : NULL, .program = program};
	const char *dirs = getenv("GANTRY_UNIT_DIRS"), *xdg = getenv("XDG_CONFIG_HOME");
	const char *home = getenv("HOME"), *scope = getenv("SYSTEMD_SCOPE");
	auto_free char *list = NULL;
	int r;

	if (dirs) {
		r = asprintf(&list, "%s", dirs);
	} else if (geteuid() == 0 || (scope && !strcmp(scope, "system"))) {
		r = asprintf(&list, "/etc/gantry/systemd:/usr/share/gantry/systemd");
	} else {
		r = asprintf(&list, "%s%s/gantry/systemd:/etc/gantry/systemd/users",
			     xdg    ? xdg
			     : home ? home
				    : "",
			     xdg ? "" : "/.config");
	}
	if (r < 0 || !program) {
		return 1;
	}
	all_folders(&g, list);
	return g.failed;
}
