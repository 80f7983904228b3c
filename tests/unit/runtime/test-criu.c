/* SPDX-License-Identifier: Apache-2.0 */
/* The messages that CRIU gets and sends, byte by byte. */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "helpers/buf.h"
#include "helpers/cleanup.h"
#include "plugins/runtime/native/criu_message.h"

#define IS(b, bytes)                                                \
	do {                                                        \
		ck_assert_uint_eq((b)->len, sizeof(bytes) - 1);      \
		ck_assert_mem_eq((b)->data, bytes, sizeof(bytes) - 1); \
	} while (0)

#define PARSE(bytes, ret) criu_answer_parse(bytes, sizeof(bytes) - 1, ret)

START_TEST(numbers_are_written_in_groups_of_seven_bits)
{
	auto_(buf) struct buf b = BUF_INIT;

	criu_put_int(&b, 1, 1);
	criu_put_int(&b, CRIU_OPT_PID, 300);
	criu_put_int(&b, CRIU_OPT_MANAGE_CGROUPS_MODE, 0);
	IS(&b, "\x08\x01\x10\xac\x02\x90\x02\x00");
}
END_TEST

START_TEST(negative_numbers_take_ten_bytes)
{
	auto_(buf) struct buf b = BUF_INIT;

	criu_put_int(&b, 1, -1);
	IS(&b, "\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01");
}
END_TEST

START_TEST(texts_and_pairs_carry_their_length)
{
	auto_(buf) struct buf b = BUF_INIT;

	criu_put_text(&b, CRIU_OPT_ROOT, "/r");
	criu_put_pair(&b, CRIU_OPT_EXT_MNT, "/a", "b");
	criu_put_fd(&b, CRIU_OPT_INHERIT_FD, "x", 5);
	IS(&b, "\x6a\x02/r"
	       "\xba\x01\x07\x0a\x02/a\x12\x01"
	       "b\xda\x01\x05\x0a\x01x\x10\x05");
}
END_TEST

START_TEST(a_failed_buffer_stays_failed)
{
	auto_(buf) struct buf outer = BUF_INIT;
	struct buf inner = BUF_INIT;

	inner.failed = 1;
	criu_put_message(&outer, 2, &inner);
	ck_assert(buf_failed(&outer));
}
END_TEST

START_TEST(answers_are_read)
{
	struct criu_answer a;

	/* type RESTORE, success, restore { pid 77 } */
	ck_assert_int_eq(PARSE("\x08\x02\x10\x01\x22\x02\x08\x4d", &a), 0);
	ck_assert_uint_eq(a.type, CRIU_RESTORE);
	ck_assert(a.success);
	ck_assert_int_eq(a.pid, 77);
	/* type NOTIFY, success, notify { "post-resume", 5 }, an unknown fixed field */
	ck_assert_int_eq(PARSE("\x08\x06\x10\x01\x2a\x0f\x0a\x0bpost-resume\x10\x05\x7d\x01\x02\x03\x04", &a), 0);
	ck_assert_uint_eq(a.type, CRIU_NOTIFY);
	ck_assert_str_eq(a.script, "post-resume");
	ck_assert_int_eq(a.pid, 5);
	/* type DUMP, no success, errno 22, message */
	ck_assert_int_eq(PARSE("\x08\x01\x10\x00\x38\x16\x4a\x02no", &a), 0);
	ck_assert(!a.success);
	ck_assert_int_eq(a.error, 22);
	ck_assert_str_eq(a.message, "no");
}
END_TEST

START_TEST(long_texts_are_cut)
{
	auto_(buf) struct buf b = BUF_INIT;
	char text[600];
	struct criu_answer a;

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	criu_put_int(&b, 1, CRIU_DUMP);
	criu_put_text(&b, 9, text);
	ck_assert_int_eq(criu_answer_parse(b.data, b.len, &a), 0);
	ck_assert_uint_eq(strlen(a.message), sizeof(a.message) - 1);
}
END_TEST

START_TEST(damaged_answers_are_refused)
{
	struct criu_answer a = { .pid = 1 };

	ck_assert_int_eq(PARSE("", &a), -EBADMSG);                 /* no type */
	ck_assert_int_eq(PARSE("\x10\x01", &a), -EBADMSG);         /* only success */
	ck_assert_int_eq(PARSE("\x08", &a), -EBADMSG);             /* a number is missing */
	ck_assert_int_eq(PARSE("\x08\xff", &a), -EBADMSG);         /* and does not end */
	ck_assert_int_eq(PARSE("\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", &a), -EBADMSG);
	ck_assert_int_eq(PARSE("\x08\x01\x4a\x05no", &a), -EBADMSG); /* longer than the message */
	ck_assert_int_eq(PARSE("\x08\x01\x4a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", &a), -EBADMSG);
	ck_assert_int_eq(PARSE("\x08\x01\x22\x02\x08\xff", &a), -EBADMSG); /* inside a message */
	ck_assert_int_eq(PARSE("\x00\x01", &a), -EBADMSG);         /* field 0 */
	ck_assert_int_eq(PARSE("\x0b", &a), -EBADMSG);             /* a group */
	ck_assert_int_eq(a.pid, 1); /* and nothing is returned */
}
END_TEST

int main(void)
{
	Suite *s = suite_create("criu");
	TCase *t = tcase_create("messages");
	SRunner *runner = srunner_create(s);
	int failed;

	suite_add_tcase(s, t);
	tcase_set_timeout(t, 120); /* on a busy machine */
	tcase_add_test(t, numbers_are_written_in_groups_of_seven_bits);
	tcase_add_test(t, negative_numbers_take_ten_bytes);
	tcase_add_test(t, texts_and_pairs_carry_their_length);
	tcase_add_test(t, a_failed_buffer_stays_failed);
	tcase_add_test(t, answers_are_read);
	tcase_add_test(t, long_texts_are_cut);
	tcase_add_test(t, damaged_answers_are_refused);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
