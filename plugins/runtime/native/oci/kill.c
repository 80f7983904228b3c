/* SPDX-License-Identifier: Apache-2.0 */
#include <getopt.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <helpers/cleanup.h>

#include "../container.h"
#include "oci.h"

static const struct option options[] = {
	{ "all", no_argument, NULL, 'a' },
	{ "regex", no_argument, NULL, 'r' },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

/* "KILL", "SIGKILL", "9", "RTMIN+3"; -1 when it is none. */
static int parse_signal(const char *text)
{
	char *end;
	long number = strtol(text, &end, 10);

	if (end != text && !*end)
		return number > 0 && number <= 64 ? (int)number : -1;
	if (!strncasecmp(text, "SIG", 3))
		text += 3;
	for (int sig = 1; sig < 32; sig++) {
		const char *name = sigabbrev_np(sig);

		if (name && !strcasecmp(name, text))
			return sig;
	}
	if (!strncasecmp(text, "RTMIN", 5)) {
		number = text[5] == '+' ? strtol(text + 6, &end, 10) : 0;
		return text[5] && (text[5] != '+' || *end) ? -1 : 34 + (int)number;
	}
	if (!strncasecmp(text, "RTMAX", 5)) {
		number = text[5] == '-' ? strtol(text + 6, &end, 10) : 0;
		return text[5] && (text[5] != '-' || *end) ? -1 : 64 - (int)number;
	}
	return -1;
}

int oci_kill(struct oci *o, int argc, char **argv)
{
	struct gantry_error err = GANTRY_ERROR_INIT;
	auto_free char *dir = NULL;
	bool all = false;
	int c, sig;

	while ((c = getopt_long(argc, argv, "+ah", options, NULL)) != -1) {
		if (c != 'a')
			return oci_usage("kill", NULL);
		all = true;
	}
	if (argc - optind < 1 || argc - optind > 2)
		return oci_usage("kill", "a container ID and perhaps a signal are needed");
	sig = argc - optind == 2 ? parse_signal(argv[optind + 1]) : SIGTERM;
	if (sig < 0 || sig > 64)
		return oci_usage("kill", "unknown signal");
	dir = oci_state_dir(o, argv[optind], &err);
	if (!dir || container_signal(argv[optind], dir, sig, all, &err) < 0)
		return oci_fail(o, &err);
	return 0;
}
