/* SPDX-License-Identifier: Apache-2.0 */
/* Drivers in Lua through the core's loader, and the policy driver's operations. */
#include <check.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <netinet/in.h>
#include <sys/stat.h>
#include <unistd.h>

#include <gantry/log.h>
#include <gantry/policy.h>
#include <gantry/volume.h>

#include "core/plugin/native.h"
#include "helpers/buf.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "helpers/io.h"
#include "helpers/json.h"
#include "helpers/reply.h"
#include "tests/unit/fake_host.h"

static struct fake_host *host;
static struct native_plugin *plugin;
static struct driver *driver;

static void setup(void)
{
	host = fake_host_new();
	plugin = NULL;
	driver = NULL;
}

static void teardown(void)
{
	driver_free(driver);
	native_plugin_unref(plugin);
	fake_host_free(host);
}

static void open_file(const char *path, const char *kind, const char *name)
{
	struct gantry_error err = GANTRY_ERROR_INIT;

	ck_assert_msg(native_plugin_load(path, &plugin, &err) == 0, "%s", err.message);
	ck_assert_msg(native_driver_open(plugin, kind, name, fake_host_get(host), "{}", &driver, &err) ==
			      0, "%s", err.message);
}

static int call(unsigned op, const void *args, struct reply *reply, struct gantry_error *err)
{
	error_clear(err);
	return driver_call(driver, op, args, reply, err);
}

static int volume_create(const char *name, const char *options, struct gantry_error *err)
{
	auto_(reply) struct reply reply = REPLY_INIT;

	return call(GANTRY_VOLUME_OP_CREATE,
		    &GANTRY_VOLUME_CREATE_ARGS(.name = name, .options = options), &reply, err);
}

START_TEST(volume_options)
{
	struct gantry_error err = GANTRY_ERROR_INIT;

	open_file("plugins/volume/remote/remote.lua", "volume", "remote");
	ck_assert_int_eq(volume_create("v", "{}", &err), GANTRY_ERR_INVALID);
	ck_assert_str_eq(err.hint, "--opt type=nfs4 --opt device=server:/export");
	ck_assert_int_eq(volume_create("v", "{\"type\":\"tmpfs\",\"device\":\"-x\"}", &err),
			 GANTRY_ERR_INVALID);
	ck_assert_int_eq(volume_create("../v", "{\"type\":\"tmpfs\",\"device\":\"t\"}", &err),
			 GANTRY_ERR_INVALID);
	ck_assert_msg(volume_create("v", "{\"type\":\"tmpfs\",\"device\":\"t\"}", &err) == 0, "%s",
		      err.message);
	ck_assert_int_eq(volume_create("v", "{\"type\":\"tmpfs\",\"device\":\"t\"}", &err), 0);
	ck_assert_int_eq(volume_create("v", "{\"type\":\"tmpfs\",\"device\":\"u\"}", &err),
			 GANTRY_ERR_EXISTS);
}
END_TEST

static int volume_mount(const char *user, struct reply *reply, struct gantry_error *err)
{
	return call(GANTRY_VOLUME_OP_MOUNT, &GANTRY_VOLUME_MOUNT_ARGS(.name = "v", .user = user),
		    reply, err);
}

static int volume_unmount(const char *user, struct gantry_error *err)
{
	auto_(reply) struct reply reply = REPLY_INIT;

	return call(GANTRY_VOLUME_OP_UNMOUNT, &GANTRY_VOLUME_UNMOUNT_ARGS(.name = "v", .user = user),
		    &reply, err);
}

