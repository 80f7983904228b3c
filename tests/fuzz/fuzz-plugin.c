/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a plugin can send to its host, and a host to its plugin: lines through a peer,
 * arguments and results of every operation.  What was read must be written again as
 * the same.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/plugin/peer.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "helpers/interfaces.h"
#include "helpers/io.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_again(const struct buf *text)
{
	struct jsonspan value;

	if (jsonspan_check(buf_str(text), text->len, &value) < 0) {
		abort(); /* what we write must be what we read */
	}
}

static void try_args(const struct gantry_op *op, struct jsonspan object)
{
	struct gantry_error err = GANTRY_ERROR_INIT;
	auto_(buf) struct buf first = BUF_INIT, second = BUF_INIT;
	struct wire_fds none = WIRE_FDS_INIT;
	struct wire_args args;
	struct jsonspan again;

	if (wire_get_args(object, &none, op, &args, &err) < 0) {
		return;
	}
	if (wire_put_args(&first, &none, op, args.args, &err) == 0) {
		wire_args_done(&args, op);
		check_again(&first);
		(void)jsonspan_check(buf_str(&first), first.len, &again);
		if (none.n == 0 && wire_get_args(again, &none, op, &args, &err) == 0) {
			(void)wire_put_args(&second, &none, op, args.args, &err);
			if (second.len != first.len || memcmp(first.data, second.data, first.len) != 0) {
				abort();
			}
			wire_args_done(&args, op);
		}
	} else {
		wire_args_done(&args, op);
	}
	wire_fds_sent(&none);
}

static void try_results(const struct gantry_op *op, struct jsonspan object)
{
	struct gantry_error err = GANTRY_ERROR_INIT;
	auto_(reply) struct reply reply = REPLY_INIT;
	auto_(buf) struct buf text = BUF_INIT;
	struct wire_fds none = WIRE_FDS_INIT;

	reply.op = op;
	if (wire_get_results(object, &none, op, &reply.base, &err) == 0 &&
	    wire_put_results(&text, &none, op, &reply, &err) == 0) {
		check_again(&text);
	}
	wire_fds_sent(&none);
}

static void try_all(struct jsonspan object)
{
	struct gantry_error err = GANTRY_ERROR_INIT;

	for (const struct gantry_interface *const *i = interfaces_all; *i; i++) {
		for (uint32_t op = 0; op < (*i)->n_ops; op++) {
			try_args(&(*i)->ops[op], object);
			try_results(&(*i)->ops[op], object);
		}
	}
	(void)wire_get_error(object, &err);
	if (!err.code || !err.message[0]) {
		abort();
	}
}

static void handle(struct peer *p, struct message *m)
{
	try_all(jsonspan_get(m->body, "args"));
}

/* The same bytes as they come off a socket, in pieces. */
static void try_peer(const uint8_t *data, size_t size)
{
	struct gantry_error err = GANTRY_ERROR_INIT;
	struct peer p;
	int pair[2];

	if (size > 65536 || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0) {
		return;
	}
	peer_init(&p, pair[0], handle, NULL);
	(void)write_all(pair[1], data, size / 2);
	(void)write_all(pair[1], data + size / 2, size - size / 2);
	close(pair[1]);
	while (peer_serve(&p, &err) == 0) {
	}
	peer_done(&p);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_(buf) struct buf compact = BUF_INIT;
	struct jsonspan value;
	auto_free char *copy = malloc(size + 1);

	/* Exactly so long, for the sanitizers. */
	memcpy(copy, data, size);
	if (jsonspan_check(copy, size, &value) == 0) {
		if (json_add_compact(&compact, copy, size) < 0) {
			abort();
		}
		check_again(&compact);
		try_all(value);
		try_all(jsonspan_get(value, "args"));
		try_all(jsonspan_get(value, "results"));
	}
	try_peer(data, size);
	return 0;
}
