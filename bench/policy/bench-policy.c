/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What policy costs, with an equal decision by a Docker authz plugin over HTTP
 * on a Unix socket in the same run.  Prints one line per measure, in processor time.
 */
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "bench/policy/asked.h"
#include "helpers/buf.h"
#include "helpers/error.h"
#include "helpers/io.h"
#include "helpers/json.h"
#include "lua/policy/audit.h"
#include "lua/policy/policy.h"

#define PATIENT_NS INT64_C(9000000000) /* another program's turn is no timeout */

static const char script[] =
	"policy { version = '1.0' }\n"
	"hook { point = 'container.create', run = function(request)\n"
	"  if request.object.HostConfig.Privileged then return deny('privileged containers are forbidden') end\n"
	"end }\n";

static const char request_text[] =
	"{\"who\":{\"uid\":1000,\"user\":\"ana\",\"auth\":\"peer\"},"
	"\"target\":{\"kind\":\"container\",\"name\":\"web\",\"image\":\"docker.io/library/nginx:1.27\"},"
	"\"object\":{\"Image\":\"nginx:1.27\",\"Cmd\":[\"nginx\",\"-g\",\"daemon off;\"],"
	"\"Env\":[\"PATH=/usr/bin:/bin\",\"LANG=C.UTF-8\"],\"Labels\":{\"team\":\"web\"},"
	"\"HostConfig\":{\"Privileged\":false,\"Memory\":0,\"Binds\":[\"/srv:/srv:ro\"],"
	"\"CapAdd\":null,\"NetworkMode\":\"bridge\",\"RestartPolicy\":{\"Name\":\"no\"}}}}";

/* Processor time of this process and the children that it waited for: on a machine that
 * does other things, too, the time on the wall says how busy it is. */
static int64_t used_ns(void)
{
	struct rusage children;
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	getrusage(RUSAGE_CHILDREN, &children);
	return (now.tv_sec + children.ru_utime.tv_sec + children.ru_stime.tv_sec) * INT64_C(1000000000) +
	       now.tv_nsec + (children.ru_utime.tv_usec + children.ru_stime.tv_usec) * INT64_C(1000);
}

static void die(const struct gantry_error *err)
{
	fprintf(stderr, "%s\n", err->message);
	exit(1);
}

static struct policy_set *make_set(const struct policy_config *config, const char *text)
{
	struct gantry_error err = GANTRY_ERROR_INIT;
	struct policy_script *one = NULL;
	struct policy_set *set = NULL;

	if (policy_script_load(config, "bench", text, strlen(text), &one, &err) < 0 ||
	    policy_set_new(config, &one, 1, &set, &err) < 0) {
		die(&err);
	}
	policy_script_unref(one);
	return set;
}

static double evaluate_ns(const struct policy_config *config, const char *text, const char *point,
			  int rounds)
{
	struct gantry_error err = GANTRY_ERROR_INIT;
	struct policy_set *set = make_set(config, text);
	json_object *request = json_tokener_parse(request_text);
	int number = policy_point_find(point);
	int64_t start = 0;
	int i;

	for (i = -rounds / 10; i < rounds; i++) {
		struct policy_decision decision;

		if (i == 0) {
			start = used_ns();
		}
		if (policy_evaluate(set, number, request, &decision, &err) < 0 || decision.denied) {
			die(&err);
		}
		policy_decision_done(&decision);
	}
	start = used_ns() - start;
	json_object_put(request);
	policy_set_unref(set);
	return (double)start / rounds;
}

static void measure_scripts(int n)
{
	struct policy_config config = { .limits = { 0 } };
	struct gantry_error err = GANTRY_ERROR_INIT;
	struct policy_script **scripts = calloc((size_t)n, sizeof(*scripts));
	size_t before = mallinfo2().uordblks, after;
	int64_t start = used_ns();
	int i;

	for (i = 0; i < n; i++) {
		char name[32];

		snprintf(name, sizeof(name), "script%d", i);
		if (policy_script_load(&config, name, script, strlen(script), &scripts[i], &err) < 0) {
			die(&err);
		}
	}
	start = used_ns() - start;
	after = mallinfo2().uordblks;
	printf("loading a script            %8.1f us   (goal: under 1000)\n",
	       (double)start / 1000 / n);
	printf("memory of %d scripts      %8.1f MB   (goal: under 100)\n", n,
	       (double)(after - before) / 1e6);
	for (i = 0; i < n; i++) {
		policy_script_unref(scripts[i]);
	}
	free(scripts);
}

/* ---- the peer: Docker's authz protocol ---- */

