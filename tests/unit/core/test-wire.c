/* SPDX-License-Identifier: Apache-2.0 */
/* Arguments and results on the wire: every type there and back, and what is no argument. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <gantry/log.h>
#include <gantry/storage.h>
#include <gantry/volume.h>

#include "core/plugin/wire.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "helpers/interfaces.h"

#define WRITE (&interface_log.ops[GANTRY_LOG_OP_WRITE])
#define READ (&interface_log.ops[GANTRY_LOG_OP_READ])
#define CREATE (&interface_volume.ops[GANTRY_VOLUME_OP_CREATE])
#define MOUNT (&interface_volume.ops[GANTRY_VOLUME_OP_MOUNT])
#define LIST (&interface_volume.ops[GANTRY_VOLUME_OP_LIST])

static struct jsonspan span(const char *text)
{
	struct jsonspan value;

	ck_assert_msg(jsonspan_check(text, strlen(text), &value) == 0, "%s", text);
	return value;
}

static void put(const struct gantry_op *op, const void *args, struct buf *out, struct wire_fds *fds)
{
	struct gantry_error err = GANTRY_ERROR_INIT;

	ck_assert_msg(wire_put_args(out, fds, op, args, &err) == 0, "%s", err.message);
}

START_TEST(test_args)
{
	static const char bytes[] = { 'a', 0, '\n', '"', (char)0xff };
	const struct gantry_log_write_args *got;
	struct gantry_error err = GANTRY_ERROR_INIT;
	auto_(buf) struct buf out = BUF_INIT;
	struct wire_fds fds = WIRE_FDS_INIT;
	struct wire_args args;

	put(WRITE, &GANTRY_LOG_WRITE_ARGS(.log = 0x7fffffffffffffff, .stream = 2, .time_ns = -5,
					  .data = { bytes, sizeof(bytes) }, .partial = 1), &out, &fds);
	/* Members in the order of the description, and none that says nothing. */
	ck_assert_str_eq(buf_str(&out), "{\"log\":9223372036854775807,\"stream\":2,\"time_ns\":-5,"
					"\"data\":\"YQAKIv8=\",\"partial\":true}");
	ck_assert_int_eq(wire_get_args(span(buf_str(&out)), &fds, WRITE, &args, &err), 0);
	got = args.args;
	ck_assert_int_eq(got->stream, 2);
	ck_assert_int_eq(got->time_ns, -5);
	ck_assert_int_eq(got->partial, 1);
	ck_assert_int_eq(got->more, 0);
	ck_assert_uint_eq(got->data.size, sizeof(bytes));
	ck_assert_mem_eq(got->data.data, bytes, sizeof(bytes));
	wire_args_done(&args, WRITE);
}
END_TEST

START_TEST(test_text)
{
	const struct gantry_volume_create_args *got;
	struct gantry_error err = GANTRY_ERROR_INIT;
	auto_(buf) struct buf out = BUF_INIT;
	struct wire_fds fds = WIRE_FDS_INIT;
	struct wire_args args;

	put(CREATE, &GANTRY_VOLUME_CREATE_ARGS(.name = "t\t\"\\\xc3\xa9", .options = " { \"a\" : [ 1 ] } "), &out,
	    &fds);
	ck_assert_int_eq(wire_get_args(span(buf_str(&out)), &fds, CREATE, &args, &err), 0);
	got = args.args;
	ck_assert_str_eq(got->name, "t\t\"\\\xc3\xa9");
	ck_assert_str_eq(got->options, "{\"a\":[1]}"); /* without blanks, as the protocol says */
	wire_args_done(&args, CREATE);
	buf_clear(&out);
	ck_assert_int_eq(wire_put_args(&out, &fds, CREATE, &GANTRY_VOLUME_CREATE_ARGS(.name = "\xff"), &err),
			 GANTRY_ERR_INVALID);
	buf_clear(&out);
	error_clear(&err);
	ck_assert_int_eq(wire_put_args(&out, &fds, CREATE,
				       &GANTRY_VOLUME_CREATE_ARGS(.name = "a", .options = "{"), &err),
			 GANTRY_ERR_INVALID);
}
END_TEST

