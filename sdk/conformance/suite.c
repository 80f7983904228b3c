/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A suite: tests one after another, each in a process of its own whose end is judged
 * as well as its words.  Nothing of a test outlives it: neither processes nor files.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "conformance/children.h"
#include "conformance/result.h"
#include "conformance/suite.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "helpers/io.h"

enum { NEEDS_LIFE = 1, OPENS_ITSELF = 2 };

struct plan {
	const char *name;
	void (*run)(struct kit *k);
	int flags;
	int hostile_op; /* -1: none */
};

struct running {
	const struct kit_subject *subject;
	const struct kit_kind *kind;
	const struct suite_options *options;
	struct kit_report *report;
	char folder[4096];
};

int suite_quick;

static const struct plan shared_tests[] = {
	{ "life", test_life, NEEDS_LIFE, -1 },
	{ "repetition", test_repetition, NEEDS_LIFE, -1 },
	{ "restart", test_restart, NEEDS_LIFE, -1 },
	{ "concurrency", test_concurrency, NEEDS_LIFE, -1 },
	{ "concurrency on one object", test_one_object, NEEDS_LIFE, -1 },
	{ "leaks", test_leaks, NEEDS_LIFE, -1 },
	{ "killed", test_crash, NEEDS_LIFE | OPENS_ITSELF, -1 },
	{ "latency", test_latency, NEEDS_LIFE, -1 },
};

static const struct kit_kind *kind_of(const char *name)
{
	for (const struct kit_kind *const *kind = kit_kinds; *kind; kind++) {
		if (strcmp((*kind)->kind, name) == 0) {
			return *kind;
		}
	}
	return NULL;
}

/* ---- in the test's process ---- */

static void run_in_child(const struct running *r, const struct plan *plan, int pipe_fd)
{
	struct kit_result result = { .lock = PTHREAD_MUTEX_INITIALIZER, .pipe = pipe_fd };
	struct kit k = { .subject = r->subject, .kind = r->kind, .folder = r->folder, .result = &result,
			 .reply = REPLY_INIT, .err = GANTRY_ERROR_INIT };
	char host[4200];

	snprintf(host, sizeof(host), "%s/host", r->folder);
	mkdir(host, 0700);
	k.fake = gantry_fake_new_in(host);
	if (plan->flags & OPENS_ITSELF) {
		plan->run(&k);
	} else if (k.kind->prepare && k.kind->prepare(&k) < 0) {
		kit_fail(&k, "the suite could not prepare the test: %s", k.err.message);
	} else if (kit_open(&k) == 0) {
		if (plan->hostile_op >= 0) {
			test_hostile(&k, (unsigned)plan->hostile_op);
		} else {
			plan->run(&k);
		}
		kit_close(&k);
	}
	reply_done(&k.reply);
	gantry_fake_free(k.fake);
}

/* ---- in the kit's process ---- */

static void take_latency(struct running *r, const char *line)
{
	struct kit_latency l = { 0 };
	unsigned op;
	long long p50, p99, longest;

	if (sscanf(line, "%u %u %lld %lld %lld", &op, &l.n, &p50, &p99, &longest) == 5 &&
	    op < r->subject->iface->n_ops && r->report->n_latencies < ARRAY_SIZE(r->report->latencies)) {
		l.op = r->subject->iface->ops[op].name;
		l.p50_ns = p50;
		l.p99_ns = p99;
		l.max_ns = longest;
		r->report->latencies[r->report->n_latencies++] = l;
	}
}

static void take_lines(struct running *r, struct kit_outcome *o, struct buf *in)
{
	char *line = in->data, *end;

	while (line && (end = strchr(line, '\n'))) {
		*end = '\0';
		if (line[0] == 'F') {
			o->status = KIT_FAILED;
		} else if (line[0] == 'S' && o->status == KIT_PASSED) {
			o->status = KIT_SKIPPED;
		}
		if (line[0] == 'L') {
			take_latency(r, line + 2);
		} else {
			buf_addf(&o->text, "%s\n", line + 2);
		}
		line = end + 1;
	}
	buf_consume(in, line ? (size_t)(line - in->data) : 0);
}

static void read_pipe(struct running *r, struct kit_outcome *o, struct buf *in, int fd)
{
	ssize_t n;

	do {
		char *to = buf_reserve(in, 4096);

		n = to ? read(fd, to, 4096) : 0;
		if (n > 0) {
			in->len += (size_t)n;
			in->data[in->len] = '\0';
		}
	} while (n > 0);
	take_lines(r, o, in);
}

