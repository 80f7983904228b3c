/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include <gantry/calls.h>

#include "core/engine/engine.h"
#include "core/lazy/transfer.h"
#include "helpers/buf.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"

#define CHUNK (64 * 1024)
#define PIPE_SIZE (1 << 20)

struct transfer {
	struct driver *driver;
	uint64_t session;
	const char *digest;
	int64_t offset, length;
	int sink;
	struct gantry_error error;
};

static void *transfer_main(void *arg)
{
	struct transfer *t = arg;
	auto_(reply) struct reply ret = REPLY_INIT;

	(void)transport_fetch(t->driver,
			      &GANTRY_TRANSPORT_FETCH_ARGS(.session = t->session, .digest = t->digest,
							   .offset = t->offset, .length = t->length,
							   .sink = t->sink),
			      &ret, &t->error);
	close(t->sink);
	return NULL;
}

/* Reads no more than was asked for; a driver that knows no length finds its pipe closed. */
static int pump(int fd, int64_t length, int64_t *ret_done, transfer_sink sink, void *ctx,
		struct gantry_error *err)
{
	auto_free char *chunk = malloc(CHUNK);
	int r = chunk ? 0 : error_no_memory(err);

	while (r == 0 && *ret_done < length) {
		size_t want = length - *ret_done < CHUNK ? (size_t)(length - *ret_done) : CHUNK;
		ssize_t n = read(fd, chunk, want);

		if (n < 0 && errno == EINTR) {
			continue;
		}
		if (n <= 0) {
			return n < 0 ? error_errno(err, errno, "cannot read from the transport") : 0;
		}
		r = sink(ctx, chunk, (size_t)n, err);
		*ret_done += n;
	}
	return r;
}

static int transfer(struct transfer *t, transfer_sink sink, void *ctx, struct gantry_error *err)
{
	int64_t done = 0;
	pthread_t thread;
	int ends[2], code, r;

	if (pipe2(ends, O_CLOEXEC) < 0) {
		return error_errno(err, errno, "cannot make a pipe");
	}
	fcntl(ends[1], F_SETPIPE_SZ, PIPE_SIZE);
	t->sink = ends[1];
	code = pthread_create(&thread, NULL, transfer_main, t);
	if (code) {
		close(ends[0]);
		close(ends[1]);
		return error_errno(err, code, "cannot start a thread");
	}
	r = pump(ends[0], t->length, &done, sink, ctx, err);
	close(ends[0]);
	pthread_join(thread, NULL);
	if (r < 0 || done == t->length) {
		return r;
	}
	if (t->error.code < 0) {
		*err = t->error;
		return err->code;
	}
	return error_set(err, GANTRY_ERR_CORRUPT, "blob %s ended after %lld bytes of a range of %lld",
			 t->digest, (long long)done, (long long)t->length);
}

int transfer_range(struct driver *transport, uint64_t session, const char *digest, int64_t offset,
		   int64_t length, transfer_sink sink, void *ctx, struct gantry_error *err)
{
	struct transfer t = { .driver = transport, .session = session, .digest = digest,
			      .offset = offset, .length = length, .error = GANTRY_ERROR_INIT };

	return transfer(&t, sink, ctx, err);
}

static int keep(void *ctx, const void *data, size_t len, struct gantry_error *err)
{
	struct buf *to = ctx;

	buf_add(to, data, len);
	return buf_failed(to) ? error_no_memory(err) : 0;
}

int transfer_to_buf(struct driver *transport, uint64_t session, const char *digest, int64_t offset,
		    int64_t length, struct buf *to, struct gantry_error *err)
{
	return transfer_range(transport, session, digest, offset, length, keep, to, err);
}
