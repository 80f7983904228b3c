/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How an operation is described and how its results are collected.  The tables
 * are generated from sdk/interfaces/; the host walks them to proxy, trace and
 * check calls without knowing any kind by name.
 *
 * Since 1.0.
 */
#ifndef GANTRY_INTERFACE_H
#define GANTRY_INTERFACE_H

#include <stdint.h>

#include <gantry/error.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The closed set of types.  In an args struct they are, in this order:
 * const char *, int64_t, int64_t (0 or 1), struct gantry_bytes, const char *
 * (JSON text), const char *const * (NULL-terminated), int32_t (-1: absent),
 * uint64_t. */
enum {
	GANTRY_TYPE_STRING = 1,
	GANTRY_TYPE_INTEGER = 2,
	GANTRY_TYPE_BOOLEAN = 3,
	GANTRY_TYPE_BYTES = 4,
	GANTRY_TYPE_JSON = 5,
	GANTRY_TYPE_LIST = 6,
	GANTRY_TYPE_FD = 7,
	GANTRY_TYPE_HANDLE = 8,
};

struct gantry_bytes {
	const void *data;
	uint64_t size;
};

enum { /* gantry_field.flags */
	GANTRY_FIELD_OPTIONAL = 1,
};

struct gantry_field {
	const char *name;
	uint32_t type;   /* GANTRY_TYPE_* */
	uint32_t flags;  /* GANTRY_FIELD_* */
	uint32_t offset; /* in the args struct; the field's number for results */
};

enum { /* gantry_op.flags */
	GANTRY_OP_REQUIRED = 1,   /* a driver without it is refused */
	GANTRY_OP_IDEMPOTENT = 2, /* may be retried after UNAVAILABLE or a crash */
};

/* What a chain does with a link that lacks the operation. */
enum {
	GANTRY_CHAIN_NONE = 0, /* the kind is no chain */
	GANTRY_CHAIN_PASS = 1,
	GANTRY_CHAIN_STOP = 2,
	GANTRY_CHAIN_REFUSE = 3,
};

/* How long a call may take before the host gives up on it. */
enum {
	GANTRY_DEADLINE_SHORT = 1,    /* 5 s */
	GANTRY_DEADLINE_LONG = 2,     /* 60 s */
	GANTRY_DEADLINE_TRANSFER = 3, /* as long as bytes move */
	GANTRY_DEADLINE_NONE = 4,     /* follows, waits */
};

/* What a host locks for a driver that declares GANTRY_THREADS_PER_OBJECT.  A serial
 * driver is called once at a time whatever this says, a parallel one at any time. */
enum {
	GANTRY_OP_THREADS_OBJECT = 1, /* the object that the first argument names */
	GANTRY_OP_THREADS_DRIVER = 2, /* all calls with this rule */
	GANTRY_OP_THREADS_ANY = 3,    /* nothing */
};

struct gantry_op {
	const char *name;
	const struct gantry_field *args;
	const struct gantry_field *results;
	uint32_t n_args;
	uint32_t n_results;
	uint32_t args_size; /* sizeof the args struct */
	uint32_t slot;      /* offset of the function in the ops table */
	uint32_t flags;
	uint32_t chain;
	uint32_t deadline;
	uint32_t threads; /* GANTRY_OP_THREADS_* */
};

struct gantry_interface {
	const char *kind;
	const struct gantry_op *ops;
	uint32_t n_ops;
	uint32_t ops_size; /* sizeof the ops table */
};

struct gantry_reply;

/* Where a driver puts results.  Fields are numbered per operation
 * (GANTRY_<KIND>_<OP>_<RESULT>); authors use the generated typed setters.
 * Text and bytes are copied before the call returns.  A descriptor belongs to
 * the host from the call on, also when the call fails.  put_item appends one
 * string to a list.  All return 0 or a negative code. */
struct gantry_reply_ops {
	uint32_t size;
	uint32_t reserved;
	int (*put_string)(struct gantry_reply *reply, uint32_t field, const char *text);
	int (*put_integer)(struct gantry_reply *reply, uint32_t field, int64_t value);
	int (*put_bytes)(struct gantry_reply *reply, uint32_t field, const void *data,
			 uint64_t size);
	int (*put_fd)(struct gantry_reply *reply, uint32_t field, int32_t fd);
	int (*put_item)(struct gantry_reply *reply, uint32_t field, const char *text);
};

struct gantry_reply {
	uint32_t size;
	uint32_t reserved;
	const struct gantry_reply_ops *ops;
};

/* Every operation of every kind has this shape; self is what open() returned. */
typedef int (*gantry_op_fn)(void *self, const void *args, struct gantry_reply *reply,
			    struct gantry_error *err);

#ifdef __cplusplus
}
#endif

#endif
