/* SPDX-License-Identifier: Apache-2.0 */
/* transport/registry against a registry that misbehaves on request. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <gantry/transport.h>

#include "helpers/buf.h"
#include "helpers/cleanup.h"
#include "helpers/digest.h"
#include "helpers/error.h"
#include "helpers/io.h"
#include "helpers/reply.h"
#include "tests/unit/fake_host.h"

#define BLOB_SIZE (256 * 4096)

static struct fake_host *host;
static const struct gantry_transport_ops *ops;
static void *self;
static struct gantry_error err;
static struct reply reply;
static pid_t server;
static int server_in = -1; /* its standard input: it ends when this closes */
static int port;
static char log_path[256];
static char blob[BLOB_SIZE];
static char digest[DIGEST_TEXT_MAX];

static void start_server(void)
{
	const char *top = getenv("srcdir") ? getenv("srcdir") : ".";
	int in[2], out[2];
	char path[512], text[16] = "";

	snprintf(path, sizeof(path), "%s/tests/unit/transport/bad_registry.py", top);
	ck_assert_int_eq(pipe2(in, O_CLOEXEC), 0);
	ck_assert_int_eq(pipe2(out, O_CLOEXEC), 0);
	server = fork();
	if (server == 0) {
		dup2(in[0], 0);
		dup2(out[1], 1);
		execlp("python3", "python3", path, log_path, NULL);
		_exit(127);
	}
	close(in[0]);
	close(out[1]);
	server_in = in[1];
	ck_assert_int_gt(read(out[0], text, sizeof(text) - 1), 0);
	port = atoi(text);
	close(out[0]);
	ck_assert_int_gt(port, 0);
}

static void start_with(const char *config)
{
	const void *table;
	char path[512];

	setenv("TMPDIR", "/var/tmp", 1);
	host = fake_host_new();
	snprintf(path, sizeof(path), "%s/docker", fake_host_dir(host));
	setenv("DOCKER_CONFIG", path, 1);
	ck_assert_int_eq(mkdir(path, 0700), 0);
	snprintf(log_path, sizeof(log_path), "%s/log", fake_host_dir(host));
	unsetenv("http_proxy");
	start_server();
	err = (struct gantry_error)GANTRY_ERROR_INIT;
	reply = (struct reply)REPLY_INIT;
	ck_assert_msg(fake_host_open(host, "plugins/transport/registry/registry.so", "transport",
				     "registry", config, &table, &self, &err) == 0, "%s", err.message);
	ops = table;
	for (int i = 0; i < BLOB_SIZE; i++)
		blob[i] = (char)(i & 255);
	ck_assert_int_eq(digest_of(blob, sizeof(blob), digest, &err), 0);
}

static void start(void)
{
	start_with("{\"retries\":3,\"retry_delay_ms\":5,\"stall_timeout_s\":1}");
}

static void stop(void)
{
	reply_done(&reply);
	fake_host_free(host);
	close(server_in);
	waitpid(server, NULL, 0);
}