static void serve_authz(int listener)
{
	static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
				     "Content-Length: 14\r\n\r\n{\"Allow\":true}";
	char text[65536];

	for (;;) {
		int fd = accept(listener, NULL, NULL);
		ssize_t n;

		/* One read holds the whole request; the body is parsed, as a plugin must. */
		while ((n = read(fd, text, sizeof(text) - 1)) > 0) {
			char *body;

			text[n] = '\0';
			body = strstr(text, "\r\n\r\n");
			json_object_put(json_tokener_parse(body ? body + 4 : "{}"));
			if (write(fd, answer, sizeof(answer) - 1) < 0) {
				break;
			}
		}
		close(fd);
	}
}

static void encode_body(struct buf *out)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const unsigned char *p = (const unsigned char *)request_text;
	size_t i, n = strlen(request_text);

	for (i = 0; i + 2 < n; i += 3) {
		unsigned v = (unsigned)p[i] << 16 | (unsigned)p[i + 1] << 8 | p[i + 2];

		buf_addc(out, digits[v >> 18]);
		buf_addc(out, digits[v >> 12 & 63]);
		buf_addc(out, digits[v >> 6 & 63]);
		buf_addc(out, digits[v & 63]);
	}
}

/* Docker asks twice per API call, at AuthZReq and AuthZRes; one is timed. */
static double authz_ns(int rounds, int keep_alive)
{
	char path[] = "/tmp/gantry-bench-authz-XXXXXX", socket_path[64];
	int listener, fd = -1, i;
	int64_t start;
	pid_t child;

	if (!mkdtemp(path)) {
		return 0;
	}
	snprintf(socket_path, sizeof(socket_path), "%s/s", path);
	listener = unix_listen(socket_path, 0600);
	child = fork();
	if (child == 0) {
		serve_authz(listener);
		_exit(0);
	}
	start = used_ns();
	for (i = 0; i < rounds; i++) {
		struct buf body = BUF_INIT, text = BUF_INIT;
		char answer[4096];

		buf_adds(&body, "{\"User\":\"\",\"RequestMethod\":\"POST\",\"RequestUri\":"
				"\"/v1.47/containers/create\",\"RequestBody\":\"");
		encode_body(&body);
		buf_adds(&body, "\"}");
		buf_addf(&text, "POST /AuthZPlugin.AuthZReq HTTP/1.1\r\nHost: plugin\r\n"
				"Content-Length: %zu\r\n\r\n", body.len);
		buf_add(&text, body.data, body.len);
		if (fd < 0) {
			fd = unix_connect(socket_path);
		}
		if (write_all(fd, text.data, text.len) < 0 || read(fd, answer, sizeof(answer)) <= 0) {
			break;
		}
		json_object_put(json_tokener_parse(strstr(answer, "\r\n\r\n") + 4));
		if (!keep_alive) {
			close(fd);
			fd = -1;
		}
		buf_done(&body);
		buf_done(&text);
	}
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	start = used_ns() - start;
	unlink(socket_path);
	rmdir(path);
	return (double)start / rounds;
}

int main(void)
{
	struct policy_config config = { .limits = { .deadline_ns = PATIENT_NS, .budget_ns = PATIENT_NS } };
	struct gantry_error err = GANTRY_ERROR_INIT;
	char folder[] = "/tmp/gantry-bench-policy-XXXXXX", log[64], head[80];

	printf("event without a hook        %8.1f ns   (goal: under 200)\n",
	       evaluate_ns(&config, script, "event", 1000000));
	printf("hook that does not match    %8.1f ns\n",
	       evaluate_ns(&config, "hook { point = 'container.create', match = { ['who.user'] = 'bo*' },"
			   " run = function() end }", "container.create", 1000000));
	printf("hook that allows            %8.2f us   (goal: under 10)\n",
	       evaluate_ns(&config, script, "container.create", 200000) / 1000);
	if (!mkdtemp(folder)) {
		return 1;
	}
	snprintf(log, sizeof(log), "%s/audit.log", folder);
	snprintf(head, sizeof(head), "%s.head", log);
	if (audit_open(log, &config.audit, &err) < 0) {
		die(&err);
	}
	printf("  with the audit log        %8.2f us   (goal: under 10)\n",
	       evaluate_ns(&config, script, "container.create", 100000) / 1000);
	config.record_requests = 1;
	printf("  with recorded requests    %8.2f us\n",
	       evaluate_ns(&config, script, "container.create", 100000) / 1000);
	audit_close(config.audit);
	printf("as the engine asks          %8.2f us   (the driver called, all of it recorded)\n",
	       asked_ns(script, request_text, 50000) / 1000);
	printf("authz plugin, kept alive    %8.2f us\n", authz_ns(20000, 1) / 1000);
	printf("authz plugin, connecting    %8.2f us\n", authz_ns(20000, 0) / 1000);
	unlink(log);
	unlink(head);
	rmdir(folder);
	measure_scripts(1000);
	return 0;
}
