/* SPDX-License-Identifier: Apache-2.0 */
/* One probe at a time; the next is due an interval after the last has ended.
 * Failures within the start period do not count, unless one succeeded before. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/shim/exec.h"
#include "core/shim/finish.h"
#include "core/shim/health.h"
#include "core/shim/jsontext.h"
#include "core/shim/shim.h"
#include "helpers/buf.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "helpers/io.h"

#define SECOND INT64_C(1000000000)
#define MAX_RESULTS 5
#define MAX_OUTPUT 4096
#define MAX_ARGS 256

struct result {
	int64_t start_ns;
	int64_t end_ns;
	int code;
	char *output;
	size_t output_len;
};

struct health {
	struct shim *shim;
	char *argv[MAX_ARGS + 1]; /* borrowed from the CREATE message */
	int64_t interval_ns, timeout_ns, start_period_ns, start_interval_ns, retries;
	const char *status;
	int64_t streak;
	int has_started; /* a probe succeeded, or the start period is over */
	struct result results[MAX_RESULTS];
	unsigned n_results;
	struct timer timer;   /* to the next probe, or to the probe's timeout */
	struct exec *probe;
	int64_t probe_start_ns;
	int timed_out;
	int paused;
};

static void add_time(struct buf *out, int64_t ns)
{
	time_t seconds = (time_t)(ns / SECOND);
	struct tm tm;
	char text[32];

	gmtime_r(&seconds, &tm);
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm);
	buf_addf(out, "\"%s.%09lldZ\"", text, (long long)(ns % SECOND));
}

static void write_state(struct health *h)
{
	auto_(buf) struct buf out = BUF_INIT;
	int r;

	buf_addf(&out, "{\"Status\":\"%s\",\"FailingStreak\":%lld,\"Log\":[", h->status,
		 (long long)h->streak);
	for (unsigned i = 0; i < h->n_results; i++) {
		const struct result *one = &h->results[i];

		buf_adds(&out, i ? ",{\"Start\":" : "{\"Start\":");
		add_time(&out, one->start_ns);
		buf_adds(&out, ",\"End\":");
		add_time(&out, one->end_ns);
		buf_addf(&out, ",\"ExitCode\":%d,\"Output\":", one->code);
		jsontext_add_string(&out, one->output ? one->output : "", one->output_len);
		buf_addc(&out, '}');
	}
	buf_adds(&out, "]}");
	r = buf_failed(&out) ? -1 : write_file_atomic(h->shim->run_dir, "health", out.data, out.len, 0644, 0);
	if (r < 0) {
		shim_note(h->shim, "cannot write the health file");
	}
}

static void change_status(struct health *h, const char *status)
{
	struct gantry_error err = GANTRY_ERROR_INIT;
	pid_t pid;

	if (!strcmp(h->status, status)) {
		return;
	}
	h->status = status;
	write_state(h);
	if (shim_message_get(&h->shim->create, "reconcile") &&
	    reconcile_spawn(h->shim, "health", status, &pid, &err) < 0) {
		shim_note(h->shim, "cannot tell that the container is %s: %s", status, err.message);
	}
}

static int in_start_period(const struct health *h)
{
	return !h->has_started &&
	       time_monotonic_ns() - h->shim->ran_since_ns < h->start_period_ns;
}

static void probe_due(struct timer *t);

static void schedule(struct health *h)
{
	int64_t delay = in_start_period(h) ? h->start_interval_ns : h->interval_ns;

	if (!h->paused) {
		timer_set(&h->timer, &h->shim->loop, delay, probe_due);
	}
}

static void keep_result(struct health *h, int code, const char *output, size_t len)
{
	struct result *one;

	if (h->n_results == MAX_RESULTS) {
		free(h->results[0].output);
		memmove(h->results, h->results + 1, sizeof(*h->results) * --h->n_results);
	}
	one = &h->results[h->n_results++];
	*one = (struct result){ h->probe_start_ns, time_now_ns(), code, malloc(len + 1), len };
	if (one->output) {
		memcpy(one->output, output, len);
	} else {
		one->output_len = 0;
	}
}

