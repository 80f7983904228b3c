/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Appends records to a container's log file and rotates it.  Lives in the shim, so
 * it owns one descriptor, one buffer and nothing else.
 */
#ifndef LOG_WRITER_H
#define LOG_WRITER_H

#include <stdint.h>

#include <gantry/error.h>

struct log_options;
struct log_writer;

/* "CONTAINER-json.log", and the names of rotated files: ".1" is the youngest. */
#define LOG_NAME_MAX 200
#define LOG_ROTATED_MAX (LOG_NAME_MAX + 24)
int log_file_name(const char *container, char *ret, struct gantry_error *err);
void log_rotated_name(const char *name, int i, int compressed, char *ret);

/* Opens directory/CONTAINER-json.log, which is created when missing; a half record at
 * its end, left by a power cut, is closed with a newline.  attributes: JSON text or "". */
int log_writer_open(const char *directory, const char *container, const struct log_options *options,
		    const char *attributes, struct log_writer **ret, struct gantry_error *err);

/* Adds one record.  With more, it may stay in the buffer until the next.  After an error
 * the file ends with the last whole record and the buffered ones are lost. */
int log_writer_add(struct log_writer *w, int stream, int64_t time_ns, const void *data, size_t len,
		   int partial, int more, struct gantry_error *err);

/* Flushes, closes, frees; w is gone also when it fails. */
int log_writer_close(struct log_writer *w, struct gantry_error *err);

#endif
