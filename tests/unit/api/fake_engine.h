/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An engine for tests of front ends: it writes down every call by walking the
 * interface's description, and answers from a table.  Streams end after their
 * text; connections echo; sources are read to their end.
 */
#ifndef TESTS_FAKE_ENGINE_H
#define TESTS_FAKE_ENGINE_H

#include <gantry/engine.h>
#include <gantry/plugin.h>

struct fake_engine;

struct fake_engine *fake_engine_new(void);
void fake_engine_free(struct fake_engine *f);

/* A host whose query("engine") gives this engine. */
const struct gantry_host *fake_engine_host(const struct fake_engine *f);

/* One line per call since the last clear: "operation argument=value ...\n".
 * Absent arguments and those that are 0 are left out.  Valid until the next call. */
const char *fake_engine_calls(struct fake_engine *f);
void fake_engine_clear(struct fake_engine *f);

/* From now on op answers this text in the named result (for a stream: its
 * content; for a list: one item; for an integer: a number). */
void fake_engine_answer(struct fake_engine *f, const char *op, const char *result,
			const char *text);

/* From now on op fails; code 0: no more.  One operation at a time. */
void fake_engine_fail(struct fake_engine *f, const char *op, int code, const char *message,
		      const char *hint);

#endif
