/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One record as a line of JSON: {"log":...,"stream":...,"attrs":...,"time":...}, the
 * format that Docker's json-file writes and that log shippers read.
 */
#ifndef LOG_RECORD_H
#define LOG_RECORD_H

#include <stddef.h>
#include <stdint.h>

struct buf;

/* Escapes bytes of *data (moved on) as the inside of a JSON string while they fit into
 * room, which is at least 8; returns the bytes put into out.  Bytes that are not UTF-8 become
 * \ufffd; what is dangerous in HTML and JavaScript is escaped, too. */
size_t json_escape(const unsigned char **data, const unsigned char *end, char *out, size_t room);

/* The same, all of it. */
void json_escape_buf(struct buf *out, const void *data, size_t len);

/* "2026-11-24T03:36:04" for a second since the epoch, into 20 bytes or more. */
void time_stamp(int64_t second, char *ret);

/* Appends ".123456789" without trailing zeros, or nothing; returns the length. */
size_t time_fraction(int64_t ns, char *ret);

struct record {
	int stream; /* 1 or 2 */
	int partial;
	int64_t time_ns;
};

/* Reads one line (without its newline); its data replaces what data held.  0, or -1
 * when it is no record. */
int record_parse(const char *line, size_t len, struct record *ret, struct buf *data);

/* Does the line hold the end of an output line?  Cheap; for counting backwards. */
int record_ends_line(const char *line, size_t len);

#endif
