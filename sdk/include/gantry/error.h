/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one error type that crosses every gantry boundary.  A function that can
 * fail returns 0 or one of the negative codes below and fills the error at the
 * place that knows most: which object, which operation, what cause, and what
 * the user can do next.
 *
 * The struct holds its text in fixed arrays, so that memory never changes
 * sides, an error needs no destructor and out-of-memory can be reported.
 * Callers start with GANTRY_ERROR_INIT; callees leave it untouched on success.
 *
 * Since 1.0.
 */
#ifndef GANTRY_ERROR_H
#define GANTRY_ERROR_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Stable numbers: they cross processes and are never reused.  The HTTP status
 * and the exit code of each are in one table, core/base/codes.c. */
enum {
	GANTRY_OK = 0,
	GANTRY_ERR_INVALID = -1,      /* the request itself is wrong */
	GANTRY_ERR_NOT_FOUND = -2,    /* the named object does not exist */
	GANTRY_ERR_EXISTS = -3,       /* a name or id is taken */
	GANTRY_ERR_IN_USE = -4,       /* another object holds this one */
	GANTRY_ERR_CONFLICT = -5,     /* wrong state for this operation */
	GANTRY_ERR_PERMISSION = -6,   /* the kernel or the host says no */
	GANTRY_ERR_UNAUTHORIZED = -7, /* who is asking is not known */
	GANTRY_ERR_DENIED = -8,       /* a policy says no */
	GANTRY_ERR_UNSUPPORTED = -9,  /* this driver or host cannot do it */
	GANTRY_ERR_UNAVAILABLE = -10, /* a peer or plugin cannot be reached; may be retried */
	GANTRY_ERR_TIMEOUT = -11,     /* the deadline passed */
	GANTRY_ERR_CANCELLED = -12,   /* the caller gave up */
	GANTRY_ERR_NO_SPACE = -13,    /* disk, quota, inodes, address pool */
	GANTRY_ERR_NO_MEMORY = -14,
	GANTRY_ERR_LIMIT = -15,       /* a configured limit was passed */
	GANTRY_ERR_CORRUPT = -16,     /* digest mismatch, malformed data */
	GANTRY_ERR_IO = -17,          /* read, write or system call failed */
	GANTRY_ERR_INTERNAL = -18,    /* a broken contract: a bug in gantry or a plugin */
};

struct gantry_error {
	uint32_t size;       /* sizeof of the side that allocated it */
	int32_t code;        /* 0 or GANTRY_ERR_* */
	int32_t sys_errno;   /* errno behind it, or 0 */
	uint32_t reserved;
	char message[1000];  /* object, operation, cause; no newline at the end */
	char hint[496];      /* what the user can do next; may be empty */
};

#define GANTRY_ERROR_INIT { sizeof(struct gantry_error), 0, 0, 0, "", "" }

#ifdef __cplusplus
}
#endif

#endif