#define CALL(op, OP, ...)                                                              \
	(reply_done(&reply), error_clear(&err),                                        \
	 ops->op(self, &GANTRY_TRANSPORT_##OP##_ARGS(__VA_ARGS__), &reply.base, &err))
#define OK(...) ck_assert_msg((__VA_ARGS__) == 0, "%s", err.message)

static uint64_t session(const char *repository, const char *mode, const char *auth)
{
	char location[256];

	snprintf(location, sizeof(location), "127.0.0.1:%d/%s", port, repository);
	OK(CALL(open, OPEN, .location = location, .mode = mode, .auth = auth));
	return (uint64_t)reply_integer(&reply, 0, 0);
}

static int resolve(const char *repository, const char *auth)
{
	return CALL(resolve, RESOLVE, .session = session(repository, "pull", auth), .reference = "tag");
}

/* Fetches to a file; the whole blob must be there afterwards. */
static int fetch(const char *repository, int64_t offset)
{
	uint64_t s = session(repository, "pull", NULL);
	auto_fd int fd = memfd_create("blob", MFD_CLOEXEC);
	static char got[BLOB_SIZE + 1];
	int r = CALL(fetch, FETCH, .session = s, .digest = digest, .sink = fd, .offset = offset);

	if (r == 0) {
		ck_assert_int_eq(lseek(fd, 0, SEEK_SET), 0);
		ck_assert_int_eq(read_full(fd, got, sizeof(got)), BLOB_SIZE - offset);
		ck_assert(memcmp(got, blob + offset, (size_t)(BLOB_SIZE - offset)) == 0);
		ck_assert_int_eq(reply_integer(&reply, 0, -1), BLOB_SIZE - offset);
	}
	return r;
}

static void read_log(struct buf *out)
{
	ck_assert_int_eq(read_file(AT_FDCWD, log_path, out, 1 << 20), 0);
}

START_TEST(a_manifest_is_resolved_with_its_digest)
{
	struct gantry_bytes manifest;

	start();
	OK(resolve("good/x", NULL));
	ck_assert_str_eq(reply_string(&reply, 1), "application/vnd.oci.image.manifest.v1+json");
	manifest = reply_bytes(&reply, 2);
	ck_assert_int_eq(digest_matches(reply_string(&reply, 0), manifest.data, manifest.size, &err), 1);
	OK(resolve("plain/x", NULL));
	ck_assert_str_eq(reply_string(&reply, 1), "application/vnd.oci.image.manifest.v1+json");
	stop();
}
END_TEST

START_TEST(wrong_manifests_are_refused)
{
	start();
	ck_assert_int_eq(resolve("wrong/x", NULL), GANTRY_ERR_CORRUPT);
	ck_assert_msg(strstr(err.message, "wrong/x"), "%s", err.message);
	ck_assert_int_eq(resolve("huge/x", NULL), GANTRY_ERR_LIMIT);
	ck_assert_int_eq(resolve("nojson/x", NULL), GANTRY_ERR_CORRUPT);
	ck_assert_int_eq(resolve("v1/x", NULL), GANTRY_ERR_UNSUPPORTED);
	ck_assert_int_eq(resolve("missing/x", NULL), GANTRY_ERR_NOT_FOUND);
	ck_assert_msg(strstr(err.message, "it?is MANIFEST_UNKNOWN"), "%s", err.message);
	stop();
}
END_TEST

START_TEST(transfers_survive_what_passes)
{
	static const char *const repositories[] = {
		"good/x", "busy/x", "ill/x", "cut/x", "norange/x", "stall/x", "redirect/x",
	};

	start();
	OK(fetch(repositories[_i], 0));
	OK(fetch(repositories[_i], 12345));
	stop();
}
END_TEST

START_TEST(a_broken_transfer_goes_on_where_it_stopped)
{
	auto_(buf) struct buf log = BUF_INIT;

	start();
	OK(fetch("cut/x", 0));
	read_log(&log);
	ck_assert_msg(strstr(buf_str(&log), "range=bytes=100000-"), "%s", buf_str(&log));
	ck_assert_msg(strstr(buf_str(&log), "range=bytes=200000-"), "%s", buf_str(&log));
	stop();
}
END_TEST

START_TEST(what_does_not_pass_is_an_error)
{
	start();
	ck_assert_int_eq(fetch("broken/x", 0), GANTRY_ERR_UNAVAILABLE);
	ck_assert_msg(strstr(err.message, "500"), "%s", err.message);
	ck_assert_int_eq(fetch("alwayscut/x", 0), GANTRY_ERR_UNAVAILABLE);
	ck_assert_int_eq(fetch("gone/x", 0), GANTRY_ERR_NOT_FOUND);
	ck_assert_int_eq(fetch("loop/x", 0), GANTRY_ERR_CORRUPT);
	ck_assert_int_eq(fetch("downgrade/x", 0), GANTRY_ERR_DENIED);
	stop();
}
END_TEST

START_TEST(credentials_do_not_follow_a_redirect)
{
	auto_(buf) struct buf log = BUF_INIT;
	const char *auth = "{\"registrytoken\":\"SECRET\"}";
	auto_fd int fd = memfd_create("blob", MFD_CLOEXEC);
	uint64_t s;
	char *data;

	start();
	s = session("token/x", "pull", "{\"username\":\"user\",\"password\":\"secret\"}");
	OK(CALL(resolve, RESOLVE, .session = s, .reference = "tag"));
	s = session("redirect/x", "pull", auth);
	OK(CALL(fetch, FETCH, .session = s, .digest = digest, .sink = fd));
	read_log(&log);
	data = strstr(buf_str(&log), "GET /data");
	ck_assert_ptr_nonnull(data);
	data[strcspn(data, "\n")] = '\0';
	ck_assert_msg(strstr(data, "auth=-"), "%s", data);
	stop();
}
END_TEST

START_TEST(logins_are_used)
{
	auto_(buf) struct buf log = BUF_INIT;
	const char *good = "{\"username\":\"user\",\"password\":\"secret\"}";
	const char *bad = "{\"username\":\"user\",\"password\":\"wrong\"}";

	start();
	OK(resolve("basic/x", good));
	OK(resolve("token/x", good));
	OK(resolve("token/x", NULL));
	OK(resolve("token/x", "{\"identitytoken\":\"IDENT\"}"));
	ck_assert_int_eq(resolve("basic/x", NULL), GANTRY_ERR_UNAUTHORIZED);
	ck_assert_msg(strstr(err.hint, "gantry login 127.0.0.1"), "%s", err.hint);
	ck_assert_int_eq(resolve("basic/x", bad), GANTRY_ERR_UNAUTHORIZED);
	ck_assert_int_eq(resolve("token/x", bad), GANTRY_ERR_UNAUTHORIZED);
	ck_assert_msg(!strstr(err.message, "wrong"), "a password in a message");
	ck_assert_int_eq(resolve("token/x", "{\"identitytoken\":\"no\"}"), GANTRY_ERR_UNAUTHORIZED);
	read_log(&log);
	ck_assert_msg(strstr(buf_str(&log), "service=s%2C%201"), "%s", buf_str(&log));
	stop();
}
END_TEST

START_TEST(an_expired_token_is_renewed)
{
	uint64_t s;

	start();
	s = session("token/expires", "pull", NULL);
	for (int i = 0; i < 5; i++)
		OK(CALL(resolve, RESOLVE, .session = s, .reference = "tag"));
	stop();
}
END_TEST

static void write_docker_config(const char *text)
{
	char path[512];

	snprintf(path, sizeof(path), "%s/config.json", getenv("DOCKER_CONFIG"));
	ck_assert_int_eq(write_file_atomic(AT_FDCWD, path, text, strlen(text), 0600, 0), 0);
}

START_TEST(stored_logins_are_found)
{
	char text[512], path[1024];

	start();
	snprintf(text, sizeof(text), "{\"auths\":{\"https://127.0.0.1:%d/v1/\":"
		 "{\"auth\":\"dXNlcjpzZWNyZXQ=\"}}}", port);
	write_docker_config(text);
	OK(resolve("basic/x", NULL));
	write_docker_config("{\"credsStore\":\"test\"}");
	snprintf(path, sizeof(path), "%s/docker-credential-test", fake_host_dir(host));
	snprintf(text, sizeof(text), "#!/bin/sh\nread h\n[ \"$h\" = 127.0.0.1:%d ] || exit 1\n"
		 "echo '{\"Username\":\"user\",\"Secret\":\"secret\"}'\n", port);
	ck_assert_int_eq(write_file_atomic(AT_FDCWD, path, text, strlen(text), 0755, 0), 0);
	snprintf(path, sizeof(path), "%s:%s", fake_host_dir(host), getenv("PATH"));
	setenv("PATH", path, 1);
	OK(resolve("basic/x", NULL));
	write_docker_config("{\"credsStore\":\"is-not-there\"}");
	snprintf(text, sizeof(text), "127.0.0.1:%d/basic/x", port);
	ck_assert_int_eq(CALL(open, OPEN, .location = text, .mode = "pull"), GANTRY_ERR_NOT_FOUND);
	ck_assert_msg(strstr(err.message, "docker-credential-is-not-there"), "%s", err.message);
	write_docker_config("{\"credsStore\":\"../../evil\"}");
	ck_assert_int_eq(CALL(open, OPEN, .location = text, .mode = "pull"), GANTRY_ERR_INVALID);
	write_docker_config("{ half");
	ck_assert_int_lt(CALL(open, OPEN, .location = text, .mode = "pull"), 0);
	stop();
}
END_TEST

START_TEST(login_checks_the_password)
{
	char server_name[64];

	start();
	snprintf(server_name, sizeof(server_name), "127.0.0.1:%d", port);
	OK(CALL(login, LOGIN, .server = server_name, .auth = "{\"username\":\"user\",\"password\":\"secret\"}"));
	ck_assert_str_eq(reply_string(&reply, 0), "IDENT");
	ck_assert_int_eq(CALL(login, LOGIN, .server = server_name,
			      .auth = "{\"username\":\"user\",\"password\":\"wrong\"}"), GANTRY_ERR_UNAUTHORIZED);
	ck_assert_int_eq(CALL(login, LOGIN, .server = server_name, .auth = "{}"), GANTRY_ERR_INVALID);
	ck_assert_int_eq(CALL(login, LOGIN, .server = "127.0.0.1:1",
			      .auth = "{\"username\":\"u\",\"password\":\"p\"}"), GANTRY_ERR_UNAVAILABLE);
	stop();
}
END_TEST

START_TEST(tags_are_listed_over_pages)
{
	const char *const *list;

	start();
	OK(CALL(list, LIST, .session = session("good/x", "pull", NULL)));
	list = reply_list(&reply, 0);
	ck_assert_str_eq(list[0], "a");
	ck_assert_str_eq(list[1], "b");
	ck_assert_str_eq(list[2], "c");
	ck_assert_ptr_null(list[3]);
	stop();
}
END_TEST

static int push(const char *repository, const char *data, size_t size)
{
	auto_fd int fd = memfd_create("blob", MFD_CLOEXEC);
	uint64_t s = session(repository, "push", NULL);
	char d[DIGEST_TEXT_MAX];

	ck_assert_int_eq(digest_of(data, size, d, &err), 0);
	ck_assert_int_eq(write_all(fd, data, size), 0);
	ck_assert_int_eq(lseek(fd, 0, SEEK_SET), 0);
	return CALL(put_blob, PUT_BLOB, .session = s, .digest = d, .size = (int64_t)size, .source = fd);
}

START_TEST(blobs_and_manifests_are_pushed)
{
	auto_(buf) struct buf log = BUF_INIT;
	uint64_t s;

	start();
	OK(push("good/x", "small", 5));
	OK(push("good/x", "", 0));
	OK(push("good/x", blob, sizeof(blob)));
	OK(push("token/x", blob, sizeof(blob)));
	OK(push("breaks/x", blob, sizeof(blob)));
	read_log(&log);
	ck_assert_msg(strstr(buf_str(&log), "DELETE") == NULL, "%s", buf_str(&log));
	s = session("good/x", "push", NULL);
	OK(CALL(has_blob, HAS_BLOB, .session = s, .digest = digest));
	ck_assert_int_eq(reply_integer(&reply, 0, -1), 1);
	s = session("gone/x", "push", NULL);
	OK(CALL(has_blob, HAS_BLOB, .session = s, .digest = digest));
	ck_assert_int_eq(reply_integer(&reply, 0, -1), 0);
	OK(CALL(has_blob, HAS_BLOB, .session = s, .digest = digest, .mount_from = "good/x"));
	ck_assert_int_eq(reply_integer(&reply, 0, -1), 1);
	OK(CALL(put_manifest, PUT_MANIFEST, .session = s, .reference = "tag", .media_type = "a/b",
		.manifest = { "{}", 2 }));
	ck_assert_msg(strstr(reply_string(&reply, 0), "sha256:"), "digest");
	s = session("good/x", "pull", NULL);
	ck_assert_int_eq(CALL(has_blob, HAS_BLOB, .session = s, .digest = digest), GANTRY_ERR_CONFLICT);
	stop();
}
END_TEST

START_TEST(uploads_go_in_chunks_when_configured)
{
	auto_(buf) struct buf log = BUF_INIT;
	static char big[5 << 19]; /* 2.5 MiB */
	const char *p;
	int n = 0;

	start_with("{\"retry_delay_ms\":5,\"push_chunk_mb\":1}");
	OK(push("good/x", big, sizeof(big)));
	read_log(&log);
	for (p = buf_str(&log); (p = strstr(p, "PATCH")); p++)
		n++;
	ck_assert_int_eq(n, 3);
	stop();
}
END_TEST

START_TEST(mirrors_are_asked_first_and_may_fail)
{
	auto_(buf) struct buf log = BUF_INIT;
	char location[128], options[256], want[128];
	uint64_t s;

	start();
	snprintf(location, sizeof(location), "127.0.0.1:%d/x", port);
	snprintf(options, sizeof(options), "{\"mirrors\":[\"http://127.0.0.1:1\",\"http://127.0.0.1:%d/good\"]}",
		 port);
	OK(CALL(open, OPEN, .location = location, .mode = "pull", .options = options));
	s = (uint64_t)reply_integer(&reply, 0, 0);
	OK(CALL(resolve, RESOLVE, .session = s, .reference = "tag"));
	read_log(&log);
	snprintf(want, sizeof(want), "GET /v2/good/x/manifests/tag");
	ck_assert_msg(strstr(buf_str(&log), want), "%s", buf_str(&log));
	ck_assert_msg(strstr(fake_host_log(host), "mirror 127.0.0.1:1"), "%s", fake_host_log(host));
	stop();
}
END_TEST

START_TEST(plain_http_is_for_loopback_only)
{
	uint64_t s;

	start();
	OK(CALL(open, OPEN, .location = "registry.invalid/x", .mode = "pull"));
	s = (uint64_t)reply_integer(&reply, 0, 0);
	ck_assert_int_eq(CALL(resolve, RESOLVE, .session = s, .reference = "tag"), GANTRY_ERR_UNAVAILABLE);
	ck_assert_msg(strstr(err.message, "https://registry.invalid"), "%s", err.message);
	stop();
}
END_TEST

START_TEST(wrong_arguments_are_refused)
{
	static const char *const locations[] = {
		"nohost", "/x", "h/", "h/UPPER", "h/a//b", "h/../x", "h x/a", "u@h/a", "h/a?b", "h/-a", "h/a-",
	};
	uint64_t s;

	start();
	for (size_t i = 0; i < ARRAY_SIZE(locations); i++)
		ck_assert_msg(CALL(open, OPEN, .location = locations[i], .mode = "pull") ==
			      GANTRY_ERR_INVALID, "%s", locations[i]);
	ck_assert_int_eq(CALL(open, OPEN, .location = "h/a", .mode = "read"), GANTRY_ERR_INVALID);
	s = session("good/x", "pull", NULL);
	ck_assert_int_eq(CALL(resolve, RESOLVE, .session = s, .reference = "../evil"), GANTRY_ERR_INVALID);
	ck_assert_int_eq(CALL(resolve, RESOLVE, .session = s, .reference = "sha256:12"), GANTRY_ERR_INVALID);
	ck_assert_int_eq(CALL(fetch, FETCH, .session = s, .digest = "x", .sink = 1), GANTRY_ERR_INVALID);
	ck_assert_int_eq(CALL(resolve, RESOLVE, .session = 999, .reference = "t"), GANTRY_ERR_INVALID);
	OK(CALL(close, CLOSE, .session = s));
	ck_assert_int_eq(CALL(resolve, RESOLVE, .session = s, .reference = "t"), GANTRY_ERR_INVALID);
	stop();
}
END_TEST

START_TEST(a_reader_that_goes_away_ends_the_transfer)
{
	uint64_t s;
	int p[2];

	start();
	s = session("good/x", "pull", NULL);
	ck_assert_int_eq(pipe2(p, O_CLOEXEC), 0);
	close(p[0]);
	ck_assert_int_eq(CALL(fetch, FETCH, .session = s, .digest = digest, .sink = p[1]),
			 GANTRY_ERR_CANCELLED);
	close(p[1]);
	stop();
}
END_TEST

struct worker {
	pthread_t thread;
	uint64_t session;
	int result;
};

static void *work(void *ctx)
{
	struct worker *w = ctx;
	struct gantry_error own = GANTRY_ERROR_INIT;
	auto_(reply) struct reply r = REPLY_INIT;
	auto_fd int fd = memfd_create("blob", MFD_CLOEXEC);

	w->result = ops->fetch(self, &GANTRY_TRANSPORT_FETCH_ARGS(.session = w->session,
			       .digest = digest, .sink = fd), &r.base, &own);
	if (w->result == 0 && lseek(fd, 0, SEEK_END) != BLOB_SIZE)
		w->result = 1;
	return NULL;
}

START_TEST(many_blobs_are_fetched_at_once)
{
	auto_(buf) struct buf log = BUF_INIT;
	struct worker workers[12];
	uint64_t s;
	int n = 0;

	start();
	s = session("token/many", "pull", NULL);
	for (size_t i = 0; i < ARRAY_SIZE(workers); i++) {
		workers[i].session = s;
		ck_assert_int_eq(pthread_create(&workers[i].thread, NULL, work, &workers[i]), 0);
	}
	for (size_t i = 0; i < ARRAY_SIZE(workers); i++) {
		pthread_join(workers[i].thread, NULL);
		ck_assert_int_eq(workers[i].result, 0);
	}
	read_log(&log);
	for (const char *p = buf_str(&log); (p = strstr(p, "GET /token")); p++)
		n++;
	ck_assert_msg(n == 1, "%d tokens were asked for", n);
	stop();
}
END_TEST

/* A port that nobody listens on now. */
static int free_port(void)
{
	struct sockaddr_in addr = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t len = sizeof(addr);
	auto_fd int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	ck_assert_int_eq(bind(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&addr, &len), 0);
	return ntohs(addr.sin_port);
}

/* docker-registry instead of ours, below the host's folder. */
static void start_real(void)
{
	char text[1024], path[512];

	start_with("{\"retry_delay_ms\":50,\"retries\":8,\"push_chunk_mb\":1}");
	close(server_in);
	waitpid(server, NULL, 0);
	port = free_port();
	snprintf(path, sizeof(path), "%s/registry.yml", fake_host_dir(host));
	snprintf(text, sizeof(text), "version: 0.1\nlog: {level: error, accesslog: {disabled: true}}\n"
		 "storage: {filesystem: {rootdirectory: %s/store}}\nhttp: {addr: 127.0.0.1:%d}\n",
		 fake_host_dir(host), port);
	ck_assert_int_eq(write_file_atomic(AT_FDCWD, path, text, strlen(text), 0600, 0), 0);
	server = fork();
	if (server == 0) {
		int null = open("/dev/null", O_WRONLY);

		dup2(null, 2);
		dup2(null, 1);
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		execlp("docker-registry", "docker-registry", "serve", path, NULL);
		_exit(127);
	}
}

START_TEST(a_real_registry_takes_and_gives)
{
	static char big[5 << 19];
	char d[DIGEST_TEXT_MAX], manifest[1024], config[DIGEST_TEXT_MAX];
	const char *const *tags;
	uint64_t s;

	start_real();
	for (size_t i = 0; i < sizeof(big); i++)
		big[i] = (char)(i * 7 >> 3);
	OK(push("test/image", "{}", 2));
	OK(push("test/image", big, sizeof(big)));
	OK(push("test/image", blob, sizeof(blob)));
	ck_assert_int_eq(digest_of(big, sizeof(big), d, &err), 0);
	ck_assert_int_eq(digest_of("{}", 2, config, &err), 0);
	s = session("test/other", "push", NULL);
	OK(CALL(has_blob, HAS_BLOB, .session = s, .digest = d));
	ck_assert_int_eq(reply_integer(&reply, 0, -1), 0);
	OK(CALL(has_blob, HAS_BLOB, .session = s, .digest = d, .mount_from = "test/image"));
	ck_assert_int_eq(reply_integer(&reply, 0, -1), 1);
	s = session("test/image", "push", NULL);
	snprintf(manifest, sizeof(manifest), "{\"schemaVersion\":2,\"mediaType\":"
		 "\"application/vnd.oci.image.manifest.v1+json\",\"config\":{\"mediaType\":"
		 "\"application/vnd.oci.image.config.v1+json\",\"digest\":\"%s\",\"size\":2},\"layers\":[{"
		 "\"mediaType\":\"application/vnd.oci.image.layer.v1.tar\",\"digest\":\"%s\",\"size\":%zu}]}",
		 config, d, sizeof(big));
	OK(CALL(put_manifest, PUT_MANIFEST, .session = s, .reference = "v1",
		.media_type = "application/vnd.oci.image.manifest.v1+json",
		.manifest = { manifest, strlen(manifest) }));
	s = session("test/image", "pull", NULL);
	OK(CALL(list, LIST, .session = s));
	tags = reply_list(&reply, 0);
	ck_assert_str_eq(tags[0], "v1");
	OK(CALL(resolve, RESOLVE, .session = s, .reference = "v1"));
	ck_assert_str_eq(reply_bytes(&reply, 2).data, manifest);
	OK(fetch("test/image", 0));
	OK(fetch("test/image", 1000));
	ck_assert_int_eq(resolve("test/none", NULL), GANTRY_ERR_NOT_FOUND);
	kill(server, SIGTERM);
	server_in = -1;
	stop();
}
END_TEST

static int is_installed(const char *program)
{
	char command[256];

	snprintf(command, sizeof(command), "command -v %s >/dev/null", program);
	return system(command) == 0;
}

int main(void)
{
	Suite *s = suite_create("registry");
	TCase *tc = tcase_create("registry");
	SRunner *sr;
	int failed;

	if (system("python3 -c 'import http.server' 2>/dev/null") != 0) {
		printf("the test registry needs python3\n");
		return 77;
	}
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, a_manifest_is_resolved_with_its_digest);
	tcase_add_test(tc, wrong_manifests_are_refused);
	tcase_add_loop_test(tc, transfers_survive_what_passes, 0, 7);
	tcase_add_test(tc, a_broken_transfer_goes_on_where_it_stopped);
	tcase_add_test(tc, what_does_not_pass_is_an_error);
	tcase_add_test(tc, credentials_do_not_follow_a_redirect);
	tcase_add_test(tc, logins_are_used);
	tcase_add_test(tc, an_expired_token_is_renewed);
	tcase_add_test(tc, stored_logins_are_found);
	tcase_add_test(tc, login_checks_the_password);
	tcase_add_test(tc, tags_are_listed_over_pages);
	tcase_add_test(tc, blobs_and_manifests_are_pushed);
	tcase_add_test(tc, uploads_go_in_chunks_when_configured);
	tcase_add_test(tc, mirrors_are_asked_first_and_may_fail);
	tcase_add_test(tc, plain_http_is_for_loopback_only);
	tcase_add_test(tc, wrong_arguments_are_refused);
	tcase_add_test(tc, a_reader_that_goes_away_ends_the_transfer);
	tcase_add_test(tc, many_blobs_are_fetched_at_once);
	if (is_installed("docker-registry"))
		tcase_add_test(tc, a_real_registry_takes_and_gives);
	else
		printf("not tried: a real registry, docker-registry is not installed\n");
	suite_add_tcase(s, tc);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? 1 : 0;
}