START_TEST(volume_mounts)
{
	auto_(reply) struct reply reply = REPLY_INIT;
	struct gantry_error err = GANTRY_ERROR_INIT;
	char path[4096];
	struct stat st;

	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0) {
		return; /* needs to be root */
	}
	open_file("plugins/volume/remote/remote.lua", "volume", "remote");
	ck_assert_int_eq(volume_mount("c1", &reply, &err), GANTRY_ERR_NOT_FOUND);
	ck_assert_int_eq(volume_create("v", "{\"type\":\"tmpfs\",\"device\":\"t\",\"o\":\"size=1m\"}", &err),
			 0);
	ck_assert_msg(volume_mount("c1", &reply, &err) == 0, "%s", err.message);
	snprintf(path, sizeof(path), "%s/mark", reply_string(&reply, GANTRY_VOLUME_MOUNT_RET_PATH));
	ck_assert_int_eq(write_file_atomic(-100, path, "x", 1, 0600, 0), 0);
	ck_assert_int_eq(volume_mount("c2", &reply, &err), 0);
	ck_assert_int_eq(volume_unmount("c1", &err), 0);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_int_eq(call(GANTRY_VOLUME_OP_REMOVE, &GANTRY_VOLUME_REMOVE_ARGS(.name = "v"), &reply,
			      &err), GANTRY_ERR_IN_USE);
	ck_assert_int_eq(call(GANTRY_VOLUME_OP_LIST, &GANTRY_VOLUME_LIST_ARGS(), &reply, &err), 0);
	ck_assert_str_eq(reply_list(&reply, GANTRY_VOLUME_LIST_RET_NAME)[0], "v");
	ck_assert_int_eq(volume_unmount("c2", &err), 0);
	ck_assert_int_ne(stat(path, &st), 0);
	ck_assert_int_eq(call(GANTRY_VOLUME_OP_REMOVE, &GANTRY_VOLUME_REMOVE_ARGS(.name = "v"), &reply,
			      &err), 0);
	ck_assert_int_eq(volume_mount("c1", &reply, &err), GANTRY_ERR_NOT_FOUND);
}
END_TEST

START_TEST(volume_mount_fails)
{
	auto_(reply) struct reply reply = REPLY_INIT;
	struct gantry_error err = GANTRY_ERROR_INIT;

	if (unshare(CLONE_NEWNS) < 0) {
		return;
	}
	open_file("plugins/volume/remote/remote.lua", "volume", "remote");
	ck_assert_int_eq(volume_create("v", "{\"type\":\"nosuchfs\",\"device\":\"t\"}", &err), 0);
	ck_assert_int_eq(volume_mount("c1", &reply, &err), GANTRY_ERR_UNAVAILABLE);
	ck_assert_ptr_nonnull(strstr(err.message, "cannot mount volume v: "));
	ck_assert_ptr_nonnull(strstr(err.hint, "mount.nosuchfs"));
	ck_assert_int_eq(call(GANTRY_VOLUME_OP_REMOVE, &GANTRY_VOLUME_REMOVE_ARGS(.name = "v"), &reply,
			      &err), 0);
}
END_TEST

/* ---- log/http ---- */

struct server {
	int fd;
	int port;
	int status;
	struct buf seen;
	pthread_t thread;
};

static void *serve(void *arg)
{
	struct server *server = arg;
	char text[65536];
	int fd;

	while ((fd = accept(server->fd, NULL, NULL)) >= 0) {
		size_t used = 0, want = 1;
		char *body = NULL;
		ssize_t n;

		while (used < want && (n = read(fd, text + used, sizeof(text) - 1 - used)) > 0) {
			const char *length;

			used += (size_t)n;
			text[used] = '\0';
			body = strstr(text, "\r\n\r\n");
			length = strcasestr(text, "Content-Length: ");
			want = body && length ? (size_t)(body + 4 - text) + strtoul(length + 16, NULL, 10) :
						sizeof(text) - 1;
		}
		buf_adds(&server->seen, body ? body + 4 : "");
		snprintf(text, sizeof(text), "HTTP/1.1 %d X\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
			 server->status);
		(void)!write(fd, text, strlen(text));
		close(fd);
	}
	return NULL;
}