/* Large bytes lie in a sealed file beside the message. */
START_TEST(test_large_bytes)
{
	size_t size = WIRE_INLINE_MAX + 1;
	auto_free char *data = malloc(size);
	const struct gantry_log_write_args *got;
	struct gantry_error err = GANTRY_ERROR_INIT;
	auto_(buf) struct buf out = BUF_INIT;
	struct wire_fds fds = WIRE_FDS_INIT;
	struct wire_args args;

	memset(data, 'y', size);
	put(WRITE, &GANTRY_LOG_WRITE_ARGS(.log = 1, .stream = 1, .time_ns = 1, .data = { data, size }), &out, &fds);
	ck_assert_uint_eq(fds.n, 1);
	ck_assert_uint_eq(fds.made, 1);
	ck_assert_int_eq(fcntl(fds.fd[0], F_GET_SEALS) & F_SEAL_WRITE, F_SEAL_WRITE);
	ck_assert_int_eq(wire_get_args(span(buf_str(&out)), &fds, WRITE, &args, &err), 0);
	got = args.args;
	ck_assert_uint_eq(got->data.size, size);
	ck_assert_mem_eq(got->data.data, data, size);
	ck_assert_int_eq(fds.fd[0], -1); /* taken */
	wire_args_done(&args, WRITE);
}
END_TEST

/* A file that its sender could still change, or that is shorter than it says. */
START_TEST(test_unsealed)
{
	int fd = memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	struct wire_fds fds = { .fd = { fd }, .n = 1 };
	struct gantry_error err = GANTRY_ERROR_INIT;
	struct wire_args args;

	ck_assert_int_eq(write(fd, "hello", 5), 5);
	if (_i) {
		fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE);
	}
	ck_assert_int_eq(wire_get_args(span(_i ? "{\"log\":1,\"stream\":1,\"time_ns\":1,\"data\":{\"fd\":0,\"size\":6}}"
					       : "{\"log\":1,\"stream\":1,\"time_ns\":1,\"data\":{\"fd\":0,\"size\":5}}"),
				       &fds, WRITE, &args, &err),
			 GANTRY_ERR_INVALID);
	ck_assert_msg(strstr(err.message, "data must be"), "%s", err.message);
	wire_fds_done(&fds);
}
END_TEST

static const struct {
	const char *text;
	const char *says;
} wrong[] = {
	{ "{\"stream\":1,\"time_ns\":1,\"data\":\"\"}", "log is missing" },
	{ "{\"log\":\"1\",\"stream\":1,\"time_ns\":1,\"data\":\"\"}", "log must be a handle" },
	{ "{\"log\":1,\"stream\":1.5,\"time_ns\":1,\"data\":\"\"}", "stream must be an integer" },
	{ "{\"log\":1,\"stream\":9223372036854775808,\"time_ns\":1,\"data\":\"\"}", "stream must be an integer" },
	{ "{\"log\":1,\"stream\":1,\"time_ns\":true,\"data\":\"\"}", "time_ns must be an integer" },
	{ "{\"log\":1,\"stream\":1,\"time_ns\":1,\"data\":\"%%%\"}", "data must be base64" },
	{ "{\"log\":1,\"stream\":1,\"time_ns\":1,\"data\":{\"fd\":0,\"size\":1}}", "data must be base64" },
	{ "{\"log\":1,\"stream\":1,\"time_ns\":1,\"data\":{\"fd\":0,\"size\":-1}}", "data must be base64" },
	{ "{\"log\":1,\"stream\":1,\"time_ns\":1,\"data\":\"\",\"partial\":1}", "partial must be true or false" },
	{ "[]", "log is missing" },
};

START_TEST(test_wrong)
{
	struct gantry_error err = GANTRY_ERROR_INIT;
	struct wire_fds fds = WIRE_FDS_INIT;
	struct wire_args args;

	ck_assert_int_eq(wire_get_args(span(wrong[_i].text), &fds, WRITE, &args, &err), GANTRY_ERR_INVALID);
	ck_assert_msg(strstr(err.message, wrong[_i].says), "%s: %s", wrong[_i].text, err.message);
}
END_TEST

