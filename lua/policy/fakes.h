/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Services for tests and replays: storage in memory, a clock that stands where
 * it was put, answers and secrets that were given.  Nothing reaches the world.
 */
#ifndef LUA_POLICY_FAKES_H
#define LUA_POLICY_FAKES_H

#include <stdint.h>

#include <gantry/error.h>
#include <json-c/json.h>

struct services;

struct fakes {
	json_object *kv;      /* {key: value} */
	json_object *secrets; /* {name: value} */
	json_object *http;    /* {url: [status, body]} */
	json_object *exec;    /* {command: [status, output]} */
	json_object *log;     /* [line] */
	int64_t now_ns;
};

void fakes_init(struct fakes *fakes);
void fakes_done(struct fakes *fakes);

/* The table; everything is granted.  Valid as long as fakes. */
void fakes_services(struct fakes *fakes, struct services *ret);

#endif
