/* SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <gantry/api.h>

#include "plugins/api/docker/base64.h"
#include "plugins/api/docker/filters.h"
#include "plugins/api/docker/query.h"
#include "tests/unit/api/fake_engine.h"

#include "helpers/buf.h"
#include "helpers/error.h"
#include "helpers/io.h"
#include "helpers/reply.h"

extern const struct gantry_plugin gantry_plugin;

static struct fake_engine *engine;
static const struct gantry_api_ops *ops;
static void *self;
static struct reply answer = REPLY_INIT;

static void setup(void)
{
	struct gantry_error err = GANTRY_ERROR_INIT;

	engine = fake_engine_new();
	ops = gantry_plugin.drivers[0]->ops;
	ck_assert_int_eq(
		gantry_plugin.drivers[0]->open(fake_engine_host(engine), "{}", &self, &err), 0);
}

static void teardown(void)
{
	reply_done(&answer);
	gantry_plugin.drivers[0]->close(self);
	fake_engine_free(engine);
}

/* Sends a request and returns the status. */
static int send_request(const char *method, const char *target, const char *headers,
			const char *body)
{
	struct gantry_error err = GANTRY_ERROR_INIT;
	struct gantry_bytes bytes = { body, body ? strlen(body) : 0 };

	reply_done(&answer);
	ck_assert_int_eq(ops->handle(self,
				     &GANTRY_API_HANDLE_ARGS(.method = method, .target = target,
							     .headers = headers, .body = bytes),
				     &answer.base, &err),
			 0);
	return (int)reply_integer(&answer, GANTRY_API_HANDLE_RET_STATUS, 0);
}

static const char *body(void)
{
	const char *text = reply_bytes(&answer, GANTRY_API_HANDLE_RET_BODY).data;

	return text ? text : "";
}

static const char *headers(void)
{
	return reply_string(&answer, GANTRY_API_HANDLE_RET_HEADERS);
}

/* A request, the status and the engine's calls that must follow from it. */
struct exchange {
	const char *method, *target, *body;
	int status;
	const char *calls;
};