/* A descriptor is taken once; one that did not come is none; those not taken are closed. */
START_TEST(test_descriptors)
{
	struct gantry_error err = GANTRY_ERROR_INIT;
	struct wire_fds fds = { .n = 2 };
	struct wire_args args;
	int ends[2];

	ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
	memcpy(fds.fd, ends, sizeof(ends));
	ck_assert_int_eq(wire_get_args(span("{\"container\":\"c\",\"directory\":\"d\",\"sink\":1,\"stop\":1}"), &fds, READ,
				       &args, &err),
			 GANTRY_ERR_INVALID);
	ck_assert_msg(strstr(err.message, "stop must be a descriptor's number"), "%s", err.message);
	ck_assert_int_lt(fcntl(ends[1], F_GETFD), 0); /* the half-read arguments' are closed */
	error_clear(&err);
	ck_assert_int_eq(wire_get_args(span("{\"container\":\"c\",\"directory\":\"d\",\"sink\":2}"), &fds, READ, &args, &err),
			 GANTRY_ERR_INVALID);
	ck_assert_int_ge(fcntl(ends[0], F_GETFD), 0);
	wire_fds_done(&fds);
	ck_assert_int_lt(fcntl(ends[0], F_GETFD), 0);
}
END_TEST

START_TEST(test_results)
{
	struct gantry_error err = GANTRY_ERROR_INIT;
	auto_(reply) struct reply reply = REPLY_INIT, again = REPLY_INIT;
	auto_(buf) struct buf out = BUF_INIT;
	struct wire_fds fds = WIRE_FDS_INIT;

	reply.op = again.op = LIST;
	ck_assert_int_eq(wire_get_results(span("{\"name\":[\"one\",\"two\"]}"), &fds, LIST, &reply.base, &err), 0);
	ck_assert_str_eq(reply_list(&reply, 0)[1], "two");
	ck_assert_int_eq(wire_put_results(&out, &fds, LIST, &reply, &err), 0);
	ck_assert_str_eq(buf_str(&out), "{\"name\":[\"one\",\"two\"]}");
	ck_assert_int_lt(wire_get_results(span("{\"name\":[1]}"), &fds, LIST, &again.base, &err), 0);
	error_clear(&err);
	ck_assert_int_lt(wire_get_results(span("{\"nome\":[]}"), &fds, LIST, &again.base, &err), 0);
	ck_assert_msg(strstr(err.message, "nome"), "%s", err.message);
	reply_done(&reply);
	reply.op = MOUNT;
	error_clear(&err);
	ck_assert_int_lt(wire_get_results(span("{\"mount\":0}"), &fds, MOUNT, &reply.base, &err), 0);
}
END_TEST

START_TEST(test_errors)
{
	struct gantry_error err = GANTRY_ERROR_INIT, got = GANTRY_ERROR_INIT;
	auto_(buf) struct buf out = BUF_INIT;

	for (int code = -1; wire_code_name(code); code--) {
		buf_clear(&out);
		error_set(&err, code, "no \"%s\"", "room");
		error_hint(&err, "clean up");
		err.sys_errno = ENOSPC;
		buf_addc(&out, '{');
		wire_put_error(&out, &err);
		buf_addc(&out, '}');
		ck_assert_int_eq(wire_get_error(span(buf_str(&out)), &got), code);
		ck_assert_str_eq(got.message, "no \"room\"");
		ck_assert_str_eq(got.hint, "clean up");
		ck_assert_int_eq(got.sys_errno, ENOSPC);
	}
	ck_assert_int_lt(wire_get_error(span("{\"code\":\"WHATEVER\"}"), &got), 0);
	ck_assert_msg(got.message[0], "an error of no known code says nothing");
}
END_TEST

int main(void)
{
	Suite *s = suite_create("wire");
	TCase *t = tcase_create("wire");
	SRunner *runner = srunner_create(s);
	int failed;

	tcase_add_test(t, test_args);
	tcase_add_test(t, test_text);
	tcase_add_test(t, test_large_bytes);
	tcase_add_loop_test(t, test_unsealed, 0, 2);
	tcase_add_loop_test(t, test_wrong, 0, (int)ARRAY_SIZE(wrong));
	tcase_add_test(t, test_descriptors);
	tcase_add_test(t, test_results);
	tcase_add_test(t, test_errors);
	suite_add_tcase(s, t);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
