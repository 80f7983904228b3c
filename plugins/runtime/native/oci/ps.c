/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <getopt.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <helpers/cleanup.h>
#include <helpers/error.h>

#include "../container.h"
#include "oci.h"

static const struct option options[] = {
	{ "format", required_argument, NULL, 'f' },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

static bool contains(const pid_t *pids, size_t n, pid_t pid)
{
	for (size_t i = 0; i < n; i++) {
		if (pids[i] == pid)
			return true;
	}
	return false;
}

/* Which column of ps(1)'s header is the pid. */
static int pid_column(char *header)
{
	char *save = NULL;
	int column = 0;

	for (char *w = strtok_r(header, " \n", &save); w; w = strtok_r(NULL, " \n", &save)) {
		if (!strcmp(w, "PID"))
			return column;
		column++;
	}
	return -1;
}

/* Copies the header and the lines about pids. */
static int filter(FILE *f, const pid_t *pids, size_t n)
{
	auto_free char *line = NULL;
	size_t room = 0;
	int column = -1;

	while (getline(&line, &room, f) > 0) {
		char *p = line;

		if (column < 0) {
			auto_free char *header = strdup(line);

			column = header ? pid_column(header) : -1;
			if (column < 0)
				return -1;
			fputs(line, stdout);
			continue;
		}
		for (int i = 0; i < column; i++) {
			p += strspn(p, " ");
			p += strcspn(p, " ");
		}
		if (contains(pids, n, (pid_t)strtol(p, NULL, 10)))
			fputs(line, stdout);
	}
	return 0;
}

static int run_ps(char **args, const pid_t *pids, size_t n, struct gantry_error *err)
{
	posix_spawn_file_actions_t actions;
	auto_file FILE *f = NULL;
	int ends[2], r;
	pid_t child;

	if (pipe(ends) < 0)
		return error_errno(err, errno, "cannot create a pipe");
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, ends[1], 1);
	posix_spawn_file_actions_addclose(&actions, ends[0]);
	r = posix_spawnp(&child, "ps", &actions, NULL, args, environ);
	posix_spawn_file_actions_destroy(&actions);
	close(ends[1]);
	f = fdopen(ends[0], "r");
	if (r)
		return error_errno(err, r, "cannot run ps");
	r = f ? filter(f, pids, n) : -1;
	while (waitpid(child, NULL, 0) < 0 && errno == EINTR)
		;
	return r < 0 ? error_set(err, GANTRY_ERR_INVALID, "ps must print a column PID") : 0;
}

int oci_ps(struct oci *o, int argc, char **argv)
{
	struct gantry_error err = GANTRY_ERROR_INIT;
	char *defaults[] = { (char *)"ps", (char *)"-ef", NULL };
	auto_free pid_t *pids = NULL;
	auto_free char *dir = NULL;
	bool json = false;
	size_t n = 0;
	int c;

	while ((c = getopt_long(argc, argv, "+f:h", options, NULL)) != -1) {
		if (c != 'f' || (strcmp(optarg, "json") && strcmp(optarg, "table")))
			return oci_usage("ps", "--format is table or json");
		json = !strcmp(optarg, "json");
	}
	if (argc == optind)
		return oci_usage("ps", "a container ID is needed");
	dir = oci_state_dir(o, argv[optind], &err);
	if (!dir || container_pids(argv[optind], dir, &pids, &n, &err) < 0)
		return oci_fail(o, &err);
	if (json) {
		printf("[");
		for (size_t i = 0; i < n; i++)
			printf("%s%d", i ? "," : "", pids[i]);
		printf("]\n");
		return 0;
	}
	argv[optind] = (char *)"ps";
	if (run_ps(argc - optind > 1 ? argv + optind : defaults, pids, n, &err) < 0)
		return oci_fail(o, &err);
	return 0;
}