static void server_start(struct server *server)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(address);

	memset(server, 0, sizeof(*server));
	server->status = 200;
	server->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(bind(server->fd, (struct sockaddr *)&address, len), 0);
	ck_assert_int_eq(listen(server->fd, 8), 0);
	getsockname(server->fd, (struct sockaddr *)&address, &len);
	server->port = ntohs(address.sin_port);
	pthread_create(&server->thread, NULL, serve, server);
}

static void server_stop(struct server *server)
{
	shutdown(server->fd, SHUT_RDWR);
	pthread_join(server->thread, NULL);
	close(server->fd);
	buf_done(&server->seen);
}

static int log_write(uint64_t log, const char *text, struct gantry_error *err)
{
	auto_(reply) struct reply reply = REPLY_INIT;

	return call(GANTRY_LOG_OP_WRITE,
		    &GANTRY_LOG_WRITE_ARGS(.log = log, .stream = 1, .time_ns = 1700000000000000000,
					   .data = { text, strlen(text) }), &reply, err);
}

START_TEST(log_batches)
{
	auto_(reply) struct reply reply = REPLY_INIT;
	struct gantry_error err = GANTRY_ERROR_INIT;
	struct server server;
	char options[128];
	uint64_t log;

	server_start(&server);
	open_file("plugins/log/http/http.lua", "log", "http");
	snprintf(options, sizeof(options), "{\"url\":\"http://127.0.0.1:%d/in\",\"batch-lines\":\"2\"}",
		 server.port);
	ck_assert_msg(call(GANTRY_LOG_OP_OPEN, &GANTRY_LOG_OPEN_ARGS(.container = "abc", .directory = "/",
			   .options = options, .info = "{\"Name\":\"web\"}"), &reply, &err) == 0, "%s",
		      err.message);
	log = (uint64_t)reply_integer(&reply, GANTRY_LOG_OPEN_RET_LOG, 0);
	ck_assert_int_eq(log_write(log, "one\n", &err), 0);
	ck_assert_uint_eq(server.seen.len, 0);
	ck_assert_int_eq(log_write(log, "two\xff\n", &err), 0);
	ck_assert_ptr_nonnull(strstr(buf_str(&server.seen), "\"log\":\"one\\n\""));
	ck_assert_ptr_nonnull(strstr(buf_str(&server.seen), "\"log\":\"two?\\n\""));
	server.status = 503;
	ck_assert_int_eq(log_write(log, "three\n", &err), 0);
	ck_assert_int_eq(log_write(log, "four\n", &err), 0);
	ck_assert_int_eq(call(GANTRY_LOG_OP_CLOSE, &GANTRY_LOG_CLOSE_ARGS(.log = log), &reply, &err),
			 GANTRY_ERR_UNAVAILABLE);
	ck_assert_ptr_nonnull(strstr(err.message, "the last 2 lines of abc were not sent: the endpoint "
				     "answered 503"));
	ck_assert_int_eq(call(GANTRY_LOG_OP_CHECK_OPTIONS,
			      &GANTRY_LOG_CHECK_OPTIONS_ARGS(.options = "{\"url\":\"ftp://x\"}"), &reply,
			      &err), GANTRY_ERR_INVALID);
	server_stop(&server);
}
END_TEST

/* ---- scripts that are wrong ---- */

static void load_text(const char *text, const char *permissions, int want, const char *message)
{
	struct gantry_error err = GANTRY_ERROR_INIT;
	struct native_plugin *p = NULL;
	char folder[200], path[300];
	int r;

	snprintf(folder, sizeof(folder), "%s/plugins/volume/bad", fake_host_dir(host));
	ck_assert_int_eq(make_dirs(-100, folder, 0700), 0);
	snprintf(path, sizeof(path), "%s/plugins/hosts", fake_host_dir(host));
	if (access(path, F_OK) < 0) {
		auto_free char *real = realpath("plugins/hosts", NULL);

		ck_assert_int_eq(symlink(real, path), 0);
	}
	snprintf(path, sizeof(path), "%s/plugin.conf", folder);
	ck_assert_int_eq(write_file_atomic(-100, path, permissions, strlen(permissions), 0600, 0), 0);
	snprintf(path, sizeof(path), "%s/bad.lua", folder);
	ck_assert_int_eq(write_file_atomic(-100, path, text, strlen(text), 0600, 0), 0);
	r = native_plugin_load(path, &p, &err);
	if (r == 0) {
		r = native_driver_open(p, "volume", "bad", fake_host_get(host), "{}", &driver, &err);
		native_plugin_unref(p);
	}
	ck_assert_msg(r == want && strstr(err.message, message), "%d %s", r, err.message);
}

