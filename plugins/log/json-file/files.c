/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "compress.h"
#include "files.h"
#include "helpers/cleanup.h"
#include "record.h"
#include "writer.h"

#define MAX_GAP 3     /* missing numbers, left by a killed rotation */
#define MAX_TRIES 20
#define BLOCK 65536
#define LONGEST_LINE (1 << 20)
#define NS_PER_S 1000000000

void log_files_done(struct log_files *f)
{
	for (size_t i = 0; i < f->n; i++) {
		if (f->fds[i] >= 0) {
			close(f->fds[i]);
		}
	}
	free(f->fds);
	free(f->packed);
	*f = (struct log_files){ 0 };
}

/* Puts fd behind the others; takes it. */
static int append(struct log_files *f, int fd, int packed)
{
	int *fds = realloc(f->fds, (f->n + 1) * sizeof(*fds));
	int *flags;

	if (fds) {
		f->fds = fds;
	}
	flags = fds ? realloc(f->packed, (f->n + 1) * sizeof(*flags)) : NULL;
	if (!flags) {
		close(fd);
		return -ENOMEM;
	}
	f->packed = flags;
	f->fds[f->n] = fd;
	f->packed[f->n++] = packed;
	return 0;
}

static int open_one(int dir, const char *name, int i, int *ret_packed)
{
	char path[LOG_ROTATED_MAX];
	int fd = -1;

	/* Plain first: with both there, packing was killed before its last step. */
	for (int packed = 0; packed < (i ? 2 : 1) && fd < 0; packed++) {
		log_rotated_name(name, i, packed, path);
		fd = openat(dir, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
		*ret_packed = packed;
	}
	return fd;
}

static int same_file(const struct stat *a, const struct stat *b)
{
	return a->st_ino == b->st_ino && a->st_dev == b->st_dev;
}

/* Opens youngest first, then turns the order round. */
static int open_all(int dir, const char *name, int64_t since_ns, struct log_files *f)
{
	int missing = 0;

	for (int i = 0; missing <= MAX_GAP; i++) {
		struct stat st;
		int packed, r;
		int fd = open_one(dir, name, i, &packed);

		if (fd < 0) {
			missing++;
			continue;
		}
		missing = 0;
		if (i > 0 && since_ns > 0 && fstat(fd, &st) == 0 &&
		    (int64_t)st.st_mtim.tv_sec * NS_PER_S + st.st_mtim.tv_nsec < since_ns) {
			close(fd);
			break;
		}
		r = append(f, fd, packed);
		if (r < 0) {
			return r;
		}
	}
	for (size_t i = 0; i < f->n / 2; i++) {
		size_t j = f->n - 1 - i;
		int fd = f->fds[i], packed = f->packed[i];

		f->fds[i] = f->fds[j], f->packed[i] = f->packed[j];
		f->fds[j] = fd, f->packed[j] = packed;
	}
	return 0;
}

int log_files_open(int dir, const char *name, int64_t since_ns, struct log_files *ret)
{
	for (int tries = 0;; tries++) {
		auto_(log_files) struct log_files f = { 0 };
		struct stat before = { 0 }, after = { 0 };
		int had = fstatat(dir, name, &before, AT_SYMLINK_NOFOLLOW) == 0;
		int r = open_all(dir, name, since_ns, &f);
		int has = fstatat(dir, name, &after, AT_SYMLINK_NOFOLLOW) == 0;

		if (r < 0) {
			return r;
		}
		if ((had && has && same_file(&before, &after)) || f.n == 0 || tries == MAX_TRIES) {
			*ret = f;
			f = (struct log_files){ 0 };
			return 0;
		}
		/* A rotation went on meanwhile, or was killed before its end. */
		if (!has) {
			nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
		}
	}
}

int log_files_unpack(struct log_files *f, size_t i)
{
	int plain;

	if (!f->packed[i]) {
		return 0;
	}
	plain = decompress_to_memory(f->fds[i]);
	if (plain < 0) {
		return plain;
	}
	replace_fd(&f->fds[i], plain);
	f->packed[i] = 0;
	return 0;
}

int log_files_next(int dir, const char *name, int fd, int *ret_skipped)
{
	struct stat ours, there;
	int missing = 0;

	*ret_skipped = 0;
	if (fstat(fd, &ours) < 0) {
		return -1;
	}
	if (fstatat(dir, name, &there, AT_SYMLINK_NOFOLLOW) < 0 || same_file(&ours, &there)) {
		return -1;
	}
	for (int i = 1; missing <= MAX_GAP; i++) {
		char path[LOG_ROTATED_MAX];
		int packed;

		log_rotated_name(name, i, 0, path);
		if (fstatat(dir, path, &there, AT_SYMLINK_NOFOLLOW) < 0) {
			missing++;
			continue;
		}
		if (same_file(&ours, &there)) {
			return open_one(dir, name, i - 1, &packed);
		}
	}
	/* Ours was packed or removed; the current one goes on, at least. */
	*ret_skipped = 1;
	return openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
}

struct backward {
	int fd;
	int64_t start; /* offset of data in the file */
	size_t len;    /* what is not looked at yet */
	char *data;    /* room for LONGEST_LINE + BLOCK */
};

/* Puts one more block in front. */
static int load_before(struct backward *b)
{
	size_t n = b->start < BLOCK ? (size_t)b->start : BLOCK;

	memmove(b->data + n, b->data, b->len);
	b->len += n;
	b->start -= (int64_t)n;
	return pread(b->fd, b->data, n, b->start) == (ssize_t)n ? 0 : -1;
}

/* Counts *lines down from the end of the file; 1 with the offset behind the line
 * that is too many, 0 at the file's start (also when it is cut meanwhile). */
static int tail_in_file(int fd, char *data, int64_t *lines, int64_t *ret_offset)
{
	struct backward b = { .fd = fd, .data = data, .start = lseek(fd, 0, SEEK_END) };

	*ret_offset = 0;
	for (;;) {
		const char *newline = b.len ? memrchr(b.data, '\n', b.len - 1) : NULL;
		const char *line = newline ? newline + 1 : b.data;

		if (!newline && b.start > 0) {
			if (b.len >= LONGEST_LINE) {
				/* No record is as long: start behind it. */
				*ret_offset = b.start + (int64_t)b.len;
				return 1;
			}
			if (load_before(&b) < 0) {
				return 0;
			}
			continue;
		}
		if (b.len == 0) {
			return 0;
		}
		if (record_ends_line(line, (size_t)(b.data + b.len - line)) && (*lines)-- == 0) {
			*ret_offset = b.start + (int64_t)b.len;
			return 1;
		}
		b.len = (size_t)(line - b.data);
	}
}

int log_files_tail(struct log_files *f, int64_t lines, size_t *ret_file, int64_t *ret_offset)
{
	auto_free char *data = malloc(LONGEST_LINE + BLOCK);

	if (!data) {
		return -ENOMEM;
	}
	for (size_t i = f->n; i-- > 0;) {
		int r = log_files_unpack(f, i);

		if (r < 0) {
			/* What cannot be unpacked holds no lines. */
			*ret_file = i + 1 < f->n ? i + 1 : i;
			*ret_offset = 0;
			return 0;
		}
		if (tail_in_file(f->fds[i], data, &lines, ret_offset)) {
			*ret_file = i;
			return 0;
		}
	}
	*ret_file = 0;
	*ret_offset = 0;
	return 0;
}
