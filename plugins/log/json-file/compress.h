/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gzip for rotated files.  zlib is loaded only while it is used, so that a
 * shim which never compresses does not carry it.
 */
#ifndef LOG_COMPRESS_H
#define LOG_COMPRESS_H

#include <sys/types.h>

/* Starts a child that replaces the file plain by packed.  Killed half-way it leaves
 * plain whole and perhaps packed.tmp, which the next one overwrites.  Returns the child, to be
 * waited for, or 0: no child, plain stays. */
pid_t compress_in_child(int dir, const char *plain, const char *packed);

/* The unpacked content of a gzip file as an unnamed file in memory, positioned at
 * its start; what follows damage is left out.  Returns the descriptor or a negative errno. */
int decompress_to_memory(int fd);

#endif
