/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A differential fuzzer: the same random operations on two trees must give equal
 * results, errno values and stat fields all along, and equal trees at the end.
 * One seed is one sequence, on every machine.
 *
 * usage: unionfs-fuzz run SEED COUNT TREE [TREE]
 *        unionfs-fuzz compare TREE TREE [EXCEPT...]
 *
 * With PROGRESS set, "run" keeps in that file how many operations were done and which
 * names the next one concerns, and ends with status 3 when the filesystem's server is
 * gone; with two trees, with status 4 when the first says ESTALE.  "compare" leaves out what lies below the names given as EXCEPT, their folders
 * themselves, and the other names of those files.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "fuzz.h"

enum { MAX_TREES = 2, MAX_HANDLES = 6, USER = 1000 };

static const char *roots[MAX_TREES];
static int n_trees, current_tree;
static uint64_t state;
static int handles[MAX_TREES][MAX_HANDLES];
static unsigned long seed, step;
static int verbose;

static uint32_t rnd(uint32_t n)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (uint32_t)(state >> 16) % n;
}

static struct outcome outcomes[MAX_TREES];

void note(struct outcome *o, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(o->text + o->len, sizeof(o->text) - o->len, fmt, ap);
	va_end(ap);
	if (n > 0 && o->len + (size_t)n < sizeof(o->text))
		o->len += (size_t)n;
}

void note_result(struct outcome *o, long r)
{
	if (r < 0)
		note(o, "error %d (%s)", errno, strerror(errno));
	else
		note(o, "ok %ld", r);
}

int is_reference(void)
{
	return n_trees > 1 && !current_tree;
}

/* Times are compared only where the test set them: long ago. */
void note_stat(struct outcome *o, const struct stat *st)
{
	note(o, " mode %o nlink %lu uid %u gid %u rdev %lx", st->st_mode,
	     (unsigned long)st->st_nlink, st->st_uid, st->st_gid, (unsigned long)st->st_rdev);
	if (!S_ISDIR(st->st_mode))
		note(o, " size %ld", (long)st->st_size);
	if (st->st_mtime < 1000000)
		note(o, " mtime %ld.%09ld", (long)st->st_mtime, st->st_mtim.tv_nsec);
}

/* A few names in a shallow tree, so that operations meet. */
static void random_path(char *path)
{
	static const char *const names[] = { "a", "b", "c", "d", "e", "f", "long-name-x", ".h" };
	uint32_t depth = 1 + rnd(3);
	size_t len = 0;

	for (uint32_t i = 0; i < depth; i++) {
		len += (size_t)snprintf(path + len, PATH_ROOM - len, "%s%s", i ? "/" : "",
					names[rnd(8)]);
	}
}

static const char *in_tree(int tree, const char *path, char *full)
{
	snprintf(full, PATH_MAX, "%s/%s", roots[tree], path);
	return full;
}

enum {
	OP_WRITE, OP_READ, OP_TRUNCATE, OP_MKDIR, OP_RMDIR, OP_UNLINK, OP_RENAME, OP_LINK,
	OP_SYMLINK, OP_CHMOD, OP_CHOWN, OP_UTIMES, OP_SETXATTR, OP_GETXATTR, OP_REMOVEXATTR,
	OP_LISTXATTR, OP_STAT, OP_LIST, OP_MKFIFO, OP_OPEN, OP_FD_WRITE, OP_FD_READ, OP_FD_STAT,
	OP_FD_CLOSE, OP_TMPFILE, OP_FALLOCATE, OP_SEEK, OP_MKNOD,
	OP_COPY_RANGE, OP_MMAP, OP_ACL, OP_CAPABILITY, OP_SEEKDIR, OP_ACCESS, OP_APPEND, N_OPS
};

static const char *const op_names[N_OPS] = {
	"write", "read", "truncate", "mkdir", "rmdir", "unlink", "rename", "link",
	"symlink", "chmod", "chown", "utimes", "setxattr", "getxattr", "removexattr",
	"listxattr", "stat", "list", "mkfifo", "open", "fd-write", "fd-read", "fd-stat",
	"fd-close", "tmpfile", "fallocate", "seek", "mknod",
	"copy-range", "mmap", "acl", "capability", "seekdir", "access", "append",
};

