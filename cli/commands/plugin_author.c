/* SPDX-License-Identifier: Apache-2.0 */
/* For those who write plugins: the conformance suites, which need no engine. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/commands/commands.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"

#define CHECKER "gantry-plugin-check"
#define ARGS_MAX 128

/* Beside this program, as in a build tree, or where it was installed. */
static void find_checker(char path[PATH_MAX + 64])
{
	char self[PATH_MAX] = "";
	char *slash;

	if (readlink("/proc/self/exe", self, sizeof(self) - 1) > 0 && (slash = strrchr(self, '/'))) {
		*slash = '\0';
		snprintf(path, PATH_MAX + 64, "%s/" CHECKER, self);
		if (access(path, X_OK) == 0) {
			return;
		}
	}
	snprintf(path, PATH_MAX + 64, "%s/" CHECKER, LIBEXECDIR);
}

static int command_check(struct cli *cli, struct args *args, struct gantry_error *err)
{
	static const char *const texts[] = { "as", "driver", "isolation", "driver-config", "format", "only", "timeout",
					     "output" };
	static const char *const switches[] = { "quick", "valgrind", "verbose" };
	const char *argv[ARGS_MAX];
	char path[PATH_MAX + 64], flags[ARRAY_SIZE(texts) + ARRAY_SIZE(switches)][32];
	size_t n = 0, f = 0;

	(void)cli;
	find_checker(path);
	argv[n++] = CHECKER;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		if (args_string(args, texts[i])) {
			snprintf(flags[f], sizeof(flags[f]), "--%s", texts[i]);
			argv[n++] = flags[f++];
			argv[n++] = args_string(args, texts[i]);
		}
	}
	for (size_t i = 0; i < ARRAY_SIZE(switches); i++) {
		if (args_bool(args, switches[i], 0)) {
			snprintf(flags[f], sizeof(flags[f]), "--%s", switches[i]);
			argv[n++] = flags[f++];
		}
	}
	for (size_t i = 0; i < args_count(args, "set") && n < ARGS_MAX - 4; i++) {
		argv[n++] = "--set";
		argv[n++] = args_item(args, "set", i);
	}
	argv[n++] = args->argv[0];
	argv[n] = NULL;
	fflush(stdout);
	execv(path, (char *const *)(uintptr_t)argv);
	error_errno(err, errno, "cannot run %s", path);
	return error_hint(err, "is gantry installed whole?");
}

static const struct flag check_flags[] = {
	{ FLAG_STRING, 0, "as", "Name that it is configured by; of an adaptor, the plugin to serve", NULL, 0 },
	{ FLAG_STRING, 0, "driver", "Which driver of the plugin, as KIND/NAME", NULL, 0 },
	{ FLAG_STRING, 0, "driver-config", "File like gantry.conf with the driver's configuration", NULL, 0 },
	{ FLAG_STRING, 0, "format", "Report as \"text\", \"tap\" or \"junit\"", "text", 0 },
	{ FLAG_STRING, 0, "isolation", "Run it in this process (\"none\") or one of its own (\"process\")", NULL, 0 },
	{ FLAG_STRING, 0, "only", "Run tests whose name contains this", NULL, 0 },
	{ FLAG_STRING, 'o', "output", "Write the report to this file", NULL, 0 },
	{ FLAG_BOOL, 0, "quick", "Fewer rounds", NULL, 0 },
	{ FLAG_LIST, 0, "set", "What the kind's suite needs, as KEY=VALUE", NULL, 0 },
	{ FLAG_INT, 0, "timeout", "Seconds that one test may take", "60", 0 },
	{ FLAG_BOOL, 0, "valgrind", "Look for errors of memory, too", NULL, 0 },
	{ FLAG_BOOL, 'v', "verbose", "Show what passed, and how long calls took", NULL, 0 },
	{ FLAG_NONE },
};

const struct command plugin_check_command = {
	.name = "check",
	.summary = "Run the conformance suite of its kind against a driver",
	.usage = "[OPTIONS] FOLDER|FILE",
	.min_args = 1,
	.max_args = 1,
	.flags = check_flags,
	.run = command_check,
};
