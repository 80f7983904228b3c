/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "buf.h"
#include "cleanup.h"
#include "credential_helper.h"
#include "error.h"
#include "run_program.h"

#define MAX_ANSWER 65536
#define DEADLINE_MS 120000 /* it may ask its user to unlock something */

extern char **environ;

static int is_valid_name(const char *name)
{
	for (const char *p = name; *p; p++) {
		if (!isalnum((unsigned char)*p) && !strchr("-_.", *p)) {
			return 0;
		}
	}
	return *name && *name != '.';
}

int credential_helper_run(const char *name, const char *action, const char *input, struct buf *out,
			  int *ret_ok, struct gantry_error *err)
{
	char file[300];
	char *const argv[] = { file, (char *)(uintptr_t)action, NULL };
	struct program program = { .file = file, .argv = argv, .environment = environ, .input = input,
				   .input_len = strlen(input), .deadline_ms = DEADLINE_MS,
				   .output_max = MAX_ANSWER };
	auto_(buf) struct buf said = BUF_INIT;
	int r;

	if (!is_valid_name(name) || snprintf(file, sizeof(file), "docker-credential-%s", name) >= (int)sizeof(file)) {
		return error_set(err, GANTRY_ERR_INVALID, "config.json names the credential helper \"%.60s\"",
				 name);
	}
	r = program_run(&program, out, &said);
	if (r == -ETIMEDOUT) {
		return error_set(err, GANTRY_ERR_UNAVAILABLE, "%s did not answer within %d seconds", file,
				 DEADLINE_MS / 1000);
	}
	if (r < 0) {
		error_errno(err, -r, "error getting credentials - cannot run %s", file);
		return error_hint(err, "install it, or remove it from config.json");
	}
	*ret_ok = WIFEXITED(r) && WEXITSTATUS(r) == 0;
	return 0;
}
