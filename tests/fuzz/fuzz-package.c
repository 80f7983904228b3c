/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The files of a plugin package from anywhere, unpacked beside a folder that must stay as
 * it is.  What was unpacked can be packed, and unpacked again.  Checksums of headers are
 * repaired first: without that hardly any change would get past them.
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/package/package.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "helpers/io.h"

#define BLOCK 512

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char dir[64]; /* holds "in", "again", and "outside" */
static int base = -1;

static void clean(void)
{
	remove_tree(AT_FDCWD, dir);
}

static void start(void)
{
	strcpy(dir, access("/dev/shm", W_OK) == 0 ? "/dev/shm/fuzz-package.XXXXXX" : "/tmp/fuzz-package.XXXXXX");
	if (!mkdtemp(dir)) {
		abort();
	}
	atexit(clean);
	base = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (base < 0 || mkdirat(base, "outside", 0755) < 0) {
		abort();
	}
}

static void repair(struct buf *tar)
{
	for (size_t at = 0; at + BLOCK <= tar->len; at += BLOCK) {
		unsigned sum = 0;
		char text[8];

		/* A header says so at its end of the magic's place, or is taken for data. */
		if (memcmp(tar->data + at + 257, "ustar", 5) != 0) {
			continue;
		}
		memset(tar->data + at + 148, ' ', 8);
		for (size_t i = 0; i < BLOCK; i++) {
			sum += (unsigned char)tar->data[at + i];
		}
		snprintf(text, sizeof(text), "%06o", sum);
		memcpy(tar->data + at + 148, text, 7);
	}
}

static unsigned count(int parent, const char *name)
{
	auto_fd int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	auto_dir DIR *d = fd < 0 ? NULL : fdopendir(steal_fd(&fd));
	unsigned n = 0;

	while (d && readdir(d)) {
		n++;
	}
	return n;
}

static int unpack(const struct buf *tar, const char *name)
{
	struct gantry_error err = GANTRY_ERROR_INIT;
	auto_fd int fd = -1;

	(void)remove_tree(base, name);
	if (mkdirat(base, name, 0755) < 0 ||
	    (fd = openat(base, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0) {
		abort();
	}
	return tar_unpack(tar, fd, &err);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct gantry_error err = GANTRY_ERROR_INIT;
	auto_(buf) struct buf tar = BUF_INIT, again = BUF_INIT;
	char path[80];

	if (base < 0) {
		start();
	}
	buf_add(&tar, data, size);
	buf_reserve(&tar, 1);
	repair(&tar);
	if (unpack(&tar, "in") == 0) {
		snprintf(path, sizeof(path), "%s/in", dir);
		if (tar_pack(path, &again, &err) < 0 || unpack(&again, "again") < 0) {
			abort();
		}
	}
	/* ".", "..", and for the base its three folders. */
	if (count(base, "outside") != 2 || count(base, ".") > 5) {
		abort();
	}
	return 0;
}
