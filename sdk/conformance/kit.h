/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The conformance kit: what every driver of a kind must do, as tests that know
 * nothing of how the driver is reached.  Each test runs in a process of its own on
 * a fake host with new folders, so that a driver that crashes, hangs or leaks spoils
 * one test and is named by it.
 *
 * A kind's suite (kinds/<kind>.c) has one test per operation, which the generated
 * header conformance/<kind>.h demands, and one "life": an object made, used and
 * removed.  Everything else (repetition, concurrency, killing, leaks, hostile
 * arguments) is done by the kit with that life and the interface's description.
 */
#ifndef CONFORMANCE_KIT_H
#define CONFORMANCE_KIT_H

#include <stddef.h>
#include <stdint.h>

#include <gantry/fake.h>
#include <gantry/interface.h>

#include "helpers/reply.h"

struct kit_result;

/* The driver under test and how it is reached; the functions may be called from any
 * process and thread. */
struct kit_subject {
	const struct gantry_interface *iface;
	const char *name;
	const char *config; /* JSON */
	void *data;
	int (*open)(void *data, const struct gantry_host *host, const char *config, void **ret_instance,
		    struct gantry_error *err);
	int (*call)(void *instance, unsigned op, const void *args, struct reply *ret,
		    struct gantry_error *err);
	int (*has)(void *instance, unsigned op);
	void (*close)(void *instance);
	int in_process;
	int is_script;  /* its host parses JSON for it, and collects its garbage when it likes */
	uint32_t threads; /* GANTRY_THREADS_* */
	/* What a suite cannot make itself: the texts given with --set. */
	const char *const *settings; /* "key=value"; ends with NULL; or NULL */
};

/* One test on one thread. */
struct kit {
	const struct kit_subject *subject;
	const struct kit_kind *kind;
	struct gantry_fake *fake;
	const char *folder;  /* the test's own: everything lies below */
	void *instance;      /* the opened driver, or NULL */
	struct reply reply;  /* of the last call */
	struct gantry_error err;
	struct kit_result *result;
	int repeats;         /* idempotent operations are called twice */
	int tolerant;        /* another thread is at the same object: only breaches count */
};

struct kit_test {
	const char *name;
	void (*run)(struct kit *k);
};

struct kit_kind {
	const char *kind;
	const struct kit_test *operations; /* generated: one per operation; ends with NULL */
	/* Why the suite cannot run here (a setting is missing), or NULL.  Optional. */
	const char *(*missing)(const struct kit_subject *subject);
	/* Before a driver is opened: folders, files.  Optional. */
	int (*prepare)(struct kit *k);
	/* An object called id from nothing to nothing.  NULL: the kind has no objects. */
	void (*life)(struct kit *k, const char *id);
	/* A process died within life(k, id): what is left is usable, and goes. */
	void (*recover)(struct kit *k, const char *id);
	/* Arguments that operations share and that no caller lets a stranger choose: the
	 * value, or NULL.  Optional. */
	const char *(*fixed)(struct kit *k, const char *op, const char *field);
	/* Bytes that may be left in state_dir after a life, for counters and caches. */
	uint64_t may_keep;
};

extern const struct kit_kind *const kit_kinds[]; /* ends with NULL */

/* The value of a setting, or NULL. */
const char *kit_setting(const struct kit_subject *subject, const char *key);

/* ---- for tests ---- */

/* Calls an operation, and a second time if k->repeats and it is idempotent; then both
 * must end alike.  What no operation may do (an error without words, a result of another
 * type, a code that is none) fails the test here. */
int kit_call(struct kit *k, unsigned op, const void *args);
int kit_has(struct kit *k, unsigned op);

/* Opens the driver on the test's host; closes it. */
int kit_open(struct kit *k);
void kit_close(struct kit *k);

/* The test failed: what was expected, and what was. */
void kit_fail(struct kit *k, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The same for what is wrong at any time, also when k is tolerant. */
void kit_breach(struct kit *k, const char *format, ...) __attribute__((format(printf, 2, 3)));
void kit_skip(struct kit *k, const char *format, ...) __attribute__((format(printf, 2, 3)));
int kit_failed(const struct kit *k);

/* r == 0, else the test fails with the error's text.  Returns whether. */
int kit_ok(struct kit *k, int r, const char *what);
/* r == code, else it fails. */
int kit_is(struct kit *k, int r, int code, const char *what);
/* Is text among the items of a list result of the last call? */
int kit_listed(const struct kit *k, uint32_t field, const char *text);

#define KIT_OK(k, call)                          \
	do {                                     \
		if (!kit_ok(k, call, #call)) {   \
			return;                  \
		}                                \
	} while (0)
#define KIT_IS(k, call, code) kit_is(k, call, code, #call)
#define KIT_TRUE(k, condition, ...)              \
	do {                                     \
		if (!(condition)) {              \
			kit_fail(k, __VA_ARGS__); \
			return;                  \
		}                                \
	} while (0)
/* For a test of an optional operation that the driver has not. */
#define KIT_NEEDS(k, op)                                                              \
	do {                                                                          \
		if (!kit_has(k, op)) {                                                \
			kit_skip(k, "optional, and this driver does not have it");   \
			return;                                                       \
		}                                                                     \
	} while (0)

#endif