static const struct exchange exchanges[] = {
	{ "GET", "/_ping", NULL, 200, "" },
	{ "HEAD", "/_ping", NULL, 200, "" },
	{ "GET", "/v1.41/version", NULL, 200, "version\n" },
	{ "GET", "/info", NULL, 200, "info\n" },
	{ "GET", "/system/df?type=image&type=volume", NULL, 200,
	  "disk_usage types=image types=volume\n" },
	{ "POST", "/auth", "{\"username\":\"u\"}", 200, "auth credentials={\"username\":\"u\"}\n" },
	{ "GET", "/events?since=10.5&until=20", NULL, 200,
	  "events since_ns=10500000000 until_ns=20000000000\n" },
	{ "GET", "/containers/json?all=1&limit=3&filters=%7B%22status%22%3A%7B%22exited%22%3Atrue%7D%7D",
	  NULL, 200, "container_list all=1 limit=3 filters={\"status\":[\"exited\"]}\n" },
	{ "GET", "/containers/json?all=0&size=True", NULL, 200, "container_list size=1\n" },
	{ "POST", "/v1.47/containers/create?name=web&platform=linux/arm64", "{\"Image\":\"i\"}", 201,
	  "container_create name=web config={\"Image\":\"i\"} platform=linux/arm64\n" },
	{ "POST", "/containers/create", NULL, 400, "" },
	{ "POST", "/containers/web/start", NULL, 204, "container_start name=web\n" },
	{ "POST", "/containers/web/stop?t=0&signal=INT", NULL, 204,
	  "container_stop name=web signal=INT has_timeout=1\n" },
	{ "POST", "/containers/web/stop", NULL, 204, "container_stop name=web\n" },
	{ "POST", "/containers/web/restart?t=-1", NULL, 204,
	  "container_restart name=web timeout=-1 has_timeout=1\n" },
	{ "POST", "/containers/web/kill?signal=SIGHUP", NULL, 204,
	  "container_kill name=web signal=SIGHUP\n" },
	{ "DELETE", "/containers/web?force=1&v=1", NULL, 204,
	  "container_remove name=web force=1 volumes=1\n" },
	{ "POST", "/containers/web/pause", NULL, 204, "container_pause name=web\n" },
	{ "POST", "/containers/web/unpause", NULL, 204, "container_unpause name=web\n" },
	{ "POST", "/containers/web/rename?name=shop", NULL, 204,
	  "container_rename name=web new_name=shop\n" },
	{ "POST", "/containers/web/rename", NULL, 400, "" },
	{ "POST", "/containers/web/update", "{}", 200, "container_update name=web config={}\n" },
	{ "POST", "/containers/web/resize?w=80&h=24", NULL, 200,
	  "container_resize name=web width=80 height=24\n" },
	{ "POST", "/containers/web/resize?w=wide&h=24", NULL, 400, "" },
	{ "GET", "/containers/web/top?ps_args=aux", NULL, 200,
	  "container_top name=web ps_args=aux\n" },
	{ "POST", "/containers/web/wait?condition=next-exit", NULL, 200,
	  "container_wait name=web condition=next-exit\n" },
	{ "POST", "/containers/web/wait?condition=never", NULL, 400, "" },
	{ "GET", "/containers/web/logs?stdout=1&tail=all&follow=1", NULL, 200,
	  "container_logs name=web stdout=1 tail=-1 follow=1\n" },
	{ "GET", "/containers/web/logs?stderr=1&tail=5&since=1", NULL, 200,
	  "container_logs name=web stderr=1 since_ns=1000000000 tail=5\n" },
	{ "GET", "/containers/web/logs", NULL, 400, "" },
	{ "GET", "/containers/web/stats?stream=0&one-shot=1", NULL, 200,
	  "container_stats name=web one_shot=1\n" },
	{ "HEAD", "/containers/web/archive?path=/tmp", NULL, 200,
	  "container_archive_stat name=web path=/tmp\n" },
	{ "PUT", "/containers/web/archive?path=/tmp&noOverwriteDirNonDir=true", "12345", 200,
	  "container_archive_put name=web path=/tmp source=5 bytes no_overwrite_dir_non_dir=1\n" },
	{ "GET", "/containers/web/archive", NULL, 400, "" },
	{ "POST", "/commit?container=web&repo=r&tag=t&pause=0&changes=CMD%20a&changes=ENV+b=c", NULL,
	  201,
	  "container_commit name=web repository=r tag=t changes=CMD a changes=ENV b=c\n" },
	{ "POST", "/containers/web/exec", "{\"Cmd\":[]}", 201,
	  "exec_create name=web config={\"Cmd\":[]}\n" },
	{ "POST", "/exec/e1/start", "{\"Detach\":true}", 200, "exec_start id=e1 detach=1\n" },
	{ "POST", "/exec/e1/start", "{\"Tty\":true,\"ConsoleSize\":[24,80]}", 200,
	  "exec_start id=e1 tty=1 width=80 height=24\n" },
	{ "GET", "/exec/e1/json", NULL, 200, "exec_inspect id=e1\n" },
	{ "POST", "/images/create?fromImage=reg:5000/a/b&tag=latest", NULL, 200,
	  "image_pull reference=reg:5000/a/b:latest\n" },
	{ "POST", "/images/create?fromImage=a&tag=sha256:00", NULL, 200,
	  "image_pull reference=a@sha256:00\n" },
	{ "POST", "/images/create?fromImage=reg:5000/a", NULL, 200,
	  "image_pull reference=reg:5000/a all_tags=1\n" },
	{ "POST", "/images/create?fromImage=a:b", NULL, 200, "image_pull reference=a:b\n" },
	{ "POST", "/images/create?fromSrc=-&repo=x", "tar", 200,
	  "image_import source=3 bytes repository=x\n" },
	{ "POST", "/images/create?fromSrc=http://x/y", NULL, 501, "" },
	{ "POST", "/images/create", NULL, 400, "" },
	{ "GET", "/images/reg:5000/a/json/json", NULL, 200, "image_inspect name=reg:5000/a/json\n" },
	{ "GET", "/images/a%2Fb/history", NULL, 200, "image_history name=a/b\n" },
	{ "POST", "/images/a/b/push?tag=t", NULL, 200, "image_push reference=a/b:t\n" },
	{ "POST", "/images/a/tag?repo=b&tag=c", NULL, 201,
	  "image_tag name=a repository=b tag=c\n" },
	{ "DELETE", "/images/a/b:c?force=1", NULL, 200, "image_remove name=a/b:c force=1\n" },
	{ "GET", "/images/get?names=a&names=b", NULL, 200, "image_save names=a names=b\n" },
	{ "POST", "/images/load?quiet=1", "archive", 200, "image_load source=7 bytes quiet=1\n" },
	{ "GET", "/networks/n1?verbose=true", NULL, 200, "network_inspect name=n1 verbose=1\n" },
	{ "POST", "/networks/n1/disconnect", "{\"Container\":\"web\",\"Force\":true}", 200,
	  "network_disconnect name=n1 container=web force=1\n" },
	{ "POST", "/networks/n1/disconnect", "{}", 400, "" },
	{ "POST", "/v1.41/volumes/prune", NULL, 200, "volume_prune filters={\"all\":[\"true\"]}\n" },
	{ "POST", "/v1.42/volumes/prune", NULL, 200, "volume_prune\n" },
	{ "GET", "/gantry/plugins/storage/overlay", NULL, 200,
	  "plugin_inspect name=storage/overlay\n" },
	{ "POST", "/build", NULL, 501, "" },
	{ "POST", "/session", NULL, 501, "" },
	{ "GET", "/services/x", NULL, 503, "" },
	{ "GET", "/nowhere", NULL, 404, "" },
	{ "GET", "/", NULL, 404, "" },
	{ "GET", "/containers/web/start", NULL, 404, "" },
	{ "GET", "/containers/a/b/json", NULL, 404, "" },
	{ "GET", "/containers//json", NULL, 404, "" },
	{ "GET", "/containers/%zz/json", NULL, 400, "" },
	{ "GET", "/containers/a%00b/json", NULL, 400, "" },
	{ "GET", "/v1.48/info", NULL, 400, "" },
	{ "GET", "/v1.12/info", NULL, 400, "" },
	{ "GET", "/containers/json?filters=notjson", NULL, 400, "" },
	{ "GET", "/containers/json?filters=%7B%22a%22%3A7%7D", NULL, 400, "" },
};

