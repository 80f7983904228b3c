/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The audit log: JSON lines in one file, each with its number, the hash of the
 * line before and its own, so that a changed, removed or inserted line shows.
 * A head file beside it (".head") names the last line, so that cutting off the
 * end shows too.  Several processes may append.
 */
#ifndef LUA_POLICY_AUDIT_H
#define LUA_POLICY_AUDIT_H

#include <stddef.h>
#include <stdint.h>

#include <gantry/error.h>

struct audit;

/* Opens or creates path and path.head.  Finishes what a crash left undone. */
int audit_open(const char *path, struct audit **ret, struct gantry_error *err);
void audit_close(struct audit *audit);

/* Appends {seq, prev, time, <members>, hash}; members is the inside of a JSON
 * object, without braces.  On disk when the system writes it back; a crash of
 * this process loses nothing. */
int audit_append(struct audit *audit, const char *members, size_t len, struct gantry_error *err);

struct audit_report {
	int64_t lines;         /* that are sound */
	int64_t bad_line;      /* the first that is not, from 1; 0: none */
	char problem[256];     /* what is wrong with it */
};

/* Checks the whole log.  0 when it is sound, CORRUPT with the report filled. */
int audit_verify(const char *path, struct audit_report *ret, struct gantry_error *err);

/* Calls line(arg, number, text, len) for each line, sound or not; stops when it
 * returns a negative code, which is returned. */
int audit_read(const char *path,
	       int (*line)(void *arg, int64_t number, const char *text, size_t len,
			   struct gantry_error *err),
	       void *arg, struct gantry_error *err);

#endif
