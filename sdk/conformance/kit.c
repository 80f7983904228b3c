/* SPDX-License-Identifier: Apache-2.0 */
/* What a test says and does.  A failure is one line on the result's pipe; threads
 * of a test share the result, and nothing else. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conformance/kit.h"
#include "conformance/latency.h"
#include "conformance/result.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "helpers/io.h"

#define FAILURES_MAX 20 /* of one test: more would hide the first */

const char *kit_setting(const struct kit_subject *subject, const char *key)
{
	size_t len = strlen(key);

	for (size_t i = 0; subject->settings && subject->settings[i]; i++) {
		if (strncmp(subject->settings[i], key, len) == 0 && subject->settings[i][len] == '=') {
			return subject->settings[i] + len + 1;
		}
	}
	return NULL;
}

/* "F text\n", line ends within it made blanks. */
static void tell(struct kit_result *result, char letter, const char *format, va_list args)
{
	char line[2000];
	int used = snprintf(line, sizeof(line), "%c ", letter);

	vsnprintf(line + used, sizeof(line) - (size_t)used - 1, format, args);
	for (char *p = line; *p; p++) {
		*p = *p == '\n' ? ' ' : *p;
	}
	used = (int)strlen(line);
	line[used++] = '\n';
	(void)write_all(result->pipe, line, (size_t)used);
}

static void fail_with(struct kit *k, const char *format, va_list args)
{
	pthread_mutex_lock(&k->result->lock);
	if (k->result->failed++ < FAILURES_MAX) {
		tell(k->result, 'F', format, args);
	}
	pthread_mutex_unlock(&k->result->lock);
}

void kit_fail(struct kit *k, const char *format, ...)
{
	va_list args;

	if (k->tolerant) {
		return;
	}
	va_start(args, format);
	fail_with(k, format, args);
	va_end(args);
}

void kit_breach(struct kit *k, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fail_with(k, format, args);
	va_end(args);
}

void kit_skip(struct kit *k, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	pthread_mutex_lock(&k->result->lock);
	if (!k->result->skipped++) {
		tell(k->result, 'S', format, args);
	}
	pthread_mutex_unlock(&k->result->lock);
	va_end(args);
}

int kit_failed(const struct kit *k)
{
	return k->result->failed;
}

int kit_ok(struct kit *k, int r, const char *what)
{
	if (r < 0) {
		kit_fail(k, "%.*s failed (%d): %s", (int)strcspn(what, "("), what, r, k->err.message);
	}
	return r == 0;
}

int kit_is(struct kit *k, int r, int code, const char *what)
{
	if (r != code) {
		kit_fail(k, "%s must answer %d, but answered %d: %s", what, code, r,
			 r < 0 ? k->err.message : "success");
	}
	return r == code;
}

int kit_listed(const struct kit *k, uint32_t field, const char *text)
{
	for (const char *const *i = reply_list(&k->reply, field); *i; i++) {
		if (strcmp(*i, text) == 0) {
			return 1;
		}
	}
	return 0;
}

int kit_open(struct kit *k)
{
	int r;

	error_clear(&k->err);
	r = k->subject->open(k->subject->data, gantry_fake_host(k->fake), k->subject->config, &k->instance,
			     &k->err);
	if (r < 0) {
		k->instance = NULL;
		kit_fail(k, "the driver cannot be opened: %s%s%s", k->err.message, *k->err.hint ? "; " : "",
			 k->err.hint);
	}
	return r;
}

void kit_close(struct kit *k)
{
	reply_done(&k->reply);
	if (k->instance) {
		k->subject->close(k->instance);
		k->instance = NULL;
	}
}

int kit_has(struct kit *k, unsigned op)
{
	return k->instance && k->subject->has(k->instance, op);
}

/* What is wrong with any answer, of any operation. */
static void check_answer(struct kit *k, const struct gantry_op *op, int r, int has)
{
	size_t len = strlen(k->err.message);

	if (r == GANTRY_ERR_INTERNAL) {
		kit_breach(k, "%s broke its contract: %s", op->name, k->err.message);
	} else if (r < GANTRY_ERR_INTERNAL) {
		kit_breach(k, "%s answered the code %d, which is none: %s", op->name, r, k->err.message);
	} else if (r < 0 && k->err.message[len - 1] == '\n') {
		kit_breach(k, "%s: the message of its error ends with a line end", op->name);
	} else if (!has && r != GANTRY_ERR_UNSUPPORTED) {
		kit_breach(k, "%s: an operation that is not there must answer UNSUPPORTED", op->name);
	}
	for (uint32_t i = 0; r == 0 && i < op->n_results; i++) {
		const struct reply_value *v = &k->reply.values[i];
		struct json_object *o = NULL;
		(void)o;

		if (op->results[i].type == GANTRY_TYPE_FD && v->type == GANTRY_TYPE_FD && v->number < 0) {
			kit_breach(k, "%s: its result %s is no descriptor", op->name, op->results[i].name);
		}
		if (op->results[i].type == GANTRY_TYPE_BOOLEAN && v->type && v->number != 0 && v->number != 1) {
			kit_breach(k, "%s: its result %s is neither 0 nor 1", op->name, op->results[i].name);
		}
	}
}

static int call_once(struct kit *k, unsigned number, const void *args)
{
	const struct gantry_op *op = &k->subject->iface->ops[number];
	int has = kit_has(k, number);
	int64_t start = time_monotonic_ns();
	int r;

	error_clear(&k->err);
	r = k->subject->call(k->instance, number, args, &k->reply, &k->err);
	latency_add(number, time_monotonic_ns() - start);
	check_answer(k, op, r, has);
	return r;
}

/* A stream is used up by the first call, and a handle would be given twice. */
static int may_repeat(const struct gantry_op *op)
{
	int may = (op->flags & GANTRY_OP_IDEMPOTENT) != 0;

	for (uint32_t i = 0; i < op->n_args; i++) {
		may = may && op->args[i].type != GANTRY_TYPE_FD && op->args[i].type != GANTRY_TYPE_HANDLE;
	}
	for (uint32_t i = 0; i < op->n_results; i++) {
		may = may && op->results[i].type != GANTRY_TYPE_HANDLE;
	}
	return may;
}

int kit_call(struct kit *k, unsigned number, const void *args)
{
	const struct gantry_op *op = &k->subject->iface->ops[number];
	int r = call_once(k, number, args), again;

	if (r == 0 && k->repeats && may_repeat(op)) {
		again = call_once(k, number, args);
		if (again != 0) {
			kit_fail(k, "%s is idempotent, but a second call with the same arguments answered %d: %s",
				 op->name, again, k->err.message);
		}
		return again;
	}
	return r;
}
