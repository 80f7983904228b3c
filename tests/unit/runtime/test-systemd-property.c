/* SPDX-License-Identifier: Apache-2.0 */
/* Annotations that become properties of a unit, as D-Bus has them. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include <json-c/json.h>

#include "helpers/buf.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "plugins/runtime/native/systemd_property.h"

static int put(const char *name, const char *value, struct buf *b, struct gantry_error *err)
{
	struct json_object *o = json_object_new_object();
	char key[128];
	int r;

	snprintf(key, sizeof(key), "org.systemd.property.%s", name);
	json_object_object_add(o, key, json_object_new_string(value));
	json_object_object_add(o, "org.other", json_object_new_string("'x'"));
	r = systemd_put_annotations(b, o, err);
	json_object_put(o);
	return r;
}

#define BECOMES(name, value, bytes)                                                       \
	do {                                                                              \
		auto_(buf) struct buf b = BUF_INIT;                                       \
		struct gantry_error err = GANTRY_ERROR_INIT;                              \
		ck_assert_msg(put(name, value, &b, &err) == 0, "%s", err.message);        \
		ck_assert_msg(b.len == sizeof(bytes) - 1, "%s: %zu bytes", value, b.len); \
		ck_assert_mem_eq(b.data, bytes, b.len);                                   \
	} while (0)

static void refused(const char *name, const char *value, const char *why)
{
	auto_(buf) struct buf b = BUF_INIT;
	struct gantry_error err = GANTRY_ERROR_INIT;

	ck_assert_int_lt(put(name, value, &b, &err), 0);
	ck_assert_msg(strstr(err.message, why) != NULL, "%s", err.message);
	ck_assert_ptr_nonnull(strstr(err.message, name));
}

#define NAME "\x03\0\0\0Foo\0"

START_TEST(values_of_each_type)
{
	BECOMES("Foo", "'ab'", NAME "\x01s\0\0\x02\0\0\0ab\0");
	BECOMES("Foo", "\"a'b\"", NAME "\x01s\0\0\x03\0\0\0a'b\0");
	BECOMES("Foo", " 'a\\'b' ", NAME "\x01s\0\0\x03\0\0\0a'b\0");
	BECOMES("Foo", "true", NAME "\x01" "b\0\0\x01\0\0\0");
	BECOMES("Foo", "false", NAME "\x01" "b\0\0\0\0\0\0");
	BECOMES("Foo", "258", NAME "\x01i\0\0\x02\x01\0\0");
	BECOMES("Foo", "-2", NAME "\x01i\0\0\xfe\xff\xff\xff");
	BECOMES("Foo", "uint32 4294967295", NAME "\x01u\0\0\xff\xff\xff\xff");
	BECOMES("Foo", "byte 7", NAME "\x01y\0\x07");
	BECOMES("Foo", "uint16 258", NAME "\x01q\0\0\x02\x01");
	BECOMES("Foo", "uint64 18446744073709551615", NAME "\x01t\0\0\0\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff");
	BECOMES("Foo", "int64 -1", NAME "\x01x\0\0\0\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff");
	BECOMES("Foo", "1.5", NAME "\x01" "d\0\0\0\0\0\0" "\0\0\0\0\0\0\xf8\x3f");
}
END_TEST

START_TEST(lists)
{
	BECOMES("Foo", "['a', 'b']", NAME "\x02" "as\0\x0e\0\0\0\x01\0\0\0a\0\0\0\x01\0\0\0b\0");
	BECOMES("Foo", "[uint32 1, uint32 2]", NAME "\x02" "au\0\x08\0\0\0\x01\0\0\0\x02\0\0\0");
	refused("Foo", "[]", "is not a value");
	refused("Foo", "['a', 1]", "is not a value");
	refused("Foo", "['a'", "is not a value");
	refused("Foo", "['a',, 'b']", "is not a value");
}
END_TEST

/* "FooSec" is "FooUSec" on the bus. */
START_TEST(seconds_become_microseconds)
{
	BECOMES("FooSec", "2", "\x07\0\0\0FooUSec\0\x01t\0\0" "\x80\x84\x1e\0\0\0\0\0");
	BECOMES("FooSec", "0.5", "\x07\0\0\0FooUSec\0\x01t\0\0" "\x20\xa1\x07\0\0\0\0\0");
	refused("FooSec", "'2s'", "is not a time");
	refused("FooSec", "-1", "is not a time");
	refused("FooSec", "[1]", "is not a time");
}
END_TEST

START_TEST(what_is_none_is_refused)
{
	refused("Foo", "", "is not a value");
	refused("Foo", "bare", "is not a value");
	refused("Foo", "'open", "is not a value");
	refused("Foo", "1 2", "is not a value");
	refused("Foo", "1x", "is not a value");
	refused("Foo", "byte 256", "is not a value");
	refused("Foo", "uint32 -1", "is not a value");
	refused("Foo", "2147483648", "is not a value");
	refused("Foo", "uint64 18446744073709551616", "is not a value");
	refused("Fo", "1", "is not the name");
	refused("Foo.Bar", "1", "is not the name");
}
END_TEST

START_TEST(without_annotations_there_is_nothing)
{
	auto_(buf) struct buf b = BUF_INIT;
	struct gantry_error err = GANTRY_ERROR_INIT;

	ck_assert_int_eq(systemd_put_annotations(&b, NULL, &err), 0);
	ck_assert_uint_eq(b.len, 0);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("systemd-property");
	TCase *t = tcase_create("properties");
	SRunner *runner = srunner_create(s);
	int failed;

	suite_add_tcase(s, t);
	tcase_set_timeout(t, 120); /* on a busy machine */
	tcase_add_test(t, values_of_each_type);
	tcase_add_test(t, lists);
	tcase_add_test(t, seconds_become_microseconds);
	tcase_add_test(t, what_is_none_is_refused);
	tcase_add_test(t, without_annotations_there_is_nothing);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