START_TEST(each_request_becomes_its_call)
{
	const struct exchange *x = &exchanges[_i];

	ck_assert_msg(send_request(x->method, x->target, NULL, x->body) == x->status,
		      "%s %s: %s", x->method, x->target, body());
	ck_assert_str_eq(fake_engine_calls(engine), x->calls);
	ck_assert_ptr_nonnull(strstr(headers(), "\"Api-Version\":\"1.47\""));
}
END_TEST

START_TEST(a_running_container_is_not_modified)
{
	fake_engine_fail(engine, "container_start", GANTRY_ERR_CONFLICT, "it runs", NULL);
	ck_assert_int_eq(send_request("POST", "/containers/web/start", NULL, NULL), 304);
	ck_assert_str_eq(body(), "");
	fake_engine_fail(engine, "container_kill", GANTRY_ERR_CONFLICT, "not running", NULL);
	ck_assert_int_eq(send_request("POST", "/containers/web/kill", NULL, NULL), 409);
	ck_assert_str_eq(body(), "{\"message\":\"not running\"}");
}
END_TEST

START_TEST(a_hint_is_separate_except_for_docker)
{
	fake_engine_fail(engine, "info", GANTRY_ERR_NO_SPACE, "full", "remove \"some\"");
	ck_assert_int_eq(send_request("GET", "/info", NULL, NULL), 500);
	ck_assert_str_eq(body(), "{\"message\":\"full\",\"hint\":\"remove \\\"some\\\"\"}");
	send_request("GET", "/info", "{\"user-agent\":\"Docker-Client/28.2.2 (linux)\"}", NULL);
	ck_assert_ptr_nonnull(strstr(body(), "full (remove"));
}
END_TEST

START_TEST(only_json_is_json)
{
	ck_assert_int_eq(send_request("POST", "/volumes/create", "{\"content-type\":\"text/plain\"}",
				      "{}"),
			 400);
	ck_assert_int_eq(send_request("POST", "/volumes/create", "{\"origin\":\"http://x\"}", "{}"),
			 400);
	ck_assert_int_eq(send_request("POST", "/volumes/create",
				      "{\"content-type\":\"application/json; charset=utf-8\"}", "{}"),
			 201);
}
END_TEST

START_TEST(attach_upgrades_when_asked)
{
	const char *upgrade = "{\"upgrade\":\"tcp\",\"connection\":\"Upgrade\"}";

	ck_assert_int_eq(send_request("POST", "/v1.47/containers/web/attach?stream=1&stdin=1",
				      upgrade, NULL),
			 101);
	ck_assert_ptr_nonnull(strstr(headers(), "multiplexed-stream"));
	ck_assert_ptr_nonnull(strstr(headers(), "\"Upgrade\":\"tcp\""));
	ck_assert_int_eq(send_request("POST", "/v1.41/containers/web/attach", upgrade, NULL), 101);
	ck_assert_ptr_nonnull(strstr(headers(), "raw-stream"));
	ck_assert_int_eq(send_request("POST", "/containers/web/attach", NULL, NULL), 200);
	fake_engine_answer(engine, "container_attach", "tty", "1");
	send_request("POST", "/v1.47/containers/web/attach", upgrade, NULL);
	ck_assert_ptr_nonnull(strstr(headers(), "raw-stream"));
	close(reply_take_fd(&answer, GANTRY_API_HANDLE_RET_UPGRADE));
}
END_TEST