static void blame(struct kit_outcome *o, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void blame(struct kit_outcome *o, const char *format, ...)
{
	char text[300];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	o->status = KIT_FAILED;
	buf_addf(&o->text, "%s\n", text);
}

static void judge_end(struct kit_outcome *o, int status)
{
	char name[64] = "?";
	unsigned left;

	if (WIFSIGNALED(status)) {
		blame(o, "the driver crashed: signal %d (%s)", WTERMSIG(status), strsignal(WTERMSIG(status)));
	} else if (WEXITSTATUS(status) != 0) {
		blame(o, "the driver ended its process with status %d", WEXITSTATUS(status));
	}
	children_wait(2000);
	left = children_kill_named(name);
	if (left && o->status == KIT_PASSED) {
		blame(o, "%u processes were left behind, for example %s", left, name);
	}
}

static void watch(struct running *r, struct kit_outcome *o, pid_t pid, int fd)
{
	int64_t end = time_monotonic_ns() + INT64_C(1000000000) * r->options->timeout_s;
	auto_(buf) struct buf in = BUF_INIT;
	int status = 0;

	fcntl(fd, F_SETFL, O_NONBLOCK);
	for (;;) {
		struct pollfd p = { .fd = fd, .events = POLLIN };
		pid_t done;

		poll(&p, 1, 20);
		read_pipe(r, o, &in, fd);
		done = waitpid(pid, &status, WNOHANG);
		if (done == pid) {
			break;
		}
		if (time_monotonic_ns() > end) {
			kill(pid, SIGKILL);
			waitpid(pid, &status, 0);
			children_kill();
			blame(o, "it hung: nothing came of it within %d s", r->options->timeout_s);
			return;
		}
	}
	read_pipe(r, o, &in, fd);
	judge_end(o, status);
}

/* What a driver keeps in a place that is not the kit's is emptied by who set it up. */
static int run_before(const struct running *r, struct kit_outcome *o)
{
	const char *command = kit_setting(r->subject, "before");
	int status = command ? system(command) : 0;

	if (status != 0) {
		blame(o, "`%s`, to be run before each test, ended with status %d", command, status);
	}
	return status;
}

static void run_plan(struct running *r, const struct plan *plan)
{
	struct kit_outcome *o;
	int ends[2];
	int64_t start = time_monotonic_ns();
	pid_t pid;

	if (r->options->only && !strstr(plan->name, r->options->only)) {
		return;
	}
	o = report_add(r->report, plan->name);
	snprintf(r->folder, sizeof(r->folder), "%s/%zu", r->options->folder, r->report->n);
	if (mkdir(r->folder, 0700) < 0 || pipe2(ends, O_CLOEXEC) < 0) {
		blame(o, "cannot make %s: %s", r->folder, strerror(errno));
		return;
	}
	if (run_before(r, o) != 0) {
		close(ends[0]);
		close(ends[1]);
		return;
	}
	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		close(ends[0]);
		run_in_child(r, plan, ends[1]);
		exit(0);
	}
	close(ends[1]);
	if (pid > 0) {
		watch(r, o, pid, ends[0]);
	}
	close(ends[0]);
	o->ns = time_monotonic_ns() - start;
	remove_tree(AT_FDCWD, r->folder);
}

int suite_run(const struct kit_subject *subject, const struct suite_options *options,
	      struct kit_report *report, struct gantry_error *err)
{
	struct running r = { .subject = subject, .kind = kind_of(subject->iface->kind), .options = options,
			     .report = report };
	const char *missing;
	char name[128];

	if (!r.kind) {
		return error_set(err, GANTRY_ERR_UNSUPPORTED, "there is no conformance suite for kind %s",
				 subject->iface->kind);
	}
	missing = r.kind->missing ? r.kind->missing(subject) : NULL;
	if (missing) {
		return error_set(err, GANTRY_ERR_INVALID, "the suite of kind %s needs %s", r.kind->kind, missing);
	}
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	suite_quick = options->quick;
	run_plan(&r, &(struct plan){ "open and close", test_open_close, 0, -1 });
	for (const struct kit_test *t = r.kind->operations; t->name; t++) {
		snprintf(name, sizeof(name), "operation %s", t->name);
		run_plan(&r, &(struct plan){ name, t->run, 0, -1 });
	}
	for (uint32_t i = 0; i < subject->iface->n_ops; i++) {
		snprintf(name, sizeof(name), "hostile %s", subject->iface->ops[i].name);
		run_plan(&r, &(struct plan){ name, NULL, 0, (int)i });
	}
	for (size_t i = 0; i < ARRAY_SIZE(shared_tests); i++) {
		if (r.kind->life || !(shared_tests[i].flags & NEEDS_LIFE)) {
			run_plan(&r, &shared_tests[i]);
		}
	}
	return 0;
}
