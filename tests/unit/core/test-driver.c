/* SPDX-License-Identifier: Apache-2.0 */
/* What driver_call() holds a driver to, and its callers: handles are of the driver that gave
 * them, results are complete, errors have words. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include <gantry/calls.h>

#include "core/plugin/driver.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "helpers/interfaces.h"

static struct {
	unsigned calls; /* that reached a driver */
	int result;     /* what the next write answers */
	int fill;       /* whether it fills the error */
	uint64_t handle;
} fake;

static int invoke(struct driver *d, unsigned op, const void *args, struct gantry_reply *reply,
		  struct gantry_error *err)
{
	fake.calls++;
	if (op == GANTRY_LOG_OP_OPEN) {
		return fake.handle ? gantry_log_open_set_log(reply, fake.handle) : 0;
	}
	if (fake.result && fake.fill) {
		return error_set(err, GANTRY_ERR_NO_SPACE, "the disk is full");
	}
	return fake.result;
}

static int has(const struct driver *d, unsigned op)
{
	return 1;
}

static void closed(struct driver *d)
{
}

static const struct driver_form form = { .name = "fake", .invoke = invoke, .has = has, .close = closed };
static struct driver *one, *other;
static struct gantry_error err;

static void setup(void)
{
	memset(&fake, 0, sizeof(fake));
	fake.handle = 5;
	err = (struct gantry_error)GANTRY_ERROR_INIT;
	ck_assert_int_eq(driver_new(&interface_log, &form, "one", "package", &one, &err), 0);
	ck_assert_int_eq(driver_new(&interface_log, &form, "other", "package", &other, &err), 0);
}

static void teardown(void)
{
	driver_free(one);
	driver_free(other);
}

static int open_in(struct driver *d)
{
	auto_(reply) struct reply ret = REPLY_INIT;

	return log_open(d, &GANTRY_LOG_OPEN_ARGS(.container = "c", .directory = "/d"), &ret, &err);
}

static int write_to(struct driver *d, uint64_t log)
{
	auto_(reply) struct reply ret = REPLY_INIT;

	error_clear(&err);
	return log_write(d, &GANTRY_LOG_WRITE_ARGS(.log = log, .stream = 1, .data = { "x\n", 2 }), &ret, &err);
}

static int close_in(struct driver *d, uint64_t log)
{
	auto_(reply) struct reply ret = REPLY_INIT;

	error_clear(&err);
	return log_close(d, &GANTRY_LOG_CLOSE_ARGS(.log = log), &ret, &err);
}

START_TEST(test_handle_of_another)
{
	ck_assert_int_eq(open_in(one), 0);
	ck_assert_int_eq(write_to(one, 5), 0);
	fake.calls = 0;
	ck_assert_int_eq(write_to(other, 5), GANTRY_ERR_INVALID);
	ck_assert_int_eq(close_in(other, 5), GANTRY_ERR_INVALID);
	ck_assert_msg(strstr(err.message, "log driver other: close"), "%s", err.message);
	ck_assert_uint_eq(fake.calls, 0); /* the driver never saw it */
	ck_assert_int_eq(write_to(one, 5), 0);
	ck_assert_int_eq(write_to(one, 6), GANTRY_ERR_INVALID);
	ck_assert_int_eq(close_in(one, 5), 0);
	ck_assert_int_eq(write_to(one, 5), GANTRY_ERR_INVALID);
}
END_TEST

START_TEST(test_contract)
{
	ck_assert_int_eq(open_in(one), 0);
	fake.result = GANTRY_ERR_NO_SPACE;
	ck_assert_int_eq(write_to(one, 5), GANTRY_ERR_INTERNAL); /* an error without words */
	ck_assert_msg(strstr(err.message, "log driver one: write"), "%s", err.message);
	fake.fill = 1;
	ck_assert_int_eq(write_to(one, 5), GANTRY_ERR_NO_SPACE);
	ck_assert_str_eq(err.message, "the disk is full");
	fake.result = 7;
	fake.fill = 0;
	ck_assert_int_eq(write_to(one, 5), GANTRY_ERR_INTERNAL);
	fake.result = 0;
	fake.handle = 0;
	error_clear(&err);
	ck_assert_int_eq(open_in(other), GANTRY_ERR_INTERNAL); /* success without its result */
	ck_assert_msg(strstr(err.message, "without the result log"), "%s", err.message);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("driver");
	TCase *t = tcase_create("driver");
	SRunner *runner = srunner_create(s);
	int failed;

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, test_handle_of_another);
	tcase_add_test(t, test_contract);
	suite_add_tcase(s, t);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
