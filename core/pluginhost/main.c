/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/pluginhost/pluginhost.h"

#define DEFAULT_MEMORY (512LL << 20)
#define DEFAULT_PIDS 256

static int read_options(int argc, char **argv, struct host_options *o)
{
	static const struct option list[] = {
		{"kind", required_argument, NULL, 'k'},
		{"driver", required_argument, NULL, 'd'},
		{"file", required_argument, NULL, 'f'},
		{"exec", required_argument, NULL, 'x'},
		{"state", required_argument, NULL, 's'},
		{"run", required_argument, NULL, 'r'},
		{"permission", required_argument, NULL, 'p'},
		{"folder", required_argument, NULL, 'F'},
		{"memory", required_argument, NULL, 'm'},
		{"pids", required_argument, NULL, 'n'},
		{NULL, 0, NULL, 0},
	};
	int c;

	while ((c = getopt_long(argc, argv, "", list, NULL)) >= 0) {
		switch (c) {
		case 'k':
			o->kind = optarg;
			break;
		case 'd':
			o->driver = optarg;
			break;
		case 'x':
			o->exec = 1;
			o->file = optarg;
			break;
		case 'f':
			o->file = optarg;
			break;
		case 's':
			o->state_dir = optarg;
			break;
		case 'r':
			o->run_dir = optarg;
			break;
		case 'p':
			if (o->n_permissions == PERMISSIONS_MAX) {
				return -1;
			}
			o->permissions[o->n_permissions++] = optarg;
			break;
		case 'F':
			if (o->n_folders == FOLDERS_MAX) {
				return -1;
			}
			o->folders[o->n_folders++] = optarg;
			break;
		case 'm':
			o->memory = atoll(optarg);
			break;
		case 'n':
			o->pids = atoll(optarg);
			break;
		default:
			return -1;
		}
	}
	return optind == argc && o->kind && o->driver && o->file && o->state_dir && o->run_dir ? 0
											       : -1;
}

int main(int argc, char **argv)
{
	struct host_options options = {.memory = DEFAULT_MEMORY, .pids = DEFAULT_PIDS};

	if (read_options(argc, argv, &options) < 0 || fcntl(CHANNEL_FD, F_SETFD, FD_CLOEXEC) < 0 ||
	    fcntl(LEASH_FD, F_SETFD, FD_CLOEXEC) < 0) {
		fprintf(stderr, "gantry-plugin-host: is started by gantry, to run a plugin\n");
		return 2;
	}
	return supervise(&options);
}
