/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A counter is one value, "BUCKET:COUNT BUCKET:COUNT ...", newest last, where a
 * bucket is the time divided by a sixteenth of the window.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "helpers/buf.h"
#include "helpers/error.h"

#include "lua/policy/counter.h"
#include "lua/sandbox/services.h"

#define BUCKETS 16
#define ATTEMPTS 100

struct window {
	int64_t bucket[BUCKETS + 1];
	int64_t count[BUCKETS + 1];
	int n;
};

/* Keeps what lies within the window that ends with bucket `now`. */
static void read_window(const char *text, int64_t now, struct window *w)
{
	char *end;

	w->n = 0;
	while (*text && w->n < BUCKETS) {
		int64_t bucket = strtoll(text, &end, 10);
		int64_t count;

		if (end == text || *end != ':') {
			return;
		}
		text = end + 1;
		count = strtoll(text, &end, 10);
		if (end == text) {
			return;
		}
		text = end + (*end == ' ');
		if (bucket > now - BUCKETS && bucket <= now) {
			w->bucket[w->n] = bucket;
			w->count[w->n++] = count;
		}
	}
}

static int64_t add(struct window *w, int64_t now, int64_t amount)
{
	int64_t sum = 0;
	int i;

	if (w->n == 0 || w->bucket[w->n - 1] != now) {
		w->bucket[w->n] = now;
		w->count[w->n++] = 0;
	}
	if (__builtin_add_overflow(w->count[w->n - 1], amount, &w->count[w->n - 1])) {
		w->count[w->n - 1] = amount < 0 ? INT64_MIN : INT64_MAX;
	}
	for (i = 0; i < w->n; i++) {
		if (__builtin_add_overflow(sum, w->count[i], &sum)) {
			return INT64_MAX;
		}
	}
	return sum;
}

static void write_window(const struct window *w, struct buf *out)
{
	int i;

	for (i = 0; i < w->n; i++) {
		buf_addf(out, "%s%lld:%lld", i ? " " : "", (long long)w->bucket[i],
			 (long long)w->count[i]);
	}
}

/* One attempt: CONFLICT when another process was faster. */
static int try_add(const struct services *services, const char *key, int64_t amount, int64_t now,
		   int64_t *ret_sum, struct gantry_error *err)
{
	struct buf was = BUF_INIT, is = BUF_INIT;
	struct window w;
	int64_t sum;
	int r = services->kv_get(services->ctx, key, &was, err);
	int absent = r == GANTRY_ERR_NOT_FOUND;

	if (r == 0 || absent) {
		error_clear(err);
		read_window(buf_str(&was), now, &w);
		sum = add(&w, now, amount);
		r = 0;
		if (amount != 0) {
			write_window(&w, &is);
			r = buf_failed(&is) ? error_no_memory(err) :
			    services->kv_swap(services->ctx, key, absent ? NULL : buf_str(&was),
					      buf_str(&is), err);
		}
		if (r == 0) {
			*ret_sum = sum;
		}
	}
	buf_done(&was);
	buf_done(&is);
	return r;
}

int counter_add(const struct services *services, const char *key, int64_t amount,
		int64_t window_ns, int64_t now_ns, int64_t *ret_sum, struct gantry_error *err)
{
	int64_t width = window_ns / BUCKETS > 0 ? window_ns / BUCKETS : 1;
	char name[320];
	int i, r = 0;

	snprintf(name, sizeof(name), "counter/%lld/%.256s", (long long)(window_ns / 1000000), key);
	for (i = 0; i < ATTEMPTS; i++) {
		r = try_add(services, name, amount, now_ns / width, ret_sum, err);
		if (r != GANTRY_ERR_CONFLICT) {
			return r;
		}
		error_clear(err);
	}
	return error_set(err, GANTRY_ERR_UNAVAILABLE, "counter %s: others keep changing it", key);
}
