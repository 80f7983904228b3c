/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A layer from anywhere, applied beside a folder that must stay as it is.  The
 * headers' checksums are repaired first: without that hardly any change would
 * get past them.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "helpers/io.h"
#include "helpers/layer_apply.h"
#include "helpers/layer_walk.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char dir[64]; /* holds "root" and "outside/secret" */
static int base = -1;

static void clean(void)
{
	remove_tree(AT_FDCWD, dir);
}

static void start(void)
{
	strcpy(dir, access("/dev/shm", W_OK) == 0 ? "/dev/shm/fuzz-layer.XXXXXX" : "/tmp/fuzz-layer.XXXXXX");
	if (!mkdtemp(dir)) {
		abort();
	}
	atexit(clean);
	base = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (mkdirat(base, "outside", 0755) < 0 ||
	    write_file_atomic(base, "outside/secret", "secret", 6, 0600, 0) < 0) {
		abort();
	}
}

static void repair_checksums(uint8_t *data, size_t size)
{
	for (size_t at = 0; at + 512 <= size; at += 512) {
		uint8_t *h = data + at;
		unsigned sum = 0;

		if (memcmp(h + 257, "ustar", 5) != 0) {
			continue;
		}
		memset(h + 148, ' ', 8);
		for (int i = 0; i < 512; i++) {
			sum += h[i];
		}
		for (int i = 5; i >= 0; i--, sum >>= 3) {
			h[148 + i] = (uint8_t)('0' + (sum & 7));
		}
		h[154] = '\0';
	}
}

static void check_outside(void)
{
	auto_(layer_names) struct layer_names names = { 0 };
	auto_fd int fd = openat(base, "outside", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct stat st;

	if (layer_names_read(fd, &names) < 0 || names.n != 1 ||
	    fstatat(fd, "secret", &st, AT_SYMLINK_NOFOLLOW) < 0 || st.st_size != 6 ||
	    st.st_nlink != 1 || (st.st_mode & 07777) != 0600) {
		abort();
	}
	layer_names_done(&names);
	if (layer_names_read(base, &names) < 0 || names.n != 2) {
		abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct layer_apply_options options = { .size_limit = 1 << 20 };
	struct gantry_error err = GANTRY_ERROR_INIT;
	struct layer_apply_stats stats;
	auto_fd int fd = -1;
	auto_fd int root = -1;
	void *copy;

	if (base < 0) {
		start();
	}
	if (mkdirat(base, "root", 0755) < 0) {
		abort();
	}
	root = openat(base, "root", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	fd = memfd_create("layer", MFD_CLOEXEC);
	if (fd < 0 || root < 0 || write_all(fd, data, size) < 0) {
		abort();
	}
	copy = size ? mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) : NULL;
	if (copy) {
		repair_checksums(copy, size);
		munmap(copy, size);
	}
	/* Twice, so that the second meets what the first left. */
	for (int i = 0; i < 2; i++) {
		options.style = i ? LAYER_PLAIN : LAYER_OVERLAY;
		lseek(fd, 0, SEEK_SET);
		error_clear(&err);
		if (layer_apply(fd, root, &options, &stats, &err) != err.code) {
			abort();
		}
	}
	check_outside();
	if (remove_tree(base, "root") < 0) {
		abort();
	}
	return 0;
}
