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

#include "lookup.h"

#define PASSWD_LIMIT (1 << 20)

/* 0, or the errno that execve(2) would give. */
static int check_program(const char *path)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return errno;
	if (S_ISDIR(st.st_mode) || !S_ISREG(st.st_mode))
		return EACCES;
	/* CAP_DAC_OVERRIDE does not make a file without any x bit executable */
	return faccessat(AT_FDCWD, path, X_OK, AT_EACCESS) < 0 ? errno : 0;
}

static int report(const char *name, int e, struct gantry_error *err)
{
	error_errno(err, e, "process.args: exec: \"%s\"", name);
	return e == EACCES ? error_hint(err, "is it a program with the x bit set?") : err->code;
}

int lookup_program(const char *name, char *const *env, char **ret, struct gantry_error *err)
{
	const char *path = "";
	int denied = 0;

	if (strchr(name, '/')) {
		int e = check_program(name);

		if (e)
			return report(name, e, err);
		*ret = strdup(name);
		return *ret ? 0 : error_no_memory(err);
	}
	for (; *env; env++) {
		if (!strncmp(*env, "PATH=", 5))
			path = *env + 5;
	}
	for (;;) {
		size_t n = strcspn(path, ":");
		char full[PATH_MAX];
		int e;

		if (n + strlen(name) + 2 < sizeof(full)) {
			snprintf(full, sizeof(full), "%.*s/%s", (int)(n ? n : 1), n ? path : ".", name);
			e = check_program(full);
			if (!e) {
				*ret = strdup(full);
				return *ret ? 0 : error_no_memory(err);
			}
			denied |= e == EACCES;
		}
		if (!path[n])
			break;
		path += n + 1;
	}
	if (denied)
		return report(name, EACCES, err);
	return error_set(err, GANTRY_ERR_NOT_FOUND,
			 "process.args: exec: \"%s\": executable file not found in $PATH", name);
}

void lookup_home(uid_t uid, char *out, size_t size)
{
	auto_(buf) struct buf text = BUF_INIT;
	char *save = NULL;

	snprintf(out, size, "/");
	if (read_file(AT_FDCWD, "/etc/passwd", &text, PASSWD_LIMIT) < 0 || !text.data)
		return;
	for (char *line = strtok_r(text.data, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save)) {
		char *field[7];
		char *end;
		int n = 0;

		while (n < 7 && (field[n] = strsep(&line, ":")))
			n++;
		if (n < 6 || !field[2][0] || strtoul(field[2], &end, 10) != uid || *end)
			continue;
		if (field[5][0])
			snprintf(out, size, "%s", field[5]);
		return;
	}
}
