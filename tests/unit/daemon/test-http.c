/* SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "core/daemon/http.h"

#include "helpers/buf.h"
#include "helpers/error.h"

static char text[HTTP_MAX_HEAD + 1];
static struct http_head head;

static int parse(const char *request)
{
	struct gantry_error err = GANTRY_ERROR_INIT;
	size_t len;

	strcpy(text, request);
	len = http_head_length(text, strlen(text));
	ck_assert_uint_gt(len, 0);
	return http_head_parse(text, len, &head, &err);
}

START_TEST(a_head_is_taken_apart)
{
	struct buf json = BUF_INIT;

	ck_assert_int_eq(parse("POST /v1.47/x?y=z HTTP/1.1\r\nHost:  a \r\nX-A: \"q\"\\\r\n"
			       "Content-Length: 12\r\nx-a: 2\r\n\r\nbody"),
			 0);
	ck_assert_str_eq(head.method, "POST");
	ck_assert_str_eq(head.target, "/v1.47/x?y=z");
	ck_assert_int_eq(head.content_length, 12);
	ck_assert_int_eq(head.keep_alive, 1);
	ck_assert_str_eq(http_header(&head, "host"), "a");
	http_headers_json(&head, &json);
	ck_assert_str_eq(buf_str(&json), "{\"host\":\"a\",\"x-a\":\"\\\"q\\\"\\\\, 2\","
					 "\"content-length\":\"12\"}");
	buf_done(&json);
}
END_TEST

START_TEST(an_incomplete_head_waits)
{
	ck_assert_uint_eq(http_head_length("GET / HTTP/1.1\r\nA: b\r\n", 22), 0);
	ck_assert_uint_eq(http_head_length("GET / HTTP/1.1\r\n\r", 17), 0);
	ck_assert_uint_eq(http_head_length("GET / HTTP/1.1\r\n\r\nx", 19), 18);
	ck_assert_uint_eq(http_head_length("GET / HTTP/1.1\n\nx", 17), 16);
	ck_assert_uint_eq(http_head_length("", 0), 0);
}
END_TEST

static const char *const bad_heads[] = {
	"\r\n\r\n",
	"GET\r\n\r\n",
	"GET / \r\n\r\n",
	"GET / HTTP/2.0\r\n\r\n",
	"G@T / HTTP/1.1\r\n\r\n",
	"GET /a\tb HTTP/1.1\r\n\r\n",
	"GET / HTTP/1.1\r\nno colon\r\n\r\n",
	"GET / HTTP/1.1\r\n: empty\r\n\r\n",
	"GET / HTTP/1.1\r\nA : b\r\n\r\n",
	"GET / HTTP/1.1\r\nA: b\r\n folded\r\n\r\n",
	"GET / HTTP/1.1\r\nA: \001\r\n\r\n",
	"GET / HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
	"GET / HTTP/1.1\r\nContent-Length: 1x\r\n\r\n",
	"GET / HTTP/1.1\r\nContent-Length:\r\n\r\n",
	"GET / HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\n",
	"GET / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
	"GET / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
	"GET / HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n",
};

START_TEST(a_bad_head_is_refused)
{
	ck_assert_int_lt(parse(bad_heads[_i]), 0);
}
END_TEST

START_TEST(connections_end_when_said)
{
	parse("GET / HTTP/1.0\r\n\r\n");
	ck_assert_int_eq(head.keep_alive, 0);
	parse("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
	ck_assert_int_eq(head.keep_alive, 1);
	parse("GET / HTTP/1.1\r\nConnection: Upgrade, Close\r\n\r\n");
	ck_assert_int_eq(head.keep_alive, 0);
}
END_TEST

/* Decodes chunked data, fed in pieces of step bytes.  The state, or -1. */
static int decode(const char *data, size_t step, struct buf *out)
{
	struct gantry_error err = GANTRY_ERROR_INIT;
	struct http_body body;
	struct buf in = BUF_INIT;
	size_t used, len, at = 0, total = strlen(data);
	const char *payload;
	int r = 0;

	parse("GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n");
	http_body_init(&body, &head);
	while (r == 0 && at < total) {
		size_t n = total - at < step ? total - at : step;

		buf_add(&in, data + at, n);
		at += n;
		do {
			r = http_body_take(&body, in.data, in.len, &used, &payload, &len, &err);
			buf_add(out, payload, len);
			buf_consume(&in, used);
		} while (r == 0 && used > 0);
	}
	buf_done(&in);
	return r < 0 ? -1 : (int)body.state;
}

START_TEST(chunks_are_joined)
{
	for (size_t step = 1; step < 12; step++) {
		struct buf out = BUF_INIT;

		ck_assert_int_eq(decode("4\r\nWiki\r\n6;x=y\r\npedia \r\nb\r\nin \r\nchunks\r\n"
					"0\r\nTrailer: x\r\n\r\n",
					step, &out),
				 HTTP_BODY_DONE);
		ck_assert_str_eq(buf_str(&out), "Wikipedia in \r\nchunks");
		buf_done(&out);
	}
}
END_TEST

static const char *const bad_chunks[] = { "x\r\n",	       "-1\r\n", "\r\n", "1\r\nab\r\n",
					  "fffffffffffffffff\r\n" };

START_TEST(bad_chunks_are_refused)
{
	struct buf out = BUF_INIT;

	ck_assert_int_eq(decode(bad_chunks[_i], 100, &out) == -1, 1);
	buf_done(&out);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("daemon/http");
	TCase *tests = tcase_create("http");
	SRunner *runner;
	int failed;

	tcase_add_test(tests, a_head_is_taken_apart);
	tcase_add_test(tests, an_incomplete_head_waits);
	tcase_add_loop_test(tests, a_bad_head_is_refused, 0,
			    (int)(sizeof(bad_heads) / sizeof(bad_heads[0])));
	tcase_add_test(tests, connections_end_when_said);
	tcase_add_test(tests, chunks_are_joined);
	tcase_add_loop_test(tests, bad_chunks_are_refused, 0,
			    (int)(sizeof(bad_chunks) / sizeof(bad_chunks[0])));
	suite_add_tcase(suite, tests);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
