/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Arguments and results of an operation as JSON and descriptors, and back, by the
 * generated descriptions: no kind and no operation is named here.  The form is
 * described in docs/plugin-protocol.md.
 */
#ifndef CORE_PLUGIN_WIRE_H
#define CORE_PLUGIN_WIRE_H

#include <gantry/interface.h>

#include "core/plugin/jsonspan.h"
#include "helpers/reply.h"

#define WIRE_VERSION 1
#define WIRE_MESSAGE_MAX (8u << 20)   /* one message */
#define WIRE_FDS_MAX 16               /* descriptors beside one message */
#define WIRE_INLINE_MAX (32u << 10)   /* more bytes than these go in a memory file */
#define WIRE_BYTES_MAX (64u << 20)    /* and never more than these */

/* Descriptors beside a message.  To be sent, they are borrowed but for those that
 * were made for the message; received, they are owned until taken (-1). */
struct wire_fds {
	int fd[WIRE_FDS_MAX];
	unsigned n;
	unsigned made; /* bit per descriptor to close after sending */
};

#define WIRE_FDS_INIT { { 0 }, 0, 0 }

/* Closes what was made, or what was received and not taken. */
void wire_fds_sent(struct wire_fds *fds);
void wire_fds_done(struct wire_fds *fds);
static inline void wire_fds_auto(struct wire_fds *fds)
{
	wire_fds_done(fds);
}

/* Appends an args struct as an object. */
int wire_put_args(struct buf *out, struct wire_fds *fds, const struct gantry_op *op,
		  const void *args, struct gantry_error *err);

/* An args struct and all it points to, as one list of blocks. */
struct wire_block;
struct wire_args {
	void *args;
	struct wire_block *blocks;
};

/* Makes an args struct from an object; members that the operation does not know
 * are passed over, since the caller may be newer.  Taken descriptors are closed
 * by wire_args_done. */
int wire_get_args(struct jsonspan object, struct wire_fds *fds, const struct gantry_op *op,
		  struct wire_args *ret, struct gantry_error *err);
void wire_args_done(struct wire_args *a, const struct gantry_op *op);

/* Appends collected results as an object; descriptors stay the reply's. */
int wire_put_results(struct buf *out, struct wire_fds *fds, const struct gantry_op *op,
		     const struct reply *results, struct gantry_error *err);
/* Hands results to a reply; each must be one that the operation has, of its type. */
int wire_get_results(struct jsonspan object, struct wire_fds *fds, const struct gantry_op *op,
		     struct gantry_reply *reply, struct gantry_error *err);

/* Appends "code":...,"message":... without braces; and back, returning the code. */
void wire_put_error(struct buf *out, const struct gantry_error *err);
int wire_get_error(struct jsonspan object, struct gantry_error *err);

/* "NOT_FOUND" and GANTRY_ERR_NOT_FOUND; NULL and 0 for others. */
const char *wire_code_name(int code);
int wire_code_number(struct jsonspan name);

#endif