#define BAD "driver { kind = 'volume', name = 'bad', needs = { %s } } local d = {} " \
	    "for _, n in ipairs { 'create', 'mount', 'unmount', 'inspect', 'list', 'remove' } do " \
	    "d[n] = function(a) end end "

START_TEST(wrong_scripts)
{
	load_text("not lua", "", GANTRY_ERR_INVALID, "bad.lua:1:");
	load_text("return 1", "", GANTRY_ERR_INVALID, "driver { kind");
	load_text("driver { kind = 'volume', name = 'bad' } return 1", "", GANTRY_ERR_INVALID,
		  "must return a table");
	load_text("driver { kind = 'volume', name = 'bad' } return { creat = print }", "",
		  GANTRY_ERR_INVALID, "'creat' is no operation of kind volume");
	load_text("driver { kind = 'volume', name = 'bad' } return { create = print }", "",
		  GANTRY_ERR_UNSUPPORTED, "lacks required operations: mount, unmount, inspect, list, remove");
	load_text("driver { kind = 'volume', name = 'bad', needs = { 'exec:rm' } } return {}",
		  "permissions = [ \"exec:ls\" ];", GANTRY_ERR_DENIED, "it needs the permission 'exec:rm'");
}
END_TEST

START_TEST(wrong_results)
{
	static const struct {
		const char *body;
		int code;
		const char *message;
	} cases[] = {
		{ "return 1", GANTRY_ERR_INTERNAL, "list returned a number" },
		{ "return { name = 'x' }", GANTRY_ERR_INTERNAL, "the result name must be a list" },
		{ "return { name = { {} } }", GANTRY_ERR_INTERNAL, "list of texts" },
		{ "error('boom')", GANTRY_ERR_INTERNAL, "volume driver bad, list: bad.lua:1: boom" },
		{ "fail('NOT_FOUND', 'gone', 'look')", GANTRY_ERR_NOT_FOUND, "gone" },
		{ "fail('NONSENSE', 'gone')", GANTRY_ERR_INTERNAL, "not the name of an error code" },
		{ "pcall(fail, 'NOT_FOUND', 'gone') return {}", 0, "" },
		{ "local s = 'x' while true do s = s .. s end", GANTRY_ERR_LIMIT, "memory" },
		{ "gantry.exec { 'rm', '-rf', '/' }", GANTRY_ERR_INTERNAL, "'exec:rm' is not granted" },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		auto_(reply) struct reply reply = REPLY_INIT;
		struct gantry_error err = GANTRY_ERROR_INIT;
		char text[600];
		int r;

		snprintf(text, sizeof(text), BAD "d.list = function() %s end return d", "", cases[i].body);
		load_text(text, "", 0, "");
		r = call(GANTRY_VOLUME_OP_LIST, &GANTRY_VOLUME_LIST_ARGS(), &reply, &err);
		ck_assert_msg(r == cases[i].code && strstr(err.message, cases[i].message), "%s: %d %s",
			      cases[i].body, r, err.message);
		driver = driver_free(driver);
	}
}
END_TEST

