/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the parts of the differential fuzzer share: one operation, and what it did on
 * one tree, as text.
 */
#ifndef TESTS_UNIONFS_FUZZ_H
#define TESTS_UNIONFS_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

enum { PATH_ROOM = 256, DATA_ROOM = 8192, LIST_ROOM = 65536 };

struct outcome {
	char text[LIST_ROOM];
	size_t len;
};

struct op {
	int kind;
	char path[PATH_ROOM], other[PATH_ROOM];
	uint32_t n[4];
	int fd_slot;
	int as_user;    /* by an ordinary user */
};

__attribute__((format(printf, 2, 3))) void note(struct outcome *o, const char *fmt, ...);

/* What a system call returned, with errno. */
void note_result(struct outcome *o, long r);

/* The bytes at an offset of a file, as a sum. */
void note_data(struct outcome *o, int fd, uint32_t at);

/* Whether the tree at work is the one that shows what is right: the kernel's. */
int is_reference(void);

void note_stat(struct outcome *o, const struct stat *st);
void note_xattrs(struct outcome *o, const char *path);

/* 0 when the trees are equal, else 1, with the first difference printed.  What lies
 * below the names is left out, and their folders, and the files' other names. */
int compare_trees(const char *first, const char *second, char **names, int n_names);

/* More operations on the file at path. */
void do_copy_range(struct outcome *o, const struct op *op, const char *path, const char *other);
void do_mmap(struct outcome *o, const struct op *op, const char *path);
void do_acl(struct outcome *o, const struct op *op, const char *path);
void do_capability(struct outcome *o, const struct op *op, const char *path);
void do_seekdir(struct outcome *o, const struct op *op, const char *path);
void do_access(struct outcome *o, const struct op *op, const char *path);
void do_append(struct outcome *o, const struct op *op, const char *path);

#endif
