/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Operations of the differential fuzzer beyond the plain ones: data that moves without
 * read() and write(), access control, positions in directories.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "fuzz.h"

enum { PAGE = 4096, MAX_ENTRIES = 256 };

/* A regular file, or -1 with the reason noted. */
static int open_regular(struct outcome *o, const char *path, int flags)
{
	int fd = open(path, flags | O_NOFOLLOW | O_NONBLOCK);
	struct stat st;

	if (fd < 0) {
		note_result(o, fd);
		return fd;
	}
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
		return fd;
	note(o, "not regular");
	close(fd);
	return -1;
}

void do_copy_range(struct outcome *o, const struct op *op, const char *path, const char *other)
{
	int from = open_regular(o, path, O_RDONLY), to;
	off_t in = op->n[0] % 9000, out = op->n[1] % 9000;

	if (from < 0)
		return;
	to = open_regular(o, other, O_RDWR);
	if (to >= 0) {
		note_result(o, copy_file_range(from, &in, to, &out, op->n[2] % 9000, 0));
		note(o, " at %ld %ld", (long)in, (long)out);
		note_data(o, to, op->n[1] % 9000);
		close(to);
	}
	close(from);
}

/* A shared mapping is written and read back; a private one must change nothing.  Neither
 * takes a file's capability away. */
void do_mmap(struct outcome *o, const struct op *op, const char *path)
{
	int shared = op->n[0] & 1;
	int fd = open_regular(o, path, shared ? O_RDWR : O_RDONLY);
	struct stat st;
	char *map;

	if (fd < 0)
		return;
	if (fstat(fd, &st) == 0 && st.st_size) {
		size_t at = op->n[1] % (size_t)st.st_size;

		map = mmap(NULL, (size_t)st.st_size, PROT_READ | PROT_WRITE,
			   shared ? MAP_SHARED : MAP_PRIVATE, fd, 0);
		if (map == MAP_FAILED) {
			note_result(o, -1);
		} else {
			note(o, "was %d ", map[at]);
			map[at] = (char)('0' + op->n[2] % 10);
			if (shared)
				note_result(o, msync(map, (size_t)st.st_size, MS_SYNC));
			munmap(map, (size_t)st.st_size);
			note_data(o, fd, (uint32_t)at);
		}
	}
	close(fd);
}

/* In the kernel's form of system.posix_acl_*: a version, then entries. */
struct acl_entry {
	uint16_t tag, perm;
	uint32_t id;
};

void do_acl(struct outcome *o, const struct op *op, const char *path)
{
	const char *name = op->n[0] & 1 ? "system.posix_acl_access" : "system.posix_acl_default";
	struct {
		uint32_t version;
		struct acl_entry entries[5];
	} acl = { 2, { { 0x01, op->n[1] & 7, -1U }, { 0x02, op->n[1] >> 3 & 7, 1000 },
		       { 0x04, op->n[1] >> 6 & 7, -1U }, { 0x10, op->n[1] >> 9 & 7, -1U },
		       { 0x20, op->n[1] >> 12 & 7, -1U } } };
	char got[256];
	ssize_t n;

	switch (op->n[2] % 4) {
	case 0:
		note_result(o, lremovexattr(path, name));
		break;
	case 1:
		break;
	default:
		note_result(o, lsetxattr(path, name, &acl, sizeof(acl), 0));
	}
	n = lgetxattr(path, name, got, sizeof(got));
	note_result(o, n);
	for (ssize_t i = 0; i < n; i++)
		note(o, "%02x", (unsigned char)got[i]);
}

/* A file capability is kept until someone writes. */
void do_capability(struct outcome *o, const struct op *op, const char *path)
{
	static const char name[] = "security.capability";
	const uint32_t cap[5] = { 0x02000001, 1U << (op->n[1] % 8), 0, 0, 0 };
	char got[64];
	int fd;

	note_result(o, lsetxattr(path, name, cap, sizeof(cap), 0));
	note_result(o, lgetxattr(path, name, got, sizeof(got)));
	if (op->n[0] % 3 == 0) {
		fd = open_regular(o, path, O_WRONLY);
		if (fd >= 0) {
			note_result(o, pwrite(fd, "x", 1, 0));
			note_result(o, fsync(fd));
			close(fd);
		}
	} else if (op->n[0] % 3 == 1) {
		note_result(o, lchown(path, op->n[2] % 2000, (gid_t)-1));
	}
	note_result(o, lgetxattr(path, name, got, sizeof(got)));
}

/* From each position that telldir() gave, the same names follow. */
void do_seekdir(struct outcome *o, const struct op *op, const char *path)
{
	DIR *dir = opendir(path);
	long positions[MAX_ENTRIES];
	char *names[MAX_ENTRIES];
	struct dirent *d;
	unsigned n = 0;

	if (!dir) {
		note_result(o, -1);
		return;
	}
	for (;;) {
		positions[n] = telldir(dir);
		d = readdir(dir);
		if (!d || n == MAX_ENTRIES - 1)
			break;
		names[n++] = strdup(d->d_name);
	}
	note(o, "%u entries", n);
	for (unsigned i = n; i > 0; i--) {
		seekdir(dir, positions[i - 1]);
		d = readdir(dir);
		if (!d || strcmp(d->d_name, names[i - 1]) != 0)
			note(o, " seekdir to %s finds %s", names[i - 1], d ? d->d_name : "the end");
		free(names[i - 1]);
	}
	closedir(dir);
}

/* Where a file has several names, the kernel's overlayfs may remember for one of them the
 * mode that it had before a change under another one, until it is mounted again.  Then
 * the answer is not its word; for root it follows from the mode. */
void do_access(struct outcome *o, const struct op *op, const char *path)
{
	int r = faccessat(AT_FDCWD, path, (int)(op->n[0] & 7), AT_EACCESS), error = errno;
	struct stat st;

	if (lstat(path, &st) == 0 && !S_ISDIR(st.st_mode) && !S_ISLNK(st.st_mode) &&
	    st.st_nlink > 1) {
		if (op->as_user)
			return;
		if (is_reference()) {
			r = op->n[0] & X_OK && !(st.st_mode & 0111) ? -1 : 0;
			error = EACCES;
		}
	}
	errno = error;
	note_result(o, r);
}

void do_append(struct outcome *o, const struct op *op, const char *path)
{
	int fd = open_regular(o, path, O_WRONLY | O_APPEND);
	struct stat st;

	if (fd < 0)
		return;
	note_result(o, write(fd, "appended", op->n[0] % 8));
	if (fstat(fd, &st) == 0)
		note(o, " mode %o size %ld", st.st_mode, (long)st.st_size);
	close(fd);
}