/* Other files of the package, each run once. */
START_TEST(modules)
{
	static const char module[] = "count = (count or 0) + 1 return { n = count }";
	auto_(reply) struct reply reply = REPLY_INIT;
	struct gantry_error err = GANTRY_ERROR_INIT;
	char script[600], path[300];

	snprintf(script, sizeof(script), BAD "local a, b = require 'one', require 'two' "
		 "d.list = function() return { name = { a.n .. b.n .. require('one').n .. tostring(count) } } end "
		 "return d", "");
	snprintf(path, sizeof(path), "%s/plugins/volume/bad", fake_host_dir(host));
	ck_assert_int_eq(make_dirs(-100, path, 0700), 0);
	for (int i = 0; i < 2; i++) {
		snprintf(path, sizeof(path), "%s/plugins/volume/bad/%s.lua", fake_host_dir(host),
			 i ? "two" : "one");
		ck_assert_int_eq(write_file_atomic(-100, path, module, strlen(module), 0600, 0), 0);
	}
	load_text(script, "", 0, "");
	ck_assert_int_eq(call(GANTRY_VOLUME_OP_LIST, &GANTRY_VOLUME_LIST_ARGS(), &reply, &err), 0);
	ck_assert_str_eq(reply_list(&reply, GANTRY_VOLUME_LIST_RET_NAME)[0], "1212");
}
END_TEST

/* A driver's own folder, and no way out of it. */
START_TEST(trees)
{
	static const char body[] =
		"local function no(f, ...) local ok, e = pcall(f, ...) assert(not ok, ...) return e end "
		"d.list = function() "
		"tree.make('a/b') assert(tree.exists('a/b') and not tree.exists('a/c')) "
		"tree.rename('a/b', 'c') assert(tree.list('.')[1]) tree.copy('c', 'd/e') tree.remove('c') tree.remove('c') "
		"assert(not tree.exists('c') and select(2, tree.usage('d/e')) >= 1) "
		"for _, path in ipairs { '/etc', '..', '../..', 'a/../..', 'link', 'link/ssh', 'a/../link', '', 'a\\0b' } do "
		"no(tree.list, path) no(tree.mount, path) no(tree.copy, path, 'x') no(tree.usage, path) end "
		"no(tree.make, 'link/x') no(tree.make, '../x') no(tree.rename, 'a', 'link/x') no(tree.rename, 'a', '../x') "
		"no(tree.remove, 'link/passwd') no(tree.remove, '..') "
		"for _, fd in ipairs { 0, 1, 2, 3, -1, 99, 1 << 40 } do no(tree.apply, 'a', fd) no(tree.diff, 'a', nil, fd) end "
		"return { name = { tostring(no(tree.list, 'nothing')) } } end return d";
	auto_(reply) struct reply reply = REPLY_INIT;
	struct gantry_error err = GANTRY_ERROR_INIT;
	char script[3000], path[300];

	snprintf(path, sizeof(path), "%s/link", fake_host_get(host)->state_dir);
	ck_assert_int_eq(symlink("/etc", path), 0);
	snprintf(script, sizeof(script), BAD "%s", "'mount'", body);
	load_text(script, "permissions = [ \"mount\" ];", 0, "");
	ck_assert_msg(call(GANTRY_VOLUME_OP_LIST, &GANTRY_VOLUME_LIST_ARGS(), &reply, &err) == 0, "%s",
		      err.message);
	ck_assert_ptr_nonnull(strstr(reply_list(&reply, GANTRY_VOLUME_LIST_RET_NAME)[0], "cannot open nothing"));
	driver = driver_free(driver);
	/* Not granted, and not while the script loads. */
	snprintf(script, sizeof(script), BAD "d.list = function() tree.mount('a') end return d", "");
	load_text(script, "", 0, "");
	ck_assert_int_eq(call(GANTRY_VOLUME_OP_LIST, &GANTRY_VOLUME_LIST_ARGS(), &reply, &err),
			 GANTRY_ERR_INTERNAL);
	ck_assert_ptr_nonnull(strstr(err.message, "'mount' is not granted"));
	driver = driver_free(driver);
	load_text("tree.list('.')", "", GANTRY_ERR_INVALID, "not while the script loads");
}
END_TEST

