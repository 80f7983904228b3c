/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "processes.h"

int usernet_sign(const char *file, int pid)
{
	int fd = open(file, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) < 0 || ftruncate(fd, 0) < 0 ||
	    dprintf(fd, "%d\n", pid) < 0) {
		return -errno;
	}
	return 0; /* the lock lives as long as this process */
}

int main(int argc, char **argv)
{
	int r;

	signal(SIGPIPE, SIG_IGN);
	if (argc == 4 && !strcmp(argv[1], "hold")) {
		r = usernet_hold(argv[2], argv[3]);
	} else if (argc >= 6 && !strcmp(argv[1], "forward")) {
		r = usernet_forward(argv[2], atoi(argv[3]), argv[4], argv + 5, argc - 5);
	} else {
		fprintf(stderr, "usage: gantry-usernet hold FILE pasta|slirp4netns|relay\n"
				"       gantry-usernet forward FILE NAMESPACE-FD GIVE PROTOCOL:FD:ADDRESS:PORT...\n"
				"gantry starts it for networks of ordinary users.\n");
		return 2;
	}
	if (r < 0) {
		fprintf(stderr, "gantry-usernet: cannot %s: %s\n", argv[1], strerror(-r));
	}
	return r < 0;
}
