/* SPDX-License-Identifier: Apache-2.0 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <zlib.h>

#include "compress.h"
#include "helpers/cleanup.h"
#include "helpers/io.h"

/* More than this is not unpacked: a log that was rotated is smaller. */
#define UNPACKED_MAX (1LL << 31)

struct zlib {
	void *handle;
	gzFile (*open)(int fd, const char *mode);
	int (*read)(gzFile file, void *data, unsigned int len);
	int (*write)(gzFile file, const void *data, unsigned int len);
	int (*close)(gzFile file);
};

static int load(struct zlib *z)
{
	z->handle = dlopen("libz.so.1", RTLD_NOW | RTLD_LOCAL);
	if (!z->handle) {
		return -ENOSYS;
	}
	*(void **)&z->open = dlsym(z->handle, "gzdopen");
	*(void **)&z->read = dlsym(z->handle, "gzread");
	*(void **)&z->write = dlsym(z->handle, "gzwrite");
	*(void **)&z->close = dlsym(z->handle, "gzclose");
	if (!z->open || !z->read || !z->write || !z->close) {
		dlclose(z->handle);
		return -ENOSYS;
	}
	return 0;
}

/* Packs in into out (whose descriptor it takes). */
static int pack(const struct zlib *z, int in, int out)
{
	gzFile file = z->open(out, "wb");
	char data[16384];
	ssize_t n;

	if (!file) {
		close(out);
		return -1;
	}
	while ((n = read_full(in, data, sizeof(data))) > 0) {
		if (z->write(file, data, (unsigned int)n) != n) {
			n = -1;
			break;
		}
	}
	return z->close(file) == Z_OK && n == 0 ? 0 : -1;
}

/* The child's work.  Readers skip by modification time, so packed keeps plain's. */
static int pack_file(const struct zlib *z, int dir, const char *plain, const char *packed)
{
	char temp[256];
	auto_fd int in = openat(dir, plain, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	struct stat st;
	int out;

	snprintf(temp, sizeof(temp), "%s.tmp", packed);
	out = openat(dir, temp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0640);
	if (in < 0 || out < 0 || fstat(in, &st) < 0) {
		return -1;
	}
	if (pack(z, in, out) < 0) {
		unlinkat(dir, temp, 0);
		return -1;
	}
	(void)utimensat(dir, temp, (struct timespec[]){ st.st_atim, st.st_mtim }, 0);
	if (renameat(dir, temp, dir, packed) < 0) {
		return -1;
	}
	return unlinkat(dir, plain, 0);
}

pid_t compress_in_child(int dir, const char *plain, const char *packed)
{
	struct zlib z;
	pid_t child;

	/* Loaded before the fork: the child of a threaded process must not load. */
	if (load(&z) < 0) {
		return 0;
	}
	child = fork();
	if (child == 0) {
		sigset_t none;

		/* The parent's pipes must end when the parent closes them. */
		sigemptyset(&none);
		sigprocmask(SIG_SETMASK, &none, NULL);
		if (dir != 0 && dup2(dir, 0) < 0) {
			_exit(1);
		}
		close_range(1, ~0U, 0);
		_exit(pack_file(&z, 0, plain, packed) < 0);
	}
	dlclose(z.handle);
	return child > 0 ? child : 0;
}

int decompress_to_memory(int fd)
{
	auto_fd int memory = memfd_create("log", MFD_CLOEXEC);
	int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	struct zlib z;
	gzFile file;
	char data[16384];
	long long total = 0;
	int n, r = 0;

	if (memory < 0 || copy < 0 || load(&z) < 0) {
		if (copy >= 0) {
			close(copy);
		}
		return -ENOSYS;
	}
	file = z.open(copy, "rb");
	if (!file) {
		close(copy);
		dlclose(z.handle);
		return -ENOMEM;
	}
	while (r == 0 && total < UNPACKED_MAX && (n = z.read(file, data, sizeof(data))) > 0) {
		r = write_all(memory, data, (size_t)n);
		total += n;
	}
	(void)z.close(file);
	dlclose(z.handle);
	if (r == 0 && lseek(memory, 0, SEEK_SET) < 0) {
		r = -errno;
	}
	return r < 0 ? r : steal_fd(&memory);
}