START_TEST(older_clients_see_virtual_size)
{
	send_request("GET", "/v1.43/images/json", NULL, NULL);
	ck_assert_ptr_nonnull(strstr(body(), "\"VirtualSize\":42"));
	send_request("GET", "/v1.44/images/json", NULL, NULL);
	ck_assert_ptr_null(strstr(body(), "VirtualSize"));
	send_request("GET", "/v1.43/images/x/json", NULL, NULL);
	ck_assert_ptr_nonnull(strstr(body(), "\"VirtualSize\":42"));
}
END_TEST

START_TEST(registry_auth_is_decoded)
{
	send_request("POST", "/images/create?fromImage=a&tag=b",
		     "{\"x-registry-auth\":\"eyJ1c2VybmFtZSI6InU_In0\"}", NULL);
	ck_assert_str_eq(fake_engine_calls(engine),
			 "image_pull reference=a:b auth={\"username\":\"u?\"}\n");
	ck_assert_int_eq(send_request("POST", "/images/create?fromImage=a&tag=b",
				      "{\"x-registry-auth\":\"!!\"}", NULL),
			 400);
}
END_TEST

START_TEST(path_stat_is_a_header)
{
	fake_engine_answer(engine, "container_archive_stat", "stat", "{\"name\":\"x\"}");
	send_request("HEAD", "/containers/web/archive?path=/x", NULL, NULL);
	ck_assert_ptr_nonnull(
		strstr(headers(), "\"X-Docker-Container-Path-Stat\":\"eyJuYW1lIjoieCJ9\""));
}
END_TEST

START_TEST(docker_sees_plugins)
{
	send_request("GET", "/plugins", NULL, NULL);
	ck_assert_ptr_nonnull(strstr(body(), "\"Name\":\"storage-overlay\""));
	ck_assert_ptr_nonnull(strstr(body(), "gantry.storage/1.0"));
	ck_assert_int_eq(send_request("GET", "/plugins/storage-overlay/json", NULL, NULL), 200);
	ck_assert_ptr_nonnull(strstr(body(), "\"Description\":\"kernel overlayfs\""));
	ck_assert_int_eq(send_request("GET", "/plugins/other/json", NULL, NULL), 404);
}
END_TEST

START_TEST(base64_round_trip)
{
	struct buf text = BUF_INIT, back = BUF_INIT;
	char data[40];

	for (size_t n = 0; n < sizeof(data); n++) {
		data[n] = (char)(n * 37);
		buf_clear(&text);
		buf_clear(&back);
		base64_encode(data, n, &text);
		ck_assert_int_eq(base64_decode(buf_str(&text), &back), 0);
		ck_assert_uint_eq(back.len, n);
		ck_assert_int_eq(n ? memcmp(back.data, data, n) : 0, 0);
	}
	ck_assert_int_lt(base64_decode("a", &back), 0);
	ck_assert_int_lt(base64_decode("ab%c", &back), 0);
	buf_done(&text);
	buf_done(&back);
}
END_TEST

START_TEST(a_query_has_limits)
{
	char text[4 * (QUERY_MAX_PAIRS + 2)] = "";
	struct gantry_error err = GANTRY_ERROR_INIT;
	struct query q;

	for (int i = 0; i <= QUERY_MAX_PAIRS; i++) {
		strcat(text, "&a=b");
	}
	ck_assert_int_eq(query_parse(text, &q, &err), GANTRY_ERR_LIMIT);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("api/docker");
	TCase *tests = tcase_create("requests");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_loop_test(tests, each_request_becomes_its_call, 0,
			    (int)(sizeof(exchanges) / sizeof(exchanges[0])));
	tcase_add_test(tests, a_running_container_is_not_modified);
	tcase_add_test(tests, a_hint_is_separate_except_for_docker);
	tcase_add_test(tests, only_json_is_json);
	tcase_add_test(tests, attach_upgrades_when_asked);
	tcase_add_test(tests, older_clients_see_virtual_size);
	tcase_add_test(tests, registry_auth_is_decoded);
	tcase_add_test(tests, path_stat_is_a_header);
	tcase_add_test(tests, docker_sees_plugins);
	tcase_add_test(tests, base64_round_trip);
	tcase_add_test(tests, a_query_has_limits);
	suite_add_tcase(suite, tests);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
