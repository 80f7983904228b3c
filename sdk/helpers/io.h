/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whole reads and writes, atomic file replacement, and descriptors sent over
 * Unix sockets.  Functions return 0 or a count, or a negative errno value, and
 * retry EINTR; the caller knows the object and fills the gantry_error.
 */
#ifndef HELPERS_IO_H
#define HELPERS_IO_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct buf;

/* Writes everything, also to non-blocking descriptors (polls). */
int write_all(int fd, const void *data, size_t len);

/* The same at an offset, to a file. */
int write_at(int fd, const void *data, size_t len, off_t offset);

/* Reads until len bytes or end of file; returns the count. */
ssize_t read_full(int fd, void *data, size_t len);

/* Appends all that fd has to out; -EFBIG when it holds more than limit. */
int read_to_end(int fd, struct buf *out, size_t limit);

/* Appends a file's content.  dirfd and path as for openat(2). */
int read_file(int dirfd, const char *path, struct buf *out, size_t limit);

/* Replaces path by rename(2), so that a reader sees the old or the new text and
 * never half.  With durable, data and name are on disk when it returns. */
int write_file_atomic(int dirfd, const char *path, const void *data, size_t len, mode_t mode,
		      int durable);

/* Writes to an existing file (sysfs, procfs, cgroupfs) in one write(2). */
int write_control(int dirfd, const char *path, const char *text);

/* mkdir -p below dirfd; existing folders are fine. */
int make_dirs(int dirfd, const char *path, mode_t mode);

/* Renames a folder that is not empty; -EEXIST when the name is taken.  For filesystems
 * too that know no RENAME_NOREPLACE: they replace no folder that holds something. */
int rename_new_folder(int dirfd, const char *from, const char *to);

/* Is the disk nearly full, so that what can be freed may be needed by the very next write? */
int is_space_short(const char *path);

/* Removes a whole tree; missing is fine; never follows links or crosses into
 * another mount. */
int remove_tree(int dirfd, const char *path);

/* Sends one message with up to 16 descriptors (SCM_RIGHTS). */
int send_with_fds(int sock, const void *data, size_t len, const int *fds, size_t n_fds);

/* Receives one message; descriptors arrive close-on-exec.  *n_fds is the room in
 * fds and, on return, how many came; returns the byte count, 0 at the end. */
ssize_t recv_with_fds(int sock, void *data, size_t len, int *fds, size_t *n_fds);

/* A listening or connected Unix stream socket; paths longer than sun_path are
 * reached through /proc/self/fd.  Returns the descriptor. */
int unix_listen(const char *path, mode_t mode);
int unix_connect(const char *path);

/* CLOCK_REALTIME and CLOCK_MONOTONIC in nanoseconds. */
int64_t time_now_ns(void);
int64_t time_monotonic_ns(void);

#endif
