/* SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli/client/http.h"
#include "cli/command.h"
#include "cli/config/base64.h"
#include "cli/image_name.h"
#include "cli/text/units.h"
#include "helpers/buf.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "helpers/json.h"
#include "helpers/quantity.h"

START_TEST(test_parsers)
{
	int64_t n;

	ck_assert_int_eq(parse_bytes("64m", &n), 0);
	ck_assert_int_eq(n, 64 << 20);
	ck_assert_int_eq(parse_bytes("1.5GiB", &n), 0);
	ck_assert_int_eq(n, 1610612736);
	ck_assert_int_eq(parse_bytes("12", &n), 0);
	ck_assert_int_eq(n, 12);
	ck_assert_int_lt(parse_bytes("", &n), 0);
	ck_assert_int_lt(parse_bytes("-1", &n), 0);
	ck_assert_int_lt(parse_bytes("1x", &n), 0);
	ck_assert_int_lt(parse_bytes("99999999999999p", &n), 0);
	ck_assert_int_eq(units_parse_nano("1.5", &n), 0);
	ck_assert_int_eq(n, 1500000000);
	ck_assert_int_lt(units_parse_nano("inf", &n), 0);
	ck_assert_int_eq(parse_duration("1h2m3.5s", &n), 0);
	ck_assert_int_eq(n, 3723500000000);
	ck_assert_int_eq(parse_duration("100ms", &n), 0);
	ck_assert_int_eq(n, 100000000);
	ck_assert_int_lt(parse_duration("5", &n), 0);
	ck_assert_int_lt(parse_duration("s", &n), 0);
	ck_assert_int_eq(parse_date("2024-01-02T03:04:05.5Z", &n), 0);
	ck_assert_int_eq(n, 1704164645500000000);
}
END_TEST

START_TEST(test_times)
{
	static const char *const bad[] = { "", "x", "2024-13-01", "2024-02-30", "2024-01-02T03:04:05+2",
					   "2024-01-02T03:04:05+-1:30", "2024-01-02T03:04:05+02:60", "2024-01-02T",
					   "2024-01-02T03:04:05ZZ", "1h2", "99999999999999h", "12.5.1" };
	int64_t n, utc;

	ck_assert_int_eq(parse_date("2024-01-02T03:04:05Z", &utc), 0);
	ck_assert_int_eq(parse_date("2024-01-02T05:04:05+02:00", &n), 0);
	ck_assert_int_eq(n, utc);
	ck_assert_int_eq(parse_date("2024-01-01T21:34:05.000000001-05:30", &n), 0);
	ck_assert_int_eq(n, utc + 1);
	ck_assert_int_eq(parse_date("0001-01-01T00:00:00Z", &n), 0);
	ck_assert_int_eq(n, INT64_MIN);
	ck_assert_int_eq(parse_when("1704164645.25", &n), 0);
	ck_assert_int_eq(n, utc + 250000000);
	ck_assert_int_eq(parse_when("0", &n), 0);
	ck_assert_int_eq(n, 0);
	setenv("TZ", "UTC-3", 1);
	tzset();
	ck_assert_int_eq(parse_date("2024-01-02T06:04:05", &n), 0);
	ck_assert_int_eq(n, utc);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		ck_assert_msg(parse_when(bad[i], &n) < 0, "\"%s\" was read", bad[i]);
	}
}
END_TEST

START_TEST(test_writers)
{
	char t[UNITS_MAX];

	ck_assert_str_eq(units_human_size(1984172, 3, t), "1.98MB");
	ck_assert_str_eq(units_human_size(1923, 4, t), "1.923kB");
	ck_assert_str_eq(units_human_size(0, 3, t), "0B");
	ck_assert_str_eq(units_binary_size(25276502016.0, t), "23.54GiB");
	ck_assert_str_eq(units_human_duration(0, t), "Less than a second");
	ck_assert_str_eq(units_human_duration(61, t), "About a minute");
	ck_assert_str_eq(units_human_duration(3700, t), "About an hour");
	ck_assert_str_eq(units_human_duration(3 * 86400, t), "3 days");
}
END_TEST

static int head(const char *text, const char *method, struct http_head *ret)
{
	struct gantry_error err = GANTRY_ERROR_INIT;

	return http_parse_head(text, strlen(text), method, ret, &err);
}

START_TEST(test_http)
{
	static const char chunked[] = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX-A:  b \r\n\r\n";
	static const char framing[] = "5;ext=1\r\n";
	struct http_head h;

	ck_assert_uint_eq(http_head_length(chunked, strlen(chunked) - 1), 0);
	ck_assert_uint_eq(http_head_length(chunked, strlen(chunked)), strlen(chunked));
	ck_assert_int_eq(head(chunked, "GET", &h), 0);
	ck_assert_int_eq(h.status, 200);
	ck_assert_str_eq(json_get_string(h.headers, "x-a"), "b");
	for (const char *p = framing; *p; p++) {
		ck_assert_int_eq(http_body_framing(&h.body, *p), 0);
	}
	ck_assert_uint_eq(h.body.left, 5);
	http_body_took(&h.body, 5);
	for (const char *p = "\r\n0\r\n\r\n"; *p; p++) {
		ck_assert_int_eq(http_body_framing(&h.body, *p), 0);
	}
	ck_assert_int_eq(h.body.done, 1);
	http_head_done(&h);
	ck_assert_int_eq(head("HTTP/1.1 204 No\r\nContent-Length: 4\r\n\r\n", "GET", &h), 0);
	ck_assert_int_eq(h.body.done, 1);
	http_head_done(&h);
	ck_assert_int_lt(head("SSH-2.0\r\n\r\n", "GET", &h), 0);
	ck_assert_int_lt(head("HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n", "GET", &h), 0);
	ck_assert_int_lt(head("HTTP/1.1 200 OK\r\n: x\r\n\r\n", "GET", &h), 0);
	ck_assert_int_lt(head("", "GET", &h), 0);
}
END_TEST

static const struct flag flags[] = {
	{ FLAG_BOOL, 'i', "interactive", "", NULL, 0 },
	{ FLAG_BOOL, 't', "tty", "", NULL, 0 },
	{ FLAG_BYTES, 'm', "memory", "", NULL, 0 },
	{ FLAG_LIST, 'e', "env", "", NULL, 0 },
	{ FLAG_NONE },
};

static int parse(struct args *args, int interspersed, struct gantry_error *err, int argc,
		 const char *const *argv)
{
	*args = (struct args){ 0 };
	return args_parse_flags(args, flags, interspersed, argc, (char **)(uintptr_t)argv, err);
}

START_TEST(test_flags)
{
	static const char *const good[] = { "-it", "-m64m", "--env", "A=1", "-e=B", "img", "-e", "x" };
	static const char *const bad[][2] = {
		{ "--nope", "unknown flag: --nope" },
		{ "-iz", "unknown shorthand flag: 'z' in -z" },
		{ "--env", "flag needs an argument: --env" },
		{ "-ie", "flag needs an argument: 'e' in -e" },
		{ "-mx", "invalid argument \"x\" for \"-m, --memory\" flag: invalid size: 'x'" },
		{ "--tty=x", "invalid argument \"x\" for \"-t, --tty\" flag: strconv.ParseBool: parsing "
			     "\"x\": invalid syntax" },
	};
	struct gantry_error err = GANTRY_ERROR_INIT;
	struct args a;

	ck_assert_int_eq(parse(&a, 0, &err, (int)ARRAY_SIZE(good), good), 0);
	ck_assert_int_eq(args_bool(&a, "tty", 0), 1);
	ck_assert_int_eq(args_bytes(&a, "memory", 0), 64 << 20);
	ck_assert_uint_eq(args_count(&a, "env"), 2);
	ck_assert_str_eq(args_item(&a, "env", 1), "B");
	ck_assert_int_eq(a.argc, 3);
	args_done(&a);
	ck_assert_int_eq(parse(&a, 1, &err, (int)ARRAY_SIZE(good), good), 0);
	ck_assert_int_eq(a.argc, 1);
	args_done(&a);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		error_clear(&err);
		ck_assert_int_lt(parse(&a, 1, &err, 1, &bad[i][0]), 0);
		ck_assert_str_eq(err.message, bad[i][1]);
		args_done(&a);
	}
}
END_TEST

START_TEST(test_names)
{
	static const char *const bad[] = { "", "UPPER", "a:", "a b", "a@x", "-a", "a//b", "a/-b", "a:b c" };
	struct gantry_error err = GANTRY_ERROR_INIT;
	struct image_name n;

	ck_assert_int_eq(image_name_parse("localhost:5000/a/b:1@sha256:00", &n, &err), 0);
	ck_assert_str_eq(n.domain, "localhost:5000");
	ck_assert_str_eq(n.name, "localhost:5000/a/b");
	ck_assert_str_eq(n.tag, "1");
	ck_assert_str_eq(n.digest, "sha256:00");
	ck_assert_int_eq(image_name_parse("a/b", &n, &err), 0);
	ck_assert_str_eq(n.domain, "");
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		ck_assert_msg(image_name_parse(bad[i], &n, &err) < 0, "accepts '%s'", bad[i]);
	}
}
END_TEST

START_TEST(test_base64)
{
	auto_(buf) struct buf coded = BUF_INIT;
	auto_(buf) struct buf plain = BUF_INIT;

	text_to_base64("user:p?>~", 9, 1, &coded);
	ck_assert_int_eq(text_from_base64(buf_str(&coded), &plain), 0);
	ck_assert_str_eq(buf_str(&plain), "user:p?>~");
	ck_assert_int_lt(text_from_base64("a*b", &plain), 0);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("cli");
	TCase *c = tcase_create("cli");
	SRunner *r;
	int failed;

	tcase_add_test(c, test_parsers);
	tcase_add_test(c, test_times);
	tcase_add_test(c, test_writers);
	tcase_add_test(c, test_http);
	tcase_add_test(c, test_flags);
	tcase_add_test(c, test_names);
	tcase_add_test(c, test_base64);
	suite_add_tcase(s, c);
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
