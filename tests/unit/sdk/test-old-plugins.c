/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Plugins that were compiled for released ABIs (tests/abi/<version>/) load in this
 * host, and a call through them answers.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <gantry/fake.h>
#include <gantry/log.h>
#include <gantry/volume.h>

#include "core/plugin/native.h"

static struct gantry_fake *fake;
static struct native_plugin *plugin;
static struct driver *driver;
static struct gantry_error err;

/* tests/abi/VERSION/NAME.MACHINE.so, opened as KIND/example. */
static void open_old(const char *version, const char *name, const char *kind)
{
	const char *top = getenv("srcdir");
	struct utsname host;
	char path[4096];

	err = (struct gantry_error)GANTRY_ERROR_INIT;
	uname(&host);
	snprintf(path, sizeof(path), "%s/tests/abi/%s/%s.%s.so", top ? top : ".", version, name, host.machine);
	if (access(path, R_OK) < 0 && strcmp(host.machine, "x86_64") != 0) {
		return; /* kept for one kind of machine only */
	}
	fake = gantry_fake_new();
	ck_assert_msg(native_plugin_load(path, &plugin, &err) == 0, "%s", err.message);
	ck_assert_msg(native_driver_open(plugin, kind, "example", gantry_fake_host(fake), "{}", &driver,
					 &err) == 0,
		      "%s", err.message);
}

static void close_old(void)
{
	driver = driver_free(driver);
	plugin = native_plugin_unref(plugin);
	gantry_fake_free(fake);
	fake = NULL;
}

static int call(unsigned op, const void *args, struct reply *ret)
{
	err = (struct gantry_error)GANTRY_ERROR_INIT;
	return driver_call(driver, op, args, ret, &err);
}

START_TEST(test_volume)
{
	struct reply ret = REPLY_INIT;

	open_old("1.0", "volume", "volume");
	if (!driver) {
		return;
	}
	ck_assert_int_eq(call(GANTRY_VOLUME_OP_CREATE, &GANTRY_VOLUME_CREATE_ARGS(.name = "a"), &ret), 0);
	ck_assert_int_eq(call(GANTRY_VOLUME_OP_LIST, &GANTRY_VOLUME_LIST_ARGS(), &ret), 0);
	ck_assert_str_eq(reply_list(&ret, GANTRY_VOLUME_LIST_RET_NAME)[0], "a");
	ck_assert_int_eq(call(GANTRY_VOLUME_OP_MOUNT, &GANTRY_VOLUME_MOUNT_ARGS(.name = "b", .user = "u"), &ret),
			 GANTRY_ERR_NOT_FOUND);
	/* An operation that 1.0's author did not write. */
	ck_assert_int_eq(call(GANTRY_VOLUME_OP_USAGE, &GANTRY_VOLUME_USAGE_ARGS(.name = "a"), &ret),
			 GANTRY_ERR_UNSUPPORTED);
	reply_done(&ret);
	close_old();
}
END_TEST

START_TEST(test_log)
{
	struct reply ret = REPLY_INIT;
	int64_t log;

	open_old("1.0", "log", "log");
	if (!driver) {
		return;
	}
	ck_assert_int_eq(call(GANTRY_LOG_OP_OPEN,
			      &GANTRY_LOG_OPEN_ARGS(.container = "c", .directory = gantry_fake_folder(fake)), &ret),
			 0);
	log = reply_integer(&ret, GANTRY_LOG_OPEN_RET_LOG, 0);
	ck_assert_int_eq(call(GANTRY_LOG_OP_WRITE,
			      &GANTRY_LOG_WRITE_ARGS(.log = (uint64_t)log, .stream = 1, .data = { "x\n", 2 }), &ret),
			 0);
	ck_assert_int_eq(call(GANTRY_LOG_OP_CLOSE, &GANTRY_LOG_CLOSE_ARGS(.log = (uint64_t)log), &ret), 0);
	ck_assert_int_eq(call(GANTRY_LOG_OP_CLOSE, &GANTRY_LOG_CLOSE_ARGS(.log = (uint64_t)log), &ret),
			 GANTRY_ERR_INVALID);
	ck_assert_str_ne(gantry_fake_log(fake), "");
	reply_done(&ret);
	close_old();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("sdk/old plugins");
	TCase *tests = tcase_create("1.0");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_test(tests, test_volume);
	tcase_add_test(tests, test_log);
	suite_add_tcase(suite, tests);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
