/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The records of Docker's log plugins: a length of four bytes, the most significant first,
 * and a message LogEntry in protocol buffers' encoding.
 *
 *	LogEntry { string source = 1; int64 time_nano = 2; bytes line = 3; bool partial = 4;
 *		   PartialLogEntryMetadata partial_log_metadata = 5; }
 *	PartialLogEntryMetadata { bool last = 1; string id = 2; int32 ordinal = 3; }
 */
#ifndef DOCKER_LOG_ENTRY_H
#define DOCKER_LOG_ENTRY_H

#include <stddef.h>
#include <stdint.h>

struct buf;

#define ENTRY_MAX 65536u /* of a message that is read */

struct entry {
	int stream; /* 1 stdout, 2 stderr */
	int64_t time_ns;
	const char *line; /* without its newline */
	size_t len;
	int partial;      /* more of the line follows, or this is the last part of one */
	int last;         /* of a partial line */
	int ordinal;      /* from 1, of a partial line */
	char id[40];      /* of a partial line */
};

/* Appends length and message. */
void entry_encode(const struct entry *e, struct buf *out);

/* Reads a message without its length; line points into data.  0, or -1: it is none. */
int entry_decode(const char *data, size_t len, struct entry *ret);

#endif
