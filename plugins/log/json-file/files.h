/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A container's log files as one sequence, oldest first, taken while a writer in
 * another process may rotate them.
 */
#ifndef LOG_FILES_H
#define LOG_FILES_H

#include <stddef.h>
#include <stdint.h>

struct log_files {
	int *fds;       /* positioned at 0; the last is the current file */
	int *packed;    /* still gzip: log_files_unpack() first */
	size_t n;
};

void log_files_done(struct log_files *f);
static inline void log_files_auto(struct log_files *f)
{
	log_files_done(f);
}

/* Opens all files of name in dir that were written to at or after since_ns (0: all).
 * No file at all is 0 files.  0 or a negative errno. */
int log_files_open(int dir, const char *name, int64_t since_ns, struct log_files *ret);

/* Makes the i-th readable as plain text; a damaged one becomes shorter. */
int log_files_unpack(struct log_files *f, size_t i);

/* After reading all of fd: the file that continues it, or -1 when fd is still the current one
 * (or nothing else is there yet).  *ret_skipped is set when files between may be lost. */
int log_files_next(int dir, const char *name, int fd, int *ret_skipped);

/* Where the last so many output lines start: file and offset. */
int log_files_tail(struct log_files *f, int64_t lines, size_t *ret_file, int64_t *ret_offset);

#endif