#define MANY 64

/* As many as one likes, each with a state of its own. */
START_TEST(many_drivers)
{
	static const char text[] = BAD
		"local n = 0 d.list = function() n = n + 1 return { name = { tostring(n) } } end return d";
	struct gantry_error err = GANTRY_ERROR_INIT;
	struct native_plugin *plugins[MANY];
	struct driver *drivers[MANY];
	char script[600], path[300];
	int i, round;

	snprintf(script, sizeof(script), text, "");
	load_text(script, "", 0, "");
	driver = driver_free(driver);
	snprintf(path, sizeof(path), "%s/plugins/volume/bad/bad.lua", fake_host_dir(host));
	for (i = 0; i < MANY; i++) {
		ck_assert_msg(native_plugin_load(path, &plugins[i], &err) == 0, "%s", err.message);
		ck_assert_msg(native_driver_open(plugins[i], "volume", "bad", fake_host_get(host), "{}",
						 &drivers[i], &err) == 0, "%s", err.message);
	}
	for (round = 1; round <= 2; round++) {
		char want[8];

		snprintf(want, sizeof(want), "%d", round);
		for (i = 0; i < MANY; i++) {
			auto_(reply) struct reply reply = REPLY_INIT;

			ck_assert_int_eq(driver_call(drivers[i], GANTRY_VOLUME_OP_LIST,
						     &GANTRY_VOLUME_LIST_ARGS(), &reply, &err), 0);
			ck_assert_str_eq(reply_list(&reply, GANTRY_VOLUME_LIST_RET_NAME)[0], want);
		}
	}
	for (i = 0; i < MANY; i++) {
		driver_free(drivers[i]);
		native_plugin_unref(plugins[i]);
	}
}
END_TEST

/* ---- the policy driver ---- */

static const struct gantry_policy_ops *policy;
static void *policy_self;

static void open_policy(const char *config)
{
	struct gantry_error err = GANTRY_ERROR_INIT;
	const void *table;

	ck_assert_msg(fake_host_open(host, "plugins/policy/lua/lua.so", "policy", "lua", config, &table,
				     &policy_self, &err) == 0, "%s", err.message);
	policy = table;
}

static int enable(const char *name, const char *text, struct gantry_error *err)
{
	auto_(reply) struct reply reply = REPLY_INIT;

	error_clear(err);
	return policy->enable(policy_self, &GANTRY_POLICY_ENABLE_ARGS(.name = name, .text = text),
			      &reply.base, err);
}

static void evaluate(const char *point, const char *request, struct reply *reply)
{
	struct gantry_error err = GANTRY_ERROR_INIT;

	reply_done(reply);
	ck_assert_msg(policy->evaluate(policy_self,
				       &GANTRY_POLICY_EVALUATE_ARGS(.point = point, .request = request),
				       &reply->base, &err) == 0, "%s", err.message);
}

