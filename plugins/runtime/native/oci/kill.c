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

struct order {
	int signal;
	bool all;
};

static int kill_one(struct oci *o, const char *id, const char *dir, void *data,
		    struct gantry_error *err)
{
	const struct order *order = data;

	return container_signal(id, dir, order->signal, order->all, err);
}

int oci_kill(struct oci *o, int argc, char **argv)
{
	struct order order = { SIGTERM, false };
	bool regex = false;
	int c;

	while ((c = getopt_long(argc, argv, "+arh", options, NULL)) != -1) {
		if (c != 'a' && c != 'r')
			return oci_usage("kill", NULL);
		order.all |= c == 'a';
		regex |= c == 'r';
	}
	if (argc - optind < 1 || argc - optind > 2)
		return oci_usage("kill", "a container ID and perhaps a signal are needed");
	if (argc - optind == 2)
		order.signal = parse_signal(argv[optind + 1]);
	if (order.signal < 0 || order.signal > 64)
		return oci_usage("kill", "unknown signal");
	return oci_each(o, argv[optind], regex, kill_one, &order);
}