static void do_write(struct outcome *o, const struct op *op, const char *path)
{
	static const int flags[] = { O_CREAT, O_CREAT | O_EXCL, 0, O_TRUNC, O_APPEND,
				     O_CREAT | O_TRUNC };
	char data[DATA_ROOM];
	int fd = open(path, O_WRONLY | O_NOFOLLOW | O_NONBLOCK | flags[op->n[0] % 6],
		      0600 | (op->n[2] & 0177));

	if (fd < 0) {
		note_result(o, fd);
		return;
	}
	memset(data, 'a' + (int)(op->n[1] % 26), sizeof(data));
	note_result(o, pwrite(fd, data, op->n[1] % sizeof(data), op->n[3] % 20000));
	close(fd);
}

void note_data(struct outcome *o, int fd, uint32_t at)
{
	char data[DATA_ROOM];
	uint32_t sum = 0;
	ssize_t n = pread(fd, data, sizeof(data), at);

	for (ssize_t i = 0; i < n; i++)
		sum = sum * 31 + (unsigned char)data[i];
	note_result(o, n);
	note(o, " sum %x", sum);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void do_list(struct outcome *o, const char *path)
{
	DIR *dir = opendir(path);
	char *names[1024];
	struct dirent *d;
	struct stat st;
	size_t n = 0;

	if (!dir) {
		note_result(o, -1);
		return;
	}
	while ((d = readdir(dir)) && n < 1024) {
		char entry[300];
		int same = 1;

		/* The kernel's overlayfs, which is the first tree of two, does not always
		 * keep this promise. */
		if (!is_reference() && strcmp(d->d_name, "..") != 0 &&
		    fstatat(dirfd(dir), d->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0)
			same = st.st_ino == d->d_ino && IFTODT(st.st_mode) == d->d_type;
		snprintf(entry, sizeof(entry), "%s:%d%s", d->d_name, d->d_type,
			 same ? "" : ":d_ino or d_type differs from stat");
		names[n++] = strdup(entry);
	}
	closedir(dir);
	qsort(names, n, sizeof(*names), by_name);
	for (size_t i = 0; i < n; i++) {
		note(o, " %s", names[i]);
		free(names[i]);
	}
}

void note_xattrs(struct outcome *o, const char *path)
{
	char list[4096], value[256], *names[64];
	ssize_t len = llistxattr(path, list, sizeof(list));
	size_t n = 0;

	if (len < 0) {
		note_result(o, len);
		return;
	}
	for (char *p = list; p < list + len && n < 64; p += strlen(p) + 1)
		names[n++] = p;
	qsort(names, n, sizeof(*names), by_name);
	for (size_t i = 0; i < n; i++) {
		ssize_t size = lgetxattr(path, names[i], value, sizeof(value));

		note(o, " %s=%.*s", names[i], size > 0 ? (int)size : 0, value);
	}
}

static void do_tmpfile(struct outcome *o, const struct op *op, const char *dir, const char *to)
{
	char proc[64];
	struct stat st;
	int fd = open(dir, O_TMPFILE | O_RDWR, 0640);

	if (fd < 0) {
		note_result(o, fd);
		return;
	}
	note_result(o, pwrite(fd, "tmpfile", 7, op->n[0] % 100));
	snprintf(proc, sizeof(proc), "/proc/self/fd/%d", fd);
	note_result(o, linkat(AT_FDCWD, proc, AT_FDCWD, to, AT_SYMLINK_FOLLOW));
	if (fstat(fd, &st) == 0)
		note_stat(o, &st);
	close(fd);
}

/* Where the holes are is each filesystem's own; that they hold no data is not. */
static void do_seek(struct outcome *o, const struct op *op, const char *path)
{
	int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
	off_t from = op->n[0] % 20000, to;
	struct stat st;
	char byte;

	if (fd < 0) {
		note_result(o, fd);
		return;
	}
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && from < st.st_size) {
		to = lseek(fd, from, SEEK_DATA);
		if (to < 0 && errno == ENXIO)
			to = st.st_size;
		for (; from < to && pread(fd, &byte, 1, from) == 1; from++) {
			if (byte) {
				note(o, "data in a hole at %ld", (long)from);
				break;
			}
		}
	}
	close(fd);
}

static void do_fallocate(struct outcome *o, const struct op *op, const char *path)
{
	static const int modes[] = { 0, FALLOC_FL_KEEP_SIZE,
				     FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE };
	int fd = open(path, O_WRONLY | O_NOFOLLOW | O_NONBLOCK);

	if (fd < 0) {
		note_result(o, fd);
		return;
	}
	note_result(o, fallocate(fd, modes[op->n[0] % 3], op->n[1] % 20000, 1 + op->n[2] % 9000));
	close(fd);
}

static void do_open(struct outcome *o, const struct op *op, const char *path, int *slot)
{
	static const int flags[] = { O_RDONLY, O_RDWR, O_RDWR | O_CREAT };

	if (*slot >= 0)
		close(*slot);
	*slot = open(path, O_NOFOLLOW | O_NONBLOCK | flags[op->n[0] % 3], 0644);
	note_result(o, *slot < 0 ? -1 : 0);
	/* The kernel copies up when a file is opened for writing, gantry-unionfs when it
	 * is written: do both now. */
	if (*slot >= 0 && flags[op->n[0] % 3] != O_RDONLY) {
		note_result(o, pwrite(*slot, "w", 1, op->n[1] % 100));
		note_result(o, fsync(*slot));
	}
}

static void do_on_fd(struct outcome *o, const struct op *op, int *slot)
{
	struct stat st;
	char data[DATA_ROOM];

	if (*slot < 0)
		return;
	switch (op->kind) {
	case OP_FD_WRITE:
		memset(data, 'A' + (int)(op->n[0] % 26), sizeof(data));
		note_result(o, pwrite(*slot, data, op->n[0] % sizeof(data), op->n[1] % 20000));
		break;
	case OP_FD_READ:
		note_data(o, *slot, op->n[1] % 20000);
		break;
	case OP_FD_STAT:
		note_result(o, fstat(*slot, &st));
		note_stat(o, &st);
		break;
	default:
		close(*slot);
		*slot = -1;
	}
}

/* The kernel's overlayfs may take two names of one file for two files, until it is mounted
 * again: it says ESTALE where POSIX wants nothing to happen. */
static int look_like_one_file(const char *path, const char *other)
{
	struct stat a, b;

	return lstat(path, &a) == 0 && lstat(other, &b) == 0 && !S_ISDIR(a.st_mode) &&
	       a.st_nlink > 1 && a.st_nlink == b.st_nlink && a.st_mode == b.st_mode;
}

/* Gives the folder of a name an old time.  The operation itself may have been refused by
 * the kernel alone, so this may be what finds the server gone. */
static void age_parent(struct outcome *o, const char *path)
{
	const struct timespec times[2] = { { 7, 0 }, { 7, 0 } };
	char dir[PATH_MAX];

	snprintf(dir, sizeof(dir), "%s", path);
	*strrchr(dir, '/') = '\0';
	if (utimensat(AT_FDCWD, dir, times, AT_SYMLINK_NOFOLLOW) < 0 &&
	    (errno == ENOTCONN || errno == ECONNABORTED))
		note_result(o, -1);
}

static void do_names(struct outcome *o, const struct op *op, const char *path, const char *other)
{
	static const unsigned rename_flags[] = { 0, 0, 0, RENAME_NOREPLACE, RENAME_EXCHANGE };
	char target[PATH_MAX];
	ssize_t n;
	int r, error, one_file;

	switch (op->kind) {
	case OP_MKDIR:
		note_result(o, mkdir(path, 0700 | (op->n[0] & 07077)));
		break;
	case OP_RMDIR:
		note_result(o, rmdir(path));
		break;
	case OP_UNLINK:
		note_result(o, unlink(path));
		break;
	case OP_RENAME:
		r = renameat2(AT_FDCWD, path, AT_FDCWD, other, rename_flags[op->n[0] % 5]);
		error = errno;
		one_file = look_like_one_file(path, other);
		if (r < 0 && error == ESTALE && one_file && is_reference())
			r = 0;
		errno = error;
		note_result(o, r);
		/* The kernel's overlayfs may touch directories and fail then. */
		if (r < 0 || one_file) {
			age_parent(o, path);
			age_parent(o, other);
		}
		break;
	case OP_LINK:
		note_result(o, linkat(AT_FDCWD, path, AT_FDCWD, other, 0));
		break;
	case OP_SYMLINK:
		note_result(o, symlink(op->other, path));
		n = readlink(path, target, sizeof(target) - 1);
		note(o, " to %.*s", n > 0 ? (int)n : 0, target);
		break;
	case OP_MKFIFO:
		note_result(o, mkfifo(path, 0644));
		break;
	case OP_MKNOD:
		note_result(o, mknod(path, (op->n[0] & 1 ? S_IFCHR : S_IFSOCK) | 0600,
				     op->n[0] & 2 ? 0x103 : 0));
		break;
	default:
		break;
	}
}

static void do_attributes(struct outcome *o, const struct op *op, const char *path)
{
	struct timespec times[2] = { { op->n[0] % 1000, 5 }, { op->n[1] % 1000, 7 } };
	char name[32], value[64];

	snprintf(name, sizeof(name), "%s.k%u", op->n[0] & 1 ? "user" : "trusted", op->n[1] % 3);
	snprintf(value, sizeof(value), "value %u", op->n[2] % 100);
	switch (op->kind) {
	case OP_CHMOD:
		note_result(o, fchmodat(AT_FDCWD, path, op->n[0] & 07777, 0));
		break;
	case OP_CHOWN:
		note_result(o, lchown(path, op->n[0] % 3 ? op->n[0] % 2000 : (uid_t)-1,
				      op->n[1] % 2000));
		break;
	case OP_UTIMES:
		note_result(o, utimensat(AT_FDCWD, path, times, AT_SYMLINK_NOFOLLOW));
		break;
	case OP_SETXATTR:
		note_result(o, lsetxattr(path, name, value, strlen(value),
					 op->n[3] % 4 == 1 ? XATTR_CREATE :
					 op->n[3] % 4 == 2 ? XATTR_REPLACE : 0));
		break;
	case OP_GETXATTR:
		note_result(o, lgetxattr(path, name, value, sizeof(value)));
		break;
	case OP_REMOVEXATTR:
		note_result(o, lremovexattr(path, name));
		break;
	default:
		note_xattrs(o, path);
	}
}

static void do_op(struct outcome *o, const struct op *op, const char *path, const char *other,
		  int *slot)
{
	struct stat st;
	int fd;

	switch (op->kind) {
	case OP_WRITE:
		do_write(o, op, path);
		break;
	case OP_READ:
		fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
		if (fd < 0 || (fstat(fd, &st) == 0 && !S_ISREG(st.st_mode)))
			note_result(o, fd < 0 ? -1 : 0);
		else
			note_data(o, fd, op->n[0] % 20000);
		if (fd >= 0)
			close(fd);
		break;
	case OP_TRUNCATE:
		/* A size that other operations cannot give: a special file says EINVAL. */
		note_result(o, truncate(path, op->n[0] % 30000));
		break;
	case OP_STAT:
		note_result(o, lstat(path, &st));
		if (o->text[0] == 'o')
			note_stat(o, &st);
		break;
	case OP_LIST:
		do_list(o, path);
		break;
	case OP_OPEN:
		if (lstat(path, &st) == 0 && !S_ISREG(st.st_mode))
			break;
		do_open(o, op, path, slot);
		break;
	case OP_FD_WRITE:
	case OP_FD_READ:
	case OP_FD_STAT:
	case OP_FD_CLOSE:
		do_on_fd(o, op, slot);
		break;
	case OP_TMPFILE:
		do_tmpfile(o, op, path, other);
		break;
	case OP_FALLOCATE:
		do_fallocate(o, op, path);
		break;
	case OP_SEEK:
		do_seek(o, op, path);
		break;
	case OP_CHMOD:
	case OP_CHOWN:
	case OP_UTIMES:
	case OP_SETXATTR:
	case OP_GETXATTR:
	case OP_REMOVEXATTR:
	case OP_LISTXATTR:
		do_attributes(o, op, path);
		break;
	case OP_COPY_RANGE:
		do_copy_range(o, op, path, other);
		break;
	case OP_MMAP:
		do_mmap(o, op, path);
		break;
	case OP_ACL:
		do_acl(o, op, path);
		break;
	case OP_CAPABILITY:
		do_capability(o, op, path);
		break;
	case OP_SEEKDIR:
		do_seekdir(o, op, path);
		break;
	case OP_ACCESS:
		do_access(o, op, path);
		break;
	case OP_APPEND:
		do_append(o, op, path);
		break;
	default:
		do_names(o, op, path, other);
	}
}

static void apply(int tree, const struct op *op)
{
	struct outcome *o = &outcomes[tree];
	char path[PATH_MAX], other[PATH_MAX];
	struct stat st;

	current_tree = tree;
	o->len = 0;
	o->text[0] = '\0';
	in_tree(tree, op->path, path);
	in_tree(tree, op->other, other);
	if (op->as_user && (setegid(USER) < 0 || seteuid(USER) < 0))
		abort();
	do_op(o, op, path, other, &handles[tree][op->fd_slot]);
	if (op->as_user && (seteuid(0) < 0 || setegid(0) < 0))
		abort();
	/* The state of what was touched, right away. */
	if (lstat(path, &st) == 0)
		note_stat(o, &st);
	else
		note(o, " then %d", errno);
	if (op->kind == OP_RENAME || op->kind == OP_LINK) {
		if (lstat(other, &st) == 0)
			note_stat(o, &st);
		else
			note(o, " then %d", errno);
	}
}

/* Says what comes next, in one write. */
static void note_progress(const struct op *op)
{
	static int fd = -1;
	char line[2 * PATH_ROOM + 32];

	if (!getenv("PROGRESS"))
		return;
	if (fd < 0)
		fd = open(getenv("PROGRESS"), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	snprintf(line, sizeof(line), "%-8lu %-120s %-120s\n", step, op->path, op->other);
	if (pwrite(fd, line, strlen(line), 0) < 0)
		abort();
}

/* An operation or the look at its result found the server gone. */
static int server_is_gone(const char *text)
{
	return strstr(text, "error 107") || strstr(text, "then 107") ||
	       strstr(text, "error 103") || strstr(text, "then 103");
}

static int run(unsigned long count)
{
	for (int t = 0; t < MAX_TREES; t++) {
		for (int i = 0; i < MAX_HANDLES; i++)
			handles[t][i] = -1;
	}
	for (step = 0; step < count; step++) {
		struct op op = { .kind = (int)rnd(N_OPS) };

		random_path(op.path);
		random_path(op.other);
		for (int i = 0; i < 4; i++)
			op.n[i] = rnd(1U << 30);
		op.fd_slot = (int)rnd(MAX_HANDLES);
		op.as_user = rnd(6) == 0 && geteuid() == 0;
		/* What is written past the server keeps a setuid bit that came after open. */
		if (op.kind == OP_FD_WRITE && getenv("FUZZ_PASSTHROUGH"))
			op.as_user = 0;
		note_progress(&op);
		for (int t = 0; t < n_trees; t++)
			apply(t, &op);
		if (n_trees == 1 && server_is_gone(outcomes[0].text))
			return 3;
		if (verbose)
			printf("%lu %s %s %s%s: %s\n", step, op_names[op.kind], op.path, op.other,
			       op.as_user ? " as a user" : "", outcomes[0].text);
		/* So the kernel's overlayfs answers for a linked special file at times. */
		if (n_trees > 1 && strstr(outcomes[0].text, "error 116"))
			return 4;
		if (n_trees > 1 && strcmp(outcomes[0].text, outcomes[1].text) != 0) {
			printf("seed %lu step %lu: %s %s %s%s\n  first:  %s\n  second: %s\n", seed,
			       step, op_names[op.kind], op.path, op.other,
			       op.as_user ? " as a user" : "", outcomes[0].text, outcomes[1].text);
			return 1;
		}
	}
	for (int t = 0; t < n_trees; t++) {
		for (int i = 0; i < MAX_HANDLES; i++) {
			if (handles[t][i] >= 0)
				close(handles[t][i]);
		}
	}
	return 0;
}

int main(int argc, char **argv)
{
	int status, is_compare = argc > 1 && strcmp(argv[1], "compare") == 0;

	if (argc < 4) {
		fprintf(stderr, "usage: %s run SEED COUNT TREE [TREE] | compare TREE TREE "
				"[EXCEPT...]\n", argv[0]);
		return 2;
	}
	verbose = getenv("VERBOSE") != NULL;
	umask(022);
	for (int i = is_compare ? 2 : 4; i < argc && n_trees < MAX_TREES; i++)
		roots[n_trees++] = argv[i];
	if (is_compare)
		return compare_trees(roots[0], roots[1], argv + 4, argc - 4);
	seed = strtoul(argv[2], NULL, 10);
	state = seed * 0x9E3779B97F4A7C15ULL + 0x1234567;
	status = run(strtoul(argv[3], NULL, 10));
	return status || n_trees < 2 ? status : compare_trees(roots[0], roots[1], NULL, 0);
}