static void judge(struct health *h, int code)
{
	if (code == 0) {
		h->streak = 0;
		h->has_started = 1;
		change_status(h, "healthy");
	} else if (!in_start_period(h)) {
		h->streak++;
		if (h->streak >= h->retries) {
			change_status(h, "unhealthy");
		}
	}
	write_state(h);
}

static void probe_done(struct exec *e, const struct gantry_error *err)
{
	struct health *h = e->owner;
	auto_(buf) struct buf text = BUF_INIT;
	int code = e->code;

	if (!h) {
		return; /* the container has ended meanwhile */
	}
	timer_cancel(&h->timer);
	h->probe = NULL;
	if (err) {
		code = -1;
		buf_adds(&text, err->message);
	} else if (h->timed_out) {
		code = -1;
		buf_addf(&text, "Health check exceeded timeout (%gs): ", (double)h->timeout_ns / 1e9);
	}
	buf_add(&text, buf_str(&e->output), e->output.len);
	keep_result(h, code, buf_str(&text), text.len < MAX_OUTPUT ? text.len : MAX_OUTPUT);
	judge(h, code);
	schedule(h);
}

static void probe_late(struct timer *t)
{
	struct health *h = container_of(t, struct health, timer);

	h->timed_out = 1;
	if (h->probe) {
		exec_kill(h->probe);
	}
}

static void probe_due(struct timer *t)
{
	struct health *h = container_of(t, struct health, timer);
	struct gantry_error err = GANTRY_ERROR_INIT;

	h->probe_start_ns = time_now_ns();
	h->timed_out = 0;
	if (exec_probe(h->shim, h->argv, MAX_OUTPUT, h, probe_done, &h->probe, &err) < 0) {
		keep_result(h, -1, err.message, strlen(err.message));
		judge(h, -1);
		schedule(h);
		return;
	}
	timer_set(&h->timer, &h->shim->loop, h->timeout_ns, probe_late);
}

static int64_t setting(const struct shim_message *m, const char *key, int64_t fallback)
{
	int64_t value = shim_message_get_int(m, key, 0);

	return value > 0 ? value : fallback;
}

void health_begin(struct shim *shim)
{
	const struct shim_message *m = &shim->create;
	const char *arg = shim_message_get(m, "health.arg");
	struct health *h = arg ? calloc(1, sizeof(*h)) : NULL;

	if (!h) {
		return;
	}
	for (unsigned n = 0; arg && n < MAX_ARGS; arg = shim_message_next(m, "health.arg", arg)) {
		h->argv[n++] = (char *)(uintptr_t)arg;
	}
	h->shim = shim;
	h->interval_ns = setting(m, "health.interval_ns", 30 * SECOND);
	h->timeout_ns = setting(m, "health.timeout_ns", 30 * SECOND);
	h->start_period_ns = setting(m, "health.start_period_ns", 0);
	h->start_interval_ns = setting(m, "health.start_interval_ns", 5 * SECOND);
	h->retries = setting(m, "health.retries", 3);
	h->status = "starting";
	shim->health = h;
	write_state(h);
	schedule(h);
}

void health_pause(struct shim *shim, int paused)
{
	struct health *h = shim->health;

	if (h && h->paused != paused) {
		h->paused = paused;
		if (!h->probe) {
			timer_cancel(&h->timer);
			schedule(h);
		}
	}
}

void health_end(struct shim *shim)
{
	struct health *h = shim->health;

	if (!h) {
		return;
	}
	timer_cancel(&h->timer);
	if (h->probe) {
		h->probe->owner = NULL;
	}
	for (unsigned i = 0; i < h->n_results; i++) {
		free(h->results[i].output);
	}
	shim->health = NULL;
	free(h);
}