START_TEST(policy_decides)
{
	auto_(reply) struct reply reply = REPLY_INIT;
	struct gantry_error err = GANTRY_ERROR_INIT;

	open_policy("{}");
	ck_assert_msg(enable("p", "hook { point = 'container.create', run = function(r) "
			     "if r.object.Privileged then return deny('no') end "
			     "return rewrite { Memory = 5 } end }", &err) == 0, "%s", err.message);
	ck_assert_int_eq(policy->points(policy_self, &GANTRY_POLICY_POINTS_ARGS(), &reply.base, &err), 0);
	ck_assert_str_eq(reply_list(&reply, GANTRY_POLICY_POINTS_RET_POINT)[0], "container.create");
	ck_assert_ptr_null(reply_list(&reply, GANTRY_POLICY_POINTS_RET_POINT)[1]);
	evaluate("container.create", "{\"object\":{\"Privileged\":true}}", &reply);
	ck_assert_str_eq(reply_string(&reply, GANTRY_POLICY_EVALUATE_RET_DECISION), "deny");
	ck_assert_str_eq(reply_string(&reply, GANTRY_POLICY_EVALUATE_RET_REASON), "no");
	evaluate("container.create", "{\"object\":{\"Memory\":1}}", &reply);
	ck_assert_str_eq(reply_string(&reply, GANTRY_POLICY_EVALUATE_RET_DECISION), "rewrite");
	ck_assert_str_eq(reply_string(&reply, GANTRY_POLICY_EVALUATE_RET_OBJECT), "{\"Memory\":5}");
	evaluate("image.pull", "{}", &reply);
	ck_assert_str_eq(reply_string(&reply, GANTRY_POLICY_EVALUATE_RET_DECISION), "allow");
	reply_done(&reply);
	ck_assert_int_eq(policy->audit(policy_self, &GANTRY_POLICY_AUDIT_ARGS(.tail = 10), &reply.base,
				       &err), 0);
	ck_assert_int_eq(reply_integer(&reply, GANTRY_POLICY_AUDIT_RET_LINES, 0), 3);
	ck_assert_int_eq(reply_integer(&reply, GANTRY_POLICY_AUDIT_RET_BAD_LINE, -1), 0);
	ck_assert_int_eq(policy->evaluate(policy_self, &GANTRY_POLICY_EVALUATE_ARGS(
				.point = "container.create", .request = "{"), &reply.base, &err),
			 err.code);
	ck_assert_int_lt(err.code, 0);
}
END_TEST

START_TEST(policy_services_are_real)
{
	auto_(reply) struct reply reply = REPLY_INIT;
	struct gantry_error err = GANTRY_ERROR_INIT;
	int i;

	open_policy("{}");
	ck_assert_msg(enable("rate", "policy { needs = { 'counter', 'kv' } }"
			     "hook { point = 'container.start', run = function(r) "
			     "gantry.kv.update('last', function(old) return (old or '') .. 'x' end) "
			     "if gantry.counter.add('starts', 1, 60) > 2 then "
			     "return deny('too fast: ' .. gantry.kv.get('last')) end end }", &err) == 0,
		      "%s", err.message);
	for (i = 0; i < 2; i++) {
		evaluate("container.start", "{}", &reply);
		ck_assert_str_eq(reply_string(&reply, GANTRY_POLICY_EVALUATE_RET_DECISION), "allow");
	}
	evaluate("container.start", "{}", &reply);
	ck_assert_str_eq(reply_string(&reply, GANTRY_POLICY_EVALUATE_RET_REASON), "too fast: xxx");
}
END_TEST

START_TEST(policy_grants_are_bounded)
{
	struct gantry_error err = GANTRY_ERROR_INIT;

	open_policy("{\"grants\":[\"kv\",\"http:*.example.com\"]}");
	ck_assert_int_eq(enable("a", "policy { needs = { 'counter' } } hook { point = 'tick', run = print }",
				&err), GANTRY_ERR_DENIED);
	ck_assert_int_eq(enable("b", "policy { needs = { 'http:evil.example' } }"
				"hook { point = 'tick', run = print }", &err), GANTRY_ERR_DENIED);
	ck_assert_int_eq(enable("c", "policy { needs = { 'kv', 'http:a.example.com' } }"
				"hook { point = 'tick', run = print }", &err), 0);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("lua drivers");
	TCase *t = tcase_create("all");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 60);
	tcase_add_test(t, volume_options);
	tcase_add_test(t, volume_mounts);
	tcase_add_test(t, volume_mount_fails);
	tcase_add_test(t, log_batches);
	tcase_add_test(t, wrong_scripts);
	tcase_add_test(t, wrong_results);
	tcase_add_test(t, many_drivers);
	tcase_add_test(t, modules);
	tcase_add_test(t, trees);
	tcase_add_test(t, policy_decides);
	tcase_add_test(t, policy_services_are_real);
	tcase_add_test(t, policy_grants_are_bounded);
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	SRunner *runner = srunner_create(suite());
	int failed;

	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
