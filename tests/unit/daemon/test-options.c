/* SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/daemon/options.h"

#include "helpers/error.h"

static struct options o;
static struct gantry_error err;
static char path[64];

/* Parses flags written as one line. */
static int parse(const char *line)
{
	static char copy[1024];
	char *argv[32] = { (char *)"gantryd" };
	int argc = 1;

	err = (struct gantry_error)GANTRY_ERROR_INIT;
	strcpy(copy, line);
	for (char *word = strtok(copy, " "); word; word = strtok(NULL, " ")) {
		argv[argc++] = word;
	}
	return options_parse(argc, argv, &o, &err);
}

static void write_json(const char *json)
{
	FILE *f;

	snprintf(path, sizeof(path), "/tmp/test-options-%d.json", getpid());
	f = fopen(path, "w");
	ck_assert_ptr_nonnull(f);
	fputs(json, f);
	fclose(f);
}

static int parse_with_file(const char *flags, const char *json)
{
	char line[256];
	int r;

	write_json(json);
	snprintf(line, sizeof(line), "--config-file %s %s", path, flags);
	r = parse(line);
	unlink(path);
	return r;
}

static int has_setting(const char *text)
{
	for (char **p = o.settings; p && *p; p++) {
		if (!strcmp(*p, text)) {
			return 1;
		}
	}
	return 0;
}

START_TEST(flags_are_read)
{
	ck_assert_int_eq(parse("-H unix:///a -H tcp://b:1 --data-root /r -D --tls=false "
			       "--registry-mirror http://m1 --registry-mirror http://m2 -s vfs"),
			 0);
	ck_assert_uint_eq(o.values[OPTION_HOST].n, 2);
	ck_assert_str_eq(option_text(&o, OPTION_ROOT), "/r");
	ck_assert_int_eq(option_bool(&o, OPTION_DEBUG), 1);
	ck_assert_int_eq(option_bool(&o, OPTION_TLS), 0);
	ck_assert_int_eq(has_setting("registry.mirrors=http://m1,http://m2"), 1);
	ck_assert_int_eq(has_setting("storage.driver=vfs"), 1);
	options_done(&o);
}
END_TEST

START_TEST(flags_win_over_the_file)
{
	ck_assert_int_eq(parse_with_file("-s vfs --root /flag",
					 "{\"storage-driver\":\"overlay\",\"data-root\":\"/file\","
					 "\"debug\":true,\"hosts\":[\"unix:///f\"],"
					 "\"log-opts\":{\"max-size\":\"1m\",\"max-file\":\"2\"}}"),
			 0);
	ck_assert_str_eq(option_text(&o, OPTION_ROOT), "/flag");
	ck_assert_int_eq(has_setting("storage.driver=vfs"), 1);
	ck_assert_int_eq(has_setting("log.options=max-size=1m,max-file=2"), 1);
	ck_assert_int_eq(option_bool(&o, OPTION_DEBUG), 1);
	ck_assert_str_eq(option_text(&o, OPTION_HOST), "unix:///f");
	options_done(&o);
}
END_TEST

static const char *const bad_flags[] = { "--nonsense", "-Z", "--host", "argument", "--tls=maybe",
					 "--max-connections many", "--config-file /nonexistent.json" };

START_TEST(bad_flags_are_refused)
{
	ck_assert_int_lt(parse(bad_flags[_i]), 0);
	ck_assert_str_ne(err.message, "");
	options_done(&o);
}
END_TEST

static const char *const bad_files[] = { "[]", "{", "{\"nonsense\":1}", "{\"debug\":\"yes\"}",
					 "{\"hosts\":\"unix:///x\"}", "{\"hosts\":[1]}" };

START_TEST(bad_files_are_refused)
{
	ck_assert_int_lt(parse_with_file("", bad_files[_i]), 0);
	ck_assert_ptr_nonnull(strstr(err.message, path));
	options_done(&o);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("daemon/options");
	TCase *tests = tcase_create("options");
	SRunner *runner;
	int failed;

	tcase_add_test(tests, flags_are_read);
	tcase_add_test(tests, flags_win_over_the_file);
	tcase_add_loop_test(tests, bad_flags_are_refused, 0,
			    (int)(sizeof(bad_flags) / sizeof(bad_flags[0])));
	tcase_add_loop_test(tests, bad_files_are_refused, 0,
			    (int)(sizeof(bad_files) / sizeof(bad_files[0])));
	suite_add_tcase(suite, tests);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
