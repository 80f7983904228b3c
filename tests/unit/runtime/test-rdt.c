/* SPDX-License-Identifier: Apache-2.0 */
/* Classes of cache and memory bandwidth, in a folder that stands for resctrl. */
#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "helpers/buf.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "helpers/io.h"
#include "plugins/runtime/native/rdt.h"
#include "plugins/runtime/native/spec.h"

#define PID 4321

static char root[] = "/tmp/gantry-rdt.XXXXXX";

static void put(const char *name, const char *text)
{
	char path[512];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", root, name);
	f = fopen(path, "w");
	ck_assert_ptr_nonnull(f);
	fputs(text, f);
	fclose(f);
}

static void make(const char *name)
{
	char path[512];

	snprintf(path, sizeof(path), "%s/%s", root, name);
	ck_assert_int_eq(mkdir(path, 0755), 0);
}

/* What a file holds; files of resctrl are there before they are written. */
static const char *get(const char *name)
{
	static struct buf text;
	char path[512];

	buf_clear(&text);
	snprintf(path, sizeof(path), "%s/%s", root, name);
	return read_file(AT_FDCWD, path, &text, 4096) < 0 ? "-" : buf_str(&text);
}

static bool exists(const char *name)
{
	char path[512];

	snprintf(path, sizeof(path), "%s/%s", root, name);
	return access(path, F_OK) == 0;
}

static void setup(void)
{
	strcpy(root, "/tmp/gantry-rdt.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(root));
	rdt_root = root;
	put("schemata", "L3:0=ff\nMB:0=100\n");
	put("tasks", "");
}

static void teardown(void)
{
	remove_tree(AT_FDCWD, root);
}

static int apply(const char *rdt, struct gantry_error *err)
{
	char text[1024];
	struct spec s;
	int r;

	snprintf(text, sizeof(text), "{\"ociVersion\":\"1.3.0\",\"linux\":{\"intelRdt\":%s}}", rdt);
	r = spec_parse(text, strlen(text), &s, err);
	if (r < 0)
		return r;
	r = rdt_apply(&s, "box", PID, err);
	if (r == 0)
		rdt_remove(&s, "box");
	spec_done(&s);
	return r;
}

static void works(const char *rdt)
{
	struct gantry_error err = GANTRY_ERROR_INIT;

	ck_assert_msg(apply(rdt, &err) == 0, "%s: %s", rdt, err.message);
}

static void refused(const char *rdt, const char *why)
{
	struct gantry_error err = GANTRY_ERROR_INIT;

	ck_assert_int_lt(apply(rdt, &err), 0);
	ck_assert_msg(strstr(err.message, why) != NULL, "%s", err.message);
}

START_TEST(the_default_class_is_the_root)
{
	works("{\"closID\":\"/\"}");
	ck_assert_str_eq(get("tasks"), "4321");
}
END_TEST

START_TEST(a_class_without_schemata_must_be_there)
{
	refused("{\"closID\":\"gold\"}", "there is no class gold");
	make("gold");
	put("gold/tasks", "");
	put("gold/schemata", "");
	works("{\"closID\":\"gold\"}");
	ck_assert_str_eq(get("gold/tasks"), "4321");
	ck_assert_str_eq(get("gold/schemata"), "");
	ck_assert(exists("gold"));
}
END_TEST

START_TEST(a_class_that_is_there_must_be_the_same)
{
	make("gold");
	put("gold/tasks", "");
	put("gold/schemata", "    L3:0=f\n    MB:0=50\n");
	works("{\"closID\":\"gold\",\"l3CacheSchema\":\"L3:0=f\",\"memBwSchema\":\"MB:0=50\"}");
	put("gold/schemata", "    L3:0=f\n    MB:0=50\n");
	refused("{\"closID\":\"gold\",\"l3CacheSchema\":\"L3:0=ff\"}", "has not \"L3:0=ff\"");
	refused("{\"closID\":\"gold\",\"memBwSchema\":\"MB:0=5\"}", "has not \"MB:0=5\"");
}
END_TEST

/* The files of a class appear with its folder; here they cannot, so what is shown is
 * that the folder was made and that writing was tried. */
START_TEST(a_class_is_made)
{
	refused("{\"closID\":\"new\",\"schemata\":[\"L3:0=f\"]}", "cannot set \"L3:0=f\"");
	ck_assert(exists("new"));
	refused("{}", "cannot enter");
	ck_assert(exists("box"));
}
END_TEST

START_TEST(schemata_are_written_last)
{
	make("gold");
	put("gold/tasks", "");
	put("gold/schemata", "L3:0=f\nMB:0=9\n");
	works("{\"closID\":\"gold\",\"l3CacheSchema\":\"L3:0=f\",\"memBwSchema\":\"MB:0=9\","
	      "\"schemata\":[\"L2:0=1\"]}");
	ck_assert_ptr_nonnull(strstr(get("gold/schemata"), "L2:0=1\n"));
}
END_TEST

START_TEST(monitoring_has_a_group_of_its_own)
{
	struct gantry_error err = GANTRY_ERROR_INIT;

	make("mon_groups");
	make("mon_groups/box");
	put("mon_groups/box/tasks", "");
	works("{\"closID\":\"/\",\"enableMonitoring\":true}");
	ck_assert_str_eq(get("mon_groups/box/tasks"), "4321");
	/* it is full or not there: an error */
	remove_tree(AT_FDCWD, rdt_root);
	mkdir(root, 0755);
	put("schemata", "");
	put("tasks", "");
	ck_assert_int_lt(apply("{\"closID\":\"/\",\"enableMonitoring\":true}", &err), 0);
	ck_assert_ptr_nonnull(strstr(err.message, "enableMonitoring"));
}
END_TEST

START_TEST(without_resctrl_there_is_an_error)
{
	rdt_root = "/nonexistent";
	refused("{\"closID\":\"/\"}", "/nonexistent is not mounted");
}
END_TEST

int main(void)
{
	Suite *s = suite_create("rdt");
	TCase *t = tcase_create("classes");
	SRunner *runner = srunner_create(s);
	int failed;

	tcase_add_checked_fixture(t, setup, teardown);
	suite_add_tcase(s, t);
	tcase_set_timeout(t, 120); /* on a busy machine */
	tcase_add_test(t, the_default_class_is_the_root);
	tcase_add_test(t, a_class_without_schemata_must_be_there);
	tcase_add_test(t, a_class_that_is_there_must_be_the_same);
	tcase_add_test(t, a_class_is_made);
	tcase_add_test(t, schemata_are_written_last);
	tcase_add_test(t, monitoring_has_a_group_of_its_own);
	tcase_add_test(t, without_resctrl_there_is_an_error);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
